package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// About is what a manifest says beside the state; it is for whoever commits it.
type About struct {
	// Application is the name of the application.
	Application string `json:"application"`
	// Fingerprint is JSON that a program must match to go on from here.
	Fingerprint json.RawMessage `json:"fingerprint,omitempty"`
	// Partitions is how many there were.
	Partitions int `json:"partitions"`
	// Positions is JSON that says where the sources were.
	Positions json.RawMessage `json:"positions,omitempty"`
}

// Manifest is a checkpoint: what makes it valid, and names the objects that hold its state. It does not change.
type Manifest struct {
	// Name is that of its own object in the bucket.
	Name string `json:"-"`
	// Digest is the SHA-256 of its own object without the line that tells it, in hexadecimal digits.
	Digest string `json:"-"`

	// Run and Epoch are which one it is.
	Run   uint64 `json:"run"`
	Epoch uint64 `json:"epoch"`
	// Time is when it was committed, Took how long after the delta was begun, and Written the bytes of the objects that are new in the delta.
	Time    time.Time     `json:"time"`
	Took    time.Duration `json:"took_ns"`
	Written int64         `json:"written_bytes"`
	About

	// States are the names of states, in order. In entities they have their numbers in this list.
	States []string `json:"states"`
	// Bases cover all hashes, in order.
	Bases []Base `json:"bases"`
	// Deltas are what has changed after the bases, the oldest first.
	Deltas []Object `json:"deltas"`
}

// Object is what a manifest says of an object of entities.
type Object struct {
	// Name is that in the bucket.
	Name string `json:"object"`
	// Epoch is that of the checkpoint whose state it belongs to.
	Epoch uint64 `json:"epoch"`
	// Digest is the SHA-256 of head, index and trailer, in hexadecimal digits.
	Digest string `json:"digest"`
	// Bytes is its size.
	Bytes int64 `json:"bytes"`
	// Entities is how many it has; in a delta removed ones too.
	Entities int64 `json:"entities"`
}

// Base is all entities of a range of hashes as they were at an epoch. If there were none, it has no object, and its name is empty.
type Base struct {
	// From and To are the range, both included.
	From uint32 `json:"from"`
	To   uint32 `json:"to"`
	Object
}

// Bytes is the size of all objects of a manifest.
func (m *Manifest) Bytes() int64 { return baseBytes(m.Bases) + deltaBytes(m.Deltas) }

func baseBytes(list []Base) (sum int64) {
	for n := range list {
		sum += list[n].Bytes
	}
	return sum
}

func deltaBytes(list []Object) (sum int64) {
	for n := range list {
		sum += list[n].Bytes
	}
	return sum
}

// oldest is the first of the bases that have the lowest epoch.
func oldest(bases []Base) int {
	least := 0
	for n := range bases {
		if bases[n].Epoch < bases[least].Epoch {
			least = n
		}
	}
	return least
}

// newer are the deltas of epochs after one.
func newer(deltas []Object, epoch uint64) []Object {
	return slices.DeleteFunc(slices.Clone(deltas), func(o Object) bool { return o.Epoch <= epoch })
}

// objects are all objects of a manifest.
func (m *Manifest) objects() []Object {
	list := slices.Clone(m.Deltas)
	for n := range m.Bases {
		if m.Bases[n].Name != "" {
			list = append(list, m.Bases[n].Object)
		}
	}
	return list
}

// A manifest is a line with the version, JSON, and a line with the digest of all before it.
const (
	manifestHead = "WALLAROO MANIFEST 1\n"
	digestWord   = "sha256 "
	digestLine   = len(digestWord) + 2*sha256.Size + 1
)

// encode is the manifest's object.
func (m *Manifest) encode() ([]byte, error) {
	if m.States == nil || m.Deltas == nil { // they are lists for human readers, if empty ones
		full := *m
		full.States, full.Deltas = append([]string{}, m.States...), append([]Object{}, m.Deltas...)
		m = &full
	}
	var b bytes.Buffer
	b.WriteString(manifestHead)
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("write a manifest: %w", err)
	}
	sum := sha256.Sum256(b.Bytes())
	fmt.Fprintf(&b, "%s%x\n", digestWord, sum)
	return b.Bytes(), nil
}

