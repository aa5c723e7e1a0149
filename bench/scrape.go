package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// scrapeEvery is how often an engine is asked for its figures where a row measures what that costs: far more often than in use.
const scrapeEvery = 100 * time.Millisecond

// scraped does work while the engine whose HTTP answers at an address is asked for its figures, again and again; it is only done if there
// is no address.
func scraped(ctx context.Context, address string, work func(context.Context) error) error {
	if address == "" {
		return work(ctx)
	}
	during, end := context.WithCancel(ctx)
	asked := make(chan error, 1)
	go func() { asked <- scrape(during, address) }()
	err := work(ctx)
	end()
	return errors.Join(err, <-asked)
}

// scrape asks until ctx is done, which is no error.
func scrape(ctx context.Context, address string) error {
	client := http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(scrapeEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		for _, path := range []string{"/metrics", "/api/status"} {
			if err := get(ctx, &client, "http://"+address+path); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// get reads an answer and throws it away.
func get(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, response.Status)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
