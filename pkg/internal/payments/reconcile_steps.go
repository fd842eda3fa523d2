package payments

import (
	"fmt"
	"maps"
	"slices"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// sums are units per asset; an asset that adds up to nothing is not among them.
type sums map[store.AssetName]int64

func (s sums) add(name store.AssetName, units int64) error {
	sum, err := store.Add(s[name], units)
	if err != nil {
		return err
	}
	if sum == 0 {
		delete(s, name)
		return nil
	}
	s[name] = sum
	return nil
}

func (s sums) addAll(other sums) error {
	for name, units := range other {
		if err := s.add(name, units); err != nil {
			return err
		}
	}
	return nil
}

// step is what one operation did to an account, by its effects.
type step struct {
	operation int64
	in, out   sums // credited and debited: what payments and outgoing movements are made of
	net       sums // everything, the account's own trades and pools included
	kinds     []string
	created   bool // the account began to exist
	doubtful  bool // an effect could not be read
}

func (s step) ledger() int64 { return s.operation >> ledgerShift }

// stepOf adds the effects of one operation up. Trades within a path payment that the account itself made are not added: its cost is
// debited as a whole, and what the trades give passes through.
func stepOf(effects []stellar.Effect) (step, error) {
	s := step{operation: effects[0].Operation, in: sums{}, out: sums{}, net: sums{}}
	pays := slices.ContainsFunc(effects, func(e stellar.Effect) bool { return e.Kind == stellar.EffectDebited })
	for _, e := range effects {
		s.kinds = append(s.kinds, e.Kind)
		s.created = s.created || e.Kind == stellar.EffectCreated
		s.doubtful = s.doubtful || e.Unreadable != ""
		if pays && e.Kind == stellar.EffectTrade {
			continue
		}
		for _, c := range e.Changes {
			if err := s.change(e.Kind, c); err != nil {
				return step{}, fmt.Errorf("operation %d: %w", s.operation, err)
			}
		}
	}
	return s, nil
}

func (s *step) change(kind string, c stellar.BalanceChange) error {
	name := store.AssetName{Code: c.AssetCode, Issuer: c.AssetIssuer}
	if err := s.net.add(name, c.Units); err != nil {
		return err
	}
	switch kind {
	case stellar.EffectCredited, stellar.EffectCreated:
		return s.in.add(name, c.Units)
	case stellar.EffectDebited:
		return s.out.add(name, -c.Units)
	}
	return nil
}

// steps groups effects by their operations. The last operation is left over: there may be more of it.
func steps(effects []stellar.Effect, whole bool) (list []step, rest []stellar.Effect, err error) {
	for len(effects) > 0 {
		n := 1
		for n < len(effects) && effects[n].Operation == effects[0].Operation {
			n++
		}
		if n == len(effects) && !whole {
			break
		}
		s, err := stepOf(effects[:n])
		if err != nil {
			return nil, nil, err
		}
		list, effects = append(list, s), effects[n:]
	}
	return list, effects, nil
}

// agrees tells whether the books have of an operation exactly what it did: what was credited and what was debited, or at least the
// difference, for what an account pays to itself is in neither list of the books.
func (s step) agrees(booked []store.Booked) (bool, error) {
	in, out := sums{}, sums{}
	for _, b := range booked {
		if b.Unreadable {
			return false, nil
		}
		into := in
		if b.Outgoing {
			into = out
		}
		if err := into.add(b.Asset, b.Units); err != nil {
			return false, err
		}
	}
	if s.doubtful {
		return false, nil
	}
	if maps.Equal(s.in, in) && maps.Equal(s.out, out) {
		return true, nil
	}
	mine, err := difference(s.in, s.out)
	if err != nil {
		return false, err
	}
	theirs, err := difference(in, out)
	return err == nil && maps.Equal(mine, theirs) && len(booked) > 0, err
}

func difference(in, out sums) (sums, error) {
	d := maps.Clone(in)
	for name, units := range out {
		if err := d.add(name, -units); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// listed is one movement as the network's list of payments has it.
type listed struct {
	stellar.Payment
	outgoing bool
}

// place names a movement within its operation.
type place struct {
	outgoing bool
	index    int64
}

// compare says what of one operation the books have differently than the network lists it. Nothing: what the effects show besides is
// neither a payment nor an outgoing movement, but one of the account's own affairs.
func compare(account string, operation int64, network []listed, booked []store.Booked) []store.Finding {
	var found []store.Finding
	at := map[place]store.Booked{}
	for _, b := range booked {
		at[place{b.Outgoing, b.Index}] = b
	}
	for _, l := range network {
		where := place{l.outgoing, int64(l.Index)}
		b, known := at[where]
		delete(at, where)
		f := findingAt(account, operation, where)
		f.LedgerUnits, f.AssetCode, f.AssetIssuer = l.Units, storable(l.AssetCode), l.AssetIssuer
		switch {
		case !known:
			f.Kind, f.Detail = string(missing(l.outgoing)), "transaction "+l.OuterHash
			found = append(found, f)
		case b.Unreadable || l.Unreadable != "":
		case b.Units != l.Units || b.Asset != f.Asset():
			f.Kind, f.BookUnits = string(store.FoundWrongAmount), b.Units
			f.Detail = fmt.Sprintf("the books have %s %s; transaction %s", amount(b.Units), b.Asset.Code, l.OuterHash)
			found = append(found, f)
		}
	}
	for where, b := range at {
		f := findingAt(account, operation, where)
		f.Kind, f.AssetCode, f.AssetIssuer, f.BookUnits = string(unfounded(where.outgoing)), b.Asset.Code, b.Asset.Issuer, b.Units
		found = append(found, f)
	}
	return found
}

func findingAt(account string, operation int64, where place) store.Finding {
	return store.Finding{ReconcileFinding: sqlgen.ReconcileFinding{
		Account: account, OperationID: operation, Idx: where.index, Outgoing: where.outgoing,
	}}
}

func missing(outgoing bool) store.FindingKind {
	if outgoing {
		return store.FoundMissingOutgoing
	}
	return store.FoundMissingPayment
}

func unfounded(outgoing bool) store.FindingKind {
	if outgoing {
		return store.FoundNoOutgoing
	}
	return store.FoundNoPayment
}
