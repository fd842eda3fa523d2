package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
	"github.com/anchorkit/anchor/pkg/money"
)

// paceAhead is how far ahead calls are given their turns, so that a rail of many calls a second is not claimed for one by one.
const paceAhead = 100 * time.Millisecond

// bounds are what the limits of a rail leave for one claim, read under the lock of its row in rail_pace. Its zero value, that of
// a rail without limits, bounds nothing.
type bounds struct {
	turnUs  int64 // when the next call may begin
	everyUs int64 // between the beginnings of two calls; 0: they may come at once
	turns   int   // that were given
	day     string
	used    map[string]dayUse // of the assets that have a limit per day
}

// dayUse is how much of an asset a rail was given on a day.
type dayUse struct {
	payouts int64
	amount  money.Amount
	changed bool
}

// room is how many payouts may be claimed now. Whatever the limits are counted by is locked for other claims until this one has
// ended; a rail without limits has no such lock.
func (c *claiming) room(ctx context.Context) (int, error) {
	at, ever := c.terms.Calendar.Opening(At(c.now))
	if wait := at.Sub(At(c.now)); !ever || wait > 0 {
		c.claimed.Wait = max(wait, 0)
		return 0, nil
	}
	l := c.terms.Limits
	everyUs := betweenCalls(l.CallsPerSecond)
	if everyUs == 0 && l.InFlight == 0 && len(l.PerDay) == 0 {
		return c.terms.Limit, nil
	}
	freeUs, err := c.tx.lockPace(ctx, c.terms.Rail)
	if err != nil {
		return 0, err
	}
	c.bounds.everyUs, c.bounds.turnUs = everyUs, max(freeUs, c.now)
	room, err := c.slots(ctx, c.turnsAhead())
	if err != nil || room <= 0 {
		return 0, err
	}
	return room, c.readUsage(ctx)
}

// betweenCalls is the time from one call to the next in microseconds, rounded up; 0 for no limit.
func betweenCalls(perSecond float64) int64 {
	if !(perSecond > 0) { // also where it is not a number
		return 0
	}
	const longest = 365 * 24 * time.Hour
	return int64(max(1, math.Ceil(min(1e6/perSecond, float64(longest.Microseconds())))))
}

// turnsAhead is how many calls may be given their turn now; with none it says how long that will be so.
func (c *claiming) turnsAhead() int {
	if c.bounds.everyUs == 0 {
		return c.terms.Limit
	}
	left := c.now + paceAhead.Microseconds() - c.bounds.turnUs
	if left < 0 {
		c.claimed.Wait = time.Duration(-left) * time.Microsecond
		return 0
	}
	return min(c.terms.Limit, int(min(left/c.bounds.everyUs, math.MaxInt32))+1)
}

// slots is how many of so many calls may begin beside those that are in flight.
func (c *claiming) slots(ctx context.Context, most int) (int, error) {
	if c.terms.Limits.InFlight == 0 || most == 0 {
		return most, nil
	}
	inFlight, err := c.tx.q.CallsInFlight(ctx, sqlgen.CallsInFlightParams{Rail: c.terms.Rail, NowUs: c.now})
	if err != nil {
		return 0, fmt.Errorf("calls in flight: %w", err)
	}
	return min(most, c.terms.Limits.InFlight-int(inFlight)), nil
}

