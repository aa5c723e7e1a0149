package entity

import (
	"bytes"
	"errors"
	"testing"
)

var golden = []Entity{
	{State: 0, Version: 0, Key: []byte{0}, Value: []byte("x")},
	{State: 1, Version: 2, Key: []byte("\x04key"), Value: []byte{}},
	{State: 65535, Version: 65535, Key: []byte("\x05"), Removed: true},
}

func TestEntitiesAreReadAsTheyWereWritten(t *testing.T) {
	var data []byte
	for _, e := range golden {
		data = Append(data, &e)
	}
	n := 0
	for e, err := range All(data) {
		want := golden[n]
		if err != nil || e.State != want.State || e.Version != want.Version || e.Removed != want.Removed ||
			!bytes.Equal(e.Key, want.Key) || !bytes.Equal(e.Value, want.Value) {
			t.Errorf("entity %d: %+v, %v; want %+v", n, e, err, want)
		}
		n++
	}
	if n != len(golden) {
		t.Errorf("%d entities; want %d", n, len(golden))
	}
}

func TestEntitiesThatAreCutAreAnError(t *testing.T) {
	whole := Append(nil, &golden[0])
	for size := 1; size < len(whole); size++ {
		if _, err := Count(whole[:size]); !errors.Is(err, ErrCut) {
			t.Errorf("%d of %d bytes: %v", size, len(whole), err)
		}
	}
}

func FuzzAll(f *testing.F) {
	f.Add(Append(nil, &golden[0]))
	f.Add(Append(Append(nil, &golden[1]), &golden[2]))
	f.Fuzz(func(t *testing.T, data []byte) {
		var again []byte
		for e, err := range All(data) {
			if err != nil {
				return
			}
			again = Append(again, &e)
		}
		if !bytes.Equal(again, data) {
			t.Errorf("%x was written as %x", data, again)
		}
	})
}
