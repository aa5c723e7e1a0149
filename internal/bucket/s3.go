package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
	"gocloud.dev/gcerrors"

	"github.com/wallaroo-stream/wallaroo/internal/store"
)

// otherRegion is named to a service that is not Amazon's, which knows no regions but wants one to be signed.
const otherRegion = "us-east-1"

// s3Bucket is a store.Bucket in a bucket of an S3 service. What it is called by its interface has the prefix in front there.
type s3Bucket struct {
	place  Place
	client *s3.Client
	blobs  *blob.Bucket
}

func openS3(ctx context.Context, p Place) (*s3Bucket, error) {
	var options []func(*config.LoadOptions) error
	if p.region != "" {
		options = append(options, config.WithRegion(p.region))
	}
	c, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("%s: the settings of AWS in the environment or its files: %w", p.Name(), err)
	}
	if c.Region == "" && p.endpoint != "" {
		c.Region = otherRegion
	}
	if c.Region == "" {
		return nil, fmt.Errorf("%s: no region is named: give ?region=REGION, or AWS_REGION; for a service that is not Amazon's "+
			"?endpoint=URL", p.Name())
	}
	if p.endpoint != "" {
		// Services that are not Amazon's may not know checksums behind a body; what is written here has its own.
		c.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		c.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}
	client := s3.NewFromConfig(c, func(o *s3.Options) {
		if p.endpoint != "" {
			o.BaseEndpoint, o.UsePathStyle = &p.endpoint, true
		}
	})
	blobs, err := s3blob.OpenBucket(ctx, client, p.bucket, &s3blob.Options{RequestChecksumCalculation: c.RequestChecksumCalculation})
	if err != nil {
		return nil, err
	}
	if p.prefix != "" {
		blobs = blob.PrefixedBucket(blobs, p.prefix)
	}
	return &s3Bucket{place: p, client: client, blobs: blobs}, nil
}

func (b *s3Bucket) close() error { return b.blobs.Close() }

// checkName refuses what a service would take and a folder would not.
func checkName(name string) error {
	if !fs.ValidPath(name) || name == "." {
		return fmt.Errorf("%q cannot be the name of an object: give parts that are separated by single slashes", name)
	}
	return nil
}

func (b *s3Bucket) Write(ctx context.Context, name string, content func(io.Writer) error) error {
	if err := checkName(name); err != nil {
		return err
	}
	within, giveUp := context.WithCancel(ctx)
	defer giveUp()
	w, err := b.blobs.NewWriter(within, name, &blob.WriterOptions{ContentType: "application/octet-stream", IfNotExist: true})
	if err != nil {
		return b.told(ctx, name, err)
	}
	sent := &sending{to: w}
	if err := content(sent); err != nil {
		giveUp()
		_ = w.Close() // it says that it was given up
		if sent.err != nil {
			return b.told(ctx, name, b.taken(ctx, name, sent.err))
		}
		return err
	}
	return b.told(ctx, name, b.taken(ctx, name, w.Close()))
}

// taken makes of a write that was cut the answer that the name is taken, if it is: a service that refuses a large object for that need not
// read it, and its reset may overtake its answer.
func (b *s3Bucket) taken(ctx context.Context, name string, err error) error {
	if err == nil || status(err) != 0 {
		return err
	}
	if there, cannot := b.blobs.Exists(ctx, name); cannot != nil || !there {
		return err
	}
	return fs.ErrExist
}

// sending tells what the service refuses from what the writer of the content has to say.
type sending struct {
	to  io.Writer
	err error
}

func (s *sending) Write(data []byte) (n int, err error) {
	n, err = s.to.Write(data)
	s.err = errors.Join(s.err, err)
	return n, err
}

func (b *s3Bucket) Read(ctx context.Context, name string) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	data, err := b.blobs.ReadAll(ctx, name)
	return data, b.told(ctx, name, err)
}

