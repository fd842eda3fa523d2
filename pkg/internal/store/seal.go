package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
)

// Keyring holds the master keys. Data keys and seeds are wrapped under the first; the others only open what was wrapped
// before. Its zero value can neither seal nor open.
type Keyring struct{ keys []masterKey }

type masterKey struct {
	id   string
	aead cipher.AEAD
}

// ErrNoKey means that a value needs a master key that this process was not given.
var ErrNoKey = errors.New("no master key; set ANCHOR_MASTER_KEYS to the same keys as every other process")

// Add appends a master key of 32 bytes under its id. Ids are stored beside what they wrap.
func (k Keyring) Add(id string, key []byte) (Keyring, error) {
	if id == "" || len(key) != 32 {
		return Keyring{}, fmt.Errorf("master key %q must have an id and 32 bytes, it has %d", id, len(key))
	}
	aead, err := newAEAD(key)
	if err != nil {
		return Keyring{}, err
	}
	for _, other := range k.keys {
		if other.id == id {
			return Keyring{}, fmt.Errorf("master key %q is given twice", id)
		}
	}
	return Keyring{keys: append(k.keys[:len(k.keys):len(k.keys)], masterKey{id, aead})}, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// wrap seals a secret under the first master key; bound says what the secret is for and must be the same when it is opened.
func (k Keyring) wrap(secret []byte, bound string) (keyID, sealed string, err error) {
	if len(k.keys) == 0 {
		return "", "", ErrNoKey
	}
	return k.keys[0].id, seal(k.keys[0].aead, secret, bound), nil
}

func (k Keyring) unwrap(keyID, sealed, bound string) ([]byte, error) {
	for _, key := range k.keys {
		if key.id == keyID {
			return open(key.aead, sealed, bound)
		}
	}
	return nil, fmt.Errorf("master key %q: %w", keyID, ErrNoKey)
}

// dataKey seals the personal values of one subject. Destroying its wrapped form destroys them.
type dataKey struct{ aead cipher.AEAD }

func (k Keyring) newDataKey(bound string) (key dataKey, keyID, sealed string, err error) {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	if keyID, sealed, err = k.wrap(secret, bound); err != nil {
		return dataKey{}, "", "", err
	}
	aead, err := newAEAD(secret)
	return dataKey{aead}, keyID, sealed, err
}

func (k Keyring) openDataKey(keyID, sealed, bound string) (dataKey, error) {
	secret, err := k.unwrap(keyID, sealed, bound)
	if err != nil {
		return dataKey{}, fmt.Errorf("open the data key of %s: %w", bound, err)
	}
	aead, err := newAEAD(secret)
	return dataKey{aead}, err
}

func (k dataKey) seal(value []byte, bound string) string { return seal(k.aead, value, bound) }

func (k dataKey) open(sealed, bound string) ([]byte, error) { return open(k.aead, sealed, bound) }

func seal(aead cipher.AEAD, value []byte, bound string) string {
	return base64.RawStdEncoding.EncodeToString(aead.Seal(nil, nil, value, []byte(bound)))
}

func open(aead cipher.AEAD, sealed, bound string) ([]byte, error) {
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, fmt.Errorf("sealed value of %s is damaged: %w", bound, err)
	}
	value, err := aead.Open(nil, nil, raw, []byte(bound))
	if err != nil {
		return nil, fmt.Errorf("sealed value of %s does not open: %w", bound, err)
	}
	return value, nil
}
