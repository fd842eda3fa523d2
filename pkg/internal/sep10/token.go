package sep10

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stellar/go-stellar-sdk/strkey"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// errSubject says that a token names nobody who can speak here, a contract (C…, SEP-45) for example.
var errSubject = errors.New("the subject is no account")

// claims are those of a token. ClientDomain is there only when it was proved.
type claims struct {
	jwt.RegisteredClaims
	ClientDomain string `json:"client_domain,omitempty"`
}

// token gives the token for a challenge that was signed as required (SEP-10 "Token").
func (h *Handler) token(s signed) (string, error) {
	now := h.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    h.Issuer,
			Subject:   subjectOf(s.client),
			IssuedAt:  jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(h.TokenLifetime)),
			ID:        s.name(),
		},
		ClientDomain: s.client.ClientDomain,
	})
	token.Header["kid"] = h.keys.id
	text, err := token.SignedString(h.keys.signing)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return text, nil
}

func parserOf(d Deps) *jwt.Parser {
	return jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(d.Issuer),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(d.Now), jwt.WithStrictDecoding())
}

// verify accepts a token of ours that has not run out.
func (h *Handler) verify(token string) (anchor.SendingAnchor, error) {
	var c claims
	if _, err := h.parser.ParseWithClaims(token, &c, h.keys.find); err != nil {
		return anchor.SendingAnchor{}, err
	}
	who, err := h.callerOf(c.Subject)
	if err != nil {
		return anchor.SendingAnchor{}, err
	}
	who.ClientDomain = c.ClientDomain
	return who, nil
}

// subjectOf is the sub of a token: M…, G…:memo or G….
func subjectOf(who anchor.SendingAnchor) string {
	switch {
	case who.Muxed != "":
		return who.Muxed
	case who.MemoType != "":
		return who.Account + ":" + who.Memo
	}
	return who.Account
}

// callerOf is the reverse of subjectOf.
func (h *Handler) callerOf(subject string) (anchor.SendingAnchor, error) {
	if strkey.IsValidMuxedAccountEd25519PublicKey(subject) {
		if !h.MuxedAllowed {
			return anchor.SendingAnchor{}, errSubject
		}
		return muxedClient(subject)
	}
	account, memo, hasMemo := strings.Cut(subject, ":")
	if !strkey.IsValidEd25519PublicKey(account) {
		return anchor.SendingAnchor{}, errSubject
	}
	if !hasMemo {
		return anchor.SendingAnchor{Account: account}, nil
	}
	id, err := strconv.ParseUint(memo, 10, 64)
	if err != nil || strconv.FormatUint(id, 10) != memo {
		return anchor.SendingAnchor{}, errSubject
	}
	return anchor.SendingAnchor{Account: account, MemoType: "id", Memo: memo}, nil
}
