package sandbox

import (
	"iter"
	"slices"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"
)

// repeated is so many payments of one unit of XLM, with ids as memos.
func repeated(from, to string, count int) iter.Seq[Movement] {
	return func(yield func(Movement) bool) {
		for i := range count {
			id := xdr.Uint64(i)
			m := Movement{From: from, To: to, Asset: "native", Units: one, Memo: xdr.Memo{Type: xdr.MemoTypeMemoId, Id: &id}}
			if !yield(m) {
				return
			}
		}
	}
}

func TestPrepared_history_is_like_one_that_was_submitted(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender, receiver := l.account(), l.account()
	before := l.net.Latest()
	require.NoError(t, l.net.Prepare(repeated(sender.Address(), muxed(t, receiver, 5), 25), 10))
	require.Equal(t, before.Sequence+3, l.net.Latest().Sequence)
	require.Equal(t, int64(DefaultFriendbotBalance-25*(one+100)), l.balance(sender, "native"))
	require.Len(t, l.follow("/accounts/"+receiver.Address()+"/payments?limit=7"), 26)
	last := l.net.Transactions()[26]
	require.Equal(t, "24", last.Memo)
	require.Equal(t, "5", last.Payments[0].ToMuxedID)
	prepared, submitted := l.get("/transactions/"+last.Hash), l.apply(intent{by: sender, ops: native(receiver, "1")})
	requireSameShape(t, l.get("/transactions/"+submitted.Hash).body, prepared.body, ".memo", ".signatures[", ".signatures", ".preconditions")
	requireSoundBooks(t, l.net)
}

func TestPrepared_history_stops_at_what_cannot_be(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sender := l.account()
	good := Movement{From: sender.Address(), To: sender.Address(), Asset: "native", Units: 1}
	for name, change := range map[string]func(*Movement){
		"an amount of nothing":      func(m *Movement) { m.Units = 0 },
		"no asset":                  func(m *Movement) { m.Asset = "USDC" },
		"from what is no account":   func(m *Movement) { m.From = "G" },
		"to what is no account":     func(m *Movement) { m.To = "G" },
		"from an account not there": func(m *Movement) { m.From = keypair.MustRandom().Address() },
	} {
		bad := good
		change(&bad)
		before := l.net.Latest().Sequence
		require.Error(t, l.net.Prepare(slices.Values([]Movement{good, good, bad}), 2), name)
		require.Equal(t, before+1, l.net.Latest().Sequence, name)
	}
	require.Error(t, l.net.Prepare(slices.Values([]Movement{good}), 0))
}
