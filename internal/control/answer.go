package control

import (
	"encoding/json"
	"errors"
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
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // whoever asked may have gone
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == jsonType
}
