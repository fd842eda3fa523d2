package sandbox

// draft is the accounts as a transaction, or one of its operations, sees and changes them; nothing is changed until keep.
type draft struct {
	parent   *draft                 // nil for that of a transaction
	accounts map[accountID]*account // the ledger; used without a parent
	touched  map[accountID]*account
	ledger   uint32
	second   int64
}

// child is the draft of one operation: kept or dropped without the rest of its transaction.
func (d *draft) child() *draft {
	return &draft{parent: d, touched: map[accountID]*account{}, ledger: d.ledger, second: d.second}
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

func (d *draft) keep() {
	into := d.accounts
	if d.parent != nil {
		into = d.parent.touched
	}
	for id, a := range d.touched {
		into[id] = a
	}
}
