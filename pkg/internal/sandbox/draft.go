package sandbox

// draft is the accounts as a transaction, or one of its operations, sees and changes them; nothing is changed until keep.
type draft struct {
	parent   *draft                 // nil for that of a transaction
	accounts map[accountID]*account // the ledger; used without a parent
	touched  map[accountID]*account // nil for an account that is no more
	held     map[holding]int64      // by contracts, as far as touched
	ledgers  map[holding]int64      // all of it; used without a parent
	terms    *terms
	ledger   uint32
	second   int64
}

// terms are what operations depend on besides the accounts.
type terms struct {
	market    *market
	contracts *assetContracts
	operator  accountID
	mover     contractID // that the operator calls
}

// child is the draft of one operation: kept or dropped without the rest of its transaction.
func (d *draft) child() *draft {
	return &draft{parent: d, touched: map[accountID]*account{}, held: map[holding]int64{}, terms: d.terms, ledger: d.ledger, second: d.second}
}

func (d *draft) peek(id accountID) *account {
	if a, ok := d.touched[id]; ok {
		return a
	}
	if d.parent != nil {
		return d.parent.peek(id)
	}
	return d.accounts[id]
}

// edit is peek for somebody who will change what they get.
func (d *draft) edit(id accountID) *account {
	if a, ok := d.touched[id]; ok {
		return a
	}
	a := d.peek(id)
	if a == nil {
		return nil
	}
	a = a.clone()
	d.put(a)
	return a
}

func (d *draft) put(a *account) {
	a.modified, a.modifiedSecond = d.ledger, d.second
	d.touched[a.id] = a
}

func (d *draft) remove(id accountID) { d.touched[id] = nil }

// holds is how much of an asset a contract has.
func (d *draft) holds(h holding) int64 {
	if amount, ok := d.held[h]; ok {
		return amount
	}
	if d.parent != nil {
		return d.parent.holds(h)
	}
	return d.ledgers[h]
}

func (d *draft) keep() {
	held := d.ledgers
	if d.parent != nil {
		held = d.parent.held
	}
	for h, amount := range d.held {
		held[h] = amount
	}
	into := d.accounts
	if d.parent != nil {
		into = d.parent.touched
	}
	for id, a := range d.touched {
		if a == nil && d.parent == nil {
			delete(into, id)
			continue
		}
		into[id] = a
	}
}
