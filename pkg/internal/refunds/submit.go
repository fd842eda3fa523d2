package refunds

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stellar/go-stellar-sdk/xdr"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// submit hands an envelope in flight to the network, again if need be: the same bytes cannot land twice. Whatever the answer
// is, it decides nothing but when to try again and whether to offer a higher fee.
func (p *pass) submit(a store.RefundAttempt) (moved bool, err error) {
	if err := p.db.Restored(p.hard); err != nil {
		return false, p.restored(a.Account, err)
	}
	claimed, ok, err := p.db.ClaimSubmission(p.hard, a, p.Owner, p.Lease)
	if err != nil || !ok {
		return false, err
	}
	if err := p.point("claimed"); err != nil {
		return false, err
	}
	if claimed.Submits > 1 {
		settled, known, err := p.lookUp(claimed)
		if err != nil || settled || known {
			return settled, err
		}
	}
	return p.post(claimed)
}

// restored is no fault while a database is marked as an older copy: nothing is sent from it.
func (p *pass) restored(account string, err error) error {
	if mark, ok := errors.AsType[*store.RestoredError](err); ok {
		p.tell(p.hard, account, mark.Error(), false)
		return nil
	}
	return err
}

// post makes the call.
func (p *pass) post(a store.RefundAttempt) (bool, error) {
	ctx, cancel := context.WithTimeout(p.hard, p.SubmitTimeout)
	defer cancel()
	_, err := p.net.Submit(ctx, a.Newest())
	if crash := p.point("submitted"); crash != nil {
		return false, crash
	}
	if demanded, perhaps := cheap(a, err); demanded || perhaps {
		if bumped, err := p.raise(a, demanded); err != nil || bumped {
			return bumped, err
		}
	}
	said, wait := answerOf(a, err)
	p.log.DebugContext(ctx, "refund submitted", "refund", a.RefundID, "envelope", a.Number, "stellar_hash", a.InnerHash, "answer", said)
	p.note(true, nil) // there is nothing to do but to wait for the ledger
	return false, p.answered(a, said, wait)
}

func (p *pass) answered(a store.RefundAttempt, said string, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.hard), p.CallTimeout)
	defer cancel()
	if err := p.db.AnswerSubmission(ctx, a, said, p.paced(wait)); err != nil {
		return err
	}
	return p.point("answered")
}

// answerOf puts an answer into words, and says when to submit again.
func answerOf(a store.RefundAttempt, err error) (said string, wait time.Duration) {
	if err == nil {
		return "it is in the ledger", againLanded
	}
	wait = again(a.Submits)
	if limited, ok := errors.AsType[*stellar.RateLimitedError](err); ok && limited.RetryAfter > wait {
		wait = min(limited.RetryAfter, 10*againMost)
	}
	if failed, ok := errors.AsType[*stellar.FailedError](err); ok && failedInLedger(failed) {
		wait = againFirst / 5 // the ledger is asked then: it may be there as failed
	}
	return cut(err.Error(), 300), wait
}

