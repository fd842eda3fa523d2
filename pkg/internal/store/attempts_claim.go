package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
	"github.com/anchorkit/anchor/pkg/money"
)

// ClaimTerms say who claims payouts, and which.
type ClaimTerms struct {
	Owner string        // this process, for people
	Actor string        // whose doing it is in the history
	Lease time.Duration // how long the claim holds, by the database's clock
	Limit int
	Rail  string // whose payouts are claimed
	// NotConfigured: this process cannot use the rail, so its payouts are handed to an operator.
	NotConfigured bool
	// SameKeySafeFor is how long after its first sending a key may be resent by the rail.
	SameKeySafeFor time.Duration
	Limits         anchor.Limits   // of the rail, for all processes together
	Calendar       anchor.Calendar // of the rail, by the database's clock
	// MaxTries is how often in a row the rail may say that a payout was not sent until an operator has to see to it; 0: for ever.
	MaxTries int64
}

// Claimed is what a claim of payouts that are ready came to.
type Claimed struct {
	Claims []Claim
	Parked []Parked
	// Wait is how long the rail takes nothing: it is closed, or its calls must not come faster. Zero: that is not the reason.
	Wait time.Duration
}

// Parked is a payout that was due and turned out not to be ready after all. State is where it stands now.
type Parked struct {
	PayoutID, TransactionID string
	State                   anchor.PayoutState
	WaitsFor                anchor.WaitsFor
	Reason                  string
}

// due is a payout that can be claimed with what decides whether it may be sent; both rows are locked.
type due struct {
	payout      Payout
	t           Transaction // only those columns that a claim looks at
	attempt     Attempt     // the latest, if there was any
	hasAttempt  bool
	askBeforeUs int64 // of meta, the same for all; 0 where these books were never restored
}

// ClaimReady takes the oldest payouts by a rail that are ready and due, checks each again, and makes it an attempt: a new one
// with its key and frozen request, or the one that may be sent again, with the same bytes. Everything is committed when it
// returns, so that the rail may be called. What is not ready after all is parked: it waits, with the reason. At most terms.Limit
// payouts are touched. Two processes never claim the same payout, and all together claim no more than the rail's limits allow;
// nothing is claimed while its calendar has it closed, nor once an operator has paused it (see Tx.HoldClaims). From a database
// that is marked as restored nothing is claimed: a *RestoredError.
func (db *DB) ClaimReady(ctx context.Context, terms ClaimTerms) (claimed Claimed, err error) {
	err = db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		c := claiming{tx: tx, terms: terms}
		if err := c.run(ctx); err != nil {
			return err
		}
		claimed = c.claimed
		return nil
	})
	if err != nil {
		return Claimed{}, fmt.Errorf("claim ready payouts by rail %s: %w", terms.Rail, err)
	}
	return claimed, nil
}

// claiming is one run of the closure of ClaimReady.
type claiming struct {
	tx      *Tx
	terms   ClaimTerms
	now     int64
	bounds  bounds
	refused map[string]refusals // by payout
	claimed Claimed

	made         []Attempt
	moved        []AttemptMove // sent again, or given up for a new one
	payouts      []PayoutMove
	doubtful     []due
	doubtReasons []string
}

func (c *claiming) run(ctx context.Context) error {
	var err error
	if c.now, err = c.tx.Now(ctx); err != nil {
		return err
	}
	room, err := c.room(ctx)
	if err != nil || room <= 0 {
		return err
	}
	list, err := c.tx.due(ctx, c.now, c.terms.Rail, room)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return c.tx.Restored(ctx) // or there is nothing to do
	}
	if c.refused, err = c.tx.refusals(ctx, list); err != nil {
		return err
	}
	customers, err := c.tx.customersOfClaims(ctx, list)
	if err != nil {
		return err
	}
	for _, d := range list {
		if err := c.judge(d, customers); err != nil {
			return err
		}
	}
	if err := c.write(ctx); err != nil {
		return err
	}
	return c.park(ctx)
}

