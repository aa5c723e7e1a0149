// Package bucket is the places where checkpoints may lie, by URL: folders of a disk, and buckets of an object store that speaks S3. It
// keeps the SDK of the latter from all other packages.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/wallaroo-stream/wallaroo/internal/store"
)

// Forms are how a place is named, for errors and help.
const Forms = "FOLDER, file:///FOLDER or s3://BUCKET[/PREFIX][?region=REGION][&endpoint=URL]"

const (
	fileScheme = "file"
	s3Scheme   = "s3"
)

// Place names where checkpoints lie. The zero value is none.
type Place struct {
	folder string // of a disk, absolute; "" for a bucket
	bucket string
	prefix string // of the names in the bucket, with a slash at its end, or ""
	// Of the service; "" for what the environment says.
	region, endpoint string
}

// Parse reads a URL, or the path of a folder.
func Parse(text string) (Place, error) {
	scheme, rest, isURL := strings.Cut(text, "://")
	switch {
	case text == "":
		return Place{}, fmt.Errorf("it names no place: want %s", Forms)
	case !isURL:
		return parseFolder(text)
	case scheme == fileScheme && !strings.HasPrefix(rest, "/"):
		return Place{}, fmt.Errorf("%q is not the URL of a folder: want an absolute path behind three slashes, file:///FOLDER", text)
	case scheme != fileScheme && scheme != s3Scheme:
		return Place{}, fmt.Errorf("%q is not a place that can be used: want %s", text, Forms)
	}
	u, err := url.Parse(text)
	if err != nil {
		return Place{}, fmt.Errorf("%q is not a URL: want %s", text, Forms)
	}
	if u.User != nil {
		return Place{}, fmt.Errorf("%q holds a user or a password, which others would read in lists of processes and in logs: "+
			"leave it away; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the files that AWS programs read, say them", u.Redacted())
	}
	if scheme == fileScheme {
		if u.RawQuery != "" {
			return Place{}, fmt.Errorf("%q: a folder takes no parameters: leave ?%s away", text, u.RawQuery)
		}
		return parseFolder(u.Path)
	}
	return parseS3(text, u)
}

func parseFolder(path string) (Place, error) {
	absolute, err := filepath.Abs(path)
	return Place{folder: absolute}, err
}

func parseS3(text string, u *url.URL) (Place, error) {
	p := Place{bucket: u.Host, prefix: strings.Trim(u.Path, "/")}
	if p.bucket == "" || strings.Contains(p.bucket, ":") {
		return Place{}, fmt.Errorf("%q names no bucket: want s3://BUCKET/PREFIX; an address of a service is ?endpoint=URL", text)
	}
	if p.prefix != "" {
		p.prefix += "/"
	}
	parameters, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Place{}, fmt.Errorf("%q: what stands behind ? cannot be read: %w", text, err)
	}
	for name, values := range parameters {
		switch name {
		case "region":
			p.region = values[len(values)-1]
		case "endpoint":
			p.endpoint = values[len(values)-1]
		default:
			return Place{}, fmt.Errorf("%q: there is no parameter %q: want region or endpoint", text, name)
		}
	}
	if endpoint, err := url.Parse(p.endpoint); p.endpoint != "" &&
		(err != nil || endpoint.Host == "" || endpoint.Scheme != "http" && endpoint.Scheme != "https" || endpoint.User != nil) {
		return Place{}, fmt.Errorf("%q: endpoint %q is not where a service is: want http://HOST:PORT or https://HOST", text, p.endpoint)
	}
	return p, nil
}

// String is the place as a URL.
func (p Place) String() string {
	if p.bucket == "" {
		return (&url.URL{Scheme: fileScheme, Path: p.folder}).String()
	}
	parameters := url.Values{}
	if p.region != "" {
		parameters.Set("region", p.region)
	}
	if p.endpoint != "" {
		parameters.Set("endpoint", p.endpoint)
	}
	return p.Name() + strings.TrimSuffix("?"+parameters.Encode(), "?")
}

// Name is the place without what says how to get there: two that have one are the same.
func (p Place) Name() string {
	if p.bucket == "" {
		return p.String()
	}
	return strings.TrimSuffix(s3Scheme+"://"+p.bucket+"/"+p.prefix, "/")
}

// Folder is its path on a disk; "" if it is on none.
func (p Place) Folder() string { return p.folder }

// Join is a place below this one.
func (p Place) Join(name string) Place {
	if p.bucket == "" {
		p.folder = filepath.Join(p.folder, name)
	} else {
		p.prefix += name + "/"
	}
	return p
}

// Bucket is what lies at a place.
type Bucket struct {
	store.Bucket
	s3 *s3Bucket // nil for a folder
}

// Open opens a place; nothing is read or written there. It must be closed.
func (p Place) Open(ctx context.Context) (*Bucket, error) {
	switch {
	case p.folder != "":
		return &Bucket{Bucket: store.Folder(p.folder)}, nil
	case p.bucket == "":
		return nil, errors.New("no place is named")
	}
	b, err := openS3(ctx, p)
	if err != nil {
		return nil, err
	}
	return &Bucket{b, b}, nil
}

// Close gives its connections up.
func (b *Bucket) Close() error {
	if b.s3 == nil {
		return nil
	}
	return b.s3.close()
}
