package stellar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// EffectPosition names an effect: the ordinal among those of its operation. Its zero value lies before all of them.
type EffectPosition struct{ Operation, Index int64 }

// Compare is negative where p comes before other, 0 where they are the same.
func (p EffectPosition) compare(other EffectPosition) int64 {
	if p.Operation != other.Operation {
		return p.Operation - other.Operation
	}
	return p.Index - other.Index
}

// The effects that say more about their operation than a balance alone does.
const (
	EffectCredited = "account_credited"
	EffectDebited  = "account_debited"
	EffectCreated  = "account_created"
	EffectTrade    = "trade"
)

// Effect is what an operation did to an account, as Horizon's effects tell it. Fees are no effects; see Horizon.Fees.
type Effect struct {
	EffectPosition
	Kind     string // Horizon's word: account_credited, trade, claimable_balance_claimed, …
	ClosedAt time.Time
	// Changes are those of the account's balances; none for what moves nothing, such as trustline_created.
	Changes []BalanceChange
	// Unreadable says why the changes could not be understood; they are then missing.
	Unreadable string
}

// Ledger is the one that the effect's operation is in (SEP-35).
func (e Effect) Ledger() int64 { return e.Operation >> 32 }

// BalanceChange is by how much a balance grew, in units of 10^-7; less than 0: it shrank.
type BalanceChange struct {
	AssetCode, AssetIssuer string
	Units                  int64
}

// EffectsPage is what one answer told of an account's effects, oldest first.
type EffectsPage struct {
	Effects  []Effect
	Position EffectPosition // of the last one, or the one asked for
	Full     bool           // there may be more behind Position already
	// Through is the newest ledger that was announced before the page was read, Elder the oldest one that is kept.
	Through Ledger
	Elder   int64
}

// Effects reads the page of an account's effects behind the position given, at most limit (1 to MaxLimit). A single effect that
// cannot be understood is handed on as unreadable.
func (h *Horizon) Effects(ctx context.Context, account string, after EffectPosition, limit int) (EffectsPage, error) {
	return via(ctx, h, func(e *endpoint) (EffectsPage, error) { return e.effects(ctx, account, after, limit) })
}

func (e *endpoint) effects(ctx context.Context, account string, after EffectPosition, limit int) (EffectsPage, error) {
	if err := checkAsked(account, after.Operation); err != nil {
		return EffectsPage{}, err
	}
	root, err := e.ownRoot(ctx)
	if err != nil {
		return EffectsPage{}, err
	}
	path := "/accounts/" + account + "/effects"
	var records []effectRecord
	cursor := fmt.Sprintf("%d-%d", after.Operation, after.Index)
	if err := e.records(ctx, path, url.Values{"cursor": {cursor}, "limit": {strconv.Itoa(limit)}, "order": {"asc"}}, &records); err != nil {
		return EffectsPage{}, err
	}
	page := EffectsPage{Position: after, Full: len(records) >= limit, Through: root.Latest, Elder: root.Elder}
	for _, r := range records {
		found, err := r.effect(account)
		if err == nil && found.compare(page.Position) <= 0 {
			err = errors.New("its effects do not ascend")
		}
		if err != nil {
			return EffectsPage{}, named("GET "+path, &AnswerError{Reason: err.Error()})
		}
		page.Effects, page.Position = append(page.Effects, found), found.EffectPosition
	}
	return page, nil
}

