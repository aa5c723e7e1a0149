package address

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"localhost:7010":    "localhost:7010",
		":7010":             "127.0.0.1:7010",
		"[::1]:0":           "[::1]:0",
		"127.0.0.1:65535":   "127.0.0.1:65535",
		"example.test:0080": "example.test:80",
	} {
		got, err := Parse(text)
		if err != nil || got.String() != want {
			t.Errorf("Parse(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"", "7010", "::1:7010", "host:", "host:http", "host:65536", "host:-1", "a:1:2"} {
		got, err := Parse(text)
		if err == nil {
			t.Errorf("Parse(%q) = %v; want an error", text, got)
		} else if !strings.Contains(err.Error(), "want") {
			t.Errorf("Parse(%q): %v does not say what is wanted", text, err)
		}
	}
}

func TestParseList(t *testing.T) {
	list, err := ParseList("a:1,:2")
	if err != nil || len(list) != 2 || list[1].String() != "127.0.0.1:2" {
		t.Errorf("ParseList = %v, %v", list, err)
	}
	if _, err := ParseList("a:1,"); err == nil {
		t.Error("an empty address in a list was taken")
	}
}
