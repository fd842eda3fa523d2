package inspect

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

func turnedOff(kind store.SwitchKind, name string) store.Switch {
	var s store.Switch
	s.Kind, s.Name, s.Paused, s.Actor, s.Reason, s.UpdatedUs = string(kind), name, true, "operator:ann", "the bank is down", us(time.Hour)
	return s
}

func batch(change ...func(*store.Batch)) store.Batch {
	var b store.Batch
	b.Rail, b.Number, b.State, b.Hash, b.CreatedUs, b.NextUs = "bank", 3, store.BatchWriting, "0123456789abcdef", us(10*time.Minute), us(-time.Minute)
	for _, c := range change {
		c(&b)
	}
	return b
}

func terms(t RailTerms) func(*file) {
	return func(f *file) { f.terms = map[string]RailTerms{"bank": t} }
}

func TestWhy_says_what_keeps_a_payout_that_is_ready_from_being_sent(t *testing.T) {
	t.Parallel()
	long := func(p *payoutFile) { p.p.NextUs = us(20 * time.Minute) }
	opensAt13 := anchor.Calendar{Opens: 13 * 60}
	for name, c := range map[string]struct {
		f    *file
		want string
	}{
		"its rail is paused": {funded(long, func(f *file) { f.switches = []store.Switch{turnedOff(store.SwitchRail, "bank")} }),
			"payout 1 is ready, and the rail bank is paused since 2026-05-03 11:00:00 by operator:ann: the bank is down" +
				" => when that is over: anchor payouts resume --rail bank --reason TEXT"},
		"its asset is paused": {funded(long, func(f *file) {
			f.t.AssetIssuer, f.switches = "GISS", []store.Switch{turnedOff(store.SwitchRail, "other"), turnedOff(store.SwitchAsset, "USDC:GISS")}
		}),
			"payout 1 is ready, and the asset USDC:GISS is paused since 2026-05-03 11:00:00 by operator:ann: the bank is down" +
				" => when that is over: anchor payouts resume --asset USDC:GISS --reason TEXT"},
		"other things are paused": {funded(func(*payoutFile) {}, func(f *file) {
			f.switches = []store.Switch{turnedOff(store.SwitchRail, "other"), turnedOff(store.SwitchAsset, "USDC:GOTHER"), {}}
		}),
			"payout 1 is ready and about to be sent by the rail bank"},
		"its rail is closed": {funded(long, terms(RailTerms{Calendar: opensAt13})),
			"payout 1 is ready, and the rail bank is closed until 2026-05-03 13:00:00"},
		"its rail never opens": {funded(long, terms(RailTerms{Calendar: anchor.Calendar{Opens: 13 * 60, Closes: 12 * 60}})),
			"payout 1 is ready, and the calendar of the rail bank has no time at which it takes payouts => look at the rail's calendar in anchor.yaml"},
		"the limit of the day": {funded(func(p *payoutFile) {
			p.p.NextUs = us(-12 * time.Hour)
			e := event("what rail bank may be given today does not suffice")
			e.FromStatus, e.ToStatus = "ready", "ready"
			p.events = []store.Event{e}
		}),
			"payout 1 is ready and waits until 2026-05-04 00:00:00: what rail bank may be given today does not suffice"},
		"its turn": {funded(long, terms(RailTerms{Limits: anchor.Limits{CallsPerSecond: 0.5, InFlight: 3}})),
			"payout 1 is ready since 2026-05-03 11:40:00 and nobody has sent it for 20 min; the rail bank takes at most 0.5 calls per second and 3 at once" +
				" => is 'anchor execute-outgoing --loop' running? If it is, its log says what keeps it"},
		"the next batch": {funded(long, terms(RailTerms{Batches: true, BatchMost: 10, BatchEvery: 25 * time.Minute}), func(f *file) {
			f.outlook = &store.BatchOutlook{NowUs: us(0), Ready: 1, OldestUs: us(20 * time.Minute)}
		}),
			"payout 1 is ready and goes with the next batch of the rail bank, which is made at 2026-05-03 12:05:00"},
		"a batch that is due and was not made": {funded(long, terms(RailTerms{Batches: true, BatchMost: 10, BatchEvery: time.Minute}), func(f *file) {
			f.outlook = &store.BatchOutlook{NowUs: us(0), Ready: 1, OldestUs: us(20 * time.Minute)}
		}),
			"payout 1 is ready since 2026-05-03 11:40:00 and nobody has sent it for 20 min" +
				" => is 'anchor execute-outgoing --loop' running? If it is, its log says what keeps it"},
		"the batch before": {funded(long, terms(RailTerms{Batches: true, BatchMost: 10}), func(f *file) {
			f.outlook = &store.BatchOutlook{NowUs: us(0), Writing: true, Last: batch(func(b *store.Batch) { b.Tries, b.LastError = 2, "no space left" })}
		}),
			"payout 1 is ready and goes with the next batch of the rail bank; the one before it, bank-3-01234567, is being handed over since" +
				" 2026-05-03 11:50:00, 2 tries failed: no space left; it is tried again at 2026-05-03 12:01:00" +
				" => look at the rail bank: it gets the same batch until it takes it, and no other before"},
		"a batch of a rail that the settings know nothing of": {funded(long, func(f *file) { f.lastBatch = new(batch()) }),
			"payout 1 is ready since 2026-05-03 11:40:00 and goes with the next batch of the rail bank; the last one, bank-3-01234567, was made at 2026-05-03 11:50:00" +
				" => when the next one is made the program decides that brings the rail. Is 'anchor execute-outgoing --loop' running?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, told(c.f.why()))
		})
	}
}

func TestWhy_says_how_it_stands_with_a_payout_under_way(t *testing.T) {
	t.Parallel()
	inBatch := func(change ...func(*store.Batch)) *file {
		return funded(func(p *payoutFile) {
			p.p.State, p.p.LeaseUntilUs, p.batch = anchor.PayoutSending, us(time.Hour), new(batch(change...))
		})
	}
	for name, c := range map[string]struct {
		f    *file
		want string
	}{
		"a batch that is not handed over": {inBatch(func(b *store.Batch) { b.Tries, b.LastError = 1, "no space left" }),
			"payout 1 is in the batch bank-3-01234567, which is being handed over since 2026-05-03 11:50:00, 1 try failed: no space left;" +
				" it is tried again at 2026-05-03 12:01:00 => look at the rail bank: it gets the same batch until it takes it, and no other before"},
		"a batch that nobody hands over": {inBatch(func(b *store.Batch) { b.NextUs = us(10 * time.Minute) }),
			"payout 1 is in the batch bank-3-01234567, which is being handed over since 2026-05-03 11:50:00" +
				" => is 'anchor execute-outgoing --loop' running? If it is, its log says what keeps it"},
		"unknown": {funded(func(p *payoutFile) {
			p.p.State, p.p.Tries, p.p.NextUs = anchor.PayoutUnknown, 7, us(-time.Minute)
			var a store.Attempt
			a.LastSentUs = us(2 * time.Hour)
			p.attempts = []store.Attempt{a}
		}),
			"what became of payout 1 is not known: it may have been paid; it was sent at 2026-05-03 10:00:00; the rail was asked 7 times without news" +
				" => the rail is asked again at 2026-05-03 12:01:00. If it cannot tell, ask the bank, then: anchor payouts resolve P --as delivered|failed --reason TEXT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, told(c.f.why()))
		})
	}
}