func failedInLedger(f *stellar.FailedError) bool {
	return f.TransactionCode == "tx_failed" || f.InnerCode == "tx_failed"
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// lookUp asks the ledger for an envelope that was submitted before. known: it is there, and the watcher will tell; submitting
// it again would be idle.
func (p *pass) lookUp(a store.RefundAttempt) (settled, known bool, err error) {
	ctx, cancel := context.WithTimeout(p.hard, p.CallTimeout)
	defer cancel()
	t, err := p.net.Transaction(ctx, a.InnerHash)
	if err != nil || t.InnerHash != a.InnerHash { // not there yet, never, or nobody answers: it is submitted again
		return false, false, nil
	}
	if t.Successful {
		if settled, err = p.settle(p.hard, a, evidence{landed: t.Ledger}); err != nil || settled {
			return settled, true, err
		}
		return false, true, p.answered(a, fmt.Sprintf("it is in ledger %d", t.Ledger), againLanded)
	}
	e, final := failed(t)
	if !final {
		return false, false, nil
	}
	if settled, err = p.settle(p.hard, a, e); err != nil || settled {
		return settled, true, err
	}
	return false, true, p.answered(a, e.why, againFirst/5)
}

// inquire asks the network for an envelope whose time is over by what the watcher has read: the last word before it is dead.
func (p *pass) inquire(a store.RefundAttempt) (evidence, error) {
	seen, err := p.db.CursorOf(p.hard, a.Account)
	if err != nil || !outlived(seen, a) {
		return evidence{}, err
	}
	ctx, cancel := context.WithTimeout(p.hard, p.CallTimeout)
	defer cancel()
	t, err := p.net.Transaction(ctx, a.InnerHash)
	switch {
	case errors.Is(err, stellar.ErrNotFound):
		return evidence{absent: true}, nil
	case err != nil: // nobody knows
		return evidence{}, nil
	case t.Successful:
		return evidence{landed: t.Ledger}, nil
	}
	if e, final := failed(t); final {
		return e, nil
	}
	return evidence{absent: true}, nil // a fee bump that failed around it
}

func failed(t stellar.Transaction) (evidence, bool) {
	why, final := failureOf(t.ResultXDR)
	return evidence{ledger: t.Ledger, why: fmt.Sprintf("the ledger %d took it as failed: %s", t.Ledger, why)}, final
}

// failureOf says why the ledger took a transaction as failed. final: its operation failed, which used its sequence number up,
// so that no copy of it can ever land. Whatever else is said of an outer envelope proves nothing about the inner one.
func failureOf(resultXDR string) (why string, final bool) {
	var result xdr.TransactionResult
	if err := xdr.SafeUnmarshalBase64(resultXDR, &result); err != nil {
		return "", false
	}
	operations := result.Result.Results
	switch result.Result.Code {
	case xdr.TransactionResultCodeTxFailed:
	case xdr.TransactionResultCodeTxFeeBumpInnerFailed:
		inner := result.Result.InnerResultPair
		if inner == nil || inner.Result.Result.Code != xdr.TransactionResultCodeTxFailed {
			return "", false
		}
		operations = inner.Result.Result.Results
	default:
		return "", false
	}
	return operationFailure(operations), true
}

func operationFailure(results *[]xdr.OperationResult) string {
	if results == nil || len(*results) != 1 {
		return "its operation failed"
	}
	tr, ok := (*results)[0].GetTr()
	if !ok {
		return (*results)[0].Code.String()
	}
	payment, ok := tr.GetPaymentResult()
	if !ok {
		return "its operation failed"
	}
	known := map[xdr.PaymentResultCode]string{
		xdr.PaymentResultCodePaymentUnderfunded:      "the receiving account has too little (op_underfunded)",
		xdr.PaymentResultCodePaymentSrcNoTrust:       "the receiving account has no trust line (op_src_no_trust)",
		xdr.PaymentResultCodePaymentSrcNotAuthorized: "the receiving account is not authorized (op_src_not_authorized)",
		xdr.PaymentResultCodePaymentNoDestination:    "the destination does not exist (op_no_destination)",
		xdr.PaymentResultCodePaymentNoTrust:          "the destination has no trust line (op_no_trust)",
		xdr.PaymentResultCodePaymentNotAuthorized:    "the destination is not authorized (op_not_authorized)",
		xdr.PaymentResultCodePaymentLineFull:         "the destination's trust line is full (op_line_full)",
		xdr.PaymentResultCodePaymentNoIssuer:         "the issuer does not exist (op_no_issuer)",
	}
	if text := known[payment.Code]; text != "" {
		return text
	}
	return payment.Code.String()
}

// cheap tells whether an envelope may not land because it offers too little: the network demands more, or perhaps keeps it
// waiting for others that offer more.
func cheap(a store.RefundAttempt, err error) (demanded, perhaps bool) {
	if failed, ok := errors.AsType[*stellar.FailedError](err); ok {
		return failed.TransactionCode == insufficientFee || failed.InnerCode == insufficientFee, false
	}
	return false, errors.Is(err, stellar.ErrUnknownOutcome) && a.Submits > 1
}

const insufficientFee = "tx_insufficient_fee"

// raise wraps the same inner envelope into one that offers more, commits that, and leaves its submission to the next step;
// false where nothing more may be offered or nothing more is asked.
func (p *pass) raise(a store.RefundAttempt, demanded bool) (bool, error) {
	ctx, cancel := context.WithTimeout(p.hard, p.CallTimeout)
	defer cancel()
	fees, err := p.net.FeeStats(ctx)
	if err != nil {
		return false, nil // it is tried again with the next submission
	}
	rate := nextRate(a.FeeStroops, demanded, fees, p.MaxFeeStroops)
	if rate <= a.FeeStroops {
		return false, nil
	}
	r, err := p.db.RefundByID(ctx, a.RefundID)
	if err != nil {
		return false, err
	}
	asked, err := bump(r, a, rate, p.Passphrase)
	if err != nil {
		return false, err
	}
	signed, v := p.sign(asked)
	if !v.Go() {
		return false, nil // the envelope itself may still land
	}
	if err := p.point("bump signed"); err != nil {
		return false, err
	}
	return p.keepBump(a, asked, signed, rate)
}

// keepBump commits a fee bump before the network sees it.
func (p *pass) keepBump(a store.RefundAttempt, asked anchor.RefundToSign, signed string, rate int64) (bool, error) {
	a.OuterHash, a.OuterEnvelope, a.FeeStroops = asked.Hash, signed, rate
	err := p.db.BumpSubmission(p.hard, a)
	if errors.Is(err, store.ErrClaimLost) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := p.point("bumped"); err != nil {
		return false, err
	}
	return true, p.answered(a, fmt.Sprintf("it is offered again for %d stroops an operation", rate), 0)
}

// nextRate is what a fee bump offers for each operation: ten times as much, which is what a network demands that has the
// envelope in its queue, within what may be spent. A fee bump is charged for one operation more than it has.
func nextRate(offered int64, demanded bool, fees stellar.FeeStats, most int64) int64 {
	if !demanded && max(fees.BaseFee, fees.Usual) <= offered {
		return 0 // it is not the fee that keeps it
	}
	return min(max(10*offered, 2*fees.Usual), most/2)
}
