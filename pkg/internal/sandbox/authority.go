package sandbox

import (
	"crypto/ed25519"
	"crypto/sha256"

	"github.com/stellar/go-stellar-sdk/xdr"
)

// authority weighs the signatures of one transaction. Checking a signature is the dearest step of a transaction, so
// its answers are remembered; they do not depend on the ledger. Not safe for concurrent use.
type authority struct {
	hash       [32]byte
	signatures []xdr.DecoratedSignature
	known      map[signing]bool
}

type signing struct {
	signature int
	key       [32]byte
}

func newAuthority(hash [32]byte, signatures []xdr.DecoratedSignature) *authority {
	return &authority{hash: hash, signatures: signatures, known: map[signing]bool{}}
}

// signed tells whether the signature with this index is that of an ed25519 key.
func (u *authority) signed(i int, key [32]byte) bool {
	s := u.signatures[i]
	if [4]byte(s.Hint) != [4]byte(key[28:]) {
		return false
	}
	at := signing{i, key}
	answer, known := u.known[at]
	if !known {
		answer = len(s.Signature) == ed25519.SignatureSize && ed25519.Verify(key[:], u.hash[:], s.Signature)
		u.known[at] = answer
	}
	return answer
}

func (u *authority) matches(i int, s signer) bool {
	switch s.kind {
	case xdr.SignerKeyTypeSignerKeyTypeEd25519:
		return u.signed(i, s.key)
	case xdr.SignerKeyTypeSignerKeyTypeHashX:
		return sha256.Sum256(u.signatures[i].Signature) == s.key
	default:
		return false
	}
}

// learn checks the signatures of these keys ahead of time, outside any lock.
func (u *authority) learn(keys [][32]byte) {
	for _, key := range keys {
		for i := range u.signatures {
			u.signed(i, key)
		}
	}
}

// hearing is one look at a transaction's signatures: which of them counted for something.
type hearing struct {
	*authority
	used []bool
}

func (u *authority) hear() *hearing {
	return &hearing{authority: u, used: make([]bool, len(u.signatures))}
}

// reaches tells whether the signatures of these signers weigh enough. Without any signature it is never enough.
func (h *hearing) reaches(signers []signer, needed int) bool {
	weight := 0
	counted := make([]bool, len(signers))
	for n, s := range signers {
		if s.kind == xdr.SignerKeyTypeSignerKeyTypePreAuthTx && s.key == h.hash {
			counted[n] = true
			weight += int(s.weight)
			if weight >= needed {
				return true
			}
		}
	}
	for i := range h.signatures {
		for n, s := range signers {
			if counted[n] || !h.matches(i, s) {
				continue
			}
			counted[n], h.used[i] = true, true
			weight += int(s.weight)
			if weight >= needed {
				return true
			}
			break
		}
	}
	return false
}

func (h *hearing) allUsed() bool {
	for _, used := range h.used {
		if !used {
			return false
		}
	}
	return true
}

// allSigners are those who weigh something for an account, its own key included.
func (a *account) allSigners() []signer {
	all := make([]signer, 0, len(a.signers)+1)
	if w := a.thresholds[masterWeight]; w > 0 {
		all = append(all, signer{kind: xdr.SignerKeyTypeSignerKeyTypeEd25519, key: a.id, weight: w})
	}
	return append(all, a.signers...)
}

// dropPreAuthorized removes the signer that was this one transaction.
func (a *account) dropPreAuthorized(hash [32]byte) bool {
	at := a.signerIndex(signer{kind: xdr.SignerKeyTypeSignerKeyTypePreAuthTx, key: hash})
	if at < 0 {
		return false
	}
	a.signers = append(a.signers[:at:at], a.signers[at+1:]...)
	return true
}
