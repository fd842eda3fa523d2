package sandbox

import (
	"errors"
	"net/http"

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
	return n.submitAsOperator(xdr.OperationBody{
		Type: xdr.OperationTypeCreateAccount,
		CreateAccountOp: &xdr.CreateAccountOp{
			Destination: accountXDR(id), StartingBalance: xdr.Int64(n.opts.FriendbotBalance),
		},
	}, xdr.Memo{})
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
