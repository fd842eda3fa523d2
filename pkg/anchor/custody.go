package anchor

import (
	"context"
	"time"
)

// Custody holds the keys of receiving accounts. It is called by execute-outgoing, for one refund of an account at a time.
type Custody interface {
	// SignRefund signs an envelope that sends money back. The anchor stores what it gets before the network sees it, and
	// submits nothing that is not the very envelope it asked for: signing twice, or signing what is never sent, is harmless.
	//
	// A refusal (Refuse) leaves the refund to an operator, with the reason. Any other error is taken for a moment's trouble:
	// the anchor asks again later, perhaps with another envelope. The context ends after half a minute at most.
	SignRefund(ctx context.Context, r RefundToSign) (SignedRefund, error)
}

// RefundToSign is an envelope with what it is meant to do, so that a custodian can check the one against the other.
type RefundToSign struct {
	RefundID      string
	TransactionID string // SEP-31 transaction that the payment named; empty for none
	Account       string // receiving account that pays, G…

	NetworkPassphrase string
	EnvelopeXDR       string // base64; of a fee bump the inner envelope is signed already
	Hash              string // of the envelope on that network, lower hex: what a signature is of
	// FeeBump says that the envelope only raises the fee of one that was signed before.
	FeeBump bool

	Destination        string // G…
	DestinationMuxedID string // decimal, or empty
	Asset              string // stellar:CODE:ISSUER, or stellar:native
	Amount             string // decimal
	MemoType           string // id, text, hash, return; empty for none
	Memo               string // id in decimal, hash and return in lower hex, text in base64
	MaxTime            time.Time
	MaxFeeStroops      int64 // what the envelope offers in all
}

// SignedRefund is the envelope with its signatures, in base64.
type SignedRefund struct{ EnvelopeXDR string }
