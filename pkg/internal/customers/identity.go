package customers

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stellar/go-stellar-sdk/strkey"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Who names a customer in a request, by id or as a user of the sending anchor's account (SEP-12, the parameters of each
// endpoint). Empty is absent.
type Who struct {
	ID       string
	Account  string // deprecated; must be the caller's
	MemoType string // id (also where it is empty), text or hash; deprecated
	Memo     string
}

// longest bounds a parameter: ids, accounts, types and memos are all shorter.
const longest = 100

// scope is whom a caller may mean by a request.
type scope struct {
	owner store.Owner
	// exact: only this user of the account is meant, because the token or the request names one; else by id any user is.
	exact bool
}

// scopeOf decides whom a request is about. A token with a memo or of an M… account speaks for that one user; one without
// speaks for all users of its account and may name one by its memo (SEP-12 "Shared Accounts").
func (s *Service) scopeOf(caller anchor.SendingAnchor, w Who) (scope, error) {
	if err := tidy(w.ID, w.Account, w.MemoType, w.Memo); err != nil {
		return scope{}, err
	}
	if err := s.checkCaller(caller); err != nil {
		return scope{}, err
	}
	if err := s.checkAccount(caller, w.Account); err != nil {
		return scope{}, err
	}
	named, err := userOf(caller.Account, w.MemoType, w.Memo)
	if err != nil && caller.MemoType == "" {
		return scope{}, err
	}
	if caller.MemoType == "" {
		return scope{named, w.Memo != ""}, nil
	}
	proven := store.Owner{Account: caller.Account, MemoType: caller.MemoType, Memo: caller.Memo}
	if w.Memo != "" && !sameNumber(w.Memo, caller.Memo) {
		return scope{}, anchor.RefuseAs(anchor.CodeForbidden, "'memo' does not match the authorization token")
	}
	return scope{proven, true}, nil
}

// checkCaller refuses who has no token, and M… accounts where they are not supported.
func (s *Service) checkCaller(caller anchor.SendingAnchor) error {
	if caller.Account == "" {
		return anchor.RefuseAs(anchor.CodeUnauthenticated, "authentication is needed")
	}
	if s.options.refuseMuxed && caller.Muxed != "" {
		return anchor.Refuse("muxed accounts are not supported here")
	}
	return nil
}

// checkAccount holds the account of a request, where there is one, against the token's.
func (s *Service) checkAccount(caller anchor.SendingAnchor, account string) error {
	mismatch := anchor.RefuseAs(anchor.CodeForbidden, "'account' does not match the authorization token")
	switch {
	case account == "", account == caller.Account:
		return nil
	case strings.HasPrefix(account, "M"):
		muxed, err := strkey.DecodeMuxedAccount(account)
		if err != nil {
			return anchor.Refuse("'account' is not a valid Stellar account")
		}
		if s.options.refuseMuxed {
			return anchor.Refuse("muxed accounts are not supported here")
		}
		base, err := muxed.AccountID()
		if err != nil || base != caller.Account || caller.MemoType != "id" || caller.Memo != strconv.FormatUint(muxed.ID(), 10) {
			return mismatch
		}
		return nil
	case strkey.IsValidContractAddress(account):
		return anchor.Refuse("contract accounts (C…) are not supported here")
	case !strkey.IsValidEd25519PublicKey(account):
		return anchor.Refuse("'account' is not a valid Stellar account")
	}
	return mismatch
}

// userOf writes the memo of a request canonically, as it is stored.
func userOf(account, memoType, memo string) (store.Owner, error) {
	if memoType == "" {
		memoType = "id"
	}
	write, known := map[string]func(string) (string, bool){"id": number, "text": text, "hash": hash}[memoType]
	if !known {
		return store.Owner{}, anchor.Refuse("'memo_type' must be id, text or hash")
	}
	if memo == "" {
		return store.Owner{Account: account}, nil
	}
	canonical, ok := write(memo)
	if !ok {
		return store.Owner{}, anchor.Refusef("'memo' is not a valid memo of type %s", memoType)
	}
	return store.Owner{Account: account, MemoType: memoType, Memo: canonical}, nil
}

func number(memo string) (string, bool) {
	n, err := strconv.ParseUint(memo, 10, 64)
	return strconv.FormatUint(n, 10), err == nil
}

func text(memo string) (string, bool) {
	return base64.StdEncoding.EncodeToString([]byte(memo)), len(memo) <= 28
}

// hash reads 32 bytes in base64, as SEP-12 has them, or in hex.
func hash(memo string) (string, bool) {
	for _, decode := range []func(string) ([]byte, error){
		base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString, base64.URLEncoding.DecodeString, hex.DecodeString,
	} {
		if raw, err := decode(memo); err == nil && len(raw) == 32 {
			return hex.EncodeToString(raw), true
		}
	}
	return "", false
}

func sameNumber(memo, canonical string) bool {
	written, ok := number(memo)
	return ok && written == canonical
}

// tidy refuses parameters that no database would take or nobody means.
func tidy(parameters ...string) error {
	for _, p := range parameters {
		if !clean(p) {
			return anchor.Refuse("a parameter is not valid UTF-8 text")
		}
		if len(p) > longest {
			return anchor.Refuse("a parameter is too long")
		}
	}
	return nil
}

func clean(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// find reads the customer that a request is about; an error of CodeNotFound for one that is not there or not the caller's.
func (s *Service) find(ctx context.Context, sc scope, id string) (store.Customer, error) {
	var row store.Customer
	var err error
	switch {
	case id == "":
		row, err = s.db.CustomerByOwner(ctx, sc.owner)
	case sc.exact:
		row, err = s.db.CustomerOfUser(ctx, sc.owner, id)
	default:
		row, err = s.db.CustomerOf(ctx, sc.owner.Account, id)
	}
	return row, refused(err)
}
