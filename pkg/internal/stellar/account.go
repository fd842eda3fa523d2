package stellar

import (
	"context"
	"fmt"
	"strconv"
)

// Account is an account as the ledger has it.
type Account struct {
	ID                 string
	Sequence           int64
	LastModifiedLedger int64
	Subentries         int
	Sponsoring         int // entries of others whose reserve it pays
	Sponsored          int // entries of its own, itself included, whose reserve others pay
	HomeDomain         string
	Thresholds         Thresholds
	Flags              Flags
	Signers            []Signer          // those of weight 0 left out
	Balances           []Balance         // shares of liquidity pools left out
	Data               map[string]string // base64
}

// Thresholds are the weights that operations need.
type Thresholds struct{ Low, Medium, High int }

// Flags are those of an issuer.
type Flags struct{ AuthRequired, AuthRevocable, AuthImmutable, ClawbackEnabled bool }

// The types of signer, as Horizon spells them.
const SignerEd25519 = "ed25519_public_key"

// Signer is one signer of an account.
type Signer struct {
	Key, Type string
	Weight    int
}

// Balance is one balance of an account, in units of 10^-7. Limit is 0 for the network's own asset.
type Balance struct {
	AssetCode, AssetIssuer string // NativeCode and "" for the network's own asset
	Units, Limit           int64
	Buying, Selling        int64 // liabilities
	Authorized             bool
}

// Room is how much more the balance can take.
func (b Balance) Room() int64 {
	limit := b.Limit
	if b.AssetIssuer == "" {
		limit = 1<<63 - 1
	}
	return max(limit-b.Units-b.Buying, 0)
}

// Balance answers the account's balance of an asset, and false where it holds no trust line to it.
func (a Account) Balance(code, issuer string) (Balance, bool) {
	for _, b := range a.Balances {
		if b.AssetCode == code && b.AssetIssuer == issuer {
			return b, true
		}
	}
	return Balance{}, false
}

type accountRecord struct {
	ID           string `json:"account_id"`
	Sequence     string `json:"sequence"`
	LastModified int64  `json:"last_modified_ledger"`
	Subentries   int    `json:"subentry_count"`
	Sponsoring   int    `json:"num_sponsoring"`
	Sponsored    int    `json:"num_sponsored"`
	HomeDomain   string `json:"home_domain"`
	Thresholds   *struct {
		Low    int `json:"low_threshold"`
		Medium int `json:"med_threshold"`
		High   int `json:"high_threshold"`
	} `json:"thresholds"`
	Flags struct {
		AuthRequired  bool `json:"auth_required"`
		AuthRevocable bool `json:"auth_revocable"`
		AuthImmutable bool `json:"auth_immutable"`
		Clawback      bool `json:"auth_clawback_enabled"`
	} `json:"flags"`
	Signers []struct {
		Key    string `json:"key"`
		Type   string `json:"type"`
		Weight int    `json:"weight"`
	} `json:"signers"`
	Balances []balanceRecord   `json:"balances"`
	Data     map[string]string `json:"data"`
}

type balanceRecord struct {
	Balance    string `json:"balance"`
	Limit      string `json:"limit"`
	Buying     string `json:"buying_liabilities"`
	Selling    string `json:"selling_liabilities"`
	Type       string `json:"asset_type"`
	Code       string `json:"asset_code"`
	Issuer     string `json:"asset_issuer"`
	Authorized *bool  `json:"is_authorized"`
}

func (e *endpoint) account(ctx context.Context, id string) (Account, error) {
	if err := checkAsked(id, 0); err != nil {
		return Account{}, err
	}
	path := "/accounts/" + id
	var answer accountRecord
	if err := e.get(ctx, path, nil, &answer); err != nil {
		return Account{}, err
	}
	a, err := answer.account()
	if err == nil && a.ID != id {
		err = &AnswerError{Reason: "it tells of another account"}
	}
	return a, named("GET "+path, err)
}

func (r accountRecord) account() (Account, error) {
	sequence, err := strconv.ParseInt(r.Sequence, 10, 64)
	if err != nil || r.ID == "" || r.Thresholds == nil {
		return Account{}, &AnswerError{Reason: "the account lacks its id, sequence or thresholds"}
	}
	a := Account{
		ID: r.ID, Sequence: sequence, LastModifiedLedger: r.LastModified, Subentries: r.Subentries, Sponsoring: r.Sponsoring, Sponsored: r.Sponsored,
		HomeDomain: r.HomeDomain, Data: r.Data,
		Thresholds: Thresholds(*r.Thresholds),
		Flags: Flags{
			AuthRequired: r.Flags.AuthRequired, AuthRevocable: r.Flags.AuthRevocable,
			AuthImmutable: r.Flags.AuthImmutable, ClawbackEnabled: r.Flags.Clawback,
		},
	}
	for _, s := range r.Signers {
		if s.Weight > 0 {
			a.Signers = append(a.Signers, Signer{Key: s.Key, Type: s.Type, Weight: s.Weight})
		}
	}
	for _, record := range r.Balances {
		if record.Type == "liquidity_pool_shares" {
			continue
		}
		b, err := record.balance()
		if err != nil {
			return Account{}, &AnswerError{Reason: fmt.Sprintf("a balance of the account: %v", err)}
		}
		a.Balances = append(a.Balances, b)
	}
	return a, nil
}

func (r balanceRecord) balance() (Balance, error) {
	code, issuer, err := parseAsset([]byte(r.Type), []byte(r.Code), []byte(r.Issuer))
	if err != nil {
		return Balance{}, err
	}
	b := Balance{AssetCode: code, AssetIssuer: issuer, Authorized: issuer == "" || (r.Authorized != nil && *r.Authorized)}
	for _, amount := range []struct {
		text     string
		into     *int64
		optional bool
	}{{r.Balance, &b.Units, false}, {r.Limit, &b.Limit, issuer == ""}, {r.Buying, &b.Buying, true}, {r.Selling, &b.Selling, true}} {
		if amount.text == "" && amount.optional {
			continue
		}
		if *amount.into, err = parseUnits([]byte(amount.text)); err != nil {
			return Balance{}, err
		}
	}
	return b, nil
}
