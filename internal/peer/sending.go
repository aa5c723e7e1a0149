package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// sending is one Run's way through the input.
type sending struct {
	conn     *connection
	framer   *framer
	input    *ahead
	atHand   bool
	schedule schedule
	line     []byte // the beginning of a line whose end has not been read
	inside   bool   // the raw framing has sent the beginning of such a line
}

// run sends messages until the input ends. The last of them may still be with the framer.
func (s *sending) run(ctx context.Context) error {
	for {
		p, more, err := s.next(ctx)
		if err != nil || !more {
			return err
		}
		if err := s.lines(ctx, p.data); err != nil {
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

// lines sends the lines that end in data and keeps the beginning of one that does not.
func (s *sending) lines(ctx context.Context, data []byte) error {
	for len(data) > 0 {
		if err := s.await(ctx); err != nil {
			return err
		}
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			return s.beginning(data)
		}
		if err := s.message(data[:end+1]); err != nil {
			return err
		}
		data = data[end+1:]
	}
	return nil
}

// beginning takes a part of a line that goes on.
func (s *sending) beginning(part []byte) error {
	if s.framer.kind == framing.Raw {
		s.inside = true
		return s.framer.raw(part, false)
	}
	s.line = append(s.line, part...)
	return nil
}

// message sends a message: a line, or what was missing of it, with its newline.
func (s *sending) message(end []byte) error {
	s.inside = false
	s.schedule.pass()
	if s.framer.kind == framing.Raw {
		return s.framer.raw(end, true)
	}
	end = end[:len(end)-1]
	if len(s.line) == 0 {
		return s.framer.message(end)
	}
	s.line = append(s.line, end...)
	return s.lineDone()
}

// endPass sends the last line of a pass if it has no newline.
func (s *sending) endPass(ctx context.Context) error {
	if len(s.line) == 0 && !s.inside {
		return nil
	}
	if err := s.await(ctx); err != nil {
		return err
	}
	s.schedule.pass()
	if s.inside {
		s.inside = false
		return s.framer.raw(nil, true)
	}
	return s.lineDone()
}

// lineDone sends the line that was kept.
func (s *sending) lineDone() error {
	err := s.framer.message(s.line)
	s.line = s.line[:0]
	if cap(s.line) > writeSize {
		s.line = nil // one long line is no reason to keep its memory
	}
	return err
}

// await waits until the next message is due; what was due before is written meanwhile.
func (s *sending) await(ctx context.Context) error {
	for !s.inside {
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
	return nil
}
