package inspect

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// noon is when every story of these tests is told.
func noon() time.Time { return time.Date(2026, 5, 3, 12, 0, 0, 0, time.UTC) }

func us(before time.Duration) int64 { return noon().Add(-before).UnixMicro() }

const whole = 10_000_000 // units of one asset

// agreed is a transaction of 10 USDC whose memo was given out and whose account is read.
func agreed(change ...func(*file)) *file {
	f := &file{}
	f.now = noon()
	f.t.ID, f.t.Status, f.t.AssetCode, f.t.ReceivingAccount, f.t.FundingMethod = "T", anchor.StatusPendingSender, "USDC", "GRECV", "SEPA"
	f.t.ExpectedUnits, f.t.ExpiresUs, f.t.OutAsset = 10*whole, noon().Add(time.Hour).UnixMicro(), "iso4217:EUR"
	f.t.Publish("id", "4711")
	f.readThrough(2 * time.Second)
	for _, c := range change {
		c(f)
	}
	return f
}

func (f *file) readThrough(ago time.Duration) {
	c := store.Cursor{}
	c.ThroughLedger, c.ThroughClosedUs = 99, us(ago)
	f.cursor = &c
}

// funded is one that is paid, with a payout that stands as it is changed to.
func funded(change func(*payoutFile), more ...func(*file)) *file {
	return agreed(func(f *file) {
		f.t.Status, f.t.Funded, f.t.CreditedUnits = anchor.StatusPendingReceiver, true, 10*whole
		var p payoutFile
		p.p.ID, p.p.Number, p.p.State, p.p.Rail, p.p.NextUs, p.p.UpdatedUs = "P", 1, anchor.PayoutReady, "bank", us(0), us(10*time.Minute)
		change(&p)
		f.payouts = []payoutFile{p}
		for _, c := range more {
			c(f)
		}
	})
}

func told(list []Reason) string {
	var text []string
	for _, r := range list {
		text = append(text, strings.TrimSuffix(r.Why+" => "+r.Mend, " => "))
	}
	return strings.Join(text, "\n")
}

func customer(role string, status anchor.CustomerStatus, change ...func(*party)) party {
	p := party{role: role, id: "C-" + role, typ: "sep31-" + role, status: status}
	for _, c := range change {
		c(&p)
	}
	return p
}

func waitsFor(w anchor.WaitsFor) func(*payoutFile) {
	return func(p *payoutFile) { p.p.State, p.p.WaitsFor = anchor.PayoutWaiting, w }
}

func TestWhy_says_in_words_what_an_unpaid_transaction_waits_for(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		f    *file
		want string
	}{
		"nothing came": {agreed(),
			"nothing has been seen of its payment of 10 USDC; the memo is id:4711" +
				" => the sending anchor pays 10 USDC to GRECV with memo id:4711 until 2026-05-03 13:00:00"},
		"a part came": {agreed(func(f *file) { f.t.CreditedUnits = 5 * whole }),
			"it waits for 5 USDC more: 5 USDC of 10 USDC have come" +
				" => the sending anchor pays 5 USDC to GRECV with memo id:4711 until 2026-05-03 13:00:00"},
		"nobody reads the account": {agreed(func(f *file) { f.readThrough(12 * time.Minute) }),
			"no watcher has read the account GRECV for 12 min (it was read through ledger 99)" +
				" => is 'anchor watch-transactions' running? Its log says what keeps it; 'anchor doctor' looks at the network\n" +
				"nothing has been seen of its payment of 10 USDC; the memo is id:4711" +
				" => the sending anchor pays 10 USDC to GRECV with memo id:4711 until 2026-05-03 13:00:00"},
		"it ran out while nobody read": {agreed(func(f *file) { f.readThrough(2 * time.Hour); f.t.ExpiresUs = us(time.Hour) }),
			"no watcher has read the account GRECV for 2 h (it was read through ledger 99)" +
				" => is 'anchor watch-transactions' running? Its log says what keeps it; 'anchor doctor' looks at the network\n" +
				"it ran out at 2026-05-03 11:00:00 and expires as soon as its account has been read through a ledger that closed later"},
		"another amount came": {agreed(func(f *file) {
			f.payments = []paymentFile{openPaymentOf(anchor.JudgedAmountMismatch, "due were 10, 7 came")}
		}),
			"nothing that came could be credited; 10 USDC are due" +
				" => the sending anchor pays 10 USDC to GRECV with memo id:4711 until 2026-05-03 13:00:00\n" +
				"payment M of 7 USDC is not the amount that was due and nobody has decided about it: due were 10, 7 came" +
				" => anchor payments assign M T --reason TEXT, or anchor payments refund M --reason TEXT, or anchor payments ignore M --reason TEXT"},
		"exactly that came without a memo": {agreed(func(f *file) {
			f.lookalikes = []store.Payment{openPaymentOf(anchor.JudgedUnmatched, "").p}
		}),
			"nothing has been seen of its payment of 10 USDC; the memo is id:4711" +
				" => the sending anchor pays 10 USDC to GRECV with memo id:4711 until 2026-05-03 13:00:00\n" +
				"payment M brought exactly that at 2026-05-03 11:59:00 from GSEND with no memo, which names no transaction: it may be meant for this one" +
				" => ask the sending anchor, then: anchor payments assign M T --reason TEXT"},
		"its memo is withheld": {agreed(func(f *file) {
			f.t.Memo.Valid = false
			f.receiver = party{role: "receiver", types: []string{"sep31-receiver"}}
		}),
			"its memo was not given out yet, so nobody can pay: it has no receiver yet: a customer that is accepted as sep31-receiver is needed" +
				" => the sending anchor registers one with PUT /customer and names this transaction"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, told(c.f.why()))
		})
	}
}