// records reads a list of resources.
func (e *endpoint) records(ctx context.Context, path string, query url.Values, into any) error {
	body, err := e.getBody(ctx, path, query, maxPageAnswer)
	if err != nil {
		return err
	}
	var answer struct {
		Embedded struct {
			Records json.RawMessage `json:"records"`
		} `json:"_embedded"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Embedded.Records == nil {
		return named("GET "+path, &AnswerError{Reason: "it holds no records"})
	}
	if json.Unmarshal(answer.Embedded.Records, into) != nil {
		return named("GET "+path, &AnswerError{Reason: "its records are not of the form expected"})
	}
	return nil
}

type effectRecord struct {
	Token           string    `json:"paging_token"`
	Account         string    `json:"account"`
	Type            string    `json:"type"`
	CreatedAt       time.Time `json:"created_at"`
	AssetType       string    `json:"asset_type"`
	AssetCode       string    `json:"asset_code"`
	AssetIssuer     string    `json:"asset_issuer"`
	Amount          string    `json:"amount"`
	StartingBalance string    `json:"starting_balance"`
	Sold            string    `json:"sold_amount"`
	SoldType        string    `json:"sold_asset_type"`
	SoldCode        string    `json:"sold_asset_code"`
	SoldIssuer      string    `json:"sold_asset_issuer"`
	Bought          string    `json:"bought_amount"`
	BoughtType      string    `json:"bought_asset_type"`
	BoughtCode      string    `json:"bought_asset_code"`
	BoughtIssuer    string    `json:"bought_asset_issuer"`
	Deposited       []reserve `json:"reserves_deposited"`
	Received        []reserve `json:"reserves_received"`
}

// reserve is one side of a liquidity pool; its asset is "native" or "CODE:ISSUER".
type reserve struct {
	Asset  string `json:"asset"`
	Amount string `json:"amount"`
}

func (r effectRecord) effect(account string) (Effect, error) {
	operation, index, found := strings.Cut(r.Token, "-")
	position, ok := parsePosition([]byte(operation))
	ordinal, err := strconv.ParseInt(index, 10, 64)
	if !found || !ok || err != nil || ordinal < 0 || r.Account != account {
		return Effect{}, fmt.Errorf("its effect %s has no position or is of another account", Printable(r.Token))
	}
	e := Effect{EffectPosition: EffectPosition{position, ordinal}, Kind: Printable(r.Type), ClosedAt: r.CreatedAt.UTC()}
	if e.Changes, err = r.changes(); err != nil {
		e.Changes, e.Unreadable = nil, Printable(err.Error())
	}
	return e, nil
}

// changes are those of the account's own balances. The effects of contracts (contract_credited, contract_debited) are listed under
// the account that called them and change nothing of it; pools trade within path payments, whose cost is debited as a whole.
func (r effectRecord) changes() ([]BalanceChange, error) {
	asset := [3]string{r.AssetType, r.AssetCode, r.AssetIssuer}
	switch r.Type {
	case EffectCredited:
		return r.all(sum{asset, r.Amount, 1})
	case EffectDebited:
		return r.all(sum{asset, r.Amount, -1})
	case EffectCreated:
		return r.all(sum{[3]string{NativeCode}, r.StartingBalance, 1})
	case EffectTrade:
		return r.all(sum{[3]string{r.SoldType, r.SoldCode, r.SoldIssuer}, r.Sold, -1},
			sum{[3]string{r.BoughtType, r.BoughtCode, r.BoughtIssuer}, r.Bought, 1})
	case "liquidity_pool_deposited":
		return r.all(pooled(r.Deposited, -1)...)
	case "liquidity_pool_withdrew":
		return r.all(pooled(r.Received, 1)...)
	}
	return nil, nil
}

// sum is one amount of an asset (type, code, issuer), with its sign.
type sum struct {
	asset  [3]string
	amount string
	sign   int64
}

func pooled(reserves []reserve, sign int64) []sum {
	list := make([]sum, len(reserves))
	for i, r := range reserves {
		list[i] = sum{[3]string{NativeCode}, r.Amount, sign}
		if code, issuer, credit := strings.Cut(r.Asset, ":"); credit {
			list[i].asset = [3]string{"credit_alphanum12", code, issuer}
		}
	}
	return list
}

func (effectRecord) all(sums ...sum) ([]BalanceChange, error) {
	changes := make([]BalanceChange, len(sums))
	for i, s := range sums {
		code, issuer, err := parseAsset([]byte(s.asset[0]), []byte(s.asset[1]), []byte(s.asset[2]))
		if err != nil {
			return nil, err
		}
		units, err := parseUnits([]byte(s.amount))
		if err != nil {
			return nil, err
		}
		changes[i] = BalanceChange{code, issuer, s.sign * units}
	}
	return changes, nil
}

// Fee is what one envelope cost the account that paid for it, whether it succeeded or not.
type Fee struct {
	Position int64 // ledger<<32 | transaction<<12, as in SEP-35
	Units    int64 // stroops
}

// FeesPage is what one answer told of the envelopes that an account has to do with, oldest first.
type FeesPage struct {
	Fees     []Fee // only those that the account paid
	Position int64 // of the last envelope passed, or the one asked for
	Full     bool
	Through  Ledger // as in EffectsPage
	Elder    int64
}

// Fees reads what an account paid for envelopes behind the position given, of at most limit (1 to MaxLimit) envelopes.
func (h *Horizon) Fees(ctx context.Context, account string, after int64, limit int) (FeesPage, error) {
	return via(ctx, h, func(e *endpoint) (FeesPage, error) { return e.fees(ctx, account, after, limit) })
}

func (e *endpoint) fees(ctx context.Context, account string, after int64, limit int) (FeesPage, error) {
	if err := checkAsked(account, after); err != nil {
		return FeesPage{}, err
	}
	root, err := e.ownRoot(ctx)
	if err != nil {
		return FeesPage{}, err
	}
	path := "/accounts/" + account + "/transactions"
	var records []struct {
		Token   string          `json:"paging_token"`
		Account string          `json:"fee_account"`
		Charged json.RawMessage `json:"fee_charged"` // a string of digits; a number in old Horizons
	}
	query := url.Values{
		"cursor": {strconv.FormatInt(after, 10)}, "limit": {strconv.Itoa(limit)}, "order": {"asc"}, "include_failed": {"true"},
	}
	if err := e.records(ctx, path, query, &records); err != nil {
		return FeesPage{}, err
	}
	page := FeesPage{Position: after, Full: len(records) >= limit, Through: root.Latest, Elder: root.Elder}
	for _, r := range records {
		position, ok := parsePosition([]byte(r.Token))
		charged, err := strconv.ParseInt(strings.Trim(string(r.Charged), `"`), 10, 64)
		if !ok || position <= page.Position || err != nil || charged < 0 {
			return FeesPage{}, named("GET "+path, &AnswerError{Reason: "an envelope has no position, no fee, or does not ascend"})
		}
		page.Position = position
		if r.Account == account && charged > 0 {
			page.Fees = append(page.Fees, Fee{position, charged})
		}
	}
	return page, nil
}

