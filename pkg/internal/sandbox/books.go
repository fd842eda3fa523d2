package sandbox

import (
	"context"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
)

// Transaction is one transaction of a ledger, as tests compare it.
type Transaction struct {
	Hash       string // lower hex
	InnerHash  string // of a fee bump's inner transaction, lower hex; else empty
	Ledger     int64
	ClosedAt   time.Time
	Successful bool
	// TransactionCode, InnerCode (of a fee bump) and OperationCodes are the result in Horizon's words.
	TransactionCode string
	InnerCode       string
	OperationCodes  []string
	Source          string // G…
	Sequence        int64
	FeeAccount      string // G…
	FeeCharged      int64  // stroops
	MemoType        string
	Memo            string // as Horizon writes it; for a text, base64 of its bytes
	EnvelopeXDR     string // base64
	Payments        []Payment
}

// Payment is an operation of a transaction that Horizon lists under payments.
type Payment struct {
	ID          int64 // TOID
	Kind        string
	From, To    string // G…
	FromMuxedID string // decimal, or empty
	ToMuxedID   string // decimal, or empty
	Asset       string // native or CODE:ISSUER
	Units       int64  // of 10^-7, that arrived
	// Changes are what a contract call did; it has none of the five fields above but From.
	Changes []AssetChange
}

// Passphrase names the network.
func (n *Network) Passphrase() string { return n.opts.Passphrase }

// Root is the key of the account that holds what friendbot does not; anybody can compute it from the passphrase.
func (n *Network) Root() *keypair.Full { return n.root }

// Latest returns the ledger that closed last.
func (n *Network) Latest() Ledger {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.latest().public()
}

// Balance returns what an account (G…) holds of an asset (native or CODE:ISSUER), in units of 10^-7; false if there is
// no such account or trust line.
func (n *Network) Balance(address, assetName string) (int64, bool) {
	id, p := readAccount(address)
	if p != nil {
		return 0, false
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	a := n.accounts[id]
	if a == nil {
		return 0, false
	}
	if assetName == "native" {
		return a.balance, true
	}
	for _, l := range a.lines {
		if l.asset.String() == assetName {
			return l.balance, true
		}
	}
	return 0, false
}

// Transactions returns what the ledgers have, failed ones included, oldest first.
func (n *Network) Transactions() []Transaction {
	n.mu.RLock()
	records := n.transactions
	n.mu.RUnlock()
	all := make([]Transaction, len(records))
	for i, t := range records {
		all[i] = t.public()
	}
	return all
}

func (t *transaction) public() Transaction {
	all := Transaction{
		Hash: t.hash, Ledger: int64(t.ledger.sequence), ClosedAt: time.Unix(t.ledger.second, 0).UTC(),
		Successful: t.successful, TransactionCode: t.verdict.name(), OperationCodes: t.verdict.operationNames(),
		Source: t.source.address, Sequence: t.sequence, FeeCharged: t.feeCharged,
		FeeAccount: t.feeAccount.address, InnerCode: t.verdict.innerName(),
		MemoType: t.memo.kind, Memo: t.memo.text, EnvelopeXDR: t.envelope,
	}
	if t.memo.kind == "text" {
		all.Memo = t.memo.bytes
	}
	if t.inner != nil {
		all.InnerHash = t.inner.hash
	}
	for _, p := range t.payments {
		all.Payments = append(all.Payments, p.public())
	}
	return all
}

func (o *payment) public() Payment {
	if o.call != nil {
		p := Payment{ID: o.id, Kind: o.name(), From: o.source.address, FromMuxedID: o.source.number}
		for _, c := range o.call.changes {
			p.Changes = append(p.Changes, c.public())
		}
		return p
	}
	return Payment{
		ID: o.id, Kind: o.name(), From: o.source.address, To: o.to.address, FromMuxedID: o.source.number,
		ToMuxedID: o.to.number, Asset: o.asset.String(), Units: o.amount,
	}
}

// Forget makes the network a Horizon that keeps only the ledgers from this one on; it never goes back.
func (n *Network) Forget(beforeLedger int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	newest := int64(n.latest().sequence)
	n.elder = uint32(max(int64(n.elder), min(beforeLedger, newest)))
}

// AwaitQueued returns when at least so many transactions wait for the next ledger, or with the error of ctx.
func (n *Network) AwaitQueued(ctx context.Context, count int) error {
	return n.awaitState(ctx, func() bool { return len(n.queue) >= count })
}

// AwaitStreams returns when exactly so many streams are open, or with the error of ctx.
func (n *Network) AwaitStreams(ctx context.Context, count int) error {
	return n.awaitState(ctx, func() bool { return n.streams == count })
}

func (n *Network) awaitState(ctx context.Context, reached func() bool) error {
	for {
		n.mu.RLock()
		done, changed := reached(), n.changed
		n.mu.RUnlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
