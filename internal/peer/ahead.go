package peer

import (
	"context"
	"errors"
	"io"
)

const (
	pieceSize  = 64 << 10 // bytes that are read at a time, from an input or a connection
	pieceCount = 4        // pieces of an input that may be read ahead
)

// piece is what one read of an input brought. With the error io.EOF one pass over the input has ended; any other is the input's failure.
type piece struct {
	data []byte
	err  error
}

// ahead reads an input, several times over if it is asked to, ahead of its use. That is how its user knows whether more is at hand.
type ahead struct {
	pieces chan piece  // closed behind the last; after a failure and when the context has ended, just no more come
	free   chan []byte // buffers to read into
}

// readAhead begins to read. The goroutine that does it ends with the input or the context, but not while a read of the input blocks.
func readAhead(ctx context.Context, input io.Reader, repeat int) *ahead {
	a := &ahead{pieces: make(chan piece, pieceCount+1), free: make(chan []byte, pieceCount)}
	for range pieceCount {
		a.free <- make([]byte, pieceSize)
	}
	go a.readPasses(ctx, input, repeat)
	return a
}

// release gives the buffer of a piece back when its data is used.
func (a *ahead) release(p piece) { a.free <- p.data[:cap(p.data)] }

// readPasses closes the pieces when all is read, but not when the context ends: that is no end of the input.
func (a *ahead) readPasses(ctx context.Context, input io.Reader, repeat int) {
	for pass := range repeat {
		if seeker, ok := input.(io.Seeker); ok && pass > 0 {
			if _, err := seeker.Seek(0, io.SeekStart); err != nil {
				a.pieces <- piece{err: err}
				return
			}
		}
		if err := a.readPass(ctx, input); !errors.Is(err, io.EOF) {
			return
		}
	}
	close(a.pieces)
}

// readPass reads to the end of the input once and returns what ended it, after it was handed on.
func (a *ahead) readPass(ctx context.Context, input io.Reader) error {
	for {
		var buffer []byte
		select {
		case buffer = <-a.free:
		case <-ctx.Done():
			return ctx.Err()
		}
		n, err := input.Read(buffer)
		a.pieces <- piece{data: buffer[:n], err: err} // never waits: there is room for a piece of every buffer, and a failed Seek
		if err != nil {
			return err
		}
	}
}
