package remote

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

const deepest = 16 // objects and lists within each other; the contract needs 5

// decode reads exactly one JSON object in which nothing is said twice. Keys that the contract does not have are passed over.
// Its errors repeat nothing of what was said.
func decode(raw []byte, into any) error {
	if !utf8.Valid(raw) {
		return errors.New("the answer is not UTF-8")
	}
	if err := unambiguous(raw); err != nil {
		return err
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

// unambiguous refuses what programs read differently: keys that are there twice, in any case, since encoding/json takes
// "Outcome" for "outcome"; and the character U+0000, which not every database can keep.
func unambiguous(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	first, err := d.Token()
	if err != nil || first != json.Delim('{') {
		return errors.New("the answer is not a JSON object")
	}
	if err := checkInside(d, '{', 1); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows after the answer")
	}
	return nil
}

// checkInside reads on to the end of an object or list that has begun.
func checkInside(d *json.Decoder, kind json.Delim, depth int) error {
	if depth > deepest {
		return errors.New("the answer is nested too deeply")
	}
	seen := map[string]bool{}
	for d.More() {
		if kind == '{' {
			if err := checkKey(d, seen); err != nil {
				return err
			}
		}
		if err := checkValue(d, depth); err != nil {
			return err
		}
	}
	return checkToken(d.Token())
}

func checkKey(d *json.Decoder, seen map[string]bool) error {
	token, err := d.Token()
	if err := checkToken(token, err); err != nil {
		return err
	}
	name, _ := token.(string)
	if name = folded(name); seen[name] {
		return errors.New("the answer says something twice")
	}
	seen[name] = true
	return nil
}

func checkValue(d *json.Decoder, depth int) error {
	token, err := d.Token()
	if err := checkToken(token, err); err != nil {
		return err
	}
	if kind, begins := token.(json.Delim); begins {
		return checkInside(d, kind, depth+1)
	}
	return nil
}

func checkToken(token json.Token, err error) error {
	if err != nil {
		return errors.New("the answer is not valid JSON")
	}
	if text, ok := token.(string); ok && strings.ContainsRune(text, 0) {
		return errors.New("the answer contains the character U+0000")
	}
	return nil
}

// folded is the same for all names that differ in case only.
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, name)
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