// AccountAt asks for an account with the ledger of which the answer is: what Horizon's header Latest-Ledger says or, behind
// proxies that drop it, the newest one announced before if the account has not changed since. ErrMoved: it has; ask again.
// ErrNotFound, also with its ledger: it does not exist.
func (h *Horizon) AccountAt(ctx context.Context, id string) (Account, int64, error) {
	type found struct {
		account Account
		at      int64
		missing error // its ledger counts as well
	}
	got, err := via(ctx, h, func(e *endpoint) (found, error) {
		a, at, err := e.accountAt(ctx, id)
		if errors.Is(err, ErrNotFound) {
			return found{at: at, missing: err}, nil
		}
		return found{account: a, at: at}, err
	})
	return got.account, got.at, errors.Join(err, got.missing)
}

func (e *endpoint) accountAt(ctx context.Context, id string) (Account, int64, error) {
	if err := checkAsked(id, 0); err != nil {
		return Account{}, 0, err
	}
	root, err := e.ownRoot(ctx)
	if err != nil {
		return Account{}, 0, err
	}
	path := "/accounts/" + id
	req, err := e.request(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return Account{}, 0, named("GET "+path, err)
	}
	got, err := e.do(req, maxAnswer)
	if err != nil {
		return Account{}, 0, named("GET "+path, err)
	}
	at, announced := ledgerOf(got.header)
	if got.status == http.StatusNotFound && announced {
		return Account{}, at, named("GET "+path, ErrNotFound)
	}
	if got.status != http.StatusOK {
		return Account{}, root.Latest.Sequence, named("GET "+path, refusal(got))
	}
	a, modified, err := decodeAccount(got.body, id)
	switch {
	case err != nil:
		return Account{}, 0, named("GET "+path, err)
	case announced:
		return a, at, nil
	case modified > root.Latest.Sequence:
		return Account{}, 0, ErrMoved
	}
	return a, root.Latest.Sequence, nil
}

// ErrMoved says that an account changed while it was asked for, so that the answer is of no ledger that is known.
var ErrMoved = errors.New("the account has just changed; ask again")

func ledgerOf(header http.Header) (int64, bool) {
	at, err := strconv.ParseInt(header.Get("Latest-Ledger"), 10, 64)
	return at, err == nil && at > 0
}

// decodeAccount answers the account with the newest ledger that changed it or one of its trust lines.
func decodeAccount(body []byte, id string) (Account, int64, error) {
	var record accountRecord
	var lines struct {
		Balances []struct {
			Modified int64 `json:"last_modified_ledger"`
		} `json:"balances"`
	}
	if json.Unmarshal(body, &record) != nil || json.Unmarshal(body, &lines) != nil {
		return Account{}, 0, &AnswerError{Reason: "it is not the JSON expected"}
	}
	a, err := record.account()
	if err == nil && a.ID != id {
		err = &AnswerError{Reason: "it tells of another account"}
	}
	modified := a.LastModifiedLedger
	for _, l := range lines.Balances {
		modified = max(modified, l.Modified)
	}
	return a, modified, err
}