func openPaymentOf(j anchor.Judgement, reason string) paymentFile {
	var p paymentFile
	p.p.ID, p.p.AmountUnits, p.p.AssetCode, p.p.FromAccount, p.p.ClosedUs = "M", 7*whole, "USDC", "GSEND", us(time.Minute)
	p.p.Judgement, p.p.State, p.p.Reason, p.p.MemoType = j, anchor.PaymentOpen, reason, "none"
	return p
}

func TestWhy_says_in_words_what_a_payout_waits_for(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		f    *file
		want string
	}{
		"a field of the receiver": {funded(waitsFor(anchor.WaitsForKYC), func(f *file) {
			f.sender = customer("sender", anchor.CustomerAccepted)
			f.receiver = customer("receiver", anchor.CustomerNeedsInfo, func(p *party) { p.wants = []want{{"bank_account_number", "no such account"}} })
		}),
			"payout 1 waits for the KYC of the receiver (customer C-receiver, type sep31-receiver): NEEDS_INFO: field bank_account_number (no such account)" +
				" => the sending anchor gives it with PUT /customer; it was told by the status of the transaction"},
		"your verdict": {funded(waitsFor(anchor.WaitsForKYC), func(f *file) { f.sender = customer("sender", anchor.CustomerProcessing) }),
			"payout 1 waits for the KYC of the sender (customer C-sender, type sep31-sender): PROCESSING" +
				" => look into it, then: anchor customers accept C-sender --type sep31-sender, or reject it"},
		"a customer that is gone": {funded(waitsFor(anchor.WaitsForKYC), func(f *file) {
			f.sender = customer("sender", "", func(p *party) { p.deleted = true })
		}),
			"payout 1 waits: the sender (customer C-sender) was deleted" +
				" => nothing can be paid for a deleted customer: send the money back with 'anchor payments refund'"},
		"a field of the transaction": {funded(waitsFor(anchor.WaitsForInfo), func(f *file) {
			f.t.RequiredInfo, f.t.RequiredMessage = `{"transaction":{"routing_number":{"description":"…"}}}`, "routing_number: unknown bank"
		}),
			"payout 1 waits for the field routing_number of the transaction: routing_number: unknown bank" +
				" => the sending anchor gives it with PATCH /sep31/transactions/T; it was told by the status"},
		"a price": {funded(waitsFor(anchor.WaitsForPrice), func(f *file) { f.payouts[0].p.Tries, f.payouts[0].p.NextUs = 3, us(-time.Minute) }),
			"payout 1 waits for a price: iso4217:EUR of 10 USDC; the business could not say one 3 times; it is asked again at 2026-05-03 12:01:00" +
				" => look at the source of prices; the log of execute-outgoing has its errors"},
		"an operator": {funded(waitsFor(anchor.WaitsForOperator), func(f *file) {
			f.payouts[0].events = []store.Event{event("the rail bank is not configured")}
		}),
			"payout 1 waits for you: the rail bank is not configured => anchor transactions retry T --reason TEXT"},
		"an executor": {funded(func(p *payoutFile) { p.p.NextUs = us(20 * time.Minute) }),
			"payout 1 is ready since 2026-05-03 11:40:00 and nobody has sent it for 20 min" +
				" => is 'anchor execute-outgoing --loop' running? If it is, its log says what keeps it"},
		"a look at the world after a restore": {funded(func(*payoutFile) {}, func(f *file) { f.restored = &store.RestoredError{Why: "marked by ann"} }),
			"payout 1 waits: this database was restored from an older copy (marked by ann): it sends nothing until 'anchor reconcile --after-restore' has run" +
				" => run 'anchor reconcile --after-restore'"},
		"the next try": {funded(func(p *payoutFile) { p.p.Tries, p.p.NextUs = 2, us(-time.Minute) }, func(f *file) {
			f.payouts[0].answers = []store.AttemptAnswer{answer("bank closed")}
		}),
			"payout 1 could not be sent 2 times: bank closed; it is tried again at 2026-05-03 12:01:00 => look at the rail bank; nothing was paid so far"},
		"a rail that nobody has": {funded(func(*payoutFile) {}, func(f *file) { f.rails = []string{"sepa"} }),
			"its rail \"bank\" is not among those of the settings (sepa) => declare the rail, or: anchor transactions retry T --rail NAME --reason TEXT\n" +
				"payout 1 is ready and about to be sent by the rail bank"},
		"a process that died": {funded(func(p *payoutFile) {
			p.p.State, p.p.LeaseOwner, p.p.LeaseUntilUs = anchor.PayoutSending, "host/7", us(time.Minute)
		}),
			"payout 1 was being sent by host/7, which has not been heard of since 2026-05-03 11:59:00: it may have been paid" +
				" => poll-outgoing asks the rail what became of it: is 'anchor poll-outgoing --loop' running?"},
		"what the bank says of an unknown one": {funded(func(p *payoutFile) { p.p.State, p.p.NextUs = anchor.PayoutUnknown, us(-time.Minute) }),
			"what became of payout 1 is not known: it may have been paid => the rail is asked again at 2026-05-03 12:01:00." +
				" If it cannot tell, ask the bank, then: anchor payouts resolve P --as delivered|failed --reason TEXT"},
		"a poller": {funded(func(p *payoutFile) { p.p.State, p.p.NextUs = anchor.PayoutUnknown, us(time.Hour) }),
			"what became of payout 1 is not known: it may have been paid => nobody has asked the rail for 1 h:" +
				" is 'anchor poll-outgoing --loop' running? If it is, its log says what keeps it"},
		"the bank": {funded(func(p *payoutFile) { p.p.State, p.p.NextUs = anchor.PayoutAccepted, us(-time.Minute) }),
			"the rail bank took payout 1 on at 2026-05-03 11:50:00 and has not said yet that it was delivered" +
				" => it is asked again at 2026-05-03 12:01:00; if that takes too long, ask the bank"},
		"a decision after it failed": {funded(func(p *payoutFile) { p.p.State = anchor.PayoutFailed }, func(f *file) {
			f.payouts[0].answers = []store.AttemptAnswer{answer("account closed")}
		}),
			"payout 1 failed at 2026-05-03 11:50:00: account closed; 10 USDC are held" +
				" => pay again: anchor transactions retry T --reason TEXT; or send it back: anchor payments refund PAYMENT --reason TEXT"},
		"somebody to look into a contradiction": {funded(func(p *payoutFile) { p.p.State = anchor.PayoutDelivered }, func(f *file) {
			f.t.Conflict = "failed after it was delivered"
		}),
			"there is a contradiction, which stops everything automatic for it: failed after it was delivered => ask the bank what became of the payout." +
				" If the recipient was not paid: anchor transactions retry T --despite-conflict --reason TEXT; if it was, leave it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, told(c.f.why()))
		})
	}
}

