package store

import (
	"context"
	"fmt"
	"maps"
	"strings"
)

// Clean deletes the manifests that are older than the newest ones that are kept, and then the objects that no manifest needs any more. The
// manifest that the next one builds on is kept too, whatever its age, and so are those that are held. What is not a store's by its name is
// left alone. While a damaged manifest is among the newest, no object is deleted, since it is not known which it needs.
func (s *Store) Clean(ctx context.Context) error {
	// First what is there, then what is written and not named yet, then what is named: so an object that is named meanwhile is seen.
	var list []Listed
	for _, prefix := range []string{manifests, objects} {
		some, err := s.bucket.List(ctx, prefix)
		if err != nil {
			return fmt.Errorf("look for objects: %w", err)
		}
		list = append(list, some...)
	}
	s.mu.Lock()
	needed, current := maps.Clone(s.unnamed), s.current
	for m := range s.held {
		needs(needed, m)
	}
	s.mu.Unlock()
	all, err := s.Manifests(ctx)
	if err != nil {
		return err
	}
	if current != nil {
		needs(needed, current)
	}
	unknown, err := s.dropManifests(ctx, all, needed)
	if err != nil {
		return err
	}
	for _, l := range list {
		name, part := strings.CutSuffix(l.Name, PartSuffix)
		_, object := parseName(objectName, name)
		_, manifest := parseName(manifestName, name)
		unfinished := part && (object || manifest)
		if needed[name] || !unfinished && (!object || unknown) {
			continue
		}
		if err := s.bucket.Delete(ctx, l.Name); err != nil {
			return fmt.Errorf("delete %s: %w", l.Name, err)
		}
	}
	return nil
}

// dropManifests deletes the manifests that are not kept, and adds what the others need. If one of these is damaged, that is unknown.
func (s *Store) dropManifests(ctx context.Context, all []Found, needed map[string]bool) (unknown bool, err error) {
	kept := 0
	for _, f := range all {
		switch {
		case kept >= s.options.Retain && !needed[f.Name]:
			if err := s.bucket.Delete(ctx, f.Name); err != nil {
				return false, fmt.Errorf("delete checkpoint %s: %w", f.Name, err)
			}
		case f.Manifest == nil:
			unknown = true
		default:
			kept++
			needs(needed, f.Manifest)
		}
	}
	return unknown, nil
}

// needs adds what a manifest needs.
func needs(needed map[string]bool, m *Manifest) {
	needed[m.Name] = true
	for _, o := range m.objects() {
		needed[o.Name] = true
	}
}
