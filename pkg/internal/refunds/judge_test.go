package refunds_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/refunds"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

const (
	own    = "GDQP2KPQGKIHYJGXNUIYOMHARUARCA7DJT5FO2FFOOKY3B2WSQHG4W37"
	issuer = "GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN"
	payer  = "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7"
)

// usual is a refund that nothing keeps, made by itself.
func usual() (store.Refund, store.RefundFacts, refunds.Terms) {
	var r store.Refund
	r.Account, r.Destination, r.AssetCode, r.AssetIssuer, r.Units, r.Automatic = own, payer, "USDC", issuer, 10*unit, true
	var f store.RefundFacts
	f.Cursor.ThroughLedger, f.NowUs = 100, time.Date(2026, 5, 3, 23, 0, 0, 0, time.UTC).UnixMicro()
	return r, f, refunds.Terms{Head: stellar.Ledger{Sequence: 100}}
}

func TestJudge_lets_through_what_nothing_speaks_against(t *testing.T) {
	t.Parallel()
	r, f, terms := usual()
	require.True(t, refunds.Judge(r, f, terms).Go())
	terms.Policy = refunds.Policy{Floor: 10 * unit, DailyCap: 30 * unit}
	f.ByItself = 20 * unit
	require.True(t, refunds.Judge(r, f, terms).Go(), "bounds are within")
}

func TestJudge_keeps_refunds(t *testing.T) {
	t.Parallel()
	type change func(*store.Refund, *store.RefundFacts, *refunds.Terms)
	for name, c := range map[string]struct {
		change   change
		why      string
		hold     bool
		account  bool // waits with all others of the account
		operator bool // also where an operator asked
	}{
		"of a restored database": {func(_ *store.Refund, f *store.RefundFacts, _ *refunds.Terms) { f.Restored = "by hand" }, "reconcile", false, true, true},
		"beside unexplained movements": {func(_ *store.Refund, f *store.RefundFacts, _ *refunds.Terms) {
			f.Unexplained = &store.OutgoingMovement{}
		}, "nothing here explains", false, true, true},
		"beside an envelope in flight":  {func(_ *store.Refund, f *store.RefundFacts, _ *refunds.Terms) { f.InFlight = true }, "may still land", false, true, true},
		"of an account not read so far": {func(_ *store.Refund, f *store.RefundFacts, _ *refunds.Terms) { f.Cursor.ThroughLedger = 99 }, "head", false, true, true},
		"to nobody":                     {func(r *store.Refund, _ *store.RefundFacts, _ *refunds.Terms) { r.Destination = "" }, "no Stellar account", true, false, true},
		"to a contract":                 {func(r *store.Refund, _ *store.RefundFacts, _ *refunds.Terms) { r.Destination = "C" + payer[1:] }, "no Stellar account", true, false, true},
		"to the account itself":         {func(r *store.Refund, _ *store.RefundFacts, _ *refunds.Terms) { r.Destination = own }, "itself", true, false, true},
		"to a muxed number that is none": {
			func(r *store.Refund, _ *store.RefundFacts, _ *refunds.Terms) { r.DestinationMuxedID = "-1" }, "muxed", true, false, true,
		},
		"to another receiving account": {func(_ *store.Refund, f *store.RefundFacts, _ *refunds.Terms) { f.OwnAccount = true }, "of ours", true, false, false},
		"to the issuer":                {func(r *store.Refund, _ *store.RefundFacts, _ *refunds.Terms) { r.Destination = issuer }, "issuer", true, false, false},
		"to an excluded account": {
			func(_ *store.Refund, _ *store.RefundFacts, t *refunds.Terms) {
				t.Excluded = func(account string) bool { return account == payer }
			}, "excluded", true, false, false,
		},
		"of what is a refund itself":   {func(_ *store.Refund, f *store.RefundFacts, _ *refunds.Terms) { f.Returned = true }, "came back", true, false, false},
		"of a contradicted deal":       {func(_ *store.Refund, f *store.RefundFacts, _ *refunds.Terms) { f.Conflict = "x" }, "contradiction", true, false, false},
		"below the floor":              {func(_ *store.Refund, _ *store.RefundFacts, t *refunds.Terms) { t.Policy.Floor = 10*unit + 1 }, "least", true, false, false},
		"above the whole cap of a day": {func(_ *store.Refund, _ *store.RefundFacts, t *refunds.Terms) { t.Policy.DailyCap = 10*unit - 1 }, "on a day", true, false, false},
		"above what is left of a day": {
			func(_ *store.Refund, f *store.RefundFacts, t *refunds.Terms) {
				t.Policy.DailyCap, f.ByItself = 15*unit, 5*unit+1
			}, "today", false, false, false,
		},
		"above a day that is beyond numbers": {
			func(_ *store.Refund, f *store.RefundFacts, t *refunds.Terms) {
				t.Policy.DailyCap, f.ByItself = 15*unit, math.MaxInt64
			}, "today", false, false, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, f, terms := usual()
			c.change(&r, &f, &terms)
			v := refunds.Judge(r, f, terms)
			require.Contains(t, v.Why, c.why)
			require.Equal(t, c.hold, v.Hold)
			require.Equal(t, c.account, v.Account)
			require.Equal(t, !c.hold, v.Wait > 0)
			r.Automatic = false
			require.Equal(t, !c.operator, refunds.Judge(r, f, terms).Go(), "asked for by an operator")
		})
	}
}

