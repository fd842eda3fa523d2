package sandbox

import (
	"github.com/stellar/go-stellar-sdk/xdr"
)

// CloseLedger closes one ledger with what is queued and returns it.
func (n *Network) CloseLedger() Ledger {
	n.mu.Lock()
	defer n.mu.Unlock()
	taken := n.queue
	if len(taken) > ledgerCapacity {
		taken = taken[:ledgerCapacity]
	}
	n.queue = n.queue[len(taken):]
	l := n.closeWith(taken)
	n.opts.Log.Debug("ledger closed", "ledger", l.sequence, "successful", l.successful, "failed", l.failed)
	return l.public()
}

// closeWith closes a ledger over these submissions; n.mu is held.
func (n *Network) closeWith(taken []*submission) *closedLedger {
	l := n.nextLedger()
	kept, fees := n.collectFees(taken, l)
	for _, s := range kept {
		n.apply(s, l, fees[s])
	}
	l.feePool = n.feePool
	previous := [32]byte{}
	if len(n.ledgers) > 0 {
		previous = n.latest().hash
	}
	if err := l.seal(previous, n.incarnation); err != nil {
		n.opts.Log.Error("ledger header cannot be encoded", "ledger", l.sequence, "error", err)
	}
	n.ledgers = append(n.ledgers, l)
	n.settle(taken)
	close(n.closed)
	n.closed = make(chan struct{})
	n.announce()
	return l
}

// nextLedger begins the next ledger. Its time never goes back.
func (n *Network) nextLedger() *closedLedger {
	l := &closedLedger{sequence: uint32(len(n.ledgers)) + 1, second: n.opts.Now().Unix(), baseFee: n.opts.BaseFee}
	if len(n.ledgers) > 0 {
		l.second = max(l.second, n.latest().second)
	}
	return l
}

// collectFees takes the fee of every submission that is still valid, before any is applied, and drops the others.
func (n *Network) collectFees(taken []*submission, l *closedLedger) ([]*submission, map[*submission]int64) {
	kept := make([]*submission, 0, len(taken))
	fees := make(map[*submission]int64, len(taken))
	next := map[accountID]int64{}
	m := moment{ledger: l.sequence, second: l.second, baseFee: l.baseFee}
	for _, s := range taken {
		a, fee := n.accounts[s.source], s.minFee(l.baseFee)
		if _, chained := next[s.source]; !chained {
			next[s.source] = a.sequence
		}
		if v := stale(s, a, m, next[s.source]); v != nil {
			s.dropped = s.refusal(*v, fee)
			continue
		}
		next[s.source]++
		a = a.clone()
		a.balance -= fee
		n.accounts[s.source] = a
		n.feePool += fee
		fees[s] = fee
		kept = append(kept, s)
	}
	return kept, fees
}

// stale tells why a queued transaction can no longer get into a ledger; nil if it can.
func stale(s *submission, a *account, m moment, sequence int64) *verdict {
	switch {
	case tooLate(s.tx, m):
		return code(xdr.TransactionResultCodeTxTooLate)
	case int64(s.tx.SeqNum) != sequence+1:
		return code(xdr.TransactionResultCodeTxBadSeq)
	case a.available() < s.fee:
		return code(xdr.TransactionResultCodeTxInsufficientBalance)
	}
	return nil
}

// apply puts a submission whose fee is paid into the ledger.
func (n *Network) apply(s *submission, l *closedLedger, fee int64) {
	d := &draft{accounts: n.accounts, touched: map[accountID]*account{}, ledger: l.sequence, second: l.second}
	n.useSequence(d, s, l)
	v := execute(s, d)
	if v.ok() {
		d.keep()
	}
	n.dropPreAuthorized(s, l)
	t, err := recordOf(s, l, len(l.transactions)+1, v, fee, n.meta(v))
	if err != nil {
		n.opts.Log.Error("transaction result cannot be encoded", "hash", s.hashHex, "error", err)
		return
	}
	s.record = t
	l.count(t)
	n.file(s, t)
}

// useSequence moves the sequence number, which stays moved whatever becomes of the operations.
func (n *Network) useSequence(d *draft, s *submission, l *closedLedger) {
	a := n.accounts[s.source].clone()
	a.sequence, a.usedLedger, a.usedTime = int64(s.tx.SeqNum), l.sequence, l.second
	a.modified, a.modifiedSecond = d.ledger, d.second
	n.accounts[s.source] = a
}

// execute runs the operations in a draft. Signatures are judged once more: a transaction before this one may have
// changed the signers.
func execute(s *submission, d *draft) verdict {
	heard := s.auth.hear()
	a := d.peek(s.source)
	if !heard.reaches(a.allSigners(), int(a.thresholds[lowThreshold])) {
		return verdict{code: xdr.TransactionResultCodeTxBadAuth}
	}
	outcomes, failed := authorize(s, d, heard)
	if failed {
		return failedBy(outcomes)
	}
	if !heard.allUsed() {
		return verdict{code: xdr.TransactionResultCodeTxBadAuthExtra}
	}
	for i := range s.tx.Operations {
		op := &s.tx.Operations[i]
		step := d.child()
		outcomes[i] = applyOperation(step, sourceOf(s.tx, op), op)
		if outcomes[i].ok() {
			step.keep()
		} else {
			failed = true
		}
	}
	if failed {
		return failedBy(outcomes)
	}
	return succeeded(outcomes)
}

func (n *Network) dropPreAuthorized(s *submission, l *closedLedger) {
	for _, id := range s.sources() {
		a := n.accounts[id]
		if a == nil || len(a.signers) == 0 {
			continue
		}
		if a = a.clone(); a.dropPreAuthorized(s.hash) {
			a.modified, a.modifiedSecond = l.sequence, l.second
			n.accounts[id] = a
		}
	}
}

func (n *Network) meta(v verdict) string {
	operations := 0
	if v.ok() {
		operations = len(v.operations)
	}
	text, ok := n.metas[operations]
	if !ok {
		var err error
		if text, err = emptyMeta(operations); err != nil {
			n.opts.Log.Error("transaction meta cannot be encoded", "error", err)
		}
		n.metas[operations] = text
	}
	return text
}

func (l *closedLedger) count(t *transaction) {
	l.transactions = append(l.transactions, t)
	l.allOperations += t.operationCount
	if t.successful {
		l.successful++
		l.operations += t.operationCount
	} else {
		l.failed++
	}
}

// file makes a transaction findable.
func (n *Network) file(s *submission, t *transaction) {
	n.transactions = append(n.transactions, t)
	n.byHash[t.rawHash] = t
	n.payments = append(n.payments, t.payments...)
	for _, id := range participants(s, t) {
		h := n.historyOf(id)
		h.transactions = append(h.transactions, t)
	}
	for _, p := range t.payments {
		n.historyOf(p.from).add(p)
		if p.receiver != p.from {
			n.historyOf(p.receiver).add(p)
		}
	}
}

func (n *Network) historyOf(id accountID) *history {
	h := n.histories[id]
	if h == nil {
		h = &history{}
		n.histories[id] = h
	}
	return h
}

func (h *history) add(p *payment) { h.payments = append(h.payments, p) }

// settle answers those who wait, and counts anew what the rest of the queue promises.
func (n *Network) settle(taken []*submission) {
	for _, s := range taken {
		delete(n.queuedByHash, s.hash)
		close(s.done)
	}
	clear(n.promised)
	for _, s := range n.queue {
		n.promise(s)
	}
}
