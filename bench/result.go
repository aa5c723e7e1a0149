package main

import (
	"context"
	"fmt"
	"io"
	"slices"
)

// A result is what came of a row.
type result struct {
	row
	pairs  []pair
	thrown int // pairs thrown away
}

// measureRow measures a row pair by pair and shows each on progress. Which side is measured first alternates, so that what drifts meets
// both alike. It gives up when more pairs had to be thrown away than were asked for.
func (b *bench) measureRow(ctx context.Context, r row, progress io.Writer) (result, error) {
	done := result{row: r}
	for len(done.pairs) < b.pairs {
		p, err := b.measurePair(ctx, r, len(done.pairs)%2 == 1)
		if err != nil {
			return done, fmt.Errorf("%s: %w", r.group, err)
		}
		if p.others*100 <= b.maxOthers {
			done.pairs = append(done.pairs, p)
			fmt.Fprintf(progress, "%s %d/%d: %s\n", r.group, len(done.pairs), b.pairs, p.text(r.figures))
			continue
		}
		done.thrown++
		clear(b.rates) // They may have been measured beside the others too.
		fmt.Fprintf(progress, "%s: a pair is thrown away, other programs took %.0f %% of the processors\n", r.group, p.others*100)
		if done.thrown > b.pairs {
			return done, fmt.Errorf("%s: %d pairs were thrown away; measure when nothing else runs here", r.group, done.thrown)
		}
	}
	return done, nil
}

// measurePair measures the sides of a row one after the other.
func (b *bench) measurePair(ctx context.Context, r row, againstFirst bool) (pair, error) {
	var p pair
	type turn struct {
		side side
		into *reading
	}
	turns := []turn{{r.subject, &p.subject}}
	if r.against != nil {
		turns = append(turns, turn{*r.against, &p.against})
	}
	if againstFirst {
		slices.Reverse(turns)
	}
	for _, turn := range turns {
		others, err := b.others(func() error {
			return b.inFolder(func() (err error) {
				*turn.into, err = r.measure(ctx, b, turn.side)
				return err
			})
		})
		if err != nil {
			return p, fmt.Errorf("%s: %w", turn.side.name, err)
		}
		p.others = max(p.others, others)
	}
	return p, nil
}
