package tidy

import (
	_ "embed"
	"slices"
	"testing"
)

//go:embed arrows.txt
var policy string

// TestTree holds the whole tree against the style.
func TestTree(t *testing.T) {
	tree, err := load("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.files) < 50 || tree.module != "github.com/wallaroo-stream/wallaroo" {
		t.Fatalf("%d files of module %q: this is not the tree", len(tree.files), tree.module)
	}
	permitted, err := parseArrows(policy)
	if err != nil {
		t.Fatalf("arrows.txt: %v", err)
	}
	findings := slices.Concat(permitted.check(tree.imports()), checkPackages(tree.packages()))
	for _, f := range tree.files {
		findings = append(findings, checkFile(f)...)
	}
	for _, finding := range findings {
		t.Error(finding)
	}
}