func TestJudge_looks_again_at_the_beginning_of_the_next_day_where_the_cap_is_used_up(t *testing.T) {
	t.Parallel()
	r, f, terms := usual()
	terms.Policy.DailyCap, f.ByItself = 15*unit, 10*unit
	require.Equal(t, time.Hour, refunds.Judge(r, f, terms).Wait)
}

// sight is a network on which nothing speaks against the usual refund.
func sight() (store.Cursor, refunds.Sight) {
	at := time.Date(2026, 5, 3, 23, 0, 0, 0, time.UTC)
	var seen store.Cursor
	seen.ThroughLedger, seen.ThroughClosedUs = 100, at.UnixMicro()
	native := func(units int64) stellar.Balance { return stellar.Balance{AssetCode: stellar.NativeCode, Units: units} }
	line := func(units int64) stellar.Balance {
		return stellar.Balance{AssetCode: "USDC", AssetIssuer: issuer, Units: units, Limit: 20 * unit, Authorized: true}
	}
	return seen, refunds.Sight{
		Latest:      stellar.Ledger{Sequence: 100, ClosedAt: at},
		Source:      stellar.Account{ID: own, LastModifiedLedger: 100, Subentries: 1, Balances: []stellar.Balance{native(5 * unit), line(10 * unit)}},
		Destination: stellar.Account{ID: payer, Balances: []stellar.Balance{native(unit), line(10 * unit)}},
		Fees:        stellar.FeeStats{BaseFee: 100, Usual: 100},
	}
}

func TestJudgeNetwork_lets_through_what_the_network_takes(t *testing.T) {
	t.Parallel()
	r, _, _ := usual()
	seen, n := sight()
	require.True(t, refunds.JudgeNetwork(r, seen, time.Minute, n).Go())
	n.Source.Sponsored, n.Source.Balances[0].Units = 2, 5_000_100
	require.True(t, refunds.JudgeNetwork(r, seen, time.Minute, n).Go(), "others pay for what they sponsor")
	r.Destination, n.Destination = issuer, stellar.Account{ID: issuer}
	require.True(t, refunds.JudgeNetwork(r, seen, time.Minute, n).Go(), "an issuer needs no trust line to its own asset")
}

func TestJudgeNetwork_keeps_refunds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*store.Refund, *refunds.Sight)
		why    string
		waits  bool
	}{
		"while the account is behind":   {func(_ *store.Refund, n *refunds.Sight) { n.Latest.ClosedAt = n.Latest.ClosedAt.Add(61 * time.Second) }, "read only to ledger", true},
		"while something may be unseen": {func(_ *store.Refund, n *refunds.Sight) { n.Source.LastModifiedLedger = 101 }, "changed in ledger 101", true},
		"without a trust line here":     {func(_ *store.Refund, n *refunds.Sight) { n.Source.Balances = n.Source.Balances[:1] }, "receiving account has no trust", false},
		"not authorized here":           {func(_ *store.Refund, n *refunds.Sight) { n.Source.Balances[1].Authorized = false }, "may not send", false},
		"with too little here":          {func(_ *store.Refund, n *refunds.Sight) { n.Source.Balances[1].Units-- }, "too little", false},
		"with all of it on offer":       {func(_ *store.Refund, n *refunds.Sight) { n.Source.Balances[1].Selling = 1 }, "too little", false},
		"without the fee":               {func(_ *store.Refund, n *refunds.Sight) { n.Source.Balances[0].Units = 15_000_099 }, "fee", true},
		"to who is gone":                {func(_ *store.Refund, n *refunds.Sight) { n.Destination = stellar.Account{} }, "does not exist", false},
		"to who has no trust line":      {func(_ *store.Refund, n *refunds.Sight) { n.Destination.Balances = n.Destination.Balances[:1] }, "destination has no trust", false},
		"to who is not authorized":      {func(_ *store.Refund, n *refunds.Sight) { n.Destination.Balances[1].Authorized = false }, "may not hold", false},
		"to who has no room":            {func(_ *store.Refund, n *refunds.Sight) { n.Destination.Balances[1].Units++ }, "no room", false},
		"without the fee beside what it sponsors": {
			func(_ *store.Refund, n *refunds.Sight) {
				n.Source.Sponsoring, n.Source.Balances[0].Units = 3, 30_000_099
			}, "fee", true,
		},
		"to who demands a memo": {
			func(_ *store.Refund, n *refunds.Sight) {
				n.Destination.Data = map[string]string{"config.memo_required": "MQ=="}
			}, "memo", false,
		},
		"into the reserve": {
			func(r *store.Refund, n *refunds.Sight) {
				r.AssetCode, r.AssetIssuer, r.Units = stellar.NativeCode, "", 5*unit-15_000_000-99
			}, "reserve", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _, _ := usual()
			seen, n := sight()
			c.change(&r, &n)
			v := refunds.JudgeNetwork(r, seen, time.Minute, n)
			require.Contains(t, v.Why, c.why)
			require.Equal(t, !c.waits, v.Hold)
			require.Equal(t, c.waits, v.Account)
		})
	}
}
