package assets

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/txnbuild"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

// IssueSpec is an asset that shall exist on a test network and be registered.
type IssueSpec struct {
	Spec // Issuer may be left out
	// IssuerSeed issues the asset. Zero: where an asset of the code is registered, its issuer stays; else one is made.
	IssuerSeed Seed
	// Balance is what the receiving account gets first, if it has none of the asset; empty: DefaultBalance; "0": nothing.
	Balance string
	// KeepIssuer is given the seed of an issuer that is made, before the network hears of it; it alone can keep it. nil: only
	// the result has it.
	KeepIssuer func(issuer string, seed Seed) error
}

// DefaultBalance is the first balance of the receiving account, in units of the asset.
const DefaultBalance = "1000000"

// IssueResult is what an issue came to.
type IssueResult struct {
	Result
	Issuer     string
	IssuerSeed Seed     // of an issuer that was made now; zero otherwise
	Done       []string // what was done on the network, for people; empty if everything was there
}

// issuing is one issue under way.
type issuing struct {
	*Service
	spec      IssueSpec
	issuer    *keypair.Full // nil: only its address is known
	receiving *keypair.Full // nil likewise
	result    IssueResult
}

// Issue makes an asset on a test network as far as it is not there: the issuer, the receiving account, its trust line and first
// balance; then it registers it. Run again it does only what is missing. It refuses the public network.
func (s *Service) Issue(ctx context.Context, spec IssueSpec) (IssueResult, error) {
	if s.opts.Passphrase == network.PublicNetworkPassphrase {
		return IssueResult{}, anchor.Refuse("assets are issued on test networks only; on the public network register one that exists (--issuer G…)")
	}
	if _, err := s.root(ctx); err != nil {
		return IssueResult{}, err
	}
	i := &issuing{Service: s, spec: spec}
	for _, step := range []func(context.Context) error{i.findIssuer, i.findReceiving, i.fund, i.trust, i.pay} {
		if err := step(ctx); err != nil {
			return i.result, fmt.Errorf("issue %s: %w", spec.Code, err)
		}
	}
	registered, err := s.Register(ctx, i.spec.Spec)
	i.result.Result = registered
	return i.result, err
}

// findIssuer settles who issues: the seed given, the issuer named, that of a registered asset of the code, or a new one.
func (i *issuing) findIssuer(ctx context.Context) error {
	if !i.spec.IssuerSeed.IsZero() {
		kp, err := i.spec.IssuerSeed.keypair()
		if err != nil {
			return err
		}
		if i.spec.Issuer != "" && i.spec.Issuer != kp.Address() {
			return anchor.Refusef("the issuer's seed belongs to %s, not to %s", kp.Address(), i.spec.Issuer)
		}
		i.issuer, i.spec.Issuer = kp, kp.Address()
	}
	if i.spec.Issuer == "" {
		known, err := i.issuersOf(ctx, i.spec.Code)
		if err != nil {
			return err
		}
		if len(known) > 1 {
			return anchor.Refusef("%d assets have the code %s: name the issuer too", len(known), i.spec.Code)
		}
		if len(known) == 1 {
			i.spec.Issuer = known[0]
		}
	}
	if i.spec.Issuer == "" {
		if err := i.makeIssuer(); err != nil {
			return err
		}
	}
	i.result.Issuer = i.spec.Issuer
	return i.spec.check()
}

func (i *issuing) makeIssuer() error {
	seed, kp, err := newSeed()
	if err != nil {
		return err
	}
	i.issuer, i.spec.Issuer, i.result.IssuerSeed = kp, kp.Address(), seed
	if i.spec.KeepIssuer == nil {
		return nil
	}
	if err := i.spec.KeepIssuer(kp.Address(), seed); err != nil {
		return fmt.Errorf("keep the issuer's seed: %w", err)
	}
	return nil
}

// findReceiving settles who receives: what was given, that of the registered asset with its kept seed, or a new account.
func (i *issuing) findReceiving(ctx context.Context) error {
	if i.spec.Account == "" {
		known, err := i.db.AssetByCode(ctx, i.spec.Code, i.spec.Issuer)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		i.spec.Account = known.ReceivingAccount // empty if it is not known
	}
	seed, err := i.receivingSeed(ctx)
	if err != nil || seed.IsZero() {
		return err
	}
	if i.receiving, err = seed.keypair(); err != nil {
		return err
	}
	if i.spec.Account == "" {
		i.spec.Account = i.receiving.Address()
	}
	return i.spec.check()
}

// receivingSeed finds or makes the seed of the receiving account; none for an account that somebody else signs for.
func (i *issuing) receivingSeed(ctx context.Context) (Seed, error) {
	if !i.spec.Seed.IsZero() {
		return i.spec.Seed, nil
	}
	if i.spec.Account == "" {
		seed, _, err := newSeed()
		i.spec.Seed = seed
		return seed, err
	}
	kept, err := i.db.Seed(ctx, i.spec.Account)
	if errors.Is(err, store.ErrNotFound) {
		return Seed{}, nil
	}
	return Seed{kept}, err
}

