package payments_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// modelNetwork is a network on which anything happens that can happen to two receiving accounts.
type modelNetwork struct {
	*testing.T
	random  *rand.Rand
	network *sandbox.Network
	server  *httptest.Server
	clock   atomic.Int64 // seconds

	issuer *keypair.Full
	payers []*keypair.Full
	ours   []*keypair.Full
	next   map[string]int64 // sequence numbers
	assets []txnbuild.CreditAsset
	agreed []modelTerms
	began  sandbox.Ledger
	at     map[string]int64 // what our accounts held then, by account and asset
	made   int              // movements
}

// modelTerms are a transaction that both sides agreed on before anything happened.
type modelTerms struct {
	account int // of ours
	asset   int
	memo    txnbuild.Memo
	terms   terms
}

const ledgerSeconds = 5

func newModelNetwork(t *testing.T, seed uint64) *modelNetwork {
	t.Helper()
	m := &modelNetwork{T: t, random: rand.New(rand.NewPCG(seed, 1)), next: map[string]int64{}, at: map[string]int64{}}
	m.clock.Store(closedAt(0).Unix())
	m.network = sandbox.New(sandbox.Options{Passphrase: passphrase, CloseEvery: -1, Now: func() time.Time { return time.Unix(m.clock.Load(), 0) }})
	m.server = httptest.NewServer(m.network.Handler())
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.network.Run(ctx) }()
	t.Cleanup(func() {
		end()
		require.NoError(t, <-ended)
		m.server.CloseClientConnections()
		m.server.Close()
	})
	m.people()
	m.began = m.network.Latest()
	for _, our := range m.ours {
		for _, asset := range m.assetNames() {
			m.at[our.Address()+asset], _ = m.network.Balance(our.Address(), asset)
		}
	}
	return m
}

// people makes the accounts, with trust lines and money enough for all that follows.
func (m *modelNetwork) people() {
	m.issuer = m.born()
	for range 4 {
		m.payers = append(m.payers, m.born())
	}
	m.ours = []*keypair.Full{m.born(), m.born()}
	m.assets = []txnbuild.CreditAsset{{Code: code, Issuer: m.issuer.Address()}, {Code: "EURLONG12", Issuer: m.issuer.Address()}}
	for _, holder := range append(m.payers, m.ours...) {
		var lines, gifts []txnbuild.Operation
		for _, asset := range m.assets {
			lines = append(lines, &txnbuild.ChangeTrust{Line: asset.MustToChangeTrustAsset()})
			gifts = append(gifts, &txnbuild.Payment{Destination: holder.Address(), Amount: "1000000", Asset: asset})
		}
		m.submit(holder, nil, lines...)
		m.close()
		m.submit(m.issuer, nil, gifts...)
	}
	m.close()
	for _, give := range m.assetNames() {
		for _, get := range m.assetNames() {
			if give != get {
				require.NoError(m, m.network.SetRate(give, get, 2*unit))
			}
		}
	}
}

func (m *modelNetwork) assetNames() []string {
	return []string{"native", m.assets[0].Code + ":" + m.issuer.Address(), m.assets[1].Code + ":" + m.issuer.Address()}
}

// born is a new account with friendbot's gift.
func (m *modelNetwork) born() *keypair.Full {
	kp, err := keypair.FromRawSeed(m.bytes32())
	require.NoError(m, err)
	_, err = m.network.Fund(kp.Address())
	require.NoError(m, err)
	m.close()
	m.next[kp.Address()] = m.network.Latest().Sequence << 32
	return kp
}

func (m *modelNetwork) bytes32() (raw [32]byte) {
	for i := 0; i < len(raw); i += 8 {
		binary.LittleEndian.PutUint64(raw[i:], m.random.Uint64())
	}
	return raw
}

func (m *modelNetwork) close() sandbox.Ledger {
	m.clock.Add(ledgerSeconds)
	return m.network.CloseLedger()
}

