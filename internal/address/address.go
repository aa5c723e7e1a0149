// Package address parses the HOST:PORT addresses of the command line.
package address

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Loopback is the host that an empty one stands for: nothing listens beyond this machine unless told to.
const Loopback = "127.0.0.1"

// Address is one HOST:PORT. Port 0 asks the operating system for a free port.
type Address struct {
	Host string
	Port uint16
}

// Parse reads "HOST:PORT" or "[V6]:PORT"; an empty host is Loopback. The error says what is wrong and how an address looks.
func Parse(text string) (Address, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return Address{}, fmt.Errorf("%q is not an address: want HOST:PORT or [IPV6]:PORT, as in 127.0.0.1:7010", text)
	}
	return New(host, port)
}

// New makes an address of a host and a decimal port.
func New(host, port string) (Address, error) {
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return Address{}, fmt.Errorf("%q is not a port: want a number from 0 to 65535", port)
	}
	if host == "" {
		host = Loopback
	}
	return Address{Host: host, Port: uint16(number)}, nil
}

// ParseList reads one or more addresses parted by commas.
func ParseList(text string) ([]Address, error) {
	var list []Address
	for part := range strings.SplitSeq(text, ",") {
		one, err := Parse(part)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// String is the form that Parse reads and package net dials.
func (a Address) String() string {
	return net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port)))
}