// due reads and locks what can be claimed, oldest first, with the latest attempts.
func (tx *Tx) due(ctx context.Context, now int64, rail string, limit int) ([]due, error) {
	list, err := scanRows(ctx, tx.tx, duePayouts+tx.db.engine.skipLocked(), []any{now, rail, limit}, func(d *due) []any {
		return append(append(columnsOf(&d.payout.Payout), claimedColumns(&d.t)...), &d.askBeforeUs)
	})
	if err != nil {
		return nil, fmt.Errorf("payouts that are due: %w", err)
	}
	var claimedBefore []string
	for _, d := range list {
		if d.payout.Fence > 0 { // else it was never claimed and has no attempt
			claimedBefore = append(claimedBefore, d.payout.ID)
		}
	}
	attempts, err := tx.latestAttempts(ctx, claimedBefore)
	if err != nil {
		return nil, err
	}
	for i, d := range list {
		list[i].attempt, list[i].hasAttempt = attempts[d.payout.ID], attempts[d.payout.ID].PayoutID != ""
	}
	return list, nil
}

// CROSS JOIN keeps SQLite from looking at the transactions first; the constant state lets both use the partial index. What is
// paused is asked here and nowhere else: see Tx.HoldClaims.
const duePayouts = `SELECT p.*, t.id, t.version, t.status, t.funded, t.conflict, t.sender_id, t.sender_type, t.receiver_id,
		t.receiver_type, t.funding_method, t.key_id, t.sealed_key, t.sealed_fields, t.created_us,
		CAST((SELECT m.value FROM meta m WHERE m.name = 'ask_before_us') AS BIGINT)
	FROM payouts p CROSS JOIN transactions t
	WHERE t.id = p.transaction_id AND p.state = 'ready' AND p.rail = $2 AND p.next_us <= $1
		AND NOT EXISTS (SELECT 1 FROM meta m WHERE m.name = 'restored' AND m.value <> '')
		AND NOT EXISTS (SELECT 1 FROM switches s WHERE s.kind = 'rail' AND s.name = $2 AND s.paused)
		AND t.asset_code || ':' || t.asset_issuer NOT IN (SELECT s.name FROM switches s WHERE s.kind = 'asset' AND s.paused)
	ORDER BY p.next_us, p.id LIMIT $3`

func claimedColumns(t *Transaction) []any {
	return []any{
		&t.ID, &t.Version, &t.Status, &t.Funded, &t.Conflict, &t.SenderID, &t.SenderType, &t.ReceiverID,
		&t.ReceiverType, &t.FundingMethod, &t.KeyID, &t.SealedKey, &t.SealedFields, &t.CreatedUs,
	}
}

// latestAttempts reads the last attempt of each payout, by payout.
func (tx *Tx) latestAttempts(ctx context.Context, payoutIDs []string) (map[string]Attempt, error) {
	rows, err := readByIDs(ctx, tx, statement{
		head: `SELECT a.* FROM payout_attempts a
			WHERE a.number = (SELECT MAX(b.number) FROM payout_attempts b WHERE b.payout_id = a.payout_id) AND a.payout_id IN (`,
		row: "?", tail: ")",
	}, payoutIDs, func(a *Attempt) []any { return columnsOf(&a.PayoutAttempt) })
	if err != nil {
		return nil, fmt.Errorf("latest attempts: %w", err)
	}
	latest := make(map[string]Attempt, len(rows))
	for _, row := range rows {
		latest[row.PayoutID] = row
	}
	return latest, nil
}

// judge puts a payout among those that are claimed or those that are parked.
func (c *claiming) judge(d due, customers map[string]*claimedCustomer) error {
	switch {
	case c.terms.NotConfigured:
		return c.toOperator(d, "its rail "+d.payout.Rail+" is not configured here")
	case d.payout.AmountUnits == 0:
		return c.toOperator(d, "it has no amount to pay out")
	case !claimable(d.t, customers):
		c.doubt(d, "its transaction or a customer is not ready")
		return nil
	case d.t.SealedKey == "":
		c.doubt(d, reasonNoKey)
		return nil
	}
	if why := cmp.Or(c.tooOften(d), c.tooLarge(d)); why != "" {
		return c.toOperator(d, why)
	}
	err := c.claim(d, customers)
	if err == nil || errors.Is(err, ErrNoKey) {
		return err
	}
	c.tx.db.log.Error("a payout cannot be claimed; it waits for an operator", "payout", d.payout.ID, "error", err)
	return c.toOperator(d, "what is stored for it cannot be read")
}

