package e2e

import (
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/sender"
	"github.com/anchorkit/anchor/pkg/money"
)

// course is what happens to one transaction, or to money that belongs to none, and what must have become of it in the end.
type course struct {
	name   string
	asset  string // code
	agreed string // amount; empty: no transaction
	method string // of funding; empty: the usual one

	pays  []paid   // in time, in this order
	late  []paid   // after it ran out
	ends  string   // status of the transaction
	sends []string // amounts that are on the network's ledger in the end, to who paid, in the asset that came
	shows bool     // the transaction tells of them; it tells only of what was credited, where anything was
	state sender.State
	// byOperator has an operator send back what came.
	byOperator bool
	// again is paid once what came before has gone back: that looks like our own money coming back, and is held for an operator.
	again []paid
	// says is what the bank that takes files says of it; empty: that it was paid.
	says fileWord
}

// paid is one payment. native pays the network's own asset instead.
type paid struct {
	amount string
	native bool
}

func usd(amounts ...string) (list []paid) {
	for _, a := range amounts {
		list = append(list, paid{amount: a})
	}
	return list
}

// casesInTime have nothing that waits for a transaction to run out. What is kept of each refund in USDC is 0.1.
func casesInTime() []*course {
	return []*course{
		{name: "exact", asset: assetCode, agreed: "20", pays: usd("20"), ends: "completed"},
		{name: "refused by the rail", asset: assetCode, agreed: "21", method: "REFUSED", pays: usd("21"), ends: "refunded", sends: []string{"20.9"}, shows: true},
		{name: "too much", asset: assetCode, agreed: "22", pays: usd("25"), ends: "completed", sends: []string{"2.9"}, shows: true},
		{name: "in parts", asset: assetCode, agreed: "30", pays: usd("10", "20"), ends: "completed"},
		{name: "twice", asset: assetCode, agreed: "33", pays: usd("33", "33"), ends: "completed", sends: []string{"32.9"}},
		{name: "of nobody", asset: assetCode, pays: usd("7"), sends: []string{"6.9"}},
		{name: "too little at first", asset: otherCode, agreed: "40", pays: usd("35", "40"), ends: "completed", sends: []string{"35"}},
		{name: "in the wrong asset at first", asset: otherCode, agreed: "41", pays: []paid{{"3", true}, {"41", false}}, ends: "completed", sends: []string{"3"}},
		{name: "held until an operator decides", asset: otherCode, pays: usd("8"), sends: []string{"8"}, byOperator: true},
		{name: "held as if it came back", asset: assetCode, pays: usd("6"), again: usd("6"), sends: []string{"5.9", "5.9"}},
	}
}

// casesOutOfTime are about transactions that run out.
func casesOutOfTime() []*course {
	return []*course{
		{name: "too little", asset: assetCode, agreed: "31", pays: usd("10", "5"), ends: "refunded", sends: []string{"9.9", "4.9"}, shows: true},
		{name: "too late", asset: assetCode, agreed: "32", late: usd("32"), ends: "refunded", sends: []string{"31.9"}, shows: true},
		{name: "exact", asset: assetCode, agreed: "20", pays: usd("20"), ends: "completed"},
		{name: "never", asset: otherCode, agreed: "34", ends: "expired"},
	}
}

// casesUnderSurge have refunds that somebody has to offer more for.
func casesUnderSurge() []*course {
	return []*course{
		{name: "too much", asset: assetCode, agreed: "22", pays: usd("25"), ends: "completed", sends: []string{"2.9"}},
		{name: "too little at first", asset: otherCode, agreed: "40", pays: usd("35", "40"), ends: "completed", sends: []string{"35"}},
	}
}

// play is one round: every course, from its agreement to its end, whoever dies meanwhile.
func (x *crashing) play() {
	x.Helper()
	began := time.Now()
	x.prepare()
	x.mishap()
	played := x.cases()
	x.courses = append(x.courses, played...)
	x.during("transactions are agreed", func(ctx context.Context) error { return x.agree(ctx, played) })
	if x.byFile != nil {
		x.goByFile(played)
	} else {
		for _, c := range played {
			x.pay(c, c.pays)
		}
	}
	if x.surge {
		x.raiseFees()
	}
	for _, c := range played {
		if c.byOperator {
			x.sendBack("")
		}
		if len(c.again) > 0 {
			x.until("what came first has gone back", func() bool { return x.confirmed(c) == 1 })
			x.pay(c, c.again)
			x.letGo()
		}
		if len(c.late) > 0 {
			x.until("what is not paid expires", func() bool { return x.status(c) == "expired" })
			x.pay(c, c.late)
		}
	}
	x.until("everything is settled", x.settled)
	x.requireEnds()
	x.Logf("round %d took %v", x.round, time.Since(began).Round(time.Millisecond))
	x.round++
}

