package sandbox

import (
	"crypto/sha256"
	"fmt"

	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stellar/go-stellar-sdk/xdr"
)

// contractID is the id of a contract.
type contractID [32]byte

func (id contractID) address() string { return encodeKey(strkey.VersionByteContract, id[:]) }

// AssetChange is what a contract does to the balances of an asset. Addresses are G…, C… and, as the receiver, M….
type AssetChange struct {
	// Kind is transfer, mint, burn or clawback; or forged: an event that looks like a transfer and comes from a contract
	// that is not the asset's, so that nothing moves.
	Kind     string
	From, To string // empty where the kind has none
	ToMuxed  string // in records: the id of an M…, decimal; else empty
	Asset    string // native or CODE:ISSUER
	Units    int64  // of 10^-7
}

// holder is who holds an asset: an account, or a contract (then only id and address are set).
type holder struct {
	party
	contract bool
}

// change is an AssetChange that was read.
type change struct {
	kind     string
	from, to holder
	asset    asset
	amount   int64
}

const (
	transferChange = "transfer"
	mintChange     = "mint"
	burnChange     = "burn"
	clawbackChange = "clawback"
	forgedChange   = "forged"
)

// takes and gives tell which sides a kind has.
func takes(kind string) bool { return kind != mintChange }
func gives(kind string) bool {
	return kind == transferChange || kind == mintChange || kind == forgedChange
}

func (c AssetChange) read() (change, error) {
	read := change{kind: c.Kind, amount: c.Units}
	switch c.Kind {
	case transferChange, mintChange, burnChange, clawbackChange, forgedChange:
	default:
		return change{}, fmt.Errorf("not a kind of change: %q", c.Kind)
	}
	var ok bool
	if read.asset, ok = readAsset(c.Asset); !ok {
		return change{}, fmt.Errorf("not an asset: %q", c.Asset)
	}
	if c.Units < 0 {
		return change{}, fmt.Errorf("a negative amount: %d", c.Units)
	}
	if takes(c.Kind) {
		if read.from, ok = readHolder(c.From); !ok || read.from.muxed != "" {
			return change{}, fmt.Errorf("nobody to take from: %q", c.From)
		}
	}
	if gives(c.Kind) {
		if read.to, ok = readHolder(c.To); !ok {
			return change{}, fmt.Errorf("nobody to give to: %q", c.To)
		}
	}
	return read, nil
}

func (c change) public() AssetChange {
	return AssetChange{
		Kind: c.kind, From: c.from.address, To: c.to.address, ToMuxed: c.to.number, Asset: c.asset.String(), Units: c.amount,
	}
}

func readHolder(text string) (holder, bool) {
	if raw, err := strkey.Decode(strkey.VersionByteContract, text); err == nil && len(raw) == len(contractID{}) {
		return contractHolder(contractID(raw)), true
	}
	m, err := xdr.AddressToMuxedAccount(text)
	if err != nil {
		return holder{}, false
	}
	return holder{party: partyOf(m)}, true
}

func contractHolder(id contractID) holder {
	return holder{contract: true, party: party{id: accountID(id), address: id.address()}}
}

// holding is what a contract may hold some of.
type holding struct {
	contract contractID
	asset    asset
}

// assetContracts knows the contracts of Stellar assets. As if somebody had deployed it in time, every asset that is
// trusted or moved has one.
type assetContracts struct {
	passphrase string
	ids        map[asset]contractID
	assets     map[contractID]asset
}

func newAssetContracts(passphrase string) *assetContracts {
	c := &assetContracts{passphrase: passphrase, ids: map[asset]contractID{}, assets: map[contractID]asset{}}
	c.deploy(asset{})
	return c
}

// deploy returns the id of the contract of an asset.
func (c *assetContracts) deploy(a asset) contractID {
	if id, ok := c.ids[a]; ok {
		return id
	}
	raw, err := a.xdr().ContractID(c.passphrase)
	if err != nil {
		return contractID{}
	}
	c.ids[a], c.assets[raw] = raw, a
	return raw
}

// moverOf is the contract that only the operator may call: it does what it is told to.
func moverOf(passphrase string) contractID { return sha256.Sum256([]byte("mover of " + passphrase)) }

// change does what a contract wants done to balances and tells whether that was possible.
func (d *draft) change(c change) bool {
	if c.kind == forgedChange {
		return true
	}
	if c.asset.native() && c.kind != transferChange {
		return false // nobody makes lumens, or takes them back
	}
	return (!takes(c.kind) || d.take(c.from, c.asset, c.amount)) && (!gives(c.kind) || d.give(c.to, c.asset, c.amount))
}

func (d *draft) take(from holder, of asset, amount int64) bool {
	if !from.contract {
		return leave(d, from.id, of, amount) == xdr.PaymentResultCodePaymentSuccess
	}
	h := holding{contractID(from.id), of}
	if d.holds(h) < amount {
		return false
	}
	d.held[h] = d.holds(h) - amount
	return true
}

func (d *draft) give(to holder, of asset, amount int64) bool {
	if !to.contract {
		return arrive(d, to.id, of, amount) == xdr.PaymentResultCodePaymentSuccess
	}
	h := holding{contractID(to.id), of}
	if d.holds(h) > maxLine-amount {
		return false
	}
	d.held[h] = d.holds(h) + amount
	return true
}

// effects of a change: who holds less, then who holds more. Those of contracts are told of under the source.
func (c change) effects(source party) []effect {
	var all []effect
	if takes(c.kind) {
		all = append(all, c.from.effect(source, debited(c.from.party, c.asset, c.amount), contractDebited))
	}
	if gives(c.kind) {
		all = append(all, c.to.effect(source, credited(c.to.party, c.asset, c.amount), contractCredited))
	}
	return all
}

func (h holder) effect(source party, e effect, ofContract effectKind) effect {
	if h.contract {
		e.kind, e.who, e.contract = ofContract, source, h.address
	}
	return e
}

// told is how the contract of an asset tells of a change: what an issuer sends comes into being, what it gets is gone.
func (c change) told() change {
	if c.kind != transferChange || c.asset.native() {
		return c
	}
	sends := !c.from.contract && c.from.id == c.asset.issuer
	gets := !c.to.contract && c.to.id == c.asset.issuer
	switch {
	case sends && !gets:
		c.kind, c.from = mintChange, holder{}
	case gets && !sends:
		c.kind, c.to = burnChange, holder{}
	}
	return c
}