func (c *claiming) toOperator(d due, reason string) error {
	return c.stop(d, anchor.PayoutWaiting, anchor.WaitsForOperator, reason)
}

const reasonNoKey = "its transaction has no data key yet"

// claimable repeats what Readiness says, on rows that were read for many payouts at once.
func claimable(t Transaction, customers map[string]*claimedCustomer) bool {
	return t.Funded && t.Conflict == "" && t.Status == anchor.StatusPendingReceiver &&
		acceptedAs(customers, t.SenderID, t.SenderType) && acceptedAs(customers, t.ReceiverID, t.ReceiverType)
}

func acceptedAs(customers map[string]*claimedCustomer, id sql.NullString, customerType string) bool {
	if !id.Valid {
		return true
	}
	customer := customers[id.String]
	return customer != nil && customer.statuses[customerType] == anchor.CustomerAccepted
}

// stop takes a payout out of the queue without looking further.
func (c *claiming) stop(d due, state anchor.PayoutState, waits anchor.WaitsFor, reason string) error {
	after := d.payout
	after.State, after.WaitsFor, after.NextUs = state, waits, c.now
	c.payouts = append(c.payouts, PayoutMove{d.payout, after, c.noted(reason)})
	c.claimed.Parked = append(c.claimed.Parked, Parked{d.payout.ID, d.payout.TransactionID, state, waits, reason})
	return nil
}

func (c *claiming) doubt(d due, reason string) {
	c.doubtful, c.doubtReasons = append(c.doubtful, d), append(c.doubtReasons, reason)
}

func (c *claiming) noted(reason string) anchor.Change {
	return anchor.Change{Cause: anchor.CauseNoted, Actor: c.terms.Actor, Reason: reason}
}

// claim prepares everything that is written for a payout that will be sent.
func (c *claiming) claim(d due, customers map[string]*claimedCustomer) error {
	key, err := c.tx.db.keys.openDataKey(d.t.KeyID, d.t.SealedKey, transactionBound(d.t.ID))
	if err != nil {
		return err
	}
	fresh := !d.hasAttempt || !d.attempt.Live()
	if !fresh && d.attempt.State == anchor.AttemptNotSent && d.mayBeOlder(d.attempt.UpdatedUs) {
		c.askAgain(d)
		return nil
	}
	if !fresh && !c.outdated(d, customers) {
		return c.resend(d, key)
	}
	if c.usedUp(d) {
		c.postpone(d)
		return nil
	}
	if !fresh {
		given := d.attempt
		given.State = anchor.AttemptFailed
		c.moved = append(c.moved, AttemptMove{d.attempt, given})
	}
	return c.begin(d, key, customers)
}

// outdated tells whether an attempt that certainly never left was frozen before a customer changed: its bytes would pay by
// what is not true any more. Whatever may have left is only ever sent again as it was.
func (c *claiming) outdated(d due, customers map[string]*claimedCustomer) bool {
	if d.attempt.State != anchor.AttemptNotSent || d.attempt.Sends > 0 {
		return false
	}
	return d.attempt.SenderVersion != presentVersion(customers, d.t.SenderID) ||
		d.attempt.ReceiverVersion != presentVersion(customers, d.t.ReceiverID)
}

// begin makes a new attempt.
func (c *claiming) begin(d due, key dataKey, customers map[string]*claimedCustomer) error {
	a := Attempt{sqlgen.PayoutAttempt{
		PayoutID: d.payout.ID, Number: d.attempt.Number + 1, State: anchor.AttemptSending, Sends: 1,
		FirstSentUs: c.now, LastSentUs: c.now, CreatedUs: c.now, UpdatedUs: c.now,
	}}
	a.Key = string(anchor.NewPayoutKey(d.t.ID, d.payout.Number, a.Number))
	request, err := c.request(d, a, key, customers)
	if err != nil {
		return err
	}
	a.SenderVersion, a.ReceiverVersion = versionOf(request.Sender), versionOf(request.Receiver)
	if err := freeze(key, &a, request); err != nil {
		return err
	}
	c.use(d)
	if d.mayBeOlder(0) {
		c.ask(d, a)
		return nil
	}
	a.LastSentUs = c.turn()
	before := a
	before.State, before.Sends, before.FirstSentUs, before.LastSentUs = anchor.AttemptNotSent, 0, 0, 0
	c.made = append(c.made, a)
	c.sending(d, a, before, request)
	return nil
}

