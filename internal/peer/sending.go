package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// sending is one Run's way through the input.
type sending struct {
	conn     *connection
	framer   *framer
	input    *ahead
	atHand   bool
	split    splitter
	schedule schedule
}

// run sends messages until the input ends. The last of them may still be with the framer.
func (s *sending) run(ctx context.Context) error {
	for {
		p, more, err := s.next(ctx)
		if err != nil || !more {
			return err
		}
		if err := s.messages(ctx, p.data); err != nil {
			return err
		}
		switch {
		case errors.Is(p.err, io.EOF):
			if err := s.endPass(ctx); err != nil {
				return err
			}
		case p.err != nil:
			return fmt.Errorf("read the input: %w", p.err)
		}
		s.input.release(p)
	}
}

// next takes the next piece of the input. Before it waits for one, everything that was read is written.
func (s *sending) next(ctx context.Context) (p piece, more bool, err error) {
	if err := s.conn.state(); err != nil {
		return piece{}, false, err
	}
	select {
	case p, more = <-s.input.pieces:
		return p, more, nil
	default:
	}
	if !s.atHand {
		if err := s.framer.flush(); err != nil {
			return piece{}, false, err
		}
	}
	select {
	case p, more = <-s.input.pieces:
		return p, more, nil
	case <-s.conn.ended:
		return piece{}, false, s.conn.state()
	case <-ctx.Done():
		return piece{}, false, ctx.Err()
	}
}

// messages sends the messages that end in data.
func (s *sending) messages(ctx context.Context, data []byte) error {
	for len(data) > 0 {
		message, whole, used, err := s.split.next(data)
		if err != nil {
			return err
		}
		if whole {
			if err := s.message(ctx, message); err != nil {
				return err
			}
		}
		data = data[used:]
	}
	return nil
}

// endPass sends the message that ends with the input, if one does.
func (s *sending) endPass(ctx context.Context) error {
	message, whole, err := s.split.last()
	if err != nil || !whole {
		return err
	}
	return s.message(ctx, message)
}

// message sends a message when it is due.
func (s *sending) message(ctx context.Context, payload []byte) error {
	if err := s.await(ctx); err != nil {
		return err
	}
	if s.schedule.next == 0 { // time counts from the first message on
		s.framer.meter.mark()
	}
	s.schedule.pass()
	return s.framer.message(payload)
}

// await waits until the next message is due; what was due before is written meanwhile.
func (s *sending) await(ctx context.Context) error {
	for {
		wait := s.schedule.wait()
		if wait <= 0 {
			return nil
		}
		if err := s.framer.flush(); err != nil {
			return err
		}
		select {
		case <-time.After(wait):
		case <-s.conn.ended:
			return s.conn.state()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
