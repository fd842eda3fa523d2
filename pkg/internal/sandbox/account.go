package sandbox

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stellar/go-stellar-sdk/xdr"
)

// accountID is the public key of an account.
type accountID [32]byte

func accountOf(id xdr.AccountId) accountID {
	if id.Ed25519 == nil {
		return accountID{}
	}
	return accountID(*id.Ed25519)
}

func (id accountID) address() string {
	return encodeKey(strkey.VersionByteAccountID, id[:])
}

func encodeKey(version strkey.VersionByte, key []byte) string {
	text, err := strkey.Encode(version, key)
	if err != nil {
		return ""
	}
	return text
}

// asset is a credit asset; the zero value is the native one.
type asset struct {
	code   string
	issuer accountID
}

func (a asset) native() bool { return a.code == "" }

func (a asset) kind() string {
	switch {
	case a.native():
		return "native"
	case len(a.code) <= 4:
		return "credit_alphanum4"
	default:
		return "credit_alphanum12"
	}
}

func (a asset) issuerAddress() string {
	if a.native() {
		return ""
	}
	return a.issuer.address()
}

// String is "native" or CODE:ISSUER.
func (a asset) String() string {
	if a.native() {
		return "native"
	}
	return a.code + ":" + a.issuer.address()
}

// assetOf reads an asset; false if its code is not one that a ledger accepts.
func assetOf(a xdr.Asset) (asset, bool) {
	switch {
	case a.Type == xdr.AssetTypeAssetTypeNative:
		return asset{}, true
	case a.AlphaNum4 != nil:
		return creditAsset(a.AlphaNum4.AssetCode[:], 1, a.AlphaNum4.Issuer)
	case a.AlphaNum12 != nil:
		return creditAsset(a.AlphaNum12.AssetCode[:], 5, a.AlphaNum12.Issuer)
	}
	return asset{}, false
}

func creditAsset(padded []byte, least int, issuer xdr.AccountId) (asset, bool) {
	code := bytes.TrimRight(padded, "\x00")
	if len(code) < least || strings.Trim(string(code), alphanumerics) != "" || bytes.ContainsRune(code, 0) {
		return asset{}, false
	}
	for _, c := range code {
		if !strings.ContainsRune(alphanumerics, rune(c)) {
			return asset{}, false
		}
	}
	return asset{code: string(code), issuer: accountOf(issuer)}, true
}

// readAsset reads "native" or CODE:ISSUER.
func readAsset(text string) (asset, bool) {
	if text == "native" {
		return asset{}, true
	}
	code, issuer, _ := strings.Cut(text, ":")
	id, p := readAccount(issuer)
	if p != nil || code == "" || len(code) > 12 || strings.Trim(code, alphanumerics) != "" {
		return asset{}, false
	}
	a := asset{code: code, issuer: id}
	_, ok := assetOf(a.xdr())
	return a, ok
}

// xdr is the asset as ledgers write it.
func (a asset) xdr() xdr.Asset {
	switch {
	case a.native():
		return xdr.Asset{Type: xdr.AssetTypeAssetTypeNative}
	case len(a.code) <= 4:
		short := xdr.AlphaNum4{Issuer: accountXDR(a.issuer)}
		copy(short.AssetCode[:], a.code)
		return xdr.Asset{Type: xdr.AssetTypeAssetTypeCreditAlphanum4, AlphaNum4: &short}
	default:
		long := xdr.AlphaNum12{Issuer: accountXDR(a.issuer)}
		copy(long.AssetCode[:], a.code)
		return xdr.Asset{Type: xdr.AssetTypeAssetTypeCreditAlphanum12, AlphaNum12: &long}
	}
}

func accountXDR(id accountID) xdr.AccountId {
	key := xdr.Uint256(id)
	return xdr.AccountId{Type: xdr.PublicKeyTypePublicKeyTypeEd25519, Ed25519: &key}
}

const alphanumerics = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// trustline is what an account holds of one asset, in units of 10^-7.
type trustline struct {
	asset          asset
	balance, limit int64
	authorized     bool
	modified       uint32
}

// signer is one who may sign for an account besides its own key.
type signer struct {
	kind    xdr.SignerKeyType
	key     [32]byte
	weight  uint8
	address string
}

func (s signer) same(other signer) bool { return s.kind == other.kind && s.key == other.key }

type dataEntry struct {
	name  string
	value []byte
}

const (
	masterWeight = iota
	lowThreshold
	mediumThreshold
	highThreshold
)

// account is the state of one account after the last ledger.
type account struct {
	id       accountID
	address  string
	balance  int64 // stroops
	sequence int64
	// usedLedger and usedTime tell when the sequence number last moved; zero: never.
	usedLedger     uint32
	usedTime       int64
	lines          []trustline
	signers        []signer
	data           []dataEntry
	flags          uint32
	thresholds     [4]uint8
	homeDomain     string
	inflation      string
	modified       uint32
	modifiedSecond int64
}

func newAccount(id accountID, balance, sequence int64) *account {
	return &account{id: id, address: id.address(), balance: balance, sequence: sequence, thresholds: [4]uint8{masterWeight: 1}}
}

func (a *account) clone() *account {
	c := *a
	c.lines = slices.Clone(a.lines)
	c.signers = slices.Clone(a.signers)
	c.data = slices.Clone(a.data)
	return &c
}

func (a *account) subentries() int { return len(a.lines) + len(a.signers) + len(a.data) }

func (a *account) reserve() int64 { return int64(2+a.subentries()) * baseReserve }

// available is what may be spent: the native balance beyond the reserve.
func (a *account) available() int64 { return a.balance - a.reserve() }

// holdsReserveForOneMore tells whether another subentry may be created.
func (a *account) holdsReserveForOneMore() bool { return a.available() >= baseReserve }

func (a *account) line(of asset) *trustline {
	for i := range a.lines {
		if a.lines[i].asset == of {
			return &a.lines[i]
		}
	}
	return nil
}

func (a *account) addLine(l trustline) {
	a.lines = append(a.lines, l)
	slices.SortFunc(a.lines, func(x, y trustline) int {
		return cmp.Or(cmp.Compare(x.asset.code, y.asset.code), bytes.Compare(x.asset.issuer[:], y.asset.issuer[:]))
	})
}

func (a *account) dropLine(of asset) {
	a.lines = slices.DeleteFunc(a.lines, func(l trustline) bool { return l.asset == of })
}

func (a *account) signerIndex(s signer) int { return slices.IndexFunc(a.signers, s.same) }

func (a *account) dataIndex(name string) (int, bool) {
	return slices.BinarySearchFunc(a.data, name, func(e dataEntry, n string) int { return cmp.Compare(e.name, n) })
}
