package sep10

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/golang-jwt/jwt/v5"
)

// shortestKey is that of HS256 (RFC 7518, 3.2).
const shortestKey = 32

// errKey says that a token was signed with a key that is not known, or not any more.
var errKey = errors.New("the key of the token is not known")

// keyring holds the keys of the tokens: one signs, all verify, so that a key can be replaced while tokens are about.
type keyring struct {
	signing []byte
	id      string // kid of the one that signs
	byID    map[string][]byte
	all     jwt.VerificationKeySet
}

func newKeyring(keys [][]byte) keyring {
	ring := keyring{signing: keys[0], id: keyID(keys[0]), byID: make(map[string][]byte, len(keys))}
	for _, key := range keys {
		ring.byID[keyID(key)] = key
		ring.all.Keys = append(ring.all.Keys, key)
	}
	return ring
}

// keyID names a key without telling anything about it.
func keyID(key []byte) string {
	sum := sha256.Sum256(append([]byte("anchor jwt key"), key...))
	return hex.EncodeToString(sum[:])[:16]
}

// find gives the key that a token names. One that names none was signed before keys had names: any may be its own.
func (r keyring) find(token *jwt.Token) (any, error) {
	named, ok := token.Header["kid"]
	if !ok {
		return r.all, nil
	}
	id, _ := named.(string)
	key, ok := r.byID[id]
	if !ok {
		return nil, errKey
	}
	return key, nil
}
