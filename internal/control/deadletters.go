package control

import (
	"context"
	"net/http"

	"github.com/wallaroo-stream/wallaroo/internal/deadletters"
)

const (
	lettersPath = "/api/dead-letters"
	replayPath  = lettersPath + "/replay"
	mostIDs     = 1 << 20 // bytes of a request
	pageBytes   = 1 << 20 // of dead letters in an answer, one at least
)

// DeadLetters are those of an application.
type DeadLetters interface {
	// List reads those behind a number, which "" is before all, until they have so many bytes; one at least, if there is one.
	List(after string, bytes int) (deadletters.Page, error)
	// Replay sends some again, one after another, and returns when that is done. None is sent if one of them cannot be, which is a
	// *RefusedError; any other error says which were sent before it.
	Replay(ctx context.Context, ids []string) error
	// Counts is what was done since the start.
	Counts() deadletters.Counts
}

// Letters are some dead letters, the oldest first, in the form of the API.
type Letters struct {
	DeadLetters []deadletters.Letter `json:"dead_letters"`
	// More says that there are others behind them.
	More bool `json:"more"`
	// Broken is how many lines between them are no dead letters.
	Broken int `json:"broken"`
}

// Replayed are the numbers of dead letters that were sent again, in the form of the API.
type Replayed struct {
	Replayed []string `json:"replayed"`
}

// wishedLetters is what a replay asks for.
type wishedLetters struct {
	IDs []string `json:"ids"`
}

// lettersAPI answers what is asked about dead letters.
type lettersAPI struct {
	ctx   context.Context // that of the server: a replay outlives the request
	about *Application
}

func (l *lettersAPI) list(r *http.Request) (any, error) {
	if err := l.kept(); err != nil {
		return nil, err
	}
	page, err := l.about.DeadLetters.List(r.URL.Query().Get("after"), pageBytes)
	if err != nil {
		return nil, err
	}
	return Letters{append([]deadletters.Letter{}, page.Letters...), page.More, page.Broken}, nil
}

func (l *lettersAPI) replay(r *http.Request) (any, error) {
	if err := l.kept(); err != nil {
		return nil, err
	}
	if _, err := l.about.ready(); err != nil {
		return nil, err
	}
	var wished wishedLetters
	if err := readBody(r.Body, mostIDs, `{"ids": ["ID", ...]}`, &wished); err != nil {
		return nil, &RefusedError{http.StatusBadRequest, err.Error()}
	}
	if len(wished.IDs) == 0 {
		return nil, &RefusedError{http.StatusBadRequest, "no dead letter is named"}
	}
	if err := l.about.DeadLetters.Replay(l.ctx, wished.IDs); err != nil {
		return nil, err
	}
	return Replayed{wished.IDs}, nil
}

// kept says why there are no dead letters, unless there may be some.
func (l *lettersAPI) kept() error {
	if l.about.DeadLetters != nil {
		return nil
	}
	return &RefusedError{
		http.StatusNotFound, "no dead letters are kept, since the application has no data directory: start it with --data-dir DIR",
	}
}
