package payments_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// candidate is a transaction of 100 units in time until ledger 20.
func candidate(change func(*store.Transaction)) *store.Transaction {
	var t store.Transaction
	t.ID, t.Status, t.AssetCode, t.AssetIssuer, t.ExpectedUnits = "t", anchor.StatusPendingSender, code, issuer, 100*unit
	t.ExpiresUs = closedAt(20).UnixMicro()
	t.Publish("id", "7")
	change(&t)
	return &t
}

func as(s anchor.Status) func(*store.Transaction) {
	return func(t *store.Transaction) { t.Status = s }
}

func funded(s anchor.Status) func(*store.Transaction) {
	return func(t *store.Transaction) { t.Status, t.Funded, t.CreditedUnits = s, true, t.ExpectedUnits }
}

func asAgreed(*store.Transaction) {}

// brings is a group whose operations bring so many units each, in ledger 10.
func brings(units ...int64) []stellar.Payment {
	b := &books{account: "G"}
	group := make([]stellar.Payment, len(units))
	for i, u := range units {
		group[i] = b.pays(position(10, 1, int64(i)+1), "7", u)
	}
	return group
}

func changed(group []stellar.Payment, change func(*stellar.Payment)) []stellar.Payment {
	for i := range group {
		change(&group[i])
	}
	return group
}

func TestJudge(t *testing.T) {
	t.Parallel()
	inLedger := func(ledger int64) func(*stellar.Payment) {
		return func(p *stellar.Payment) { p.Ledger, p.ClosedAt = ledger, closedAt(ledger) }
	}
	for name, c := range map[string]struct {
		candidate *store.Transaction
		group     []stellar.Payment
		want      anchor.Judgement
	}{
		"the exact sum in one operation is credited":                  {candidate(asAgreed), brings(100 * unit), anchor.JudgedCredited},
		"the exact sum in several operations is credited":             {candidate(asAgreed), brings(60*unit, 39*unit, unit), anchor.JudgedCredited},
		"whatever pending status it has: receiver":                    {candidate(as(anchor.StatusPendingReceiver)), brings(100 * unit), anchor.JudgedCredited},
		"whatever pending status it has: customer info":               {candidate(as(anchor.StatusPendingCustomerInfoUpdate)), brings(100 * unit), anchor.JudgedCredited},
		"a sum without end date is never late":                        {candidate(func(t *store.Transaction) { t.ExpiresUs = 0 }), changed(brings(100*unit), inLedger(9e6)), anchor.JudgedCredited},
		"the ledger that closes at the very end is in time":           {candidate(asAgreed), changed(brings(100*unit), inLedger(20)), anchor.JudgedCredited},
		"what completes a sum that was paid in part is credited":      {candidate(func(t *store.Transaction) { t.CreditedUnits = 30 * unit }), brings(70 * unit), anchor.JudgedCredited},
		"the ledger that closes after the end is late":                {candidate(asAgreed), changed(brings(100*unit), inLedger(21)), anchor.JudgedLate},
		"what comes for an expired transaction is late":               {candidate(as(anchor.StatusExpired)), brings(100 * unit), anchor.JudgedLate},
		"another sum that is late is late":                            {candidate(asAgreed), changed(brings(unit), inLedger(21)), anchor.JudgedLate},
		"a stroop too little is another amount":                       {candidate(asAgreed), brings(100*unit - 1), anchor.JudgedAmountMismatch},
		"a stroop too much is another amount":                         {candidate(asAgreed), brings(100*unit, 1), anchor.JudgedAmountMismatch},
		"a sum beyond all amounts is another amount":                  {candidate(asAgreed), brings(math.MaxInt64, math.MaxInt64, 100*unit+2), anchor.JudgedAmountMismatch},
		"what comes for a funded transaction is a duplicate":          {candidate(funded(anchor.StatusPendingReceiver)), brings(100 * unit), anchor.JudgedDuplicate},
		"also with another amount":                                    {candidate(funded(anchor.StatusPendingExternal)), brings(unit), anchor.JudgedDuplicate},
		"also too late":                                               {candidate(funded(anchor.StatusPendingReceiver)), changed(brings(unit), inLedger(21)), anchor.JudgedDuplicate},
		"what comes for a completed transaction is a duplicate":       {candidate(funded(anchor.StatusCompleted)), brings(100 * unit), anchor.JudgedDuplicate},
		"what comes for a refunded transaction is a duplicate":        {candidate(as(anchor.StatusRefunded)), brings(100 * unit), anchor.JudgedDuplicate},
		"what comes for a transaction in error is a duplicate":        {candidate(as(anchor.StatusError)), brings(100 * unit), anchor.JudgedDuplicate},
		"another code is the wrong asset":                             {candidate(asAgreed), changed(brings(100*unit), func(p *stellar.Payment) { p.AssetCode = "EURC" }), anchor.JudgedWrongAsset},
		"another issuer of the same code is the wrong asset":          {candidate(asAgreed), changed(brings(100*unit), func(p *stellar.Payment) { p.AssetIssuer = sender }), anchor.JudgedWrongAsset},
		"the network's own asset is the wrong asset":                  {candidate(asAgreed), changed(brings(100*unit), func(p *stellar.Payment) { p.AssetCode, p.AssetIssuer = stellar.NativeCode, "" }), anchor.JudgedWrongAsset},
		"the wrong asset stays that for a funded transaction":         {candidate(funded(anchor.StatusCompleted)), changed(brings(unit), func(p *stellar.Payment) { p.AssetCode = "EURC" }), anchor.JudgedWrongAsset},
		"what names no transaction is unmatched":                      {nil, brings(100 * unit), anchor.JudgedUnmatched},
		"what cannot be read is unreadable, whatever else it may say": {candidate(asAgreed), changed(brings(100*unit), func(p *stellar.Payment) { p.Unreadable = "no amount" }), anchor.JudgedUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := payments.Judge(c.candidate, c.group, payments.Policy{})
			require.Equal(t, c.want, d.Judgement)
			if c.want == anchor.JudgedCredited {
				require.Equal(t, anchor.PaymentCredited, d.State)
				require.Equal(t, c.candidate.ExpectedUnits-c.candidate.CreditedUnits, d.Units)
				return
			}
			require.Equal(t, anchor.PaymentOpen, d.State, "what is not credited is held open")
			require.Zero(t, d.Units)
			require.NotEmpty(t, d.Reason)
		})
	}
}
