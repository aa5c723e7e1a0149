package deadletters

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
)

// Page is some of the letters of a store, the oldest first.
type Page struct {
	Letters []Letter
	// More says that there are others behind these.
	More bool
	// Broken is how many lines among them are no records.
	Broken int
}

// List reads the letters behind a number, which "" is before all, until they have so many bytes; one at least, if there is one.
func (s *Store) List(after string, bytes int) (Page, error) {
	page := pager{from: number(after) + 1, bytes: bytes}
	s.mu.Lock()
	firsts, sizes := slices.Clone(s.firsts), slices.Clone(s.sizes)
	s.mu.Unlock()
	for n, first := range firsts {
		if n+1 < len(firsts) && firsts[n+1] <= page.from {
			continue
		}
		if err := page.read(s, first, sizes[n]); err != nil {
			return Page{}, err
		}
		if page.More {
			break
		}
	}
	return page.Page, nil
}

// Find is the letter of a number; false if there is none.
func (s *Store) Find(id string) (Letter, bool, error) {
	n := number(id)
	if n == 0 {
		return Letter{}, false, nil
	}
	page := pager{from: n, bytes: 1}
	s.mu.Lock()
	firsts, sizes := slices.Clone(s.firsts), slices.Clone(s.sizes)
	s.mu.Unlock()
	file, found := slices.BinarySearch(firsts, n)
	if !found {
		file--
	}
	if file < 0 {
		return Letter{}, false, nil
	}
	if err := page.read(s, firsts[file], sizes[file]); err != nil {
		return Letter{}, false, err
	}
	if len(page.Letters) == 0 || number(page.Letters[0].ID) != n {
		return Letter{}, false, nil
	}
	return page.Letters[0], true, nil
}

// pager gathers a page.
type pager struct {
	Page

	from  uint64
	bytes int
}

// read takes in the records of a file, as far as it was written when the page began. One that has been dropped since has none.
func (p *pager) read(s *Store, first uint64, size int64) error {
	file, err := os.Open(s.path(first, recordsSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	marks, err := readMarks(s.path(first, marksSuffix), s.countsAt)
	if err != nil {
		return err
	}
	_, err = lines(io.LimitReader(file, size), func(line []byte) bool {
		r, ok := parse(line)
		switch {
		case !ok:
			p.Broken++
			return true
		case number(r.ID) < p.from || !s.countsAt(r.Place):
			return true
		case p.bytes <= 0:
			p.More = true
			return false
		}
		letter := Letter{Record: r}
		if at, is := marks[number(r.ID)]; is {
			letter.Replayed = &at
		}
		p.Letters = append(p.Letters, letter)
		p.bytes -= len(line)
		return true
	})
	return err
}
