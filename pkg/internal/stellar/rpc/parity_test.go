package rpc_test

import (
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// story is a network on which everything has happened that moves balances.
type story struct {
	*lab
	receiver, sender, other, gone *keypair.Full
	usd                           txnbuild.CreditAsset
}

func newStory(t *testing.T) *story {
	t.Helper()
	s := &story{lab: newLab(t)}
	s.receiver, s.sender, s.other, s.gone = s.account(), s.account(), s.account(), s.account()
	s.usd = s.asset("USD", s.receiver, s.sender, s.other)
	s.classic()
	s.paths()
	s.contracts()
	s.close()
	return s
}

func (s *story) classic() {
	native := txnbuild.NativeAsset{}
	to, from := s.receiver.Address(), s.sender.Address()
	s.do(s.sender, txnbuild.MemoID(18446744073709551615), pay(to, s.usd, "12.3456789"), pay(to, native, "0.0000001"))
	s.do(s.sender, txnbuild.MemoText("a\xd1\x00b"), pay(muxed(s.T, to, 7), s.usd, "1"))
	s.do(s.sender, txnbuild.MemoHash{1, 2, 3}, pay(muxed(s.T, to, 0), s.usd, "2"))
	s.do(s.sender, txnbuild.MemoReturn{4, 5}, &txnbuild.Payment{SourceAccount: muxed(s.T, from, 99), Destination: to, Asset: s.usd, Amount: "3"})
	s.do(s.receiver, nil, pay(from, s.usd, "4"), pay(to, s.usd, "5"))
	s.do(s.sender, nil, pay(to, s.usd, "6"), pay(s.other.Address(), s.usd, "999999999")) // fails as a whole
	s.do(s.receiver, nil, &txnbuild.CreateAccount{Destination: keypair.MustRandom().Address(), Amount: "20"})
	s.bump(s.other, s.build(s.sender, txnbuild.MemoText("bumped"), pay(to, s.usd, "14")))
	s.bump(s.other, s.build(s.sender, txnbuild.MemoText("bumped in vain"), pay(to, s.usd, "999999999")))
	s.queue(s.sender, txnbuild.MemoID(1), pay(to, s.usd, "7"))
	s.queue(s.other, txnbuild.MemoID(2), pay(to, s.usd, "8"))
	s.queue(s.receiver, txnbuild.MemoID(3), pay(s.other.Address(), s.usd, "9"))
	s.close()
	s.do(s.gone, txnbuild.MemoText("all that is left"), &txnbuild.AccountMerge{Destination: muxed(s.T, to, 5)})
}

func (s *story) paths() {
	native := txnbuild.NativeAsset{}
	name := "USD:" + s.usd.Issuer
	require.NoError(s, s.network.SetRate("native", name, 3_333_333))
	s.do(s.sender, nil, &txnbuild.PathPaymentStrictReceive{
		SendAsset: native, SendMax: "1000", Destination: s.receiver.Address(), DestAsset: s.usd, DestAmount: "10.0000001"})
	s.do(s.sender, nil, &txnbuild.PathPaymentStrictSend{
		SendAsset: native, SendAmount: "10", Destination: muxed(s.T, s.receiver.Address(), 8), DestAsset: s.usd, DestMin: "1"})
	s.do(s.receiver, nil, &txnbuild.PathPaymentStrictReceive{
		SendAsset: native, SendMax: "1000", Destination: s.other.Address(), DestAsset: s.usd, DestAmount: "5"})
	s.do(s.receiver, nil, &txnbuild.PathPaymentStrictSend{
		SendAsset: native, SendAmount: "10", Destination: s.receiver.Address(), DestAsset: s.usd, DestMin: "1"})
}

func (s *story) contracts() {
	name := "USD:" + s.usd.Issuer
	to, from := s.receiver.Address(), s.sender.Address()
	vault := strkey.MustEncode(strkey.VersionByteContract, make([]byte, 32))
	move := func(changes ...sandbox.AssetChange) {
		_, err := s.network.MoveByContract(xdr.MemoText("by contract"), changes...)
		require.NoError(s, err)
		s.close()
	}
	move(sandbox.AssetChange{Kind: "transfer", From: from, To: to, Asset: name, Units: 10_000_000})
	move(
		sandbox.AssetChange{Kind: "transfer", From: from, To: s.other.Address(), Asset: name, Units: 1},
		sandbox.AssetChange{Kind: "transfer", From: from, To: to, Asset: "native", Units: 2},
		sandbox.AssetChange{Kind: "forged", From: from, To: to, Asset: name, Units: 3},
		sandbox.AssetChange{Kind: "transfer", From: to, To: to, Asset: name, Units: 4},
		sandbox.AssetChange{Kind: "transfer", From: from, To: muxed(s.T, to, 0), Asset: name, Units: 5},
		sandbox.AssetChange{Kind: "transfer", From: to, To: vault, Asset: name, Units: 6},
		sandbox.AssetChange{Kind: "transfer", From: vault, To: muxed(s.T, to, 12), Asset: name, Units: 6},
		sandbox.AssetChange{Kind: "mint", To: to, Asset: name, Units: 7},
		sandbox.AssetChange{Kind: "burn", From: to, Asset: name, Units: 8},
		sandbox.AssetChange{Kind: "transfer", From: from, To: to, Asset: name, Units: 0},
	)
	move(sandbox.AssetChange{Kind: "transfer", From: from, To: to, Asset: name, Units: 1 << 62}) // fails
}

func muxed(t testing.TB, account string, id uint64) string {
	t.Helper()
	m, err := xdr.MuxedAccountFromAccountId(account, id)
	require.NoError(t, err)
	return m.Address()
}

func Test_the_same_history_reads_the_same_through_Horizon_and_through_RPC(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	for name, account := range map[string]*keypair.Full{"receiver": s.receiver, "sender": s.sender, "other": s.other} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := s.read(s.horizon, account.Address(), 0, 200)
			require.NotEmpty(t, want.Payments)
			require.NotEmpty(t, want.Outgoing)
			for _, limit := range []int{1, 3, 200} {
				got := s.read(s.source(), account.Address(), 0, limit)
				require.Equal(t, want.Payments, got.Payments)
				require.Equal(t, want.Outgoing, got.Outgoing)
				require.Equal(t, want.Through, got.Through)
			}
		})
	}
}