// submit queues a transaction; some are wrapped in a fee bump of somebody else's.
func (m *modelNetwork) submit(by *keypair.Full, memo txnbuild.Memo, ops ...txnbuild.Operation) {
	m.Helper()
	m.next[by.Address()]++
	tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount: &txnbuild.SimpleAccount{AccountID: by.Address(), Sequence: m.next[by.Address()]},
		Operations:    ops, BaseFee: 100, Memo: memo, Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewInfiniteTimeout()},
	})
	require.NoError(m, err)
	tx, err = tx.Sign(passphrase, by)
	require.NoError(m, err)
	text, err := tx.Base64()
	require.NoError(m, err)
	if len(m.payers) == 4 && m.random.IntN(10) == 0 {
		text = m.bumped(tx)
	}
	_, err = m.network.Submit(text)
	require.NoError(m, err)
}

func (m *modelNetwork) bumped(tx *txnbuild.Transaction) string {
	bump, err := txnbuild.NewFeeBumpTransaction(txnbuild.FeeBumpTransactionParams{Inner: tx, FeeAccount: m.payers[0].Address(), BaseFee: 200})
	require.NoError(m, err)
	bump, err = bump.Sign(passphrase, m.payers[0])
	require.NoError(m, err)
	text, err := bump.Base64()
	require.NoError(m, err)
	return text
}

// agree makes the terms that payments will name, and miss.
func (m *modelNetwork) agree(number int) {
	for i := range number {
		t := modelTerms{account: m.random.IntN(2), asset: m.random.IntN(2)}
		t.terms.units = unit * int64(1+m.random.IntN(3))
		switch m.random.IntN(3) {
		case 0:
			t.memo, t.terms.memoType, t.terms.memo = txnbuild.MemoID(uint64(i)), stellar.MemoID, fmt.Sprint(i)
		case 1:
			hash := m.bytes32()
			t.memo, t.terms.memoType, t.terms.memo = txnbuild.MemoHash(hash), stellar.MemoHash, fmt.Sprintf("%x", hash)
		default:
			text := fmt.Sprint("invoice ", i)
			t.memo, t.terms.memoType, t.terms.memo = txnbuild.MemoText(text), stellar.MemoText, encoded(text)
		}
		if m.random.IntN(3) == 0 {
			t.terms.expires = time.Unix(m.clock.Load(), 0).Add(time.Duration(m.random.IntN(number*8)) * time.Second)
		}
		m.agreed = append(m.agreed, t)
	}
}

// happens lets the next ledger bring a few transactions.
func (m *modelNetwork) happens() {
	for range 1 + m.random.IntN(12) {
		m.transact()
	}
	m.close()
}

// transact submits one transaction of a random kind.
func (m *modelNetwork) transact() {
	ours := m.random.IntN(2)
	memo, destination := m.names(ours)
	switch m.random.IntN(12) {
	case 0:
		m.leaves()
	case 1:
		m.byContract(memo)
	case 2:
		m.made++
		orphan := m.born()
		m.submit(orphan, memo, &txnbuild.AccountMerge{Destination: destination})
	case 3: // too much: the whole transaction fails in its ledger
		m.submit(m.anybody(), memo, m.payment(destination, 0), &txnbuild.Payment{Destination: destination, Amount: "900000000", Asset: m.assets[0]})
	case 4:
		m.made++
		m.submit(m.anybody(), memo, m.conversion(destination))
	default:
		var ops []txnbuild.Operation
		for range 1 + m.random.IntN(4)/2 + m.random.IntN(2)*m.random.IntN(4) {
			ops = append(ops, m.payment(destination, m.random.IntN(3)))
		}
		m.made += len(ops)
		m.submit(m.anybody(), memo, ops...)
	}
}

func (m *modelNetwork) anybody() *keypair.Full { return m.payers[m.random.IntN(len(m.payers))] }

// names is a memo, mostly of what was agreed, and the address to which one of our accounts is paid.
func (m *modelNetwork) names(ours int) (txnbuild.Memo, string) {
	address := m.ours[ours].Address()
	switch m.random.IntN(10) {
	case 0:
		return nil, address
	case 1:
		return txnbuild.MemoText("a\xd1b"), address
	case 2:
		return txnbuild.MemoReturn(m.bytes32()), address
	case 3:
		return nil, muxed(m.T, address, m.random.Uint64N(uint64(len(m.agreed))))
	}
	return m.agreed[m.random.IntN(len(m.agreed))].memo, address
}

