package suspicion

import "testing"

var bad, other = Noted{Step: "p/step", Digest: "1"}, Noted{Step: "p/step", Digest: "2"}

// TestAMessageIsConvictedOfThreeDeaths tells of deaths one after another.
func TestAMessageIsConvictedOfThreeDeaths(t *testing.T) {
	type death struct {
		killed  bool
		noted   *Noted
		careful bool // from then on
		verdict bool
	}
	for name, deaths := range map[string][]death{
		"of itself":           {{false, nil, true, false}, {false, &bad, true, false}, {false, &bad, true, true}},
		"killed from outside": {{true, nil, false, false}, {true, nil, true, false}, {true, &bad, true, false}, {true, &bad, true, true}},
		"one after another": {
			{false, nil, true, false}, {false, &bad, true, false}, {false, &other, true, false}, {false, &other, true, true},
		},
		"at different places": {{false, nil, true, false}, {true, &bad, true, false}, {true, &other, true, false}},
		"an equal one behind": {
			{false, &bad, true, false}, {false, &bad, true, true}, {false, &bad, true, false}, {false, &bad, true, true},
		},
		"without ever a note":  {{false, nil, true, false}, {false, nil, true, false}, {false, nil, true, false}},
		"noted, then not more": {{false, &bad, true, false}, {false, nil, true, false}, {false, &bad, true, true}},
	} {
		var m Machine
		fruitless := 0
		for n, d := range deaths {
			if fruitless++; d.verdict {
				fruitless = 0
			}
			verdict := m.Died(d.killed, d.noted)
			if (verdict != nil) != d.verdict || verdict != nil && *verdict != *d.noted || m.Careful() != d.careful || m.Fruitless() != fruitless {
				t.Errorf("%s, death %d: verdict %v, careful %v", name, n, verdict, m.Careful())
			}
		}
		m.Committed()
		if m.Careful() || m.Fruitless() != 0 || m.Died(true, &bad) != nil {
			t.Errorf("%s: something is left behind a checkpoint: %+v", name, m)
		}
	}
}
