package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

const jsonType = "application/json"

// RefusedError is an answer that says why something was not done, and the HTTP status that it has. In the API it is {"error": "..."}.
type RefusedError struct {
	Status int
	Text   string
}

func (r *RefusedError) Error() string { return r.Text }

// refused is a RefusedError in the form of the API.
type refused struct {
	Error string `json:"error"`
}

// function answers a request with what becomes JSON.
type function func(*http.Request) (any, error)

// ServeHTTP tells what the function returns; an error that is no RefusedError is a failure of ours.
func (f function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := http.StatusOK
	value, err := f(r)
	if err != nil {
		status = http.StatusInternalServerError
		if refusal, ok := errors.AsType[*RefusedError](err); ok {
			status = refusal.Status
		}
		value = refused{err.Error()}
	}
	text, err := json.Marshal(value)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", jsonType)
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", tokenScheme)
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // whoever asked may have gone
}

// readBody reads the body of a request, of so many bytes at most, which is one JSON value in a form that the error tells.
func readBody(body io.Reader, most int64, form string, into any) error {
	decoder := json.NewDecoder(io.LimitReader(body, most))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("the body is not %s: %w", form, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("the body is not %s: there is something behind it", form)
	}
	return nil
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == jsonType
}