// mayBeOlder tells whether the rail may have heard of this payout what these books do not know: they are an older copy, of a time
// at which its transaction was agreed already, and nothing was written about the attempt since.
func (d due) mayBeOlder(updatedUs int64) bool {
	return d.t.CreatedUs <= d.askBeforeUs && updatedUs <= d.askBeforeUs
}

// ask makes the attempt without sending it: its outcome is unknown until the rail was asked by its key. It counts as sent as early
// as it can have been, so that the rail is not relied on to recognise its key for too long.
func (c *claiming) ask(d due, a Attempt) {
	a.State, a.FirstSentUs = anchor.AttemptUnknown, min(d.t.CreatedUs, c.now)
	c.made = append(c.made, a)
	c.askFirst(d)
}

// askAgain is ask for an attempt that these books say was not sent.
func (c *claiming) askAgain(d due) {
	a := d.attempt
	a.State, a.Sends, a.FirstSentUs, a.LastSentUs = anchor.AttemptUnknown, a.Sends+1, min(d.t.CreatedUs, c.now), c.now
	c.moved = append(c.moved, AttemptMove{d.attempt, a})
	c.askFirst(d)
}

func (c *claiming) askFirst(d due) {
	const reason = "it may have been sent before the database was restored: its rail is asked first"
	after := d.payout
	after.State, after.Tries, after.NextUs = anchor.PayoutUnknown, 0, c.now
	c.payouts = append(c.payouts, PayoutMove{d.payout, after, c.noted(reason)})
	c.claimed.Parked = append(c.claimed.Parked, Parked{d.payout.ID, d.payout.TransactionID, after.State, after.WaitsFor, reason})
}

func versionOf(c *anchor.Customer) int64 {
	if c == nil {
		return 0
	}
	return c.Version
}

// request is what the rail will get.
func (c *claiming) request(d due, a Attempt, key dataKey, customers map[string]*claimedCustomer) (anchor.Payout, error) {
	amount, err := money.New(d.payout.AmountUnits, int(d.payout.AmountDecimals))
	if err != nil {
		return anchor.Payout{}, fmt.Errorf("amount: %w", err)
	}
	fields, err := openFields(key, d.t)
	if err != nil {
		return anchor.Payout{}, err
	}
	sender, err := c.tx.db.claimedParty(customers, d.t.SenderID, d.t.SenderType)
	if err != nil {
		return anchor.Payout{}, fmt.Errorf("sender: %w", err)
	}
	receiver, err := c.tx.db.claimedParty(customers, d.t.ReceiverID, d.t.ReceiverType)
	if err != nil {
		return anchor.Payout{}, fmt.Errorf("receiver: %w", err)
	}
	return anchor.Payout{
		Key: anchor.PayoutKey(a.Key), TransactionID: d.t.ID, Amount: amount.String(), Asset: d.payout.AmountAsset,
		FundingMethod: d.t.FundingMethod, Sender: sender, Receiver: receiver, Fields: fields,
	}, nil
}

// resend takes the present attempt again: same row, key and bytes. One that may have left before is only resent while its
// rail surely recognises the key, for as long as this claim can last.
func (c *claiming) resend(d due, key dataKey) error {
	request, err := thaw(key, d.attempt)
	if err != nil {
		return err
	}
	switch safeFor := c.terms.SameKeySafeFor; {
	case d.attempt.State == anchor.AttemptNotSent:
	case d.attempt.State == anchor.AttemptUnknown && c.now+c.terms.Lease.Microseconds() < d.attempt.FirstSentUs+safeFor.Microseconds():
	default:
		return c.stop(d, anchor.PayoutUnknown, anchor.WaitsForNothing, "its rail may not recognise the key any more")
	}
	a := d.attempt
	a.State, a.Sends, a.LastSentUs = anchor.AttemptSending, a.Sends+1, c.turn()
	if a.FirstSentUs == 0 {
		a.FirstSentUs = c.now
	}
	c.moved = append(c.moved, AttemptMove{d.attempt, a})
	c.sending(d, a, d.attempt, request)
	return nil
}

