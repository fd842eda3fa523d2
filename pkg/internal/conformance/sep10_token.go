package conformance

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
)

func tokenChecks() []check {
	needs := []int{3, 6, 7}
	return []check{
		{11, 10, "POST /auth gives a valid token for a signed challenge", needs, givesValidToken},
		{12, 10, "POST /auth accepts JSON", needs, func(v *visit) error {
			signed, err := v.signedChallenge(v.client.Address(), v.client)
			if err != nil {
				return err
			}
			_, err = v.demandObject(withJSON(http.MethodPost, v.authURL, map[string]any{"transaction": signed}), http.StatusOK, tokenAnswer())
			return err
		}},
		{13, 10, "POST /auth without a transaction is refused", []int{6}, func(v *visit) error {
			_, err := v.demandJSON(withJSON(http.MethodPost, v.authURL, map[string]any{}), http.StatusBadRequest, problem())
			return err
		}},
		{14, 10, "POST /auth refuses a challenge that its client did not sign", needs, func(v *visit) error {
			return v.refusesSigners(v.client)
		}},
		{15, 10, "POST /auth refuses a transaction that is an object", needs, func(v *visit) error {
			body := map[string]any{"transaction": map[string]any{"not": "a text"}}
			_, err := v.demandJSON(withJSON(http.MethodPost, v.authURL, body), http.StatusBadRequest, problem())
			return err
		}},
		{16, 10, "POST /auth refuses a challenge that SIGNING_KEY did not sign", needs, refusesUnsignedByServer},
		{17, 10, "POST /auth refuses a further signature for an account that does not exist", needs, func(v *visit) error {
			other, err := keypair.Random()
			if err != nil {
				return err
			}
			return v.refusesSigners(v.client, v.client, other)
		}},
	}
}

func tokenAnswer() rule { return object{must: map[string]rule{"token": enough}, more: true}.is }

// login logs an account in and returns its token. The keys sign; memo names a user of the account, if any.
func (v *visit) login(account *keypair.Full, memo string, signers ...*keypair.Full) (string, error) {
	tx, err := v.challenge(account.Address(), memo)
	if err != nil {
		return "", fmt.Errorf("challenge: %w", err)
	}
	if len(signers) == 0 {
		signers = []*keypair.Full{account}
	}
	signed, err := v.signedBy(tx, signers...)
	if err != nil {
		return "", err
	}
	body, err := v.demandObject(formPost(v.authURL, signed), http.StatusOK, tokenAnswer())
	return textOf(body, "token"), err
}

func formPost(address, envelope string) request {
	form := url.Values{"transaction": {envelope}}.Encode()
	return request{method: http.MethodPost, url: address, kind: "application/x-www-form-urlencoded", body: []byte(form)}
}

func (v *visit) signedBy(tx *txnbuild.Transaction, signers ...*keypair.Full) (string, error) {
	tx, err := tx.Sign(v.Passphrase, signers...)
	if err != nil {
		return "", fmt.Errorf("sign the challenge: %w", err)
	}
	return tx.Base64()
}

func (v *visit) signedChallenge(account string, signers ...*keypair.Full) (string, error) {
	tx, err := v.challenge(account, "")
	if err != nil {
		return "", fmt.Errorf("challenge: %w", err)
	}
	return v.signedBy(tx, signers...)
}

// refusesSigners wants the challenge of an account to be refused when it comes with these signatures besides the server's.
func (v *visit) refusesSigners(account *keypair.Full, signers ...*keypair.Full) error {
	signed, err := v.signedChallenge(account.Address(), signers...)
	if err != nil {
		return err
	}
	_, err = v.demandJSON(formPost(v.authURL, signed), http.StatusBadRequest, problem())
	return err
}

func refusesUnsignedByServer(v *visit) error {
	tx, err := v.challenge(v.client.Address(), "")
	if err != nil {
		return err
	}
	if tx, err = tx.ClearSignatures(); err != nil {
		return err
	}
	signed, err := v.signedBy(tx, v.client)
	if err != nil {
		return err
	}
	_, err = v.demandJSON(formPost(v.authURL, signed), http.StatusBadRequest, problem())
	return err
}

func givesValidToken(v *visit) error {
	token, err := v.login(v.client, "")
	if err != nil {
		return err
	}
	claims, err := claimsOf(token)
	if err != nil {
		return err
	}
	if err := tokenShape()("the token", claims); err != nil {
		return err
	}
	v.token = token
	return nil
}

func tokenShape() rule {
	subject := regexp.MustCompile(`^G[A-Z2-7]{55}(:[0-9]+)?$`)
	return object{more: true, must: map[string]rule{
		"iat": number, "exp": number,
		"iss": func(at string, value any) error {
			address, _ := value.(string)
			if u, err := url.Parse(address); err != nil || u.Scheme == "" {
				return expected(at+" to be a URI", show(value))
			}
			return nil
		},
		"sub": func(at string, value any) error {
			if s, _ := value.(string); !subject.MatchString(s) {
				return expected(at+" to be G… or G…:digits", show(value))
			}
			return nil
		},
	}}.is
}

// claimsOf reads what a token says, without verifying it: only its server can.
func claimsOf(token string) (map[string]any, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, expected("a token of three parts", len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, errors.New("expected a JWT, came one that is not base64")
	}
	value, err := decode(raw)
	claims, ok := value.(map[string]any)
	if err != nil || !ok {
		return nil, errors.New("expected claims in JSON, came something else")
	}
	return claims, nil
}