// lockPace locks the rail's row for claims until the end of this Tx and gives when its next call may begin. What is counted
// after it holds until then.
func (tx *Tx) lockPace(ctx context.Context, rail string) (freeUs int64, err error) {
	lock := "SELECT next_us FROM rail_pace WHERE rail = $1" + tx.db.engine.forUpdate()
	err = tx.tx.QueryRowContext(ctx, lock, rail).Scan(&freeUs)
	if errors.Is(err, sql.ErrNoRows) {
		if err = tx.q.AddRailPace(ctx, rail); err == nil {
			err = tx.tx.QueryRowContext(ctx, lock, rail).Scan(&freeUs)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("lock the claims by a rail: %w", err)
	}
	return freeUs, nil
}

func (c *claiming) readUsage(ctx context.Context) error {
	if len(c.terms.Limits.PerDay) == 0 {
		return nil
	}
	c.bounds.day, c.bounds.used = c.terms.Calendar.Day(At(c.now)), map[string]dayUse{}
	rows, err := c.tx.q.RailUsageOfDay(ctx, sqlgen.RailUsageOfDayParams{Rail: c.terms.Rail, Day: c.bounds.day})
	if err != nil {
		return fmt.Errorf("what the rail was given today: %w", err)
	}
	for _, row := range rows {
		amount, err := money.New(row.Units, int(row.Decimals))
		if err != nil {
			return fmt.Errorf("what the rail was given of %s today: %w", row.Asset, err)
		}
		c.bounds.used[row.Asset] = dayUse{payouts: row.Payouts, amount: amount}
	}
	return nil
}

// turn gives a call its turn: when it may begin.
func (c *claiming) turn() int64 {
	if c.bounds.everyUs == 0 {
		return c.now
	}
	at := c.bounds.turnUs + int64(c.bounds.turns)*c.bounds.everyUs
	c.bounds.turns++
	return at
}

// tooLarge says by which limit a payout is not sent at all; empty: none. What may have been sent already is not held up by it.
func (c *claiming) tooLarge(d due) string {
	if d.mayHaveLeft() {
		return ""
	}
	amount := d.amount()
	if most, ok := c.terms.Limits.PerPayout[d.payout.AmountAsset]; ok && amount.Cmp(most) > 0 {
		return fmt.Sprintf("its amount of %s is above the limit of %s that rail %s has for a payout", amount.Short(), most.Short(), d.payout.Rail)
	}
	if most, ok := c.terms.Limits.PerDay[d.payout.AmountAsset]; ok && amount.Cmp(most) > 0 {
		return fmt.Sprintf("its amount of %s is above the limit of %s that rail %s has for a whole day", amount.Short(), most.Short(), d.payout.Rail)
	}
	return ""
}

// mayHaveLeft tells whether the rail may have got the present attempt.
func (d due) mayHaveLeft() bool {
	return d.hasAttempt && d.attempt.Live() && d.attempt.State != anchor.AttemptNotSent
}

// amount is what the payout pays. Its decimals are checked by the table.
func (d due) amount() money.Amount {
	amount, err := money.New(d.payout.AmountUnits, int(d.payout.AmountDecimals))
	if err != nil {
		return money.Amount{}
	}
	return amount
}

// usedUp tells whether the payout is more than is left of the day.
func (c *claiming) usedUp(d due) bool {
	most, bounded := c.terms.Limits.PerDay[d.payout.AmountAsset]
	if !bounded {
		return false
	}
	sum, err := added(c.bounds.used[d.payout.AmountAsset].amount, d.amount())
	return err != nil || sum.Cmp(most) > 0 // a sum that cannot be written down is above any limit
}

// added is the sum of amounts of an asset whose decimals may have been changed between them.
func added(a, b money.Amount) (money.Amount, error) {
	decimals := max(a.Decimals(), b.Decimals())
	a, err := a.Rescale(decimals, money.Down)
	if err != nil {
		return money.Amount{}, err
	}
	if b, err = b.Rescale(decimals, money.Down); err != nil {
		return money.Amount{}, err
	}
	return a.Add(b)
}

// use counts a payout for the day, whatever becomes of it.
func (c *claiming) use(d due) {
	if _, bounded := c.terms.Limits.PerDay[d.payout.AmountAsset]; !bounded {
		return
	}
	use := c.bounds.used[d.payout.AmountAsset]
	if sum, err := added(use.amount, d.amount()); err == nil { // usedUp has seen to it
		c.bounds.used[d.payout.AmountAsset] = dayUse{payouts: use.payouts + 1, amount: sum, changed: true}
	}
}

// postpone leaves a payout ready for the next day.
func (c *claiming) postpone(d due) {
	next := c.terms.Calendar.NextDay(At(c.now))
	reason := fmt.Sprintf("what rail %s may be given on %s, %s of %s, does not suffice for its %s: it is sent from %s on",
		d.payout.Rail, c.bounds.day, c.terms.Limits.PerDay[d.payout.AmountAsset].Short(), d.payout.AmountAsset, d.amount().Short(),
		next.Format(time.RFC3339))
	after := d.payout
	after.NextUs = next.UnixMicro()
	c.payouts = append(c.payouts, PayoutMove{d.payout, after, c.noted(reason)})
	c.claimed.Parked = append(c.claimed.Parked, Parked{d.payout.ID, d.payout.TransactionID, after.State, after.WaitsFor, reason})
}

func (c *claiming) writeBounds(ctx context.Context) error {
	if c.bounds.turns > 0 {
		next := c.bounds.turnUs + int64(c.bounds.turns)*c.bounds.everyUs
		if err := c.tx.q.SetRailPace(ctx, sqlgen.SetRailPaceParams{Rail: c.terms.Rail, NextUs: next}); err != nil {
			return fmt.Errorf("when the rail may be called again: %w", err)
		}
	}
	for asset, use := range c.bounds.used {
		if !use.changed {
			continue
		}
		err := c.tx.q.PutRailUsage(ctx, sqlgen.PutRailUsageParams{
			Rail: c.terms.Rail, Asset: asset, Day: c.bounds.day, Payouts: use.payouts, Units: use.amount.Units(), Decimals: int64(use.amount.Decimals()),
		})
		if err != nil {
			return fmt.Errorf("what the rail is given of %s today: %w", asset, err)
		}
	}
	return nil
}
