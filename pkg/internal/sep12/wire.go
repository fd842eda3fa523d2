package sep12

import (
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

// filesAnswer is the answer to GET /customer/files; the list is there even if it is empty.
type filesAnswer struct {
	Files []customers.FileView `json:"files"`
}

// queryOf reads the parameters of "GET Customer". Others are tolerated.
func queryOf(q url.Values) (customers.Query, error) {
	if err := checkQuery(q, parameters()...); err != nil {
		return customers.Query{}, err
	}
	return customers.Query{
		Who:  customers.Who{ID: q.Get("id"), Account: q.Get("account"), MemoType: q.Get("memo_type"), Memo: q.Get("memo")},
		Type: q.Get("type"), TransactionID: q.Get("transaction_id"), Lang: language(q.Get("lang")),
	}, nil
}

// checkQuery refuses parameters that are unreadable, or given twice: nobody can tell which is meant.
func checkQuery(q url.Values, names ...string) error {
	for _, name := range names {
		if len(q[name]) > 1 {
			return anchor.Refusef("'%s' is given twice", name)
		}
		if !clean(q.Get(name)) {
			return anchor.Refusef("'%s' is not valid UTF-8 text", name)
		}
	}
	return nil
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
		Who: whoOf(b), Type: b.texts["type"], TransactionID: b.texts["transaction_id"], Lang: language(b.texts["lang"]),
		Values: map[string]string{}, Files: b.files,
	}
	for name, text := range b.texts {
		if !slices.Contains(parameters(), name) {
			p.Values[name] = text
		}
	}
	return p
}

func whoOf(b body) customers.Who {
	return customers.Who{ID: b.texts["id"], Account: b.texts["account"], MemoType: b.texts["memo_type"], Memo: b.texts["memo"]}
}

// parameters are the keys of a GET, and those of a PUT that are no values. lang belongs to GET; clients send it along.
func parameters() []string {
	return []string{"id", "account", "memo", "memo_type", "type", "transaction_id", "lang"}
}

func clean(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
