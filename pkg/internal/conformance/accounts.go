package conformance

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
)

// submitWithin is for how long the envelope of an account's options is good, in seconds.
const submitWithin = 300

// sharing is how the signers of an account share it.
type sharing struct {
	master  uint8   // weight of its own key
	medium  uint8   // threshold
	weights []uint8 // of further signers
}

// shared makes an account on the test network and gives it further signers.
func (v *visit) shared(s sharing) (*keypair.Full, []*keypair.Full, error) {
	account, err := keypair.Random()
	if err != nil {
		return nil, nil, err
	}
	if _, err := v.demand(get(v.Horizon+"/friendbot", url.Values{"addr": {account.Address()}}), http.StatusOK); err != nil {
		return nil, nil, fmt.Errorf("an account on the test network: %w", err)
	}
	signers := make([]*keypair.Full, len(s.weights))
	for i := range signers {
		if signers[i], err = keypair.Random(); err != nil {
			return nil, nil, err
		}
	}
	if err := v.submit(account, s.operations(signers)); err != nil {
		return nil, nil, fmt.Errorf("the signers of an account on the test network: %w", err)
	}
	return account, signers, nil
}

// operations give the account its signers; the last one also its weights and thresholds, since it may end the master key's power.
func (s sharing) operations(signers []*keypair.Full) []txnbuild.Operation {
	var list []txnbuild.Operation
	for i, signer := range signers {
		list = append(list, &txnbuild.SetOptions{
			Signer: &txnbuild.Signer{Address: signer.Address(), Weight: txnbuild.Threshold(s.weights[i])},
		})
	}
	return append(list, &txnbuild.SetOptions{
		MasterWeight: txnbuild.NewThreshold(txnbuild.Threshold(s.master)), LowThreshold: txnbuild.NewThreshold(1),
		MediumThreshold: txnbuild.NewThreshold(txnbuild.Threshold(s.medium)), HighThreshold: txnbuild.NewThreshold(txnbuild.Threshold(s.medium)),
	})
}

func (v *visit) submit(account *keypair.Full, operations []txnbuild.Operation) error {
	sequence, err := v.sequenceOf(account.Address())
	if err != nil {
		return err
	}
	tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount:        &txnbuild.SimpleAccount{AccountID: account.Address(), Sequence: sequence},
		IncrementSequenceNum: true, Operations: operations, BaseFee: txnbuild.MinBaseFee,
		Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewTimeout(submitWithin)},
	})
	if err != nil {
		return err
	}
	envelope, err := v.signedBy(tx, account)
	if err != nil {
		return err
	}
	form := url.Values{"tx": {envelope}}.Encode()
	_, err = v.demand(request{
		method: http.MethodPost, url: v.Horizon + "/transactions", kind: "application/x-www-form-urlencoded", body: []byte(form),
	}, http.StatusOK)
	return err
}

func (v *visit) sequenceOf(account string) (int64, error) {
	a, err := v.demand(get(v.Horizon+"/accounts/"+account, nil), http.StatusOK)
	if err != nil {
		return 0, err
	}
	value, err := decode(a.body)
	fields, ok := value.(map[string]any)
	if err != nil || !ok {
		return 0, expected("an account", a)
	}
	return strconv.ParseInt(textOf(fields, "sequence"), 10, 64)
}
