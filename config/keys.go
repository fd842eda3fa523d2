package config

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// NamedKey is a key with a name: one of those under which personal data and seeds are encrypted, or of those that are
// shared with the business' server.
type NamedKey struct {
	ID  string // stands beside what it sealed or signed; letters, digits, dots, dashes and underscores
	Key Secret // 32 bytes
}

// Master takes ANCHOR_MASTER_KEYS apart: the first seals, all open. None at all is a fault, since it is asked for only
// where something is to be encrypted.
func (k Keys) Master() ([]NamedKey, error) {
	return keyring("keys.master_keys", k.MasterKeys)
}

// Keyring takes ANCHOR_REMOTE_KEYS apart: the first signs, answers are believed by any.
func (r Remote) Keyring() ([]NamedKey, error) { return keyring("remote.keys", r.Keys) }

func keyring(key string, text Secret) ([]NamedKey, error) {
	setting := settingOf(key)
	items := given{text: text.Reveal()}.list()
	if len(items) == 0 {
		return nil, setting.fault("is missing")
	}
	var keys []NamedKey
	seen := map[string]bool{}
	for i, item := range items {
		key, problem := parseNamedKey(item)
		if problem == "" && seen[key.ID] {
			problem = "has an id that was there before"
		}
		if problem != "" {
			return nil, setting.fault(fmt.Sprintf("%s (key %d of %d)", problem, i+1, len(items)))
		}
		seen[key.ID] = true
		keys = append(keys, key)
	}
	return keys, nil
}

// PreviousJWT takes ANCHOR_PREVIOUS_JWT_KEYS apart: earlier keys, whose tokens are still good. None at all is fine.
func (k Keys) PreviousJWT() ([]Secret, error) {
	items := given{text: k.PreviousJWTKeys.Reveal()}.list()
	keys := make([]Secret, len(items))
	for i, item := range items {
		if n := len(item); n < shortestJWTKey {
			problem := fmt.Sprintf("has a key of %d bytes, less than %d (key %d of %d)", n, shortestJWTKey, i+1, len(items))
			return nil, settingOf("keys.previous_jwt_keys").fault(problem)
		}
		keys[i] = Secret(item)
	}
	return keys, nil
}

// shortestJWTKey is in bytes: as long as the hash that it signs with (RFC 7518, section 3.2).
const shortestJWTKey = 32

// parseNamedKey repeats nothing of the item: what stands in the place of an id may be a key.
func parseNamedKey(item string) (key NamedKey, problem string) {
	const size = 32
	id, encoded, ok := strings.Cut(item, ":")
	if !ok || !isName(id) {
		return NamedKey{}, "is not id:base64"
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return NamedKey{}, "is not base64 after its id"
	}
	if len(raw) != size {
		return NamedKey{}, fmt.Sprintf("is %d bytes long, not %d", len(raw), size)
	}
	return NamedKey{ID: id, Key: Secret(raw)}, ""
}

// isName is the form of the names that a business chooses for its own things.
func isName(name string) bool {
	const longest = 64
	for _, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && !strings.ContainsRune("._-", r) {
			return false
		}
	}
	return name != "" && len(name) <= longest
}
