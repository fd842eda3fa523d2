package sep31

import (
	"encoding/json"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/transactions"
)

// envelope is the answer about one transaction; it has this key only.
type envelope struct {
	Transaction anchor.Transaction `json:"transaction"`
}

// created is the answer to a POST: these four keys, none of them null; the id alone while account and memo are withheld.
type created struct {
	ID               string `json:"id"`
	StellarAccountID string `json:"stellar_account_id,omitempty"`
	StellarMemoType  string `json:"stellar_memo_type,omitempty"`
	StellarMemo      string `json:"stellar_memo,omitempty"`
}

func createdOf(t transactions.Created) created {
	return created{ID: t.ID, StellarAccountID: t.StellarAccountID, StellarMemoType: t.StellarMemoType, StellarMemo: t.StellarMemo}
}

// info is the answer of /info, by asset code.
type info struct {
	Receive map[string]receive `json:"receive"`
}

// receive is one asset. Amounts are JSON numbers with exactly their digits. `enabled`, `sep12` and `fields` have left the SEP
// or are about to, and clients in use do not work without them.
type receive struct {
	Enabled         bool        `json:"enabled"`
	QuotesSupported bool        `json:"quotes_supported"`
	QuotesRequired  bool        `json:"quotes_required"`
	FeeFixed        json.Number `json:"fee_fixed,omitempty"`
	FeePercent      json.Number `json:"fee_percent,omitempty"`
	MinAmount       json.Number `json:"min_amount"`
	MaxAmount       json.Number `json:"max_amount,omitempty"`
	FundingMethods  []string    `json:"funding_methods"`
	SEP12           sep12       `json:"sep12"`
	Fields          fields      `json:"fields"`
}

type sep12 struct {
	Sender   types `json:"sender"`
	Receiver types `json:"receiver"`
}

type types struct {
	Types map[string]anchor.CustomerType `json:"types"`
}

type fields struct {
	Transaction map[string]field `json:"transaction"`
}

// field is a transaction field; unlike those of SEP-12 it has no type.
type field struct {
	Description string   `json:"description"`
	Choices     []string `json:"choices,omitempty"`
	Optional    bool     `json:"optional,omitempty"`
}

func infoOf(list []transactions.AssetTerms) info {
	answer := info{Receive: make(map[string]receive, len(list))}
	for _, terms := range list {
		answer.Receive[terms.Asset.Code] = receiveOf(terms)
	}
	return answer
}

func receiveOf(t transactions.AssetTerms) receive {
	r := receive{
		Enabled: true, QuotesSupported: t.QuotesSupported, QuotesRequired: t.QuotesRequired, MinAmount: json.Number(t.Min.Short()), FundingMethods: append([]string{}, t.Asset.FundingMethods...),
		SEP12: sep12{Sender: typesOf(t.SenderTypes), Receiver: typesOf(t.ReceiverTypes)}, Fields: fieldsOf(t.Fields),
	}
	if !t.Max.IsZero() {
		r.MaxAmount = json.Number(t.Max.Short())
	}
	if t.FeeFixed != nil {
		r.FeeFixed = json.Number(t.FeeFixed.Short())
	}
	if t.FeePercent != nil {
		r.FeePercent = json.Number(t.FeePercent.String())
	}
	return r
}

// typesOf never gives null: clients iterate over it.
func typesOf(by map[string]anchor.CustomerType) types {
	if by == nil {
		by = map[string]anchor.CustomerType{}
	}
	return types{by}
}

func fieldsOf(by map[string]anchor.Field) fields {
	list := make(map[string]field, len(by))
	for name, f := range by {
		list[name] = field{Description: f.Description, Choices: f.Choices, Optional: f.Optional}
	}
	return fields{list}
}
