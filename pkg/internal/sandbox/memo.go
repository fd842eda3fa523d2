package sandbox

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stellar/go-stellar-sdk/xdr"
)

// memo is a memo as Horizon writes it.
type memo struct {
	kind    string // none, text, id, hash, return
	text    string
	bytes   string // base64 of a text
	present bool
}

func memoOf(m xdr.Memo) memo {
	switch m.Type {
	case xdr.MemoTypeMemoText:
		raw := m.MustText()
		return memo{kind: "text", text: scrub(raw), bytes: base64.StdEncoding.EncodeToString([]byte(raw)), present: true}
	case xdr.MemoTypeMemoId:
		return memo{kind: "id", text: strconv.FormatUint(uint64(*m.Id), 10), present: true}
	case xdr.MemoTypeMemoHash:
		return memo{kind: "hash", text: base64.StdEncoding.EncodeToString(m.Hash[:]), present: true}
	case xdr.MemoTypeMemoReturn:
		return memo{kind: "return", text: base64.StdEncoding.EncodeToString(m.RetHash[:]), present: true}
	default:
		return memo{kind: "none"}
	}
}

// memoOrder is a memo as in Horizon's answers.
type memoOrder struct {
	Type string `json:"memo_type"`
	Memo string `json:"memo"`
}

// read is the memo itself; an empty type is none.
func (m memoOrder) read() (xdr.Memo, error) {
	switch m.Type {
	case "", "none":
		return xdr.Memo{}, nil
	case "text":
		if len(m.Memo) > 28 {
			return xdr.Memo{}, errors.New("a text memo has at most 28 bytes")
		}
		return xdr.Memo{Type: xdr.MemoTypeMemoText, Text: &m.Memo}, nil
	case "id":
		number, err := strconv.ParseUint(m.Memo, 10, 64)
		id := xdr.Uint64(number)
		return xdr.Memo{Type: xdr.MemoTypeMemoId, Id: &id}, err
	}
	raw, err := base64.StdEncoding.DecodeString(m.Memo)
	if err != nil || len(raw) != len(xdr.Hash{}) {
		return xdr.Memo{}, errors.New("a hash memo has 32 bytes, as base64")
	}
	hash := xdr.Hash(raw)
	switch m.Type {
	case "hash":
		return xdr.Memo{Type: xdr.MemoTypeMemoHash, Hash: &hash}, nil
	case "return":
		return xdr.Memo{Type: xdr.MemoTypeMemoReturn, RetHash: &hash}, nil
	default:
		return xdr.Memo{}, fmt.Errorf("not a type of memo: %q", m.Type)
	}
}

// scrub mangles a text as a real Horizon does: what is not UTF-8 becomes U+FFFD byte by byte, U+0000 is dropped.
func scrub(raw string) string {
	var out strings.Builder
	for len(raw) > 0 {
		r, n := utf8.DecodeRuneInString(raw)
		if r != 0 {
			out.WriteRune(r)
		}
		raw = raw[n:]
	}
	return out.String()
}
