// Package partition says which executor a key belongs to: key -> hash -> partition -> executor. docs/format/keys.md draws the first two
// arrows.
package partition

import (
	"fmt"
	"hash/crc32"
	"math/bits"
)

// Most is how many partitions there may be.
const Most = 1 << 16

// Hash is the hash of a key's canonical bytes: CRC-32 (IEEE) through a fixed finaliser, the same everywhere and for ever. The finaliser
// is a published one with little bias (hash-prospector's 16 21f0aaad 15 735a2d97 15).
func Hash(canonical []byte) uint32 {
	h := crc32.ChecksumIEEE(canonical)
	h ^= h >> 16
	h *= 0x21f0aaad
	h ^= h >> 15
	h *= 0x735a2d97
	return h ^ h>>15
}

// Of is the partition of a hash: its top bits. The number of partitions is a power of two.
func Of(hash uint32, partitions int) int {
	return int(hash >> (33 - bits.Len(uint(partitions))))
}

// CheckCount refuses a number of partitions that is not a power of two from 1 to Most.
func CheckCount(n int) error {
	if n < 1 || n > Most || n&(n-1) != 0 {
		return fmt.Errorf("%d is not a power of two from 1 to %d", n, Most)
	}
	return nil
}
