package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// identityName is the object that says whose checkpoints lie in a bucket.
const identityName = "identity"

// owner is what it says.
type owner struct {
	Cluster string `json:"cluster"`
}

// Cluster is the id of the history whose checkpoints lie in a bucket; "" if it says none.
func Cluster(ctx context.Context, bucket Bucket) (string, error) {
	data, err := bucket.Read(ctx, identityName)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("find out whose checkpoints they are: %w", err)
	}
	var o owner
	if err := json.Unmarshal(data, &o); err != nil || o.Cluster == "" {
		return "", &DamageError{File: identityName, Why: "it does not say whose checkpoints these are"}
	}
	return o.Cluster, nil
}

// ForeignError is a bucket that another history has.
type ForeignError struct{ Theirs, Ours string }

func (f *ForeignError) Error() string {
	return fmt.Sprintf("the checkpoints there are of another history, %s, and this one is %s: give each its own place", f.Theirs, f.Ours)
}

// Claim makes a bucket a history's, if it is nobody's; a *ForeignError says that it is another's.
func Claim(ctx context.Context, bucket Bucket, cluster string) error {
	theirs, err := Cluster(ctx, bucket)
	if err != nil {
		return err
	}
	if theirs == "" {
		data, err := json.Marshal(owner{cluster})
		if err != nil {
			return err
		}
		err = bucket.Write(ctx, identityName, func(w io.Writer) error {
			_, err := w.Write(append(data, '\n'))
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("say whose checkpoints they are: %w", err)
		}
		if theirs, err = Cluster(ctx, bucket); err != nil { // another may have been faster
			return err
		}
	}
	if theirs != cluster {
		return &ForeignError{theirs, cluster}
	}
	return nil
}

// runs are the objects that say which runs have begun.
const runs = "runs/"

func runName(run uint64) string { return fmt.Sprintf("%s%020d", runs, run) }

// LastRun is the highest number of a run that has begun, as BeginRun was told; 0 if there is none.
func LastRun(ctx context.Context, bucket Bucket) (last uint64, err error) {
	list, err := bucket.List(ctx, runs)
	if err != nil {
		return 0, fmt.Errorf("look for runs: %w", err)
	}
	for _, l := range list {
		var run uint64
		if _, err := fmt.Sscanf(strings.TrimPrefix(l.Name, runs), "%d", &run); err == nil && l.Name == runName(run) {
			last = max(last, run)
		}
	}
	return last, nil
}

// BeginRun says that a run has begun; fs.ErrExist says that another process has begun one of that number. The older ones are forgotten.
func BeginRun(ctx context.Context, bucket Bucket, run uint64) error {
	err := bucket.Write(ctx, runName(run), func(w io.Writer) error {
		_, err := fmt.Fprintln(w, run)
		return err
	})
	if err != nil {
		return fmt.Errorf("begin run %d: %w", run, err)
	}
	list, err := bucket.List(ctx, runs)
	if err != nil {
		return fmt.Errorf("look for runs: %w", err)
	}
	for _, l := range list {
		if l.Name < runName(run) {
			if err := bucket.Delete(ctx, l.Name); err != nil {
				return fmt.Errorf("forget an older run: %w", err)
			}
		}
	}
	return nil
}