func (c *claiming) sending(d due, a, before Attempt, request anchor.Payout) {
	after := d.payout
	after.State, after.LeaseOwner, after.Fence = anchor.PayoutSending, c.terms.Owner, d.payout.Fence+1
	after.LeaseUntilUs = c.now + c.terms.Lease.Microseconds()
	after.NextUs = after.LeaseUntilUs // from then on it is looked after as one that is under way
	c.payouts = append(c.payouts, PayoutMove{d.payout, after, c.noted("")})
	claimed := after
	claimed.Version, claimed.UpdatedUs = claimed.Version+1, c.now
	c.claimed.Claims = append(c.claimed.Claims, Claim{
		Payout: claimed, Attempt: a, Request: request, Wait: time.Duration(a.LastSentUs-c.now) * time.Microsecond,
		before: before, nextUs: d.payout.NextUs,
	})
}

func (c *claiming) write(ctx context.Context) error {
	if err := c.tx.MovePayouts(ctx, c.payouts); err != nil {
		return err
	}
	if err := c.tx.MoveAttempts(ctx, c.moved); err != nil { // first: a payout has one attempt that is not failed
		return err
	}
	if err := c.tx.insertAttempts(ctx, c.made); err != nil {
		return err
	}
	return c.writeBounds(ctx)
}

// park lets those wait that are not ready, one by one, with what follows for their transactions.
func (c *claiming) park(ctx context.Context) error {
	for i, d := range c.doubtful {
		parked, err := c.tx.parkOne(ctx, d.payout, c.terms.Actor, c.doubtReasons[i])
		if err != nil {
			return err
		}
		c.claimed.Parked = append(c.claimed.Parked, parked)
	}
	return nil
}

func (tx *Tx) parkOne(ctx context.Context, p Payout, actor, reason string) (Parked, error) {
	t, err := tx.LockTransaction(ctx, p.TransactionID)
	if err != nil {
		return Parked{}, err
	}
	if t.SealedKey == "" && reason == reasonNoKey {
		return Parked{p.ID, t.ID, p.State, p.WaitsFor, reason}, tx.giveKey(ctx, t, actor)
	}
	after, err := tx.Reconsider(ctx, t, actor, reason)
	if err != nil {
		return Parked{}, err
	}
	row, err := tx.q.PayoutByID(ctx, p.ID)
	if err != nil {
		return Parked{}, fmt.Errorf("payout %s: %w", p.ID, err)
	}
	now := Payout{row}
	mended := after.Funded && after.Status == anchor.StatusPendingReceiver && after.Version > t.Version
	if now.State == anchor.PayoutReady && !mended { // nothing that will change by itself
		moved := now
		moved.State, moved.WaitsFor = anchor.PayoutWaiting, anchor.WaitsForOperator
		now, err = tx.MovePayout(ctx, moved, anchor.PayoutReady, anchor.Change{
			Cause: anchor.CauseNoted, Actor: actor,
			Reason: fmt.Sprintf("its transaction cannot be paid out (status %s, funded: %t)", t.Status, t.Funded),
		})
	}
	return Parked{now.ID, t.ID, now.State, now.WaitsFor, reason}, err
}

// giveKey makes the data key of a transaction that was agreed without fields; the payout is claimed next time.
func (tx *Tx) giveKey(ctx context.Context, t Transaction, actor string) error {
	if _, err := tx.db.transactionKey(&t); err != nil {
		return err
	}
	_, err := tx.Advance(ctx, t, anchor.Change{Cause: anchor.CauseNoted, Actor: actor, Reason: "data key made"})
	return err
}

// customersOfClaims reads the customers of many transactions, by id.
func (tx *Tx) customersOfClaims(ctx context.Context, list []due) (map[string]*claimedCustomer, error) {
	var ids []string
	for _, d := range list {
		for _, id := range []sql.NullString{d.t.SenderID, d.t.ReceiverID} {
			if id.Valid {
				ids = append(ids, id.String)
			}
		}
	}
	slices.Sort(ids)
	return tx.claimedCustomers(ctx, slices.Compact(ids))
}