// mishap is something that the network does to those who submit to it, in every round but the first.
func (x *crashing) mishap() {
	x.network.SetSurge(0)
	faults := x.network.Faults()
	faults.Clear()
	switch n := x.random.IntN(5); {
	case x.surge:
		faults.TimeOutSubmissions(1, false)
	case x.round == 0:
	case n == 0:
		faults.DelaySubmissions(1, 1+x.random.IntN(10))
	case n == 1:
		faults.TimeOutSubmissions(1, false)
	case n == 2:
		faults.LoseAnswers(1, "/transactions")
	case n == 3:
		faults.Answer(503, 2, "/transactions")
	}
}

// raiseFees makes the network dearer than it was when the envelopes that are in flight were made.
func (x *crashing) raiseFees() {
	x.Helper()
	x.until("an envelope was offered", func() bool {
		return x.db.number("SELECT COUNT(*) FROM refund_attempts WHERE state = 'sending' AND submits > 0") > 0
	})
	x.network.SetSurge(1000)
}

func (x *crashing) agree(ctx context.Context, played []*course) error {
	group, ctx := errgroup.WithContext(ctx)
	for i, c := range played {
		if c.agreed == "" {
			continue
		}
		group.Go(func() (err error) {
			a := x.senders[c.asset]
			t := sender.Transfer{
				Key: fmt.Sprintf("round-%d-%d", x.round, i), Amount: c.agreed, SenderID: a.from, ReceiverID: a.to, FundingMethod: c.method,
			}
			if t.FundingMethod == "" {
				t.FundingMethod = fundingMethod
			}
			c.state, err = a.Agree(ctx, t)
			return err
		})
	}
	return group.Wait()
}

// pay makes each payment in a ledger of its own.
func (x *crashing) pay(c *course, payments []paid) {
	x.Helper()
	payer := x.payers[c.asset]
	credit := payer.asset
	for _, p := range payments {
		payer.asset = credit
		if p.native {
			payer.asset = txnbuild.NativeAsset{}
		}
		payer.pay(x.accountFor(c), x.memoFor(c), p.amount)
		payer.await()
		x.revive()
	}
	payer.asset = credit
}

func (x *crashing) accountFor(c *course) (account string) {
	x.Helper()
	if c.agreed != "" {
		return c.state.Account
	}
	if x.accounts[c.asset] == "" {
		list := x.db.texts("SELECT receiving_account FROM assets WHERE code = $1", c.asset)
		require.Len(x, list, 1)
		x.accounts[c.asset] = list[0]
	}
	return x.accounts[c.asset]
}

// memoFor is the memo of a course's payments and refunds; that of money that belongs to nobody is a text.
func (x *crashing) memoFor(c *course) txnbuild.Memo {
	x.Helper()
	if c.agreed != "" {
		return memoOf(x.T, c.state)
	}
	return txnbuild.MemoText(nobody(slices.Index(x.courses, c)))
}

// nobody is the memo of the i-th course where it has no transaction.
func nobody(i int) string { return fmt.Sprintf("nobody %d", i) }

// sendBack has an operator send back the one payment that waits for a decision; fee is kept of it, empty for none.
func (x *crashing) sendBack(fee string) {
	x.Helper()
	payment := x.waiting("SELECT id FROM payments WHERE state = 'open' AND judgement = 'unmatched'")
	args := []string{"payments", "refund", payment}
	if fee != "" {
		args = append(args, "--fee", fee)
	}
	x.command("payments.(*Service).Refund", true, args...)
}

// letGo has an operator decide about the one refund that is held: every other time it is released, else given up and what was
// paid sent back by his own word.
func (x *crashing) letGo() {
	x.Helper()
	refund := x.waiting("SELECT id FROM refunds WHERE state = 'held'")
	if x.round%2 == 0 {
		x.command("refunds.(*Operator).change", true, "refunds", "release", refund)
		return
	}
	x.command("refunds.(*Operator).change", false, "refunds", "cancel", refund)
	x.sendBack("0.1")
}

// waiting is the one thing that an operator has to decide about.
func (x *crashing) waiting(query string) string {
	x.Helper()
	var ids []string
	x.until("an operator has something to decide", func() bool {
		ids = x.db.texts(query)
		return len(ids) > 0
	})
	require.Len(x, ids, 1)
	return ids[0]
}

// command gives an operator's command. Its process is killed at its own point, too, and the command given again: what was done
// before is then refused, or done already.
func (x *crashing) command(committer string, once bool, args ...string) {
	x.Helper()
	deaths := []string{"", "before the commit of " + committer + " #1", "after the commit of " + committer + " #1"}
	death := deaths[x.given%len(deaths)]
	x.given++
	l := launch{dir: x.folder("command"), env: x.env, args: append(args, "--reason", "it was not meant for us", "--config", x.settings)}
	if death != "" {
		l.env = append(slices.Clone(x.env), pointsFile+"="+filepath.Join(l.dir, "points"), deathPoint+"="+death)
		require.Equal(x, -1, run(x.T, l).code, "the operator's command was to die %s", death)
		x.killed["an operator's command"]++
		l.env = x.env
	}
	given := run(x.T, l)
	require.Equal(x, once && strings.HasPrefix(death, "after"), given.code != 0, "%v: %s%s", args, given.out, given.errors)
}

