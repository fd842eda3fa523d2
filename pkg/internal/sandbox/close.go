package sandbox

import (
	"slices"

	"github.com/stellar/go-stellar-sdk/xdr"
)

// CloseLedger closes one ledger with what is queued and returns it.
func (n *Network) CloseLedger() Ledger {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.admitLate()
	taken := n.queue
	if len(taken) > ledgerCapacity {
		taken = taken[:ledgerCapacity]
	}
	n.queue = n.queue[len(taken):]
	l := n.closeWith(taken)
	n.opts.Log.Debug("ledger closed", "ledger", l.sequence, "successful", l.successful, "failed", l.failed)
	return l.public()
}

// lateSubmission is a transaction that was posted and will be known to the network only by a later ledger.
type lateSubmission struct {
	*submission
	due uint32
}

// admitLate queues the late submissions whose ledger is the next one. Those that are no longer valid are gone.
func (n *Network) admitLate() {
	next := n.latest().sequence + 1
	waiting := n.late[:0]
	for _, s := range n.late {
		if s.due > next {
			waiting = append(waiting, s)
			continue
		}
		_, err := n.enqueue(s.submission)
		n.opts.Log.Debug("late transaction", "hash", s.hashHex, "refused", err)
	}
	n.late = waiting
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
	if keep := n.opts.KeepLedgers; keep > 0 && int(l.sequence) > keep {
		n.elder = max(n.elder, l.sequence-uint32(keep)+1)
	}
	n.settle(taken)
	close(n.closed)
	n.closed = make(chan struct{})
	n.announce()
	return l
}

// nextLedger begins the next ledger. Its time never goes back.
func (n *Network) nextLedger() *closedLedger {
	l := &closedLedger{
		sequence: uint32(len(n.ledgers)) + 1, second: n.opts.Now().Unix(), baseFee: n.opts.BaseFee, rate: n.rate(),
	}
	if len(n.ledgers) > 0 {
		l.second = max(l.second, n.latest().second)
	}
	return l
}

// collectFees takes the fee of every submission that is still valid, before any is applied. It drops those that are not
// and leaves those waiting that bid too little for this ledger, with what their accounts have queued behind them.
func (n *Network) collectFees(taken []*submission, l *closedLedger) ([]*submission, map[*submission]int64) {
	kept := make([]*submission, 0, len(taken))
	fees := make(map[*submission]int64, len(taken))
	next := map[accountID]int64{}
	waiting := map[accountID]bool{}
	m := moment{ledger: l.sequence, second: l.second, rate: l.rate}
	for _, s := range taken {
		fee := s.minFee(l.rate)
		if v := n.stale(s, m, next); v != nil {
			s.dropped = s.refusal(*v, fee)
			continue
		}
		s.waiting = s.fee < fee || waiting[s.source]
		if s.waiting {
			waiting[s.source] = true
			next[s.source] = int64(s.tx.SeqNum)
			continue
		}
		next[s.source] = int64(s.tx.SeqNum)
		payer := n.accounts[s.payer].clone()
		payer.balance -= fee
		n.accounts[s.payer] = payer
		n.feePool += fee
		fees[s] = fee
		kept = append(kept, s)
	}
	return kept, fees
}

// stale tells why a queued transaction can no longer get into a ledger; nil if it can. next has the sequence numbers
// that the ones before it will have used up.
func (n *Network) stale(s *submission, m moment, next map[accountID]int64) *verdict {
	source, payer := n.accounts[s.source], n.accounts[s.payer]
	if payer == nil {
		return code(xdr.TransactionResultCodeTxNoAccount)
	}
	if payer.available() < s.fee {
		return code(xdr.TransactionResultCodeTxInsufficientBalance)
	}
	v := verdict{}
	switch {
	case source == nil:
		v.code = xdr.TransactionResultCodeTxNoAccount
	case tooLate(s.tx, m):
		v.code = xdr.TransactionResultCodeTxTooLate
	case int64(s.tx.SeqNum) != max(source.sequence, next[s.source])+1:
		v.code = xdr.TransactionResultCodeTxBadSeq
	default:
		return nil
	}
	v = s.wrap(v)
	return &v
}