func event(reason string) store.Event {
	var e store.Event
	e.Reason, e.AtUs = reason, us(time.Minute)
	return e
}

func answer(why string) store.AttemptAnswer {
	var a store.AttemptAnswer
	a.Why, a.AtUs = why, us(time.Minute)
	return a
}

func TestWhy_says_in_words_what_keeps_callbacks_and_refunds(t *testing.T) {
	t.Parallel()
	completed := func(change func(*file)) *file {
		return agreed(func(f *file) { f.t.Status, f.t.Funded = anchor.StatusCompleted, true }, change)
	}
	for name, c := range map[string]struct {
		f    *file
		want string
	}{
		"all is done": {completed(func(*file) {}), "nothing keeps it: the recipient was paid"},
		"callbacks fail": {completed(func(f *file) { f.callbacks = []store.Callback{pending(4, us(-time.Hour))} }),
			"callbacks to the sending anchor fail since 2026-05-03 10:00:00: 4 attempts, last answer HTTP 500" +
				" => ask them to look at their address; the next attempt is at 2026-05-03 13:00:00"},
		"nobody sends callbacks": {completed(func(f *file) { f.callbacks = []store.Callback{pending(0, us(time.Hour))} }),
			"callbacks to the sending anchor have not been sent for 1 h => is 'anchor serve' running? If it is, its log says what keeps it"},
		"a callback was given up": {completed(func(f *file) {
			c := pending(24, us(time.Hour))
			c.State = store.CallbackDead
			f.callbacks = []store.Callback{c}
		}),
			"1 callback to the sending anchor was given up; the last answer was HTTP 500" +
				" => the sending anchor can ask by GET how it stands; or send it after all: anchor callbacks retry B --reason TEXT"},
		"a callback was given up before a later one was taken": {completed(func(f *file) {
			given, taken := pending(24, us(time.Hour)), pending(1, us(time.Hour))
			given.State, taken.State = store.CallbackDead, store.CallbackDelivered
			f.callbacks = []store.Callback{given, taken}
		}), "nothing keeps it: the recipient was paid"},
		"a refund is held": {completed(func(f *file) { f.payments = []paymentFile{refunding(anchor.RefundHeld, "the destination is gone")} }),
			"refund R of 3 USDC is held: the destination is gone" +
				" => when that is mended: anchor refunds release R --reason TEXT; else: anchor refunds cancel R --reason TEXT"},
		"refunds are stopped": {completed(func(f *file) {
			f.payments = []paymentFile{refunding(anchor.RefundReady, "")}
			f.unexplained = []unexplained{{"GRECV", 1, "ab"}}
		}),
			"refund R of 3 USDC waits: 1 movement out of GRECV that no refund explains, such as Stellar transaction ab" +
				" => find out who moved the money ('anchor refunds --help' says how to record it)"},
		"a refund waits for the watcher": {completed(func(f *file) {
			f.payments = []paymentFile{refunding(anchor.RefundReady, "")}
			f.cursor = nil
		}),
			"refund R of 3 USDC waits, for no refund is sent while its account is behind: no watcher has read the account GRECV yet" +
				" => is 'anchor watch-transactions' running? Its log says what keeps it; 'anchor doctor' looks at the network"},
		"money is left": {agreed(func(f *file) { f.t.Status, f.t.CreditedUnits = anchor.StatusExpired, 2*whole }),
			"it is expired, and 2 USDC of it are still held => send it back: anchor payments refund PAYMENT --reason TEXT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, told(c.f.why()))
		})
	}
}

func pending(attempts, next int64) store.Callback {
	var c store.Callback
	c.ID, c.State, c.Attempts, c.NextUs, c.CreatedUs, c.LastAnswer = "B", store.CallbackPending, attempts, next, us(2*time.Hour), "HTTP 500"
	return c
}

func refunding(state anchor.RefundState, trouble string) paymentFile {
	var p paymentFile
	p.p.ID, p.p.State = "M", anchor.PaymentRefunding
	var r refundFile
	r.r.ID, r.r.State, r.r.Trouble, r.r.Account, r.r.Units, r.r.AssetCode = "R", state, trouble, "GRECV", 3*whole, "USDC"
	r.r.NextUs = us(0)
	p.refunds = []refundFile{r}
	return p
}