func (b *s3Bucket) ReadAt(ctx context.Context, name string, dst []byte, offset int64) error {
	if err := checkName(name); err != nil {
		return err
	}
	length := int64(len(dst))
	if offset < 0 || offset+length < 0 {
		return fmt.Errorf("%s: %d bytes from %d on: %w", name, length, offset, io.ErrUnexpectedEOF)
	}
	r, err := b.blobs.NewRangeReader(ctx, name, offset, length, nil)
	if status(err) == http.StatusRequestedRangeNotSatisfiable {
		return fmt.Errorf("%s has less than %d bytes: %w", name, offset+length, io.ErrUnexpectedEOF)
	}
	if err != nil {
		return b.told(ctx, name, err)
	}
	if r.Size() < offset+length {
		return errors.Join(fmt.Errorf("%s has %d bytes, which is less than %d from %d on: %w",
			name, r.Size(), length, offset, io.ErrUnexpectedEOF), r.Close())
	}
	_, err = io.ReadFull(r, dst)
	return b.told(ctx, name, errors.Join(err, r.Close()))
}

func (b *s3Bucket) List(ctx context.Context, prefix string) (list []store.Listed, err error) {
	all := b.blobs.List(&blob.ListOptions{Prefix: prefix})
	for {
		o, err := all.Next(ctx)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, b.told(ctx, prefix, err)
		}
		list = append(list, store.Listed{Name: o.Key, Bytes: o.Size})
	}
}

func (b *s3Bucket) Delete(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	err := b.told(ctx, name, b.blobs.Delete(ctx, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Sweep gives up the uploads of parts that began before a time and were not finished, which nothing else removes and which cost as objects
// do: a writer that dies, or gives up, leaves them. It returns how many there were. In a folder there are none.
func (b *Bucket) Sweep(ctx context.Context, before time.Time) (swept int, err error) {
	if b.s3 == nil {
		return 0, nil
	}
	s := b.s3
	pages := s3.NewListMultipartUploadsPaginator(s.client, &s3.ListMultipartUploadsInput{Bucket: &s.place.bucket, Prefix: &s.place.prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return swept, s.told(ctx, "", err)
		}
		for _, u := range page.Uploads {
			if u.Initiated == nil || !u.Initiated.Before(before) {
				continue
			}
			_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
				Bucket: &s.place.bucket, Key: u.Key, UploadId: u.UploadId,
			})
			if err != nil && code(err) != "NoSuchUpload" {
				return swept, s.told(ctx, aws.ToString(u.Key), err)
			}
			swept++
		}
	}
	return swept, nil
}

// code is what a service calls an error; "" if it is none of a service's.
func code(err error) string {
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		return answer.ErrorCode()
	}
	return ""
}

// status is that of the service's answer; 0 if there was none.
func status(err error) int {
	if answer, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err); ok {
		return answer.HTTPStatusCode()
	}
	return 0
}

// told says of an error which bucket it is about, and what to look at.
func (b *s3Bucket) told(ctx context.Context, name string, err error) error {
	at := b.place.Name() + "/" + name
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", at, context.Cause(ctx))
	case b.place.endpoint != "":
		at += " at " + b.place.endpoint
	}
	what := code(err)
	var check string
	switch kind := gcerrors.Code(err); {
	case what == "NoSuchBucket":
		check = "there is no such bucket: make it, or look at its name, the region and the endpoint"
	case errors.Is(err, fs.ErrExist) || kind == gcerrors.FailedPrecondition || what == "ConditionalRequestConflict":
		return fmt.Errorf("%s: %w", at, fs.ErrExist)
	case kind == gcerrors.NotFound:
		return fmt.Errorf("%s: %w", at, fs.ErrNotExist)
	case what == "InvalidAccessKeyId" || what == "SignatureDoesNotMatch" || what == "ExpiredToken":
		check = "the keys are not right: look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or AWS_PROFILE"
	case kind == gcerrors.PermissionDenied:
		check = "it is not allowed: the keys need to get, put, delete and list objects there"
	case what == "PermanentRedirect" || status(err) == http.StatusMovedPermanently:
		check = "the bucket is in another region: give ?region=REGION"
	case what == "" && strings.Contains(err.Error(), "credentials"):
		check = "no keys are found: give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
	case status(err) == 0:
		check = "the service does not answer: look at the endpoint, the region, and the network"
	default:
		check = "the service refuses it"
	}
	return fmt.Errorf("%s: %s: %w", at, check, err)
}
