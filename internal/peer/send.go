package peer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"syscall"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/framing"
	"github.com/wallaroo-stream/wallaroo/internal/resumable"
)

// SendConfig says what is sent, where to and how.
type SendConfig struct {
	// To is where the receiver listens.
	To address.Address
	// Retry is how long connecting is tried, each time; 0 is ten seconds.
	Retry   time.Duration
	Framing framing.Kind
	// Stream names the messages in the framing resumable: the source takes each of a stream once. The others have no use for it.
	Stream string
	// Input holds the messages, in a format; in the raw framing it is bytes, which are sent as they are. In lines, the last one may lack its
	// newline.
	Input  io.Reader
	Format Format
	// Repeat is how many times the input is sent, at least 1; more often than once only if it is an io.Seeker that can go back.
	Repeat int
	// Rate is messages a second; 0 is as fast as the receiver takes them. The raw framing knows no messages and so no rate.
	Rate float64
	// Status is where progress is told. Live says that it is a terminal.
	Status io.Writer
	Live   bool
}

// Sender sends messages to one receiver.
type Sender struct {
	config SendConfig
	atHand bool // reading the input never waits for something to come
	dial   func(context.Context, string) (stream, error)
}

// NewSender checks the configuration.
func NewSender(config SendConfig) (*Sender, error) {
	if config.Repeat < 1 {
		return nil, fmt.Errorf("an input cannot be sent %d times: want 1 or more", config.Repeat)
	}
	if config.Rate < 0 || math.IsNaN(config.Rate) || math.IsInf(config.Rate, 0) {
		return nil, fmt.Errorf("a rate cannot be %g messages a second: want a number above 0", config.Rate)
	}
	if config.Rate > 0 && config.Framing == framing.Raw {
		return nil, fmt.Errorf("messages cannot be timed in framing %s, which knows none: want framing %s or %s",
			framing.Raw, framing.Prefixed, framing.Lines)
	}
	if (config.Stream != "") != (config.Framing == framing.Resumable) {
		return nil, fmt.Errorf("a stream must be named in framing %s, and in no other", framing.Resumable)
	}
	if len(config.Stream) > resumable.MaxName {
		return nil, fmt.Errorf("the stream has a name of %d bytes: want at most %d", len(config.Stream), resumable.MaxName)
	}
	config.Retry = cmp.Or(config.Retry, connectFor)
	atHand := canGoBack(config.Input)
	if config.Repeat > 1 && !atHand {
		return nil, errors.New("an input that can be read only once, such as a pipe, cannot be sent more often than once")
	}
	return &Sender{config: config, atHand: atHand, dial: dialTCP}, nil
}

func canGoBack(input io.Reader) bool {
	seeker, ok := input.(io.Seeker)
	if !ok {
		return false
	}
	_, err := seeker.Seek(0, io.SeekCurrent)
	return err == nil
}

// Run connects, sends everything, ends the stream and waits until the receiver's kernel has acknowledged it; only then it returns nil. If
// the receiver closes its side first, that is a request to stop: the message in hand is sent whole, and the error says how much was written
// and how much of that acknowledged, as every error does. So does that of a receiver that cuts the connection when all is acknowledged: its
// program has not read all. A read of the input that blocks is left behind when Run returns.
//
// In the framing resumable it asks the source how much it has accepted of the stream, sends what follows, connects again when the
// connection is lost, and returns nil when all is accepted.
func (s *Sender) Run(ctx context.Context) error {
	meter := newMeter("sent", s.config.Framing, s.config.Status, s.config.Live)
	if s.config.Framing == framing.Resumable {
		return s.resume(ctx, meter)
	}
	conn, err := connect(ctx, s.dial, s.config.To.String(), s.config.Retry)
	if err != nil {
		return fmt.Errorf("%w; nothing was sent", s.explain(ctx, err))
	}
	defer conn.close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })() // ends what blocks
	meter.show()
	if err = s.send(ctx, conn, meter); err == nil {
		err = conn.settle(ctx)
	}
	meter.halt()
	if err != nil {
		meter.verb = "wrote"
		err = fmt.Errorf("%w; %s", s.explain(ctx, err), conn.fate(meter))
	}
	meter.note("%s", meter.summary())
	return err
}

// send sends the input and ends the stream. Whatever keeps it from the rest of the input, the messages before are sent, if that is
// possible.
func (s *Sender) send(ctx context.Context, conn *connection, meter *meter) error {
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	defer meter.mark()
	framer := newFramer(conn, s.config.Framing, meter)
	sending := &sending{
		conn:     conn,
		framer:   framer,
		input:    readAhead(reading, s.config.Input, s.config.Repeat),
		atHand:   s.atHand,
		split:    newSplitter(s.config.Framing, s.config.Format),
		schedule: schedule{rate: s.config.Rate, start: time.Now()},
	}
	return cmp.Or(sending.run(ctx), framer.flush(), conn.finish(ctx))
}

// explain says in words of the user what ended a send.
func (s *Sender) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	cut, ok := errors.AsType[*net.OpError](err)
	if !ok || cut.Op == "dial" {
		return err
	}
	cause := cut.Err
	if number, known := errors.AsType[syscall.Errno](err); known {
		cause = number
	}
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ENOTCONN) {
		cause = syscall.ECONNRESET // what all calls but the first say of a reset
	}
	return fmt.Errorf("the connection to %s was cut: %w", s.config.To, cause)
}
