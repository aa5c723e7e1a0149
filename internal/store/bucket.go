package store

import (
	"context"
	"fmt"
	"io"
)

// Bucket is where objects lie, by name: parts of a-z, 0-9, "-" and "." that are separated by "/". Its methods may be called from any
// goroutine.
type Bucket interface {
	// Write makes an object of what content writes. It is there whole and outlives the machine when Write returns nil. After an error it is
	// there whole or not at all. An object is never overwritten: if the name is taken, the error is fs.ErrExist. An error of content is
	// returned, and then there is no object.
	Write(ctx context.Context, name string, content func(io.Writer) error) error
	// Read returns an object; fs.ErrNotExist if there is none. The memory is the caller's.
	Read(ctx context.Context, name string) ([]byte, error)
	// ReadAt fills dst with the bytes of an object from an offset on; io.ErrUnexpectedEOF if it has not as many, fs.ErrNotExist if there is
	// none. After an error dst holds anything.
	ReadAt(ctx context.Context, name string, dst []byte, offset int64) error
	// List returns the objects whose names begin with a prefix, in the order of names. What a crash has left of a Write may be among them,
	// its name with PartSuffix.
	List(ctx context.Context, prefix string) ([]Listed, error)
	// Delete deletes an object for good. One that is not there is no error.
	Delete(ctx context.Context, name string) error
}

// PartSuffix follows the name of an object that is being written, in a bucket in which that can be seen.
const PartSuffix = ".part"

// Listed is an object in a bucket.
type Listed struct {
	Name  string
	Bytes int64
}

// DamageError is an object that is missing, or not as it was written.
type DamageError struct {
	File   string // its name in the bucket
	Offset int64  // where it is noticed
	Why    string
}

func (d *DamageError) Error() string {
	return fmt.Sprintf("%s is damaged at byte %d: %s. Restore the file, or go back to a checkpoint that does not need it",
		d.File, d.Offset, d.Why)
}
