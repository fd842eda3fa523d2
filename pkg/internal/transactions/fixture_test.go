package transactions_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
	"github.com/anchorkit/anchor/pkg/internal/transactions"
)

const (
	issuer    = "GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN"
	receiving = "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7"
	sending   = "GBRPYHIL2CI3FNQ4BXLFMNDLFJUNPU2HY3ZMFSHONUCEOASW7QC7OX2H"
	stranger  = "GCEZWKCA5VLDNRLN3RPRJMRZOX3Z6G5CHCGSNFHEYVXM3XOJMDS674JZ"
)

// receiver is a business that accepts everything unless a test says otherwise.
type receiver struct {
	info  anchor.Info
	valid func(anchor.SendingAnchor) (bool, error)
	post  func(anchor.PostRequest) (anchor.Acceptance, error)
	patch func(anchor.PatchRequest) error
}

func (r *receiver) Info(context.Context, anchor.InfoRequest) (anchor.Info, error) { return r.info, nil }

func (r *receiver) ValidSendingAnchor(_ context.Context, who anchor.SendingAnchor) (bool, error) {
	if r.valid == nil {
		return true, nil
	}
	return r.valid(who)
}

func (r *receiver) ProcessPostRequest(_ context.Context, p anchor.PostRequest) (anchor.Acceptance, error) {
	if r.post == nil {
		return anchor.Acceptance{}, nil
	}
	return r.post(p)
}

func (r *receiver) ProcessPatchRequest(_ context.Context, p anchor.PatchRequest) error {
	if r.patch == nil {
		return nil
	}
	return r.patch(p)
}

// nobody knows no customer.
type nobody struct{}

func (nobody) ForTransaction(context.Context, string, string, string) (*anchor.Customer, error) {
	return nil, anchor.RefuseAs(anchor.CodeNotFound, "customer not found")
}

func (nobody) Release(context.Context, string) error { return nil }

// world is an anchor that receives USDC: 7 decimals, from 1 to 10 000, 0.5 and 1 % fee, paid out by SEPA.
type world struct {
	db       *store.DB
	receiver *receiver
	service  *transactions.Service
}

func newWorld(t testing.TB, db *store.DB, change ...func(*transactions.Deps)) world {
	t.Helper()
	addAsset(t, db, func(*store.Asset) {})
	r := &receiver{}
	deps := transactions.Deps{DB: db, Receiver: r, Customers: nobody{}, Options: transactions.Options{
		Lifetime: time.Hour,
		CheckCallbackURL: func(url string) error {
			if !strings.HasPrefix(url, "https://") {
				return errors.New("the url must begin with https://")
			}
			return nil
		},
	}}
	for _, c := range change {
		c(&deps)
	}
	return world{db: db, receiver: r, service: transactions.New(deps)}
}

func addAsset(t testing.TB, db *store.DB, change func(*store.Asset)) {
	t.Helper()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var a store.Asset
		a.Code, a.Issuer, a.Decimals, a.ReceivingAccount = "USDC", issuer, 7, receiving
		a.Enabled, a.Sep31Enabled = true, true
		a.MinUnits, a.MaxUnits, a.FeeFixedUnits, a.FeePercent = 1_0000000, 10_000_0000000, 5000000, "1"
		if err := a.SetMethods([]string{"SEPA"}); err != nil {
			return err
		}
		change(&a)
		if _, err := tx.AddReceivingAccount(ctx, a.ReceivingAccount, 1); err != nil {
			return err
		}
		_, err := tx.CreateAsset(ctx, a, anchor.Change{Cause: anchor.CauseCreated, Actor: "test"})
		return err
	}))
}

func (w world) admit(t testing.TB, account string) transactions.Admitted {
	t.Helper()
	who, err := w.service.Admit(t.Context(), anchor.SendingAnchor{Account: account})
	require.NoError(t, err)
	return who
}

// create makes a transaction of 100 USDC for the sending anchor.
func (w world) create(t testing.TB) transactions.Created {
	t.Helper()
	created, err := w.service.Create(t.Context(), w.admit(t, sending), hundred())
	require.NoError(t, err)
	return created
}

func hundred() transactions.Request {
	return transactions.Request{Amount: "100", AssetCode: "USDC", FundingMethod: "SEPA"}
}

// keyed is a request for 100 USDC under an idempotency key.
func keyed(key string) transactions.Request {
	r := hundred()
	r.IdempotencyKey = &key
	return r
}

// askForInfo funds a transaction and lets its payout ask for fields, as a rail does.
func (w world) askForInfo(t testing.TB, id, required string) {
	t.Helper()
	require.NoError(t, w.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		row, err := tx.LockTransaction(ctx, id)
		if err != nil {
			return err
		}
		change := anchor.Change{Cause: anchor.CauseFunded, Actor: "test"}
		row.CreditedUnits = row.ExpectedUnits
		var p store.Payout
		p.Number, p.State, p.WaitsFor, p.Rail = 1, anchor.PayoutWaiting, anchor.WaitsForInfo, "bank"
		p.DebitUnits, p.AmountUnits, p.AmountDecimals, p.AmountAsset = row.ExpectedUnits, row.OutUnits, row.OutDecimals, row.OutAsset
		if _, err := tx.CreatePayout(ctx, &row, p, change); err != nil {
			return err
		}
		if row, err = tx.Advance(ctx, row, change); err != nil {
			return err
		}
		row.RequiredInfo, row.RequiredMessage = required, "the bank refused the account"
		_, err = tx.Advance(ctx, row, anchor.Change{Cause: anchor.CauseTransactionInfoNeeded, Actor: "test"})
		return err
	}))
}

// each runs a test against a world on every engine.
func each(t *testing.T, test func(t *testing.T, w world), change ...func(*transactions.Deps)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, newWorld(t, db, change...)) })
}

func requireCode(t testing.TB, want anchor.Code, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, want, anchor.CodeOf(err), "%v", err)
}
