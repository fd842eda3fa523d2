package sender

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/stellar/go-stellar-sdk/txnbuild"
)

// authenticate returns the token of this sender and logs in where there is none (SEP-10).
func (s *Sender) authenticate(ctx context.Context) (string, error) {
	s.login.Lock()
	defer s.login.Unlock()
	if s.token != "" {
		return s.token, nil
	}
	signed, err := s.challenge(ctx)
	if err != nil {
		return "", err
	}
	var answer struct {
		Token string `json:"token"`
	}
	raw, err := s.attempt(ctx, call{method: http.MethodPost, url: s.info.Auth, body: map[string]string{"transaction": signed}}, "")
	if err != nil {
		return "", err
	}
	if err := read(raw, &answer); err != nil {
		return "", err
	}
	if answer.Token == "" {
		return "", wrong{errors.New("the answer has no token")}
	}
	s.token = answer.Token
	return s.token, nil
}

// forget drops a token that was refused, unless there is a newer one already.
func (s *Sender) forget(token string) {
	s.login.Lock()
	defer s.login.Unlock()
	if s.token == token {
		s.token = ""
	}
}

// challenge asks for a challenge, checks that it is one and nothing else, and signs it.
func (s *Sender) challenge(ctx context.Context) (string, error) {
	home, err := url.Parse(s.options.Home)
	if err != nil {
		return "", wrong{err}
	}
	auth, err := url.Parse(s.info.Auth)
	if err != nil {
		return "", wrong{err}
	}
	query := url.Values{"account": {s.options.Account.Address()}, "home_domain": {home.Host}}
	raw, err := s.attempt(ctx, call{method: http.MethodGet, url: s.info.Auth + "?" + query.Encode()}, "")
	if err != nil {
		return "", err
	}
	var answer struct {
		Transaction string `json:"transaction"`
	}
	if err := read(raw, &answer); err != nil {
		return "", err
	}
	tx, client, _, _, err := txnbuild.ReadChallengeTx(answer.Transaction, s.info.SigningKey, s.options.Passphrase, auth.Host, []string{home.Host})
	if err != nil {
		return "", wrong{fmt.Errorf("the challenge is not one: %w", err)}
	}
	if client != s.options.Account.Address() {
		return "", wrong{fmt.Errorf("the challenge is for %s", client)}
	}
	signed, err := tx.Sign(s.options.Passphrase, s.options.Account)
	if err != nil {
		return "", wrong{fmt.Errorf("sign the challenge: %w", err)}
	}
	return signed.Base64()
}
