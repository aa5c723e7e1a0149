// Package invariant states what holds whatever users and the world outside do. Where it does not, the program is wrong, and stops.
package invariant

import "fmt"

// Must is a value whose error cannot be: what it is made of stands in the program.
func Must[T any](value T, err error) T {
	if err != nil {
		panic(fmt.Sprint("this cannot be: ", err))
	}
	return value
}

// Hold stops the program unless what it says holds; otherwise says what is so instead.
func Hold(holds bool, otherwise string) {
	if !holds {
		panic("this cannot be: " + otherwise)
	}
}
