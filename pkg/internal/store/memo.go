package store

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strconv"
)

// NewMemo makes up a memo of a type (id, hash or text) that nobody can guess, as it is stored. Ids have 63 bits: clients
// keep them in signed numbers. Texts have 26 letters and digits, fewer bytes than a memo may have.
func NewMemo(memoType string) string {
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	switch memoType {
	case "hash":
		return hex.EncodeToString(random[:])
	case "text":
		return base64.StdEncoding.EncodeToString([]byte(rand.Text()))
	}
	return strconv.FormatUint(max(binary.BigEndian.Uint64(random[:])>>1, 1), 10)
}
