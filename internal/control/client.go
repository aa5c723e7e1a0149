package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/graph"
	"github.com/wallaroo-stream/wallaroo/internal/status"
)

const (
	dialTimeout = 5 * time.Second
	askTimeout  = 5 * time.Second // for an answer that takes no work
	pageTimeout = 30 * time.Second
	mostAnswer  = 1 << 30 // bytes; a dead letter may have nearly as many
)

// Client asks an application that runs elsewhere. What it refuses is a *RefusedError.
type Client struct {
	at    address.Address
	token string
	http  http.Client
}

// NewClient makes the client of an application whose HTTP answers at an address, with the token for changes; "" if there will be none.
// Close must follow.
func NewClient(at address.Address, token string) *Client {
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &Client{at: at, token: token, http: http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext}, // through no proxy
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// GoneError says that nothing listens where an application was asked.
type GoneError struct{ text string }

func (e *GoneError) Error() string { return e.text }

// Close gives up its connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status asks how the application stands.
func (c *Client) Status(ctx context.Context) (status.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var s status.Status
	err := c.ask(ctx, http.MethodGet, statusPath, nil, &s)
	return s, err
}

// Graph asks for the application's steps.
func (c *Client) Graph(ctx context.Context) (graph.Graph, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var g graph.Graph
	err := c.ask(ctx, http.MethodGet, graphPath, nil, &g)
	return g, err
}

// Executors asks how many executors there are, and how they stand.
func (c *Client) Executors(ctx context.Context) (Executors, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var all Executors
	err := c.ask(ctx, http.MethodGet, executorsPath, nil, &all)
	return all, err
}

// Resize changes the number of executors and returns when that is done. The change goes on if ctx ends before.
func (c *Client) Resize(ctx context.Context, executors int) (Change, error) {
	body, err := json.Marshal(wish{&executors})
	if err != nil {
		return Change{}, err
	}
	var change Change
	err = c.ask(ctx, http.MethodPost, executorsPath, body, &change)
	return change, err
}

// DeadLetters asks for the dead letters behind a number, which "" is before all.
func (c *Client) DeadLetters(ctx context.Context, after string) (Letters, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	var page Letters
	err := c.ask(ctx, http.MethodGet, lettersPath+"?after="+url.QueryEscape(after), nil, &page)
	return page, err
}

// Replay has dead letters sent again and returns when that is done. It goes on if ctx ends before.
func (c *Client) Replay(ctx context.Context, ids []string) (Replayed, error) {
	body, err := json.Marshal(wishedLetters{ids})
	if err != nil {
		return Replayed{}, err
	}
	var replayed Replayed
	err = c.ask(ctx, http.MethodPost, replayPath, body, &replayed)
	return replayed, err
}

// Checkpoint has a checkpoint made and returns when it is committed. It goes on if ctx ends before.
func (c *Client) Checkpoint(ctx context.Context) (Checkpointed, error) {
	var made Checkpointed
	err := c.ask(ctx, http.MethodPost, checkpointsPath, []byte("{}"), &made)
	return made, err
}

// Savepoint has a savepoint made and returns when it is. It goes on if ctx ends before.
func (c *Client) Savepoint(ctx context.Context, name, to string) (Savepoint, error) {
	body, err := json.Marshal(wishedSavepoint{name, to})
	if err != nil {
		return Savepoint{}, err
	}
	var made Savepoint
	err = c.ask(ctx, http.MethodPost, savepointsPath, body, &made)
	return made, err
}

func (c *Client) ask(ctx context.Context, method, path string, body []byte, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+c.at.String()+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", jsonType)
	if c.token != "" {
		request.Header.Set("Authorization", tokenScheme+" "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return c.unanswered(method, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	if err != nil {
		return c.unanswered(method, err)
	}
	if !isJSON(response.Header.Get("Content-Type")) {
		return fmt.Errorf("what answers at %s is not a Wallaroo application of this version: it says %s", c.at, response.Status)
	}
	if response.StatusCode != http.StatusOK {
		var why refused
		if err := json.Unmarshal(text, &why); err != nil || why.Error == "" {
			why.Error = response.Status
		}
		return &RefusedError{response.StatusCode, why.Error}
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("what answers at %s is not a Wallaroo application of this version: %w", c.at, err)
	}
	return nil
}

// unanswered says in a user's words why no answer came.
func (c *Client) unanswered(method string, err error) error {
	if about, ok := errors.AsType[*url.Error](err); ok {
		err = about.Err // without the URL, which nobody typed
	}
	dial, ok := errors.AsType[*net.OpError](err)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return &GoneError{fmt.Sprintf("nothing listens at %s: is the application running? its log says where HTTP answers", c.at)}
	case ok && dial.Op == "dial":
		return fmt.Errorf("%s cannot be reached: %w", c.at, err)
	case method == http.MethodPost:
		return fmt.Errorf("%s ended before it answered, so whether it has changed is not known: %w", c.at, err)
	default:
		return fmt.Errorf("%s does not answer as a Wallaroo application does; its log says where HTTP answers: %w", c.at, err)
	}
}
