package message

// Letter is one message in a form that can be kept, and sent again: what a step could not process.
type Letter struct {
	// Text is the message, as its encoding says.
	Text string
	// Encoding says what Text is; "" if the message is not kept.
	Encoding Encoding
	// Missing is why it is not kept though it should be; "" if nobody keeps messages.
	Missing string
}

// Encoding is a way to write one message as text.
type Encoding string

// The encodings. Text is what a string holds, or, at a source, the bytes that came; the others are base64 (RFC 4648, with padding) of a
// pickle of Python's, protocol 5, or of one item of CBOR.
const (
	Text   Encoding = "text"
	Pickle Encoding = "base64-pickle"
	CBOR   Encoding = "base64-cbor"
)
