package commandline

import (
	"slices"
	"strings"
	"testing"
)

var flags = []Flag{
	{Name: "in", Short: "i", Value: "ADDRESS", Addresses: true, Shared: true},
	{Name: "out", Short: "o", Value: "ADDRESS", Addresses: true, Shared: true},
	{Name: "python", Value: "PATH"},
	{Name: "log-level", Value: "LEVEL"},
	{Name: "metrics", Short: "m", Value: "ADDRESS", Retired: true},
	{Name: "ponynoblock", Retired: true},
	{Name: "workers-count", Former: true, Instead: "--executors N"},
	{Name: "my-data", Former: true},
	{Name: "data-dir", Value: "DIR"},
	{Name: "retain", Value: "N"},
	{Name: "http", Value: "ADDRESS"},
	{Name: "fresh"},
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ tokens, app, args, values, old string }{
		{"app.py", "app.py", "", "", ""},
		{"--python p app.py", "app.py", "", "python=p", ""},
		{"app.py --python=p", "app.py", "", "python=p", ""},
		{"app.py --python p --python q", "app.py", "", "python=q", ""},
		{"app.py --in a:1 x --out=b:2,c:3", "app.py", "--in a:1 x --out=b:2,c:3", "in=a:1 out=b:2,c:3", ""},
		{"app.py --in a:1 -- b:2 --in c:3", "app.py", "--in a:1 b:2 --in c:3", "in=a:1", ""},
		{"--in a:1 app.py b:2", "app.py", "--in a:1 b:2", "in=a:1", ""},
		{"app.py --in a:1 -o=b:2 -x:3", "app.py", "--in a:1 -o=b:2 -x:3", "in=a:1 out=b:2", ""},
		{"-i a:1 app.py", "app.py", "-i a:1", "in=a:1", ""},
		{"app.py --port 5 --verbose file", "app.py", "--port 5 --verbose file", "", ""},
		{"app.py -- --help --python p -- x", "app.py", "--help --python p -- x", "", ""},
		{"app.py a -- b", "app.py", "a b", "", ""},
		{"app.py --metrics h:1 -m h:1 --ponynoblock", "app.py", "", "", "--metrics -m --ponynoblock"},
		{"app.py --workers-count 2", "app.py", "--workers-count 2", "", "--workers-count passed now --executors N"},
		{"app.py --my-data=h:1 x", "app.py", "--my-data=h:1 x", "", "--my-data passed"},
		{"app.py --worker-count 2", "app.py", "--worker-count 2", "", ""},
		{"app.py -- --my-data", "app.py", "--my-data", "", ""},
		{"app.py --inn x", "app.py", "--inn x", "", ""},
		{"app.py --metrics-port 5 --dat x --fres --input x -http x", "app.py", "--metrics-port 5 --dat x --fres --input x -http x", "", ""},
		{"app.py data-dri retian", "app.py", "data-dri retian", "", ""},
		{"app.py -- --pythn", "app.py", "--pythn", "", ""},
		{"app.py -h", "app.py", "-h", "", ""},
		{"app.py -input x", "app.py", "-input x", "", ""},
	} {
		line, err := Parse(flags, "", strings.Fields(c.tokens))
		if err != nil {
			t.Errorf("Parse(%q): %v", c.tokens, err)
			continue
		}
		values := []string{}
		for k, v := range line.Values {
			values = append(values, k+"="+v)
		}
		slices.Sort(values)
		old := []string{}
		for _, o := range line.Old {
			old = append(old, o.Typed)
			if o.Passed {
				old = append(old, "passed")
			}
			if o.Instead != "" {
				old = append(old, "now", o.Instead)
			}
		}
		got := []string{line.App, strings.Join(line.Args, " "), strings.Join(values, " "), strings.Join(old, " ")}
		if want := []string{c.app, c.args, c.values, c.old}; !slices.Equal(got, want) {
			t.Errorf("Parse(%q) = %q; want %q", c.tokens, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for tokens, want := range map[string]string{
		"":                       "no application",
		"--":                     "unknown flag --",
		"--port 5 app.py":        "stand behind the application",
		"app.py --python":        "--python needs a value",
		"app.py --pythn p":       "did you mean --python",
		"app.py --pythons=p":     "did you mean --python",
		"app.py -python p":       "did you mean --python",
		"app.py --loglevel x":    "did you mean --log-level",
		"app.py --pythom p":      "did you mean --python",
		"app.py --metric h:1":    "did you mean --metrics",
		"app.py --ponynoblock=1": "takes no value",

		"app.py --data-dri d9":       "did you mean --data-dir",
		"app.py --datadri d9":        "did you mean --data-dir",
		"app.py --data-directory d9": "did you mean --data-dir",
		"app.py --data_dir=d9":       "did you mean --data-dir",
		"app.py --data-d d9":         "did you mean --data-dir",
		"app.py --retian=5":          "did you mean --retain",
		"app.py --http-=off":         "did you mean --http",
		"app.py --fresh-start":       "did you mean --fresh",

		"--workers-count 2 app.py": "unknown flag --workers-count, which the original Wallaroo had: now there is --executors N",
		"--my-data h:1 app.py":     "stand behind the application",

		"app.py --in :1 x --in :2": "--in is given twice: several addresses are one list, --in :1,:2",
		"app.py -o=:1 --out=:2":    "--out is given twice: several addresses are one list, --out :1,:2",
		"app.py --in :1 :2":        ":2 stands alone behind --in :1: several addresses are one list, --in :1,:2 (behind -- it would go to",
		"app.py --in a:1, b:2,c:3": "several addresses are one list, --in a:1,b:2,c:3",
		"-i=a:1 b:2 app.py":        "b:2 stands alone behind --in a:1: several addresses are one list, --in a:1,b:2",
	} {
		_, err := Parse(flags, "", strings.Fields(tokens))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q): %v; want %q", tokens, err, want)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, tokens := range []string{"--help", "app.py --help", "-h app.py"} {
		if line, err := Parse(flags, "", strings.Fields(tokens)); err != nil || !line.Help {
			t.Errorf("Parse(%q) = %+v, %v; want help", tokens, line, err)
		}
	}
}

func TestUsage(t *testing.T) {
	told := []Flag{
		{Name: "in", Short: "i", Value: "ADDRESS", Help: "where sources listen; the application reads it too", Default: "none at all"},
		{Name: "verbose", Help: "say more"},
		{Name: "ponynoblock", Retired: true},
		{Name: "join", Former: true},
		{Name: "chaos", Value: "HOW", Hidden: true},
	}
	const want = `  -i, --in ADDRESS   where sources
                     listen; the
                     application reads it
                     too (default none at
                     all)
      --verbose      say more
`
	if got := Usage(told, 41); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
}
