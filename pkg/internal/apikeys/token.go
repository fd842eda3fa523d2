package apikeys

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
)

// A key is anchor_ID_SECRET, in small letters and digits. The id is no secret: it is how a key is found and spoken of.
const (
	prefix      = "anchor_"
	idBytes     = 10
	secretBytes = 32
	idLength    = idBytes * 8 / 5
	tokenLength = len(prefix) + idLength + 1 + (secretBytes*8+4)/5
)

// Token is a key as its holder has it: a secret. It can be printed by mistake without harm.
type Token struct{ text string }

func newToken() (id string, t Token) {
	raw := make([]byte, idBytes+secretBytes)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	id = encoded(raw[:idBytes])
	return id, Token{prefix + id + "_" + encoded(raw[idBytes:])}
}

func encoded(raw []byte) string {
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw))
}

// Reveal is the key itself.
func (t Token) Reveal() string { return t.text }

// String hides the key.
func (t Token) String() string { return prefix + "…" }

// GoString hides the key from %#v.
func (t Token) GoString() string { return t.String() }

// hash is what is stored of a key. The secret in it is random and long: it needs no salt and no slowness.
func (t Token) hash() string {
	sum := sha256.Sum256([]byte(t.text))
	return hex.EncodeToString(sum[:])
}

// hashOfNobody has the form of a hash and is none of any key.
func hashOfNobody() string { return strings.Repeat("-", hex.EncodedLen(sha256.Size)) }

// idOf is the id in what may be a key; false if it cannot be one.
func idOf(text string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok || len(text) != tokenLength || rest[idLength] != '_' {
		return "", false
	}
	id = rest[:idLength]
	return id, wellFormed(id)
}

// wellFormed tells whether an id is one that newToken could have made.
func wellFormed(id string) bool {
	return len(id) == idLength && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") == ""
}
