package sep12

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
)

// putAnswer is the answer to "PUT Customer".
type putAnswer struct {
	ID string `json:"id"`
}

// getAnswer is the answer to "GET Customer". Absent values are left out, never null.
type getAnswer struct {
	ID       string                   `json:"id,omitempty"`
	Status   anchor.CustomerStatus    `json:"status"`
	Fields   *map[string]anchor.Field `json:"fields,omitempty"`
	Provided map[string]provided      `json:"provided_fields,omitempty"`
	Message  string                   `json:"message,omitempty"`
}

// provided is a field that was given.
type provided struct {
	anchor.Field
	Status anchor.FieldStatus `json:"status,omitempty"`
	Error  string             `json:"error,omitempty"`
}

func answerOf(v customers.View) getAnswer {
	a := getAnswer{ID: v.ID, Status: v.Status, Message: v.Message}
	// fields is required of a customer who needs information, even where it is empty.
	if len(v.Fields) > 0 || v.Status == anchor.CustomerNeedsInfo {
		fields := maps.Clone(v.Fields)
		if fields == nil {
			fields = map[string]anchor.Field{}
		}
		a.Fields = &fields
	}
	if len(v.Provided) > 0 {
		a.Provided = make(map[string]provided, len(v.Provided))
		for name, p := range v.Provided {
			a.Provided[name] = provided{p.Field, p.Status, p.Error}
		}
	}
	return a
}

// queryOf reads the parameters of "GET Customer". Others are tolerated; one that is given twice is refused, because
// nobody can tell which is meant.
func queryOf(q url.Values) (customers.Query, error) {
	for _, name := range []string{"id", "account", "memo", "memo_type", "type", "transaction_id", "lang"} {
		if len(q[name]) > 1 {
			return customers.Query{}, anchor.Refusef("'%s' is given twice", name)
		}
		if !clean(q.Get(name)) {
			return customers.Query{}, anchor.Refusef("'%s' is not valid UTF-8 text", name)
		}
	}
	return customers.Query{
		Who:  customers.Who{ID: q.Get("id"), Account: q.Get("account"), MemoType: q.Get("memo_type"), Memo: q.Get("memo")},
		Type: q.Get("type"), TransactionID: q.Get("transaction_id"), Lang: language(q.Get("lang")),
	}, nil
}

// language keeps what can be a language (ISO 639-1, also with a region); anything else is the default, as SEP-12 leaves it.
func language(lang string) string {
	if len(lang) < 2 || len(lang) > 10 || strings.Trim(lang, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return "en"
	}
	return lang
}

// putOf parts the parameters of "PUT Customer" from the values.
func putOf(b body) customers.Put {
	p := customers.Put{
		Who:  customers.Who{ID: b.texts["id"], Account: b.texts["account"], MemoType: b.texts["memo_type"], Memo: b.texts["memo"]},
		Type: b.texts["type"], TransactionID: b.texts["transaction_id"], Values: map[string]string{}, Files: b.files,
	}
	for name, text := range b.texts {
		if !slices.Contains(parameters(), name) {
			p.Values[name] = text
		}
	}
	return p
}

// parameters are the keys of a PUT that are no values. lang belongs to GET; clients send it along.
func parameters() []string {
	return []string{"id", "account", "memo", "memo_type", "type", "transaction_id", "lang"}
}

func clean(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