func (m *modelNetwork) payment(destination string, asset int) txnbuild.Operation {
	amount := fmt.Sprint(1 + m.random.IntN(3))
	if asset == 2 {
		return &txnbuild.Payment{Destination: destination, Amount: amount, Asset: txnbuild.NativeAsset{}}
	}
	return &txnbuild.Payment{Destination: destination, Amount: amount, Asset: m.assets[asset]}
}

func (m *modelNetwork) conversion(destination string) txnbuild.Operation {
	amount := fmt.Sprint(1 + m.random.IntN(3))
	if m.random.IntN(2) == 0 {
		return &txnbuild.PathPaymentStrictReceive{
			SendAsset: txnbuild.NativeAsset{}, SendMax: "1000", Destination: destination, DestAsset: m.assets[0], DestAmount: amount,
		}
	}
	return &txnbuild.PathPaymentStrictSend{
		SendAsset: m.assets[1], SendAmount: amount, Destination: destination, DestAsset: m.assets[0], DestMin: "0.0000001",
	}
}

// leaves is money that goes from one of our accounts: to others, to our other account, to itself.
func (m *modelNetwork) leaves() {
	m.made++
	by := m.ours[m.random.IntN(2)]
	switch m.random.IntN(5) {
	case 0:
		child, err := keypair.FromRawSeed(m.bytes32())
		require.NoError(m, err)
		m.submit(by, nil, &txnbuild.CreateAccount{Destination: child.Address(), Amount: "2"})
	case 1:
		m.submit(by, nil, m.conversion(m.anybody().Address()))
	case 2:
		m.submit(by, nil, m.payment(by.Address(), 0)) // neither in nor out
	case 3:
		m.submit(by, txnbuild.MemoText("treasury"), m.payment(m.ours[0].Address(), 0), m.payment(m.ours[1].Address(), 1))
	default:
		m.submit(by, nil, m.payment(m.anybody().Address(), m.random.IntN(3)))
	}
}

// byContract moves by calls of asset contracts, some of them forged.
func (m *modelNetwork) byContract(memo txnbuild.Memo) {
	var changes []sandbox.AssetChange
	for range 1 + m.random.IntN(4) {
		c := sandbox.AssetChange{
			Kind: []string{"transfer", "transfer", "mint", "forged", "burn"}[m.random.IntN(5)], Asset: m.assetNames()[1], Units: unit * int64(1+m.random.IntN(3)),
		}
		parties := []string{m.ours[0].Address(), m.ours[1].Address(), m.anybody().Address()}
		from, to := m.random.IntN(3), m.random.IntN(3)
		if c.Kind != "mint" {
			c.From = parties[from]
		}
		if c.Kind != "burn" {
			c.To = parties[to]
		}
		changes = append(changes, c)
	}
	m.made += len(changes)
	none := xdr.Memo{Type: xdr.MemoTypeMemoNone}
	if memo != nil {
		given, err := memo.ToXDR()
		require.NoError(m, err)
		none = given
	}
	_, err := m.network.MoveByContract(none, changes...)
	require.NoError(m, err)
}

// misbehaves plans something that is wrong with the next answers.
func (m *modelNetwork) misbehaves() {
	faults := m.network.Faults()
	path := []string{"/accounts", "/", "/rpc", "/ledgers", "/operations"}[m.random.IntN(5)]
	times := 1 + m.random.IntN(3)
	switch m.random.IntN(9) {
	case 0:
		faults.Answer([]int{500, 503, 504, 404}[m.random.IntN(4)], times, path)
	case 1:
		faults.DropConnections(times)
	case 2:
		faults.LoseAnswers(times, path)
	case 3, 4:
		faults.CutAnswers(times, path, m.random.IntN(2) == 0)
	case 5:
		faults.CutStreams()
	case 6:
		faults.FailStreams()
	case 7:
		faults.SilenceStreams(m.random.IntN(2) == 0)
	default:
		if m.random.IntN(8) == 0 {
			faults.Limit(time.Second, 1, path)
		}
	}
}
