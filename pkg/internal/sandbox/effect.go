package sandbox

// effectKind is the kind of an effect: Horizon's type_i.
type effectKind int32

const (
	accountCreated   effectKind = 0
	accountRemoved   effectKind = 1
	accountCredited  effectKind = 2
	accountDebited   effectKind = 3
	signerCreated    effectKind = 10
	trustlineCreated effectKind = 20
	trustlineRemoved effectKind = 21
	trustlineUpdated effectKind = 22
	traded           effectKind = 33
	contractCredited effectKind = 96
	contractDebited  effectKind = 97
)

func (k effectKind) name() string {
	switch k {
	case accountCreated:
		return "account_created"
	case accountRemoved:
		return "account_removed"
	case accountCredited:
		return "account_credited"
	case accountDebited:
		return "account_debited"
	case signerCreated:
		return "signer_created"
	case trustlineCreated:
		return "trustline_created"
	case trustlineRemoved:
		return "trustline_removed"
	case trustlineUpdated:
		return "trustline_updated"
	case traded:
		return "trade"
	case contractCredited:
		return "contract_credited"
	default:
		return "contract_debited"
	}
}

// effect is one consequence of an operation; it never changes once a ledger has it.
type effect struct {
	at     place
	ledger *closedLedger
	kind   effectKind
	who    party
	asset  asset
	// amount is what moved, the starting balance, or the limit of a trust line.
	amount int64
	// contract is the C… that moved something, if it was one; who is then the source of the operation.
	contract string
	trade    *trade
}

// trade is a trade as the effect of one of its sides tells of it: what that side got (sold to it) and gave.
type trade struct {
	seller       party
	offer        int64
	sold, bought asset
	soldUnits    int64
	boughtUnits  int64
}

func (e *effect) position() place { return e.at }
func (e *effect) shown() bool     { return true }

func credited(who party, of asset, amount int64) effect {
	return effect{kind: accountCredited, who: who, asset: of, amount: amount}
}

func debited(who party, of asset, amount int64) effect {
	return effect{kind: accountDebited, who: who, asset: of, amount: amount}
}

func ofTrustline(kind effectKind, who party, of asset, limit int64) effect {
	return effect{kind: kind, who: who, asset: of, amount: limit}
}

// effectsOf numbers the effects of the operations of a transaction.
func effectsOf(t *transaction) []*effect {
	var all []*effect
	if !t.successful {
		return nil
	}
	for i, o := range t.verdict.operations {
		for k := range o.effects {
			e := &o.effects[k]
			e.at, e.ledger = place{id: t.id | int64(i+1), order: int64(k + 1)}, t.ledger
			all = append(all, e)
		}
	}
	return all
}
