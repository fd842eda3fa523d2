package sandbox

import (
	"errors"
	"net/http"

	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/xdr"
)

// ErrFunded is friendbot's refusal of an account that exists.
const ErrFunded = friendbotError("account already funded to starting balance")

type friendbotError string

func (e friendbotError) Error() string { return string(e) }

// Fund queues a transaction by which friendbot creates an account (G…) and returns its hash. Errors: ErrFunded, or the
// address is not one.
func (n *Network) Fund(account string) (string, error) {
	id, p := readAccount(account)
	if p != nil {
		return "", errors.New("not an account: " + account)
	}
	s, err := n.fund(id)
	if err != nil {
		return "", err
	}
	return s.hashHex, nil
}

func (n *Network) fund(id accountID) (*submission, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.accounts[id] != nil {
		return nil, ErrFunded
	}
	envelope, err := n.friendbotEnvelope(id)
	if err != nil {
		return nil, err
	}
	s, err := decode(envelope, n.opts.Passphrase)
	if err != nil {
		return nil, err
	}
	return n.enqueue(s)
}

// friendbotEnvelope signs friendbot's next transaction; n.mu is held.
func (n *Network) friendbotEnvelope(to accountID) (string, error) {
	from := keyOf(n.friendbot)
	sequence := n.accounts[from].sequence
	if q := n.promised[from]; q != nil {
		sequence = q.sequence
	}
	source, destination := xdr.Uint256(from), xdr.Uint256(to)
	tx := xdr.Transaction{
		SourceAccount: xdr.MuxedAccount{Type: xdr.CryptoKeyTypeKeyTypeEd25519, Ed25519: &source},
		Fee:           xdr.Uint32(n.opts.BaseFee), SeqNum: xdr.SequenceNumber(sequence + 1),
		Cond: xdr.Preconditions{Type: xdr.PreconditionTypePrecondNone}, Memo: xdr.Memo{Type: xdr.MemoTypeMemoNone},
		Operations: []xdr.Operation{{Body: xdr.OperationBody{
			Type: xdr.OperationTypeCreateAccount,
			CreateAccountOp: &xdr.CreateAccountOp{
				Destination:     xdr.AccountId{Type: xdr.PublicKeyTypePublicKeyTypeEd25519, Ed25519: &destination},
				StartingBalance: xdr.Int64(n.opts.FriendbotBalance),
			},
		}}},
	}
	hash, err := network.HashTransaction(tx, n.opts.Passphrase)
	if err != nil {
		return "", err
	}
	signature, err := n.friendbot.SignDecorated(hash[:])
	if err != nil {
		return "", err
	}
	return xdr.MarshalBase64(xdr.TransactionEnvelope{
		Type: xdr.EnvelopeTypeEnvelopeTypeTx,
		V1:   &xdr.TransactionV1Envelope{Tx: tx, Signatures: []xdr.DecoratedSignature{signature}},
	})
}

func (n *Network) askFriendbot(x *exchange) *problem {
	text, p := readForm(x, "addr")
	if p != nil {
		return p
	}
	id, p := readAccount(text)
	if p != nil {
		return badRequest("addr", "the address must be an account that starts with `G`")
	}
	s, err := n.fund(id)
	if errors.Is(err, ErrFunded) {
		return newProblem(http.StatusBadRequest, "bad_request", "Bad Request", ErrFunded.Error())
	}
	if err != nil {
		return problemOfSubmission(err)
	}
	return n.await(x, s)
}