// parseManifest reads a manifest; the error is a *DamageError.
func parseManifest(name string, data []byte) (*Manifest, error) {
	damaged := func(at int, why string) error { return &DamageError{File: name, Offset: int64(at), Why: why} }
	if !bytes.HasPrefix(data, []byte(manifestHead)) || len(data) < len(manifestHead)+digestLine {
		return nil, damaged(0, "it does not begin as a manifest of version 1, or is cut off")
	}
	at := len(data) - digestLine
	sum := sha256.Sum256(data[:at])
	if string(data[at:]) != fmt.Sprintf("%s%x\n", digestWord, sum) {
		return nil, damaged(at, "the digest in its last line is not that of the lines before")
	}
	m := &Manifest{Name: name, Digest: hex.EncodeToString(sum[:])}
	d := json.NewDecoder(bytes.NewReader(data[len(manifestHead):at]))
	d.DisallowUnknownFields()
	err := d.Decode(m)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something stands behind it")
		}
	}
	if err == nil {
		err = errors.Join(compact(&m.Fingerprint), compact(&m.Positions), m.check())
	}
	if err != nil {
		return nil, damaged(len(manifestHead), "it is no manifest: "+err.Error())
	}
	return m, nil
}

// compact takes out what was put in for human readers.
func compact(raw *json.RawMessage) error {
	if *raw == nil {
		return nil
	}
	var b bytes.Buffer
	err := json.Compact(&b, *raw)
	*raw = b.Bytes()
	return err
}

// check demands what a manifest has, whatever else it says.
func (m *Manifest) check() error {
	if id, ok := parseName(manifestName, m.Name); !ok || id.run != m.Run || id.epoch != m.Epoch {
		return fmt.Errorf("run %d and epoch %d are not those of its name", m.Run, m.Epoch)
	}
	if err := checkStates(m.States); err != nil {
		return err
	}
	next := uint64(0)
	for _, b := range m.Bases {
		if uint64(b.From) != next || b.To < b.From || b.Epoch > m.Epoch {
			return fmt.Errorf("the base from %d to %d, of epoch %d, has no place: the next is from %d", b.From, b.To, b.Epoch, next)
		}
		if b.Name == "" && (b.Bytes != 0 || b.Entities != 0 || b.Digest != "") {
			return fmt.Errorf("the base from %d to %d has entities and no object", b.From, b.To)
		}
		next = uint64(b.To) + 1
	}
	if next != uint64(LastHash)+1 {
		return fmt.Errorf("there is no base from %d on", next)
	}
	epoch := uint64(0)
	for _, o := range m.Deltas {
		if o.Epoch < epoch || o.Epoch > m.Epoch {
			return fmt.Errorf("the delta of epoch %d, %s, is not in order", o.Epoch, o.Name)
		}
		epoch = o.Epoch
	}
	for _, o := range m.objects() {
		if _, ok := parseName(objectName, o.Name); !ok || o.Bytes < int64(headLeast+trailerBytes) || o.Entities < 0 {
			return fmt.Errorf("%q, of %d bytes and %d entities, is no object", o.Name, o.Bytes, o.Entities)
		}
	}
	return nil
}

const (
	manifests = "manifests/"
	objects   = "objects/"
)

// Names are never used again: they carry run, epoch, the store that wrote them, and a number that it gives once.
var (
	manifestName = regexp.MustCompile(`^manifests/(\d{10,20})-(\d{10,20})-([0-9a-f]{16})-(\d{1,20})\.manifest$`)
	objectName   = regexp.MustCompile(`^objects/(\d{10,20})-(\d{10,20})-([0-9a-f]{16})-(\d{1,20})\.entities$`)
)

// identity is what the name of an object says.
type identity struct {
	run, epoch uint64
	store      string
	number     uint64
}

func (i identity) name(folder, suffix string) string {
	return fmt.Sprintf("%s%010d-%010d-%s-%d%s", folder, i.run, i.epoch, i.store, i.number, suffix)
}

func (i identity) object() string   { return i.name(objects, ".entities") }
func (i identity) manifest() string { return i.name(manifests, ".manifest") }

// parseName reads a name of one of the two forms.
func parseName(form *regexp.Regexp, name string) (i identity, ok bool) {
	parts := form.FindStringSubmatch(name)
	if parts == nil {
		return i, false
	}
	var errs [3]error
	i.store = parts[3]
	i.run, errs[0] = strconv.ParseUint(parts[1], 10, 64)
	i.epoch, errs[1] = strconv.ParseUint(parts[2], 10, 64)
	i.number, errs[2] = strconv.ParseUint(parts[4], 10, 64)
	return i, errors.Join(errs[:]...) == nil && (i.object() == name || i.manifest() == name)
}
