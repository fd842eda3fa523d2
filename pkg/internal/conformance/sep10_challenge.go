package conformance

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stellar/go-stellar-sdk/txnbuild"
)

// nonceLength is that of the random bytes in a challenge.
const nonceLength = 48

func authTomlChecks() []check {
	return []check{
		{6, 10, "the TOML file has a valid WEB_AUTH_ENDPOINT", []int{1}, func(v *visit) (err error) {
			v.authURL, err = v.toml.server("WEB_AUTH_ENDPOINT")
			return err
		}},
		{7, 10, "the TOML file has a valid SIGNING_KEY", []int{1}, func(v *visit) error {
			v.signingKey = textOf(v.toml.keys, "SIGNING_KEY")
			if !strkey.IsValidEd25519PublicKey(v.signingKey) {
				return expected("SIGNING_KEY to be a public key G…", show(v.toml.keys["SIGNING_KEY"]))
			}
			return nil
		}},
	}
}

func challengeChecks() []check {
	return []check{
		{8, 10, "GET /auth gives a valid challenge", []int{6, 7}, givesValidChallenge},
		{9, 10, "GET /auth without an account is refused", []int{6}, func(v *visit) error {
			_, err := v.demandJSON(get(v.authURL, nil), http.StatusBadRequest, problem())
			return err
		}},
		{10, 10, "GET /auth with an invalid account is refused", []int{6}, func(v *visit) error {
			_, err := v.demandJSON(get(v.authURL, url.Values{"account": {"invalid_account"}}), http.StatusBadRequest, problem())
			return err
		}},
	}
}

// challengeAnswer is the only shape of the answer.
func challengeAnswer() rule {
	return object{must: map[string]rule{"transaction": text}, may: map[string]rule{"network_passphrase": text}}.is
}

// challenge asks for a challenge; memo names a user of the account, if any.
func (v *visit) challenge(account, memo string) (*txnbuild.Transaction, error) {
	query := url.Values{"account": {account}}
	if memo != "" {
		query.Set("memo", memo)
	}
	body, err := v.demandObject(get(v.authURL, query), http.StatusOK, challengeAnswer())
	if err != nil {
		return nil, err
	}
	generic, err := txnbuild.TransactionFromXDR(textOf(body, "transaction"))
	if err != nil {
		return nil, expected("transaction to be an envelope in base64", err)
	}
	tx, ok := generic.Transaction()
	if !ok {
		return nil, expected("a plain transaction", "a fee bump")
	}
	return tx, nil
}

func givesValidChallenge(v *visit) error {
	before := v.Now().Unix()
	tx, err := v.challenge(v.client.Address(), "")
	if err != nil {
		return err
	}
	after := v.Now().Unix()
	bounds := tx.Timebounds()
	switch source := tx.SourceAccount(); {
	case tx.SequenceNumber() != 0:
		return expected("sequence number 0", tx.SequenceNumber())
	case source.AccountID != v.signingKey:
		return expected("SIGNING_KEY as the source", source.AccountID)
	case bounds.MaxTime == 0:
		return expected("a maximum time", 0)
	case bounds.MinTime < before || bounds.MinTime > after:
		return expected(fmt.Sprintf("a minimum time from %d to %d, when it was asked for", before, after), bounds.MinTime)
	}
	if err := v.goodOperations(tx); err != nil {
		return err
	}
	return v.signedByServerAlone(tx)
}

// goodOperations judges the first operation, which is the challenge proper, and those after it.
func (v *visit) goodOperations(tx *txnbuild.Transaction) error {
	operations := tx.Operations()
	if len(operations) == 0 {
		return expected("operations", nothing)
	}
	if err := v.goodLogin(operations[0]); err != nil {
		return fmt.Errorf("operation 0: %w", err)
	}
	named := false
	for i, operation := range operations[1:] {
		data, ok := operation.(*txnbuild.ManageData)
		if !ok {
			return expected(fmt.Sprintf("operation %d to be ManageData", i+1), fmt.Sprintf("%T", operation))
		}
		if data.SourceAccount != v.signingKey {
			return expected(fmt.Sprintf("SIGNING_KEY as the source of operation %d", i+1), data.SourceAccount)
		}
		named = named || data.Name == "web_auth_domain"
		if want := hostOf(v.authURL); data.Name == "web_auth_domain" && string(data.Value) != want {
			return expected("web_auth_domain "+want, string(data.Value))
		}
	}
	if !named {
		return expected("an operation web_auth_domain", nothing)
	}
	return nil
}

func (v *visit) goodLogin(operation txnbuild.Operation) error {
	data, ok := operation.(*txnbuild.ManageData)
	if !ok {
		return expected("ManageData", fmt.Sprintf("%T", operation))
	}
	if data.SourceAccount != v.client.Address() {
		return expected("the client as the source", data.SourceAccount)
	}
	if want := hostOf(v.Home) + " auth"; data.Name != want {
		return expected(fmt.Sprintf("the name %q", want), fmt.Sprintf("%q", data.Name))
	}
	nonce, err := base64.StdEncoding.DecodeString(string(data.Value))
	if err != nil || len(nonce) != nonceLength {
		return expected(fmt.Sprintf("%d random bytes in base64", nonceLength), fmt.Sprintf("%q", data.Value))
	}
	return nil
}

func (v *visit) signedByServerAlone(tx *txnbuild.Transaction) error {
	if n := len(tx.Signatures()); n != 1 {
		return expected("one signature", n)
	}
	hash, err := tx.Hash(v.Passphrase)
	if err != nil {
		return fmt.Errorf("hash the challenge: %w", err)
	}
	server, err := keypair.ParseAddress(v.signingKey)
	if err != nil {
		return fmt.Errorf("SIGNING_KEY: %w", err)
	}
	if err := server.Verify(hash[:], tx.Signatures()[0].Signature); err != nil {
		return expected("a signature of SIGNING_KEY", err)
	}
	return nil
}

// hostOf is the host[:port] of an address.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
