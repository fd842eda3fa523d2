package assets

import (
	"context"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Result is what a registration came to.
type Result struct {
	Asset    store.Asset
	Created  bool
	Changed  []Difference // of an asset that was registered before; only where Update was asked for
	SeedKept bool         // a seed was sealed that was not kept before
}

// Register makes an asset one that the anchor receives, and has its account watched. Registered again with the same values it
// changes nothing; with others it is a *DifferentError unless Update is asked for. Whatever contradicts the network is refused
// before anything is stored.
func (s *Service) Register(ctx context.Context, spec Spec) (Result, error) {
	spec, err := s.complete(ctx, spec)
	if err != nil {
		return Result{}, err
	}
	root, err := s.root(ctx)
	if err != nil {
		return Result{}, err
	}
	if err := s.checkAccounts(ctx, spec); err != nil {
		return Result{}, err
	}
	from := root.Latest.Sequence + 1
	if spec.FromLedger != nil {
		from = *spec.FromLedger
	}
	result, err := s.store(ctx, spec, from)
	if errors.Is(err, store.ErrExists) { // somebody registered it at the same moment
		result, err = s.store(ctx, spec, from)
	}
	if err == nil {
		s.log.InfoContext(ctx, "asset registered", "code", spec.Code, "issuer", spec.Issuer, "account", spec.Account,
			"created", result.Created, "changed", len(result.Changed))
	}
	return result, err
}

// complete fills in the receiving account where the seed or what is registered names it.
func (s *Service) complete(ctx context.Context, spec Spec) (Spec, error) {
	if err := spec.check(); err != nil {
		return Spec{}, err
	}
	if spec.Account != "" {
		return spec, nil
	}
	known, err := s.db.AssetByCode(ctx, spec.Code, spec.Issuer)
	switch {
	case err == nil:
		spec.Account = known.ReceivingAccount
	case !errors.Is(err, store.ErrNotFound):
		return Spec{}, err
	case spec.Seed.IsZero():
		return Spec{}, anchor.Refuse("name the account that receives the asset, or give its seed")
	default:
		kp, err := spec.Seed.keypair()
		if err != nil {
			return Spec{}, err
		}
		spec.Account = kp.Address()
	}
	return spec, spec.check()
}

func (s *Service) store(ctx context.Context, spec Spec, from int64) (Result, error) {
	var result Result
	err := s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		result, err = s.storeIn(ctx, tx, spec, from)
		return err
	})
	if err != nil {
		return Result{}, err
	}
	return result, nil
}

func (s *Service) storeIn(ctx context.Context, tx *store.Tx, spec Spec, from int64) (Result, error) {
	account, err := tx.AddReceivingAccount(ctx, spec.Account, from)
	if err != nil {
		return Result{}, err
	}
	before, err := tx.AssetByCode(ctx, spec.Code, spec.Issuer)
	known := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Result{}, err
	}
	if !known {
		before = newAsset(spec.Code, spec.Issuer)
		before.ReceivingAccount = spec.Account
	}
	after, err := s.wanted(before, spec)
	if err != nil {
		return Result{}, err
	}
	contradictions, err := accountDifferences(tx, account, spec)
	if err != nil {
		return Result{}, err
	}
	changes := differences(before, after)
	if known {
		contradictions = append(contradictions, changes...)
	}
	if refused(contradictions, spec.Update) {
		return Result{}, &DifferentError{Code: spec.Code, Differences: contradictions}
	}
	result := Result{Created: !known}
	if !spec.Seed.IsZero() {
		if result.SeedKept, err = tx.KeepSeed(ctx, account, spec.Seed.Reveal()); err != nil {
			return Result{}, err
		}
	}
	switch {
	case !known:
		result.Asset, err = tx.CreateAsset(ctx, after, anchor.Change{Cause: anchor.CauseCreated, Actor: spec.Actor})
	case len(changes) == 0:
		result.Asset, result.Changed = before, contradictions
	default:
		result.Changed = contradictions
		result.Asset, err = change(ctx, tx, before, after, changes, spec.Actor)
	}
	return result, err
}

func change(ctx context.Context, tx *store.Tx, before, after store.Asset, changes []Difference, actor string) (store.Asset, error) {
	text, err := detail(changes)
	if err != nil {
		return store.Asset{}, err
	}
	return tx.ChangeAsset(ctx, before, after, anchor.Change{Cause: anchor.CauseNoted, Actor: actor, Reason: "registered with other values", Detail: text})
}

// wanted is the asset as the spec wants it, its terms judged together.
func (s *Service) wanted(before store.Asset, spec Spec) (store.Asset, error) {
	after, err := spec.Terms.apply(before)
	if err != nil {
		return store.Asset{}, err
	}
	after.Enabled, after.ReceivingAccount = true, spec.Account
	return after, s.checkTerms(after, spec.Terms.FundingMethods)
}

// accountDifferences compares what is kept of a watched account with what was given.
func accountDifferences(tx *store.Tx, account store.ReceivingAccount, spec Spec) ([]Difference, error) {
	var all []Difference
	if spec.FromLedger != nil && *spec.FromLedger != account.FromLedger {
		all = append(all, Difference{
			Name: "first ledger", Stored: fmt.Sprint(account.FromLedger), Given: fmt.Sprint(*spec.FromLedger), Fixed: true,
		})
	}
	if spec.Seed.IsZero() || !account.HasSeed() {
		return all, nil
	}
	kept, err := tx.OpenSeed(account)
	if err != nil {
		return nil, err
	}
	if kept != spec.Seed.Reveal() {
		all = append(all, Difference{Name: "seed", Stored: "another one", Given: "this one"})
	}
	return all, nil
}
