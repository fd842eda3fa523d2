package payments

import (
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// NetOf is by how much one operation's effects moved each balance.
func NetOf(effects []stellar.Effect) (map[store.AssetName]int64, error) {
	s, err := stepOf(effects)
	return s.net, err
}

// Agrees tells whether the books have of one operation what its effects show.
func Agrees(effects []stellar.Effect, booked []store.Booked) (bool, error) {
	s, err := stepOf(effects)
	if err != nil {
		return false, err
	}
	return s.agrees(booked)
}
