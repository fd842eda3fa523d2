package anchor_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/txnbuild"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// vault keeps the key of a receiving account outside the anchor's database, and has a rule of its own about refunds.
type vault struct {
	key     *keypair.Full
	allowed func(r anchor.RefundToSign) bool
}

// SignRefund signs nothing but a payment that is what the request says it is.
func (v vault) SignRefund(_ context.Context, r anchor.RefundToSign) (anchor.SignedRefund, error) {
	if r.Account != v.key.Address() {
		return anchor.SignedRefund{}, anchor.Refuse("this vault has no key of that account")
	}
	if !v.allowed(r) {
		return anchor.SignedRefund{}, anchor.Refuse("a refund of this size needs two people") // an operator sees this text
	}
	envelope, err := txnbuild.TransactionFromXDR(r.EnvelopeXDR)
	if err != nil {
		return anchor.SignedRefund{}, errors.New("the envelope cannot be read")
	}
	payment, ok := envelope.Transaction()
	if !ok || r.FeeBump {
		return anchor.SignedRefund{}, anchor.Refuse("this vault raises no fees")
	}
	hash, err := payment.HashHex(r.NetworkPassphrase)
	if err != nil || hash != r.Hash {
		return anchor.SignedRefund{}, anchor.Refuse("the envelope is not the one that was described")
	}
	signed, err := payment.Sign(r.NetworkPassphrase, v.key)
	if err != nil {
		return anchor.SignedRefund{}, err
	}
	text, err := signed.Base64()
	return anchor.SignedRefund{EnvelopeXDR: text}, err
}

// Custody of keys outside the anchor. Its refusal leaves a refund to an operator; another error is tried again later.
func ExampleCustody() {
	key := keypair.MustRandom()
	var custody anchor.Custody = vault{key: key, allowed: func(r anchor.RefundToSign) bool { return r.Amount == "100" }}

	_, err := custody.SignRefund(context.Background(), anchor.RefundToSign{Account: key.Address(), Amount: "10000"})
	fmt.Println(err)

	signed, err := custody.SignRefund(context.Background(), refundOf(key, "100"))
	fmt.Println(signed.EnvelopeXDR != "", err)
	// Output:
	// a refund of this size needs two people
	// true <nil>
}

// refundOf is what the anchor asks for.
func refundOf(from *keypair.Full, amount string) anchor.RefundToSign {
	to := keypair.MustRandom().Address()
	tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount: &txnbuild.SimpleAccount{AccountID: from.Address(), Sequence: 1}, IncrementSequenceNum: true, BaseFee: txnbuild.MinBaseFee,
		Operations:    []txnbuild.Operation{&txnbuild.Payment{Destination: to, Amount: amount, Asset: txnbuild.NativeAsset{}}},
		Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewTimebounds(0, time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC).Unix())},
	})
	if err != nil {
		return anchor.RefundToSign{}
	}
	envelope, err := tx.Base64()
	if err != nil {
		return anchor.RefundToSign{}
	}
	hash, err := tx.HashHex(network.TestNetworkPassphrase)
	if err != nil {
		return anchor.RefundToSign{}
	}
	return anchor.RefundToSign{
		Account: from.Address(), NetworkPassphrase: network.TestNetworkPassphrase, EnvelopeXDR: envelope, Hash: hash, Destination: to, Amount: amount,
		Asset: "stellar:native",
	}
}
