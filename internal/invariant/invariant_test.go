package invariant

import (
	"errors"
	"testing"
)

func TestMust(t *testing.T) {
	if Must(7, nil) != 7 {
		t.Error("the value is lost")
	}
	defer func() {
		if recover() == nil {
			t.Error("an error passes")
		}
	}()
	Must(7, errors.New("wrong"))
}

func TestHold(t *testing.T) {
	Hold(true, "it is so")
	defer func() {
		if recover() == nil {
			t.Error("what does not hold passes")
		}
	}()
	Hold(false, "it is not")
}