// apply puts a submission whose fee is paid into the ledger.
func (n *Network) apply(s *submission, l *closedLedger, fee int64) {
	d := n.draft()
	d.ledger, d.second = l.sequence, l.second
	v := verdict{code: xdr.TransactionResultCodeTxNoAccount}
	if n.accounts[s.source] != nil { // a transaction before this one may have merged it into another one
		n.useSequence(s, l)
		v = execute(s, d)
	}
	if v.ok() {
		d.keep()
	}
	n.dropPreAuthorized(s, l)
	v = s.wrap(v)
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
func (n *Network) useSequence(s *submission, l *closedLedger) {
	a := n.accounts[s.source].clone()
	a.sequence, a.usedLedger, a.usedTime = int64(s.tx.SeqNum), l.sequence, l.second
	a.modified, a.modifiedSecond = l.sequence, l.second
	n.accounts[s.source] = a
}

// execute runs the operations in a draft. Signatures are judged once more: a transaction before this one may have
// changed the signers.
func execute(s *submission, d *draft) verdict {
	if !s.decreed {
		if v := hearAgain(s, d); v != nil {
			return *v
		}
	}
	outcomes, failed := make([]outcome, len(s.tx.Operations)), false
	for i := range s.tx.Operations {
		op := &s.tx.Operations[i]
		step := d.child()
		outcomes[i] = applyOperation(step, actor(s.tx, op), op)
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

// hearAgain tells why the signatures are not enough; nil if they are.
func hearAgain(s *submission, d *draft) *verdict {
	heard := s.auth.hear()
	a := d.peek(s.source)
	if !heard.reaches(a.allSigners(), int(a.thresholds[lowThreshold])) {
		return code(xdr.TransactionResultCodeTxBadAuth)
	}
	if outcomes, failed := authorize(s, d, heard); failed {
		v := failedBy(outcomes)
		return &v
	}
	if !heard.allUsed() {
		return code(xdr.TransactionResultCodeTxBadAuthExtra)
	}
	return nil
}

func (n *Network) dropPreAuthorized(s *submission, l *closedLedger) {
	for _, id := range s.sources() {
		a := n.accounts[id]
		if a == nil || len(a.signers) == 0 {
			continue
		}
		if a = a.clone(); a.dropPreAuthorized(s.auth.hash) {
			a.modified, a.modifiedSecond = l.sequence, l.second
			n.accounts[id] = a
		}
	}
}

// meta remembers what has only the number of operations in it.
func (n *Network) meta(v verdict) string {
	var operations []outcome
	if v.ok() {
		operations = v.operations
	}
	plain := !slices.ContainsFunc(operations, func(o outcome) bool { return o.events != nil })
	if text, ok := n.metas[len(operations)]; ok && plain {
		return text
	}
	text, err := metaOf(operations)
	if err != nil {
		n.opts.Log.Error("transaction meta cannot be encoded", "error", err)
	}
	if plain {
		n.metas[len(operations)] = text
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
	n.byHash[s.auth.hash] = t
	n.payments = append(n.payments, t.payments...)
	for _, id := range participants(s, t) {
		h := n.historyOf(id)
		h.transactions = append(h.transactions, t)
	}
	for _, p := range t.payments {
		for _, id := range p.parties {
			h := n.historyOf(id)
			h.payments = append(h.payments, p)
		}
	}
	n.effects = append(n.effects, t.effects...)
	for _, e := range t.effects {
		if e.kind == trustlineCreated {
			n.terms.contracts.deploy(e.asset)
		}
		h := n.historyOf(e.who.id)
		h.effects = append(h.effects, e)
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

// settle answers those who wait, and queues those again that no ledger could take.
func (n *Network) settle(taken []*submission) {
	var again []*submission
	for _, s := range taken {
		if s.waiting {
			again = append(again, s)
			continue
		}
		delete(n.queuedByHash, s.hash)
		close(s.done)
	}
	n.queue = append(again, n.queue...)
	n.promiseAnew()
}
