package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/control"
	"github.com/wallaroo-stream/wallaroo/internal/datadir"
)

// applicationFlags say which application that runs is asked, and by what right.
type applicationFlags struct {
	at        string
	json      bool
	tokenFile string
	dataDir   string
}

// add adds those that every command has which asks.
func (f *applicationFlags) add(command *cobra.Command, asJSON string) {
	set := command.Flags()
	set.StringVar(&f.at, "at", control.DefaultAddress.String(), "where HTTP of the application answers, `HOST:PORT`; its log says it")
	set.BoolVar(&f.json, "json", false, asJSON)
}

// addToken adds those of a command that changes something.
func (f *applicationFlags) addToken(command *cobra.Command) {
	set := command.Flags()
	set.StringVar(&f.dataDir, "data-dir", "", "the data directory `DIR` of the application, whose DIR/"+datadir.KeyFile+" is the token")
	set.StringVar(&f.tokenFile, "token-file", "", "a `FILE` with the token, where the data directory is elsewhere")
}

// token reads the token; "" if none is named.
func (f *applicationFlags) token() (string, error) {
	file, flag := f.tokenFile, "--token-file"
	switch {
	case f.tokenFile != "" && f.dataDir != "":
		return "", errors.New("--data-dir and --token-file both name a token: give one of them")
	case f.dataDir != "":
		file, flag = datadir.Key(f.dataDir), "--data-dir"
	case file == "":
		return "", nil
	}
	token, err := datadir.ReadKey(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	return token, nil
}

// asking is a question to an application that runs.
type asking struct {
	client *control.Client
	at     address.Address
	json   bool
	out    io.Writer
	status io.Writer
}

// ask has a command ask, until that is done or a signal interrupts it.
func (f *applicationFlags) ask(command *cobra.Command, act func(context.Context, *asking) error) error {
	ctx, stop := interruptible(command.Context())
	defer stop()
	at, err := address.Parse(f.at)
	if err != nil {
		return fmt.Errorf("--at: %w", err)
	}
	token, err := f.token()
	if err != nil {
		return err
	}
	client := control.NewClient(at, token)
	defer client.Close()
	return act(ctx, &asking{client: client, at: at, json: f.json, out: command.OutOrStdout(), status: command.ErrOrStderr()})
}

// print tells a result as JSON, or in words.
func (a *asking) print(result any, words string) error {
	if a.json {
		text, err := json.Marshal(result)
		if err != nil {
			return err
		}
		words = string(text) + "\n"
	}
	_, err := io.WriteString(a.out, words)
	return err
}

// refusal gives the error of an application that was asked its exit code.
func refusal(err error) error {
	if refused, ok := errors.AsType[*control.RefusedError](err); ok && refused.Status == http.StatusBadRequest {
		return err // wrong use
	}
	return failed(err)
}