// fund has friendbot create the accounts that do not exist.
func (i *issuing) fund(ctx context.Context) error {
	for _, account := range []struct{ what, id string }{{"issuer", i.spec.Issuer}, {"receiving account", i.spec.Account}} {
		_, err := i.net.Account(ctx, account.id)
		if err == nil {
			continue
		}
		if !errors.Is(err, stellar.ErrNotFound) {
			return fmt.Errorf("ask for the %s %s: %w", account.what, account.id, err)
		}
		if err := i.net.Friendbot(ctx, account.id); err != nil {
			return fmt.Errorf("create the %s %s: %w", account.what, account.id, err)
		}
		i.did("created the %s %s", account.what, account.id)
	}
	return nil
}

// trust has the receiving account trust the asset.
func (i *issuing) trust(ctx context.Context) error {
	account, err := i.existing(ctx, "receiving account", i.spec.Account)
	if err != nil {
		return err
	}
	if _, ok := account.Balance(i.spec.Code, i.spec.Issuer); ok {
		return nil
	}
	if i.receiving == nil {
		return anchor.Refusef("the receiving account %s does not trust %s:%s yet, which needs its seed", account.ID, i.spec.Code, i.spec.Issuer)
	}
	line, err := txnbuild.CreditAsset{Code: i.spec.Code, Issuer: i.spec.Issuer}.ToChangeTrustAsset()
	if err != nil {
		return fmt.Errorf("trust line: %w", err)
	}
	if err := i.send(ctx, i.receiving, account, &txnbuild.ChangeTrust{Line: line, Limit: txnbuild.MaxTrustlineLimit}); err != nil {
		return fmt.Errorf("trust line of %s: %w", account.ID, err)
	}
	i.did("made the trust line of %s to %s", account.ID, i.spec.Code)
	return nil
}

// pay gives the receiving account its first balance, where the issuer's seed is known.
func (i *issuing) pay(ctx context.Context) error {
	text := i.spec.Balance
	if text == "" {
		text = DefaultBalance
	}
	amount, err := money.Parse(text, money.StellarDecimals)
	if err != nil {
		return anchor.Refusef("first balance: %v", err)
	}
	if amount.IsZero() || i.issuer == nil {
		return nil
	}
	account, err := i.existing(ctx, "receiving account", i.spec.Account)
	if err != nil {
		return err
	}
	if line, _ := account.Balance(i.spec.Code, i.spec.Issuer); line.Units > 0 {
		return nil
	}
	issuer, err := i.existing(ctx, "issuer", i.spec.Issuer)
	if err != nil {
		return err
	}
	err = i.send(ctx, i.issuer, issuer, &txnbuild.Payment{
		Destination: i.spec.Account, Amount: amount.String(), Asset: txnbuild.CreditAsset{Code: i.spec.Code, Issuer: i.spec.Issuer},
	})
	if err != nil {
		return fmt.Errorf("first balance of %s: %w", i.spec.Account, err)
	}
	i.did("issued %s %s to %s", amount.Short(), i.spec.Code, i.spec.Account)
	return nil
}

func (i *issuing) did(format string, args ...any) {
	i.result.Done = append(i.result.Done, fmt.Sprintf(format, args...))
}

// Bounds of one submission.
const (
	validFor    = 5 * time.Minute
	submissions = 3
)

// send makes, signs and submits a transaction of one operation. An envelope whose outcome stays unknown is submitted again as
// it is, which cannot make it happen twice.
func (s *Service) send(ctx context.Context, signer *keypair.Full, source stellar.Account, operation txnbuild.Operation) error {
	root, err := s.root(ctx)
	if err != nil {
		return err
	}
	tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount:        &txnbuild.SimpleAccount{AccountID: source.ID, Sequence: source.Sequence},
		IncrementSequenceNum: true,
		Operations:           []txnbuild.Operation{operation},
		BaseFee:              s.opts.MaxFee,
		// By the network's clock: that of this host may be wrong.
		Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewTimebounds(0, root.Latest.ClosedAt.Add(validFor).Unix())},
	})
	if err != nil {
		return fmt.Errorf("make the transaction: %w", err)
	}
	if tx, err = tx.Sign(s.opts.Passphrase, signer); err != nil {
		return fmt.Errorf("sign the transaction: %w", err)
	}
	envelope, err := tx.Base64()
	if err != nil {
		return fmt.Errorf("encode the transaction: %w", err)
	}
	for try := 1; ; try++ {
		_, err = s.net.Submit(ctx, envelope)
		if err == nil || try == submissions || ctx.Err() != nil || !errors.Is(err, stellar.ErrUnknownOutcome) {
			return err
		}
	}
}