// confirmed is how many refunds of a course without a transaction are in the ledger.
func (x *crashing) confirmed(c *course) int64 {
	x.Helper()
	return x.db.number("SELECT COUNT(*) FROM refunds WHERE state = 'confirmed' AND memo = $1",
		base64.StdEncoding.EncodeToString([]byte(nobody(slices.Index(x.courses, c)))))
}

func (x *crashing) status(c *course) string {
	x.Helper()
	return x.db.texts("SELECT status FROM transactions WHERE id = $1", c.state.ID)[0]
}

// cameBack is what is noted at a transaction whose payout came back after it was delivered.
const cameBack = "%: returned after it was delivered"

// settled tells whether nothing is under way any more. What nobody will move by itself ends the test at once.
func (x *crashing) settled() bool {
	x.Helper()
	stuck := x.db.texts(`SELECT 'refund ' || id || ' is held: ' || trouble FROM refunds WHERE state = 'held'
		UNION ALL SELECT 'nothing explains ' || outer_hash FROM outgoing_movements WHERE explained = ''
		UNION ALL SELECT 'transaction ' || id || ': ' || conflict FROM transactions WHERE conflict <> '' AND conflict NOT LIKE $1`, cameBack)
	require.Empty(x, stuck)
	payments := int64(0)
	for _, c := range x.courses {
		payments += int64(len(c.pays) + len(c.late) + len(c.again))
	}
	return x.db.number("SELECT COUNT(*) FROM payments") == payments &&
		x.db.number(`SELECT (SELECT COUNT(*) FROM payments WHERE state IN ('open', 'refunding'))
			+ (SELECT COUNT(*) FROM transactions WHERE status NOT IN ('completed', 'refunded', 'expired') AND conflict NOT LIKE $1)
			+ (SELECT COUNT(*) FROM refunds WHERE state NOT IN ('confirmed', 'cancelled'))
			+ (SELECT COUNT(*) FROM payouts WHERE state NOT IN ('delivered', 'failed', 'cancelled', 'returned'))
			+ (SELECT COUNT(*) FROM payout_batches WHERE state <> 'written')`, cameBack) == 0
}

// requireEnds checks everything that was ever agreed or paid: by the network's ledger, the bank's books and the database.
func (x *crashing) requireEnds() {
	x.Helper()
	ends := map[string]string{}
	x.db.each("SELECT id, status FROM transactions", func(r *sql.Rows) error {
		var id, status string
		err := r.Scan(&id, &status)
		ends[id] = status
		return err
	})
	for _, c := range x.courses {
		if c.agreed != "" {
			require.Equal(x, c.ends, ends[c.state.ID], "%s: transaction %s", c.name, c.state.ID)
		}
	}
	require.Equal(x, x.expectedRefunds(), x.actualRefunds(), "I8: what went back on the network, and how often")
	if x.byFile != nil {
		x.byFile.requireFiles()
	}
	x.requireInvariants()
}

// sentBack is one payment out of a receiving account.
type sentBack struct {
	account, to, asset, memoType, memo string
	units                              int64
}

func (x *crashing) expectedRefunds() map[sentBack]int {
	x.Helper()
	times := map[sentBack]int{}
	for i, c := range x.courses {
		payer, asset := x.payers[c.asset], "native"
		if len(c.pays) == 0 || !c.pays[0].native {
			credit := payer.asset.(txnbuild.CreditAsset)
			asset = credit.Code + ":" + credit.Issuer
		}
		kind, memo := "id", c.state.Memo
		if c.agreed == "" {
			kind, memo = "text", base64.StdEncoding.EncodeToString([]byte(nobody(i)))
		}
		for _, text := range c.sends {
			amount, err := money.Parse(text, money.StellarDecimals)
			require.NoError(x, err)
			times[sentBack{x.accountFor(c), payer.account.Address(), asset, kind, memo, amount.Units()}]++
		}
	}
	return times
}

// actualRefunds is what the network's ledger says left the receiving accounts.
func (x *crashing) actualRefunds() map[sentBack]int {
	x.Helper()
	times := map[sentBack]int{}
	memos := map[string]sandbox.Transaction{}
	for _, tx := range x.network.Transactions() {
		memos[tx.Hash] = tx
	}
	for _, p := range x.inLedgers(func(p sandbox.Payment) (account, other string) { return p.From, p.To }) {
		tx := memos[p.hash]
		times[sentBack{p.account, p.other, p.asset, tx.MemoType, tx.Memo, p.units}]++
	}
	return times
}

// requireTold waits until each sending anchor was told every status, and checks that it was in order, and perhaps twice.
func (x *crashing) requireTold() {
	x.Helper()
	x.until("every status message is delivered", func() bool {
		return x.db.number("SELECT COUNT(*) FROM callbacks WHERE state <> 'delivered'") == 0
	})
	told := x.db.told()
	for _, c := range x.courses {
		if c.agreed == "" {
			continue
		}
		a := x.senders[c.asset]
		require.Equal(x, withoutRepetitions(told[c.state.ID]), withoutRepetitions(a.callbacks.Statuses(c.state.ID)), "%s: status messages", c.name)
		require.Zero(x, a.callbacks.Refused(), "every signature is right")
	}
}
