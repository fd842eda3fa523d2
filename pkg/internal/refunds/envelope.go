package refunds

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stellar/go-stellar-sdk/xdr"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

// envelope is one payment back, not signed yet.
type envelope struct {
	sequence int64
	rate     int64 // stroops for each operation
	maxTime  time.Time
	toSign   anchor.RefundToSign
}

// build makes the envelope of a refund: the next sequence number of the account, as the network has it, and an upper time
// bound by the network's clock.
func build(r store.Refund, n Sight, o Options) (envelope, error) {
	e := envelope{sequence: n.Source.Sequence + 1, rate: firstRate(n, o.MaxFeeStroops)}
	e.maxTime = n.Latest.ClosedAt.Add(o.TimeBound).Truncate(time.Second)
	operation, err := paymentBack(r)
	if err != nil {
		return envelope{}, err
	}
	memo, err := memoBack(r)
	if err != nil {
		return envelope{}, err
	}
	tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount: &txnbuild.SimpleAccount{AccountID: r.Account, Sequence: e.sequence},
		Operations:    []txnbuild.Operation{operation}, BaseFee: e.rate, Memo: memo,
		Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewTimebounds(0, e.maxTime.Unix())},
	})
	if err != nil {
		return envelope{}, fmt.Errorf("make the envelope of refund %s: %w", r.ID, err)
	}
	text, err := tx.Base64()
	if err != nil {
		return envelope{}, fmt.Errorf("encode the envelope of refund %s: %w", r.ID, err)
	}
	hash, err := tx.HashHex(o.Passphrase)
	if err != nil {
		return envelope{}, fmt.Errorf("hash the envelope of refund %s: %w", r.ID, err)
	}
	e.toSign = intention(r, o.Passphrase)
	e.toSign.EnvelopeXDR, e.toSign.Hash, e.toSign.MaxTime, e.toSign.MaxFeeStroops = text, hash, e.maxTime, tx.MaxFee()
	return e, nil
}

// firstRate is what the network asks at present, within what may be spent.
func firstRate(n Sight, most int64) int64 {
	return min(max(n.Fees.BaseFee, n.Fees.Usual, txnbuild.MinBaseFee), most)
}

// paymentBack keeps the muxed number of who paid (SEP-23).
func paymentBack(r store.Refund) (*txnbuild.Payment, error) {
	destination := r.Destination
	if r.DestinationMuxedID != "" {
		id, err := strconv.ParseUint(r.DestinationMuxedID, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("muxed number of refund %s: %w", r.ID, err)
		}
		var muxed strkey.MuxedAccount
		muxed.SetID(id)
		if err := muxed.SetAccountID(r.Destination); err != nil {
			return nil, fmt.Errorf("destination of refund %s: %w", r.ID, err)
		}
		if destination, err = muxed.Address(); err != nil {
			return nil, fmt.Errorf("destination of refund %s: %w", r.ID, err)
		}
	}
	amount, err := money.New(r.SentUnits(), money.StellarDecimals)
	if err != nil {
		return nil, fmt.Errorf("amount of refund %s: %w", r.ID, err)
	}
	p := &txnbuild.Payment{Destination: destination, Amount: amount.String(), Asset: txnbuild.NativeAsset{}}
	if r.AssetIssuer != "" {
		p.Asset = txnbuild.CreditAsset{Code: r.AssetCode, Issuer: r.AssetIssuer}
	}
	return p, nil
}

// memoBack is the memo in the kind in which it is stored: a hash stays a hash.
func memoBack(r store.Refund) (txnbuild.Memo, error) {
	switch r.MemoType {
	case "":
		return nil, nil //nolint:nilnil // no memo is a memo too
	case "id":
		id, err := strconv.ParseUint(r.Memo, 10, 64)
		return txnbuild.MemoID(id), badMemo(r, err)
	case "text":
		raw, err := base64.StdEncoding.DecodeString(r.Memo)
		return txnbuild.MemoText(raw), badMemo(r, err)
	}
	raw, err := hex.DecodeString(r.Memo)
	if err == nil && len(raw) != 32 {
		err = errors.New("it has not 32 bytes")
	}
	if err != nil {
		return nil, badMemo(r, err)
	}
	if r.MemoType == "return" {
		return txnbuild.MemoReturn(raw), nil
	}
	return txnbuild.MemoHash(raw), nil
}

func badMemo(r store.Refund, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("memo of refund %s: %w", r.ID, err)
}

func intention(r store.Refund, passphrase string) anchor.RefundToSign {
	return anchor.RefundToSign{
		RefundID: r.ID, TransactionID: r.TransactionID.String, Account: r.Account, NetworkPassphrase: passphrase,
		Destination: r.Destination, DestinationMuxedID: r.DestinationMuxedID, Asset: store.AssetName{Code: r.AssetCode, Issuer: r.AssetIssuer}.ID(), Amount: amountText(r.SentUnits()),
		MemoType: r.MemoType, Memo: r.Memo,
	}
}

// bump wraps the envelope of an attempt, as it is, into one that offers more.
func bump(r store.Refund, a store.RefundAttempt, rate int64, passphrase string) (anchor.RefundToSign, error) {
	generic, err := txnbuild.TransactionFromXDR(a.Envelope)
	if err != nil {
		return anchor.RefundToSign{}, fmt.Errorf("read envelope %d of refund %s: %w", a.Number, r.ID, err)
	}
	inner, ok := generic.Transaction()
	if !ok {
		return anchor.RefundToSign{}, fmt.Errorf("envelope %d of refund %s is a fee bump itself", a.Number, r.ID)
	}
	outer, err := txnbuild.NewFeeBumpTransaction(txnbuild.FeeBumpTransactionParams{Inner: inner, FeeAccount: a.Account, BaseFee: rate})
	if err != nil {
		return anchor.RefundToSign{}, fmt.Errorf("fee bump of refund %s: %w", r.ID, err)
	}
	s := intention(r, passphrase)
	s.FeeBump, s.MaxTime, s.MaxFeeStroops = true, store.At(a.MaxTimeUs), outer.MaxFee()
	if s.EnvelopeXDR, err = outer.Base64(); err != nil {
		return anchor.RefundToSign{}, fmt.Errorf("encode the fee bump of refund %s: %w", r.ID, err)
	}
	if s.Hash, err = outer.HashHex(passphrase); err != nil {
		return anchor.RefundToSign{}, fmt.Errorf("hash the fee bump of refund %s: %w", r.ID, err)
	}
	return s, nil
}

// checkSigned refuses whatever is not the very envelope that was to be signed, with a signature.
func checkSigned(asked anchor.RefundToSign, got anchor.SignedRefund) error {
	signed, err := txnbuild.TransactionFromXDR(got.EnvelopeXDR)
	if err != nil {
		return errors.New("the signer answered with no envelope")
	}
	hash, err := signed.HashHex(asked.NetworkPassphrase)
	if err != nil || hash != asked.Hash {
		return errors.New("the signer answered with another envelope than it was asked to sign")
	}
	var signatures []xdr.DecoratedSignature
	if outer, ok := signed.FeeBump(); ok {
		signatures = outer.Signatures()
	} else if inner, ok := signed.Transaction(); ok {
		signatures = inner.Signatures()
	}
	if len(signatures) == 0 {
		return errors.New("the signer answered with an envelope without a signature")
	}
	return nil
}
