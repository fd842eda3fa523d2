package sender

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
)

// payFor bounds how long an envelope may enter a ledger; one that has not by then never will.
const payFor = 300 // seconds

// SetUp makes the sender's account on a test network able to send: friendbot funds it, it trusts the asset, and the issuer
// whose seed is given pays it an amount. Done again it is paid once more.
func (s *Sender) SetUp(ctx context.Context, issuer *keypair.Full, amount string) error {
	asset, err := s.asset()
	if err != nil {
		return err
	}
	if asset.Issuer != issuer.Address() {
		return fmt.Errorf("the asset is issued by %s, not by %s", asset.Issuer, issuer.Address())
	}
	_, err = s.call(ctx, call{method: http.MethodGet, url: s.options.Horizon + "/friendbot?addr=" + s.options.Account.Address()})
	if answer, ok := errors.AsType[*Answer](err); ok && answer.Status == http.StatusBadRequest {
		err = nil // funded before
	}
	if err != nil {
		return fmt.Errorf("friendbot: %w", err)
	}
	line, err := asset.ToChangeTrustAsset()
	if err != nil {
		return err
	}
	trust := &txnbuild.ChangeTrust{Line: line, Limit: txnbuild.MaxTrustlineLimit}
	pay := &txnbuild.Payment{Destination: s.options.Account.Address(), Amount: amount, Asset: asset, SourceAccount: issuer.Address()}
	return s.submit(ctx, nil, []txnbuild.Operation{trust, pay}, issuer)
}

// Pay pays an agreed transaction from the sender's account, with the memo that it was given.
func (s *Sender) Pay(ctx context.Context, agreed State, amount string) error {
	asset, err := s.asset()
	if err != nil {
		return err
	}
	memo, err := memoOf(agreed)
	if err != nil {
		return err
	}
	err = s.submit(ctx, memo, []txnbuild.Operation{&txnbuild.Payment{Destination: agreed.Account, Amount: amount, Asset: asset}})
	if err != nil {
		return fmt.Errorf("pay transaction %s: %w", agreed.ID, err)
	}
	return nil
}

func (s *Sender) asset() (txnbuild.CreditAsset, error) {
	issuer, err := s.issuer()
	return txnbuild.CreditAsset{Code: s.options.AssetCode, Issuer: issuer}, err
}

func memoOf(t State) (txnbuild.Memo, error) {
	switch t.MemoType {
	case "id":
		id, err := strconv.ParseUint(t.Memo, 10, 64)
		return txnbuild.MemoID(id), err
	case "text":
		return txnbuild.MemoText(t.Memo), nil
	case "hash":
		raw, err := base64.StdEncoding.DecodeString(t.Memo)
		if err != nil || len(raw) != 32 {
			return nil, fmt.Errorf("memo %q is no hash", t.Memo)
		}
		return txnbuild.MemoHash(raw), nil
	}
	return nil, fmt.Errorf("memo type %q is unknown", t.MemoType)
}

// submit signs one transaction and submits the same envelope until the network has answered, so that it is paid once.
func (s *Sender) submit(ctx context.Context, memo txnbuild.Memo, operations []txnbuild.Operation, others ...*keypair.Full) error {
	s.paying.Lock()
	defer s.paying.Unlock()
	if err := s.learnSequence(ctx); err != nil {
		return err
	}
	tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount:        &txnbuild.SimpleAccount{AccountID: s.options.Account.Address(), Sequence: s.sequence},
		IncrementSequenceNum: true, Operations: operations, BaseFee: txnbuild.MinBaseFee, Memo: memo,
		Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewTimeout(payFor)},
	})
	if err != nil {
		return fmt.Errorf("build the payment: %w", err)
	}
	tx, err = tx.Sign(s.options.Passphrase, append([]*keypair.Full{s.options.Account}, others...)...)
	if err != nil {
		return fmt.Errorf("sign the payment: %w", err)
	}
	envelope, err := tx.Base64()
	if err != nil {
		return err
	}
	if err := s.post(ctx, envelope); err != nil {
		s.known = false
		return err
	}
	s.sequence++
	return nil
}

// post submits an envelope until the network says what became of it.
func (s *Sender) post(ctx context.Context, envelope string) error {
	form := url.Values{"tx": {envelope}}.Encode()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.options.Horizon+"/transactions", strings.NewReader(form))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		_, err = s.do(request)
		if err == nil || !again(err) {
			return err
		}
		if err := s.pause(ctx); err != nil {
			return err
		}
	}
}

func (s *Sender) learnSequence(ctx context.Context) error {
	if s.known {
		return nil
	}
	raw, err := s.call(ctx, call{method: http.MethodGet, url: s.options.Horizon + "/accounts/" + s.options.Account.Address()})
	if err != nil {
		return fmt.Errorf("the sender's account: %w", err)
	}
	var account struct {
		Sequence int64 `json:"sequence,string"`
	}
	if err := read(raw, &account); err != nil {
		return err
	}
	s.sequence, s.known = account.Sequence, true
	return nil
}
