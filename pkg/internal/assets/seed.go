package assets

import (
	"errors"

	"github.com/stellar/go-stellar-sdk/keypair"
)

// Seed is the secret seed of an account. Printed, logged or encoded in any way it shows nothing of itself.
type Seed struct{ text string }

// ParseSeed reads an S… seed. Its error does not repeat the text.
func ParseSeed(text string) (Seed, error) {
	if _, err := keypair.ParseFull(text); err != nil {
		return Seed{}, errors.New("this is not a secret seed (S…, 56 letters and digits)")
	}
	return Seed{text}, nil
}

// Reveal gives the seed itself, for the one place that keeps it or signs with it.
func (s Seed) Reveal() string { return s.text }

// IsZero tells whether there is no seed.
func (s Seed) IsZero() bool { return s.text == "" }

const hidden = "[seed]"

// String hides the seed.
func (Seed) String() string { return hidden }

// GoString hides the seed from %#v.
func (Seed) GoString() string { return hidden }

// MarshalText hides the seed from JSON and logs.
func (Seed) MarshalText() ([]byte, error) { return []byte(hidden), nil }

func (s Seed) keypair() (*keypair.Full, error) {
	kp, err := keypair.ParseFull(s.text)
	if err != nil {
		return nil, errors.New("the seed cannot be read")
	}
	return kp, nil
}

func newSeed() (Seed, *keypair.Full, error) {
	kp, err := keypair.Random()
	if err != nil {
		return Seed{}, nil, errors.New("no key could be made")
	}
	return Seed{kp.Seed()}, kp, nil
}
