package refunds

import (
	"fmt"
	"strconv"
	"time"

	"github.com/stellar/go-stellar-sdk/strkey"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

// Verdict is whether a refund may be sent now. Its zero value is: yes.
type Verdict struct {
	Why string // for people; empty: it may
	// Hold leaves it to an operator. Else it waits for so long, together with all of its account where Account is set.
	Hold    bool
	Wait    time.Duration
	Account bool
}

// Go tells whether nothing keeps the refund.
func (v Verdict) Go() bool { return v.Why == "" }

func hold(format string, args ...any) Verdict {
	return Verdict{Why: fmt.Sprintf(format, args...), Hold: true}
}

func wait(d time.Duration, format string, args ...any) Verdict {
	return Verdict{Why: fmt.Sprintf(format, args...), Wait: d}
}

func waitAll(d time.Duration, format string, args ...any) Verdict {
	return Verdict{Why: fmt.Sprintf(format, args...), Wait: d, Account: true}
}

// How long to wait for what passes by itself, and for what an operator has to end (who is heard of at once).
const (
	soon  = 2 * time.Second
	later = time.Minute
)

// Terms are what Judge needs besides the refund and what the database knows.
type Terms struct {
	Head     stellar.Ledger // the network's newest ledger when this process began
	Policy   Policy
	Excluded func(account string) bool
}

// Judge says whether a refund may be sent by what the database knows. It is pure; invariant I14 and the guards of refunds
// that are made by themselves are here.
func Judge(r store.Refund, f store.RefundFacts, t Terms) Verdict {
	if v := judgeAccount(f, t.Head); !v.Go() {
		return v
	}
	if v := judgeDestination(r); !v.Go() {
		return v
	}
	if !r.Automatic {
		return Verdict{}
	}
	return judgeAutomatic(r, f, t)
}

func judgeAccount(f store.RefundFacts, head stellar.Ledger) Verdict {
	switch {
	case f.Restored != "":
		return waitAll(later, "this database was restored from an older copy: run 'anchor reconcile --after-restore'")
	case f.Unexplained != nil:
		return waitAll(later, "money left the account in operation %d and nothing here explains it: see 'anchor refunds movements'", f.Unexplained.OperationID)
	case f.InFlight:
		return waitAll(soon, "another envelope of the account may still land")
	case f.Cursor.ThroughLedger < head.Sequence:
		return waitAll(soon, "the account has not been read to the network's head since this process began: is watch-transactions running?")
	}
	return Verdict{}
}

func judgeDestination(r store.Refund) Verdict {
	if !strkey.IsValidEd25519PublicKey(r.Destination) {
		return hold("the destination is no Stellar account: say where it goes to")
	}
	if r.Destination == r.Account {
		return hold("the destination is the receiving account itself")
	}
	if _, err := strconv.ParseUint(r.DestinationMuxedID, 10, 64); err != nil && r.DestinationMuxedID != "" {
		return hold("the muxed number of the destination cannot be read")
	}
	return Verdict{}
}

func judgeAutomatic(r store.Refund, f store.RefundFacts, t Terms) Verdict {
	switch {
	case f.OwnAccount:
		return hold("the destination is a receiving account of ours")
	case r.Destination == r.AssetIssuer:
		return hold("the destination is the issuer of the asset")
	case t.Excluded != nil && t.Excluded(r.Destination):
		return hold("the destination is among the excluded accounts")
	case f.Returned:
		return hold("the payment looks like a refund of ours that came back")
	case f.Conflict != "":
		return hold("the transaction has a contradiction that somebody must look into: %s", f.Conflict)
	case r.Units < t.Policy.Floor:
		return hold("it is less than the least amount that goes back by itself, %s", amountText(t.Policy.Floor))
	}
	return judgeCap(r, f, t.Policy.DailyCap)
}

func judgeCap(r store.Refund, f store.RefundFacts, most int64) Verdict {
	switch {
	case most == 0:
		return Verdict{}
	case r.Units > most:
		return hold("it is more than what may go back by itself on a day, %s", amountText(most))
	case f.ByItself > most-r.Units:
		return wait(untilTomorrow(f.NowUs), "what may go back by itself today, %s, is used up", amountText(most))
	}
	return Verdict{}
}

// dayOf is the beginning of the UTC day, in microseconds.
func dayOf(nowUs int64) int64 {
	return store.At(nowUs).Truncate(24 * time.Hour).UnixMicro()
}

func untilTomorrow(nowUs int64) time.Duration {
	return 24*time.Hour - time.Duration(nowUs-dayOf(nowUs))*time.Microsecond
}

// Sight is what the network says about a refund.
type Sight struct {
	Latest      stellar.Ledger
	Source      stellar.Account
	Destination stellar.Account // its zero value: it does not exist
	Fees        stellar.FeeStats
}

// JudgeNetwork says whether a refund can be sent by what the network says. It is pure. seen is how far the account has been
// read: the sequence number that is used next must be known not to hide an envelope that nobody here knows.
func JudgeNetwork(r store.Refund, seen store.Cursor, behind time.Duration, n Sight) Verdict {
	if n.Latest.ClosedAt.Sub(seen.ThroughClosed()) > behind {
		return waitAll(soon, "the account is read only to ledger %d, the network is at %d", seen.ThroughLedger, n.Latest.Sequence)
	}
	if n.Source.LastModifiedLedger > seen.ThroughLedger {
		return waitAll(soon, "the account changed in ledger %d and is read only to %d", n.Source.LastModifiedLedger, seen.ThroughLedger)
	}
	if v := judgeSource(r, n.Source, n.Fees); !v.Go() {
		return v
	}
	return judgeReceipt(r, n.Destination)
}

// reserveOfEntry is what an account must keep of the network's own asset for each entry that it pays for: two for itself, one for each that
// it holds, and those of others that it sponsors; not those that others sponsor.
const reserveOfEntry = 5_000_000

func judgeSource(r store.Refund, a stellar.Account, fees stellar.FeeStats) Verdict {
	native, _ := a.Balance(stellar.NativeCode, "")
	free := native.Units - native.Selling - int64(2+a.Subentries+a.Sponsoring-a.Sponsored)*reserveOfEntry
	needed := max(fees.BaseFee, fees.Usual)
	if free < needed { // what keeps every refund of the account, and ends when somebody fills it up
		return waitAll(later, "the receiving account cannot pay the network's fee and keep its reserve: it needs more of the network's own asset")
	}
	if r.AssetIssuer == "" {
		if r.SentUnits() > free-needed {
			return hold("the receiving account would be left with less than its reserve")
		}
		return Verdict{}
	}
	b, trusts := a.Balance(r.AssetCode, r.AssetIssuer)
	switch {
	case !trusts:
		return hold("the receiving account has no trust line to the asset")
	case !b.Authorized:
		return hold("the receiving account may not send the asset: its issuer has not authorized it")
	case b.Units-b.Selling < r.SentUnits():
		return hold("the receiving account has too little of the asset")
	}
	return Verdict{}
}

// memoRequired is how an account says that payments to it need a memo (SEP-29).
const memoRequired, memoRequiredYes = "config.memo_required", "MQ=="

func judgeReceipt(r store.Refund, a stellar.Account) Verdict {
	if a.ID == "" {
		return hold("the destination does not exist any more")
	}
	if a.Data[memoRequired] == memoRequiredYes && r.MemoType == "" && r.DestinationMuxedID == "" {
		return hold("the destination takes nothing without a memo, and the payment had none")
	}
	if r.Destination == r.AssetIssuer {
		return Verdict{}
	}
	b, trusts := a.Balance(r.AssetCode, r.AssetIssuer)
	switch {
	case !trusts:
		return hold("the destination has no trust line to the asset")
	case !b.Authorized:
		return hold("the destination may not hold the asset: its issuer has not authorized it")
	case b.Room() < r.SentUnits():
		return hold("the destination's trust line has no room for it")
	}
	return Verdict{}
}

func amountText(units int64) string {
	a, err := money.New(units, money.StellarDecimals)
	if err != nil {
		return "?"
	}
	return a.Short()
}

// refused is what a custodian refused to sign, for people; false for any other error.
func refused(err error) (string, bool) {
	p := anchor.ProblemOf(err)
	return p.Text, p.Code != anchor.CodeInternal && p.Text != ""
}
