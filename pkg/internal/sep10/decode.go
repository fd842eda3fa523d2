package sep10

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
	"github.com/stellar/go-stellar-sdk/strkey"

	"github.com/anchorkit/anchor/pkg/anchor"
)

const (
	// maxBody holds an envelope of the largest size with its base64 escaped, as forms may do it.
	maxBody = 64 << 10
	// maxEnvelope bounds the base64 of an envelope before anything is decoded; a challenge has less than 1 KiB.
	maxEnvelope = 50_000
)

// asked is what a challenge is asked for.
type asked struct {
	client     string // G… or M…
	memo       *uint64
	homeDomain string
	domain     clientDomain
}

// askedOf reads the query of a request for a challenge, all but client_domain. Parameters that are empty count as absent:
// some wallets always send them all.
func (h *Handler) askedOf(query url.Values) (asked, error) {
	for _, name := range []string{"account", "memo", "home_domain", "client_domain"} {
		if len(query[name]) > 1 {
			return asked{}, anchor.Refusef("%s is given more than once", name)
		}
	}
	a := asked{client: query.Get("account"), homeDomain: h.HomeDomains[0]}
	muxed, err := h.checkClient(a.client)
	if err != nil {
		return asked{}, err
	}
	if memo := query.Get("memo"); memo != "" {
		if muxed {
			return asked{}, anchor.Refuse("memo cannot be given together with a muxed account (M…)")
		}
		if a.memo, err = memoOf(memo); err != nil {
			return asked{}, err
		}
	}
	if domain := query.Get("home_domain"); domain != "" {
		a.homeDomain, err = h.homeDomain(domain)
	}
	return a, err
}

// checkClient accepts the accounts that may log in, existing or not.
func (h *Handler) checkClient(account string) (muxed bool, err error) {
	switch {
	case account == "":
		return false, anchor.Refuse("account is missing")
	case strkey.IsValidEd25519PublicKey(account):
		return false, nil
	case !strkey.IsValidMuxedAccountEd25519PublicKey(account):
		return false, anchor.Refuse("account must be a Stellar account (G… or M…)")
	case !h.MuxedAllowed:
		return false, anchor.Refuse("muxed accounts (M…) are not supported here")
	}
	return true, nil
}

// memoOf reads a memo of type id, the only one that SEP-10 knows: decimal, 0 to 2^64-1.
func memoOf(text string) (*uint64, error) {
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return nil, anchor.Refuse("memo must be a memo of type id: a whole number of 64 bits")
	}
	return &id, nil
}

// homeDomain finds the domain among those served here, by its own spelling.
func (h *Handler) homeDomain(asked string) (string, error) {
	for _, domain := range h.HomeDomains {
		if strings.EqualFold(domain, asked) {
			return domain, nil
		}
	}
	return "", anchor.Refuse("home_domain is not served here")
}

// envelopeOf reads the transaction that is posted, as JSON or as a form.
func envelopeOf(r *http.Request) (string, error) {
	form, err := isForm(r.Header.Get(echo.HeaderContentType))
	if err != nil {
		return "", err
	}
	raw, err := bodyOf(r)
	if err != nil {
		return "", err
	}
	envelope, err := transactionOf(raw, form)
	switch {
	case err != nil:
		return "", err
	case envelope == "":
		return "", anchor.Refuse("transaction is missing")
	case len(envelope) > maxEnvelope:
		return "", anchor.RefuseAs(anchor.CodeTooLarge, "transaction is too large")
	}
	return envelope, nil
}

// isForm tells the two kinds of body apart. Others are plainly invalid: clients expect 400 for every body that is wrong.
func isForm(contentType string) (bool, error) {
	media, _, err := mime.ParseMediaType(contentType)
	switch {
	case contentType == "", err == nil && media == echo.MIMEApplicationJSON:
		return false, nil
	case err == nil && media == echo.MIMEApplicationForm:
		return true, nil
	}
	return false, anchor.Refuse("Content-Type must be application/json or application/x-www-form-urlencoded")
}

func bodyOf(r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	tooLarge, _ := errors.AsType[*http.MaxBytesError](err)
	switch {
	case tooLarge != nil, len(raw) > maxBody:
		return nil, anchor.RefuseAs(anchor.CodeTooLarge, "the body is too large")
	case err != nil:
		return nil, anchor.Refuse("the body could not be read")
	case !utf8.Valid(raw):
		return nil, anchor.Refuse("the body must be UTF-8")
	}
	return raw, nil
}

func transactionOf(raw []byte, form bool) (string, error) {
	if form {
		values, err := url.ParseQuery(string(raw))
		if err != nil || len(values["transaction"]) > 1 {
			return "", anchor.Refuse("the body is not a form with one transaction")
		}
		return values.Get("transaction"), nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return "", anchor.Refuse("the body must be a JSON object")
	}
	var envelope string
	if given, ok := object["transaction"]; ok && json.Unmarshal(given, &envelope) != nil {
		return "", anchor.Refuse("transaction must be a string")
	}
	return envelope, nil
}