func Test_the_story_holds_every_kind_of_movement(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	h := s.read(s.rpc, s.receiver.Address(), 0, 200)
	kinds := func(list []stellar.Payment) map[string]int {
		found := map[string]int{}
		for _, p := range list {
			require.Empty(t, p.Unreadable)
			found[p.Kind]++
		}
		return found
	}
	require.Equal(t, map[string]int{
		stellar.KindCreateAccount: 1, stellar.KindPayment: 9, stellar.KindAccountMerge: 1, stellar.KindPathPayment: 2, stellar.KindContract: 5,
	}, kinds(h.Payments))
	require.Equal(t, map[string]int{
		stellar.KindCreateAccount: 1, stellar.KindPayment: 2, stellar.KindPathPayment: 1, stellar.KindContract: 2,
	}, kinds(h.Outgoing))
}

func Test_a_watcher_may_change_its_source_at_any_position(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	account := s.receiver.Address()
	whole := s.read(s.horizon, account, 0, 200)
	for name, pair := range map[string][2]source{"to RPC": {s.horizon, s.source()}, "to Horizon": {s.source(), s.horizon}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var before history
			for {
				page, err := pair[0].Payments(t.Context(), account, before.position, 2)
				require.NoError(t, err)
				before.Payments = append(before.Payments, page.Payments...)
				before.Outgoing = append(before.Outgoing, page.Outgoing...)
				before.position = page.Position
				after := s.read(pair[1], account, before.position, 200)
				require.Equal(t, whole.Payments, append(before.Payments[:len(before.Payments):len(before.Payments)], after.Payments...))
				require.Equal(t, whole.Outgoing, append(before.Outgoing[:len(before.Outgoing):len(before.Outgoing)], after.Outgoing...))
				if !page.Full {
					return
				}
			}
		})
	}
}

func Test_an_account_without_payments_is_not_read_from_its_last_one_on(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	const last = 100<<32 | 1<<12 | 1
	require.Equal(t, int64(4873)<<32, l.rpc.Begin(last, 5000), "a Horizon's position says less than what it was seen through")
	require.Equal(t, int64(last), l.rpc.Begin(last, 150), "what may have been announced too early is read again")
	require.Equal(t, int64(5001)<<32, l.rpc.Begin(5001<<32, 5000))
	require.Zero(t, l.rpc.Begin(0, 0))
}
