package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/jsonbody"
	"github.com/anchorkit/anchor/pkg/money"
)

// decode reads exactly one JSON object in which nothing is said twice. Keys that the contract does not have are passed over.
// Its errors repeat nothing of what was said.
func decode(raw []byte, into any) error {
	if err := jsonbody.Unambiguous(raw); err != nil {
		return fmt.Errorf("the answer %w", err)
	}
	err := json.Unmarshal(raw, into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("the answer has a %s where the contract has another type", strings.Fields(wrong.Value)[0])
	}
	if err != nil {
		return errors.New("the answer is not as the contract has it")
	}
	return nil
}

// refusal is the body of an answer with status 422.
type refusal struct {
	Code         string                  `json:"code"`
	Text         string                  `json:"text"`
	CustomerType string                  `json:"customer_type"`
	Fields       map[string]anchor.Field `json:"fields"`
}

// refusalOf makes an error of package anchor of a signed refusal.
func refusalOf(raw []byte) error {
	var r refusal
	if err := decode(raw, &r); err != nil {
		return fmt.Errorf("business server: a refusal: %w", err)
	}
	switch code := anchor.Code(r.Code); code {
	case anchor.CodeInvalid, anchor.CodeConflict:
		if r.Text == "" {
			return errors.New("business server: a refusal without a text")
		}
		return anchor.RefuseAs(code, r.Text)
	case anchor.CodeUnavailable:
		return anchor.RefuseAs(code, "") // without a text: a price is asked for again later
	case anchor.CodeCustomerInfoNeeded:
		return anchor.CustomerInfoNeeded(r.CustomerType)
	case anchor.CodeTransactionInfoNeeded:
		if len(r.Fields) == 0 {
			return errors.New("business server: information is needed that is not named")
		}
		return anchor.TransactionInfoNeeded(r.Fields)
	default:
		return errors.New("business server: a refusal of a code that the contract does not have")
	}
}

// fee is a fee as the contract has it.
type fee struct {
	Total   string    `json:"total"`
	Details []feePart `json:"details,omitempty"`
}

type feePart struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Amount      string `json:"amount"`
}

func feeOf(f anchor.Fee) fee {
	said := fee{Total: f.Total.String()}
	for _, p := range f.Details {
		said.Details = append(said.Details, feePart{p.Name, p.Description, p.Amount.String()})
	}
	return said
}

// read reads a fee with the decimals of the asset that it is in.
func (f fee) read(decimals int) (anchor.Fee, error) {
	total, err := amountOf("the fee", f.Total, decimals)
	if err != nil {
		return anchor.Fee{}, err
	}
	var parts []anchor.FeePart
	for _, p := range f.Details {
		amount, err := amountOf("a part of the fee", p.Amount, decimals)
		if err != nil {
			return anchor.Fee{}, err
		}
		parts = append(parts, anchor.FeePart{Name: p.Name, Description: p.Description, Amount: amount})
	}
	return anchor.Fee{Total: total, Details: parts}, nil
}

func amountOf(what, text string, decimals int) (money.Amount, error) {
	amount, err := money.Parse(text, decimals)
	if err != nil {
		return money.Amount{}, fmt.Errorf("%s is no amount with at most %d decimals", what, decimals)
	}
	return amount, nil
}
