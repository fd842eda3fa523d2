package sandbox

import (
	"crypto/sha256"

	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/xdr"
)

// resourceFee is what the operator's calls of contracts pay beside the fee of their operation, in stroops.
const resourceFee = 20_000

func invoked(code xdr.InvokeHostFunctionResultCode, name string) outcome {
	return inner(name, xdr.OperationResultTr{
		Type: xdr.OperationTypeInvokeHostFunction, InvokeHostFunctionResult: &xdr.InvokeHostFunctionResult{Code: code},
	})
}

func trapped() outcome {
	return invoked(xdr.InvokeHostFunctionResultCodeInvokeHostFunctionTrapped, "function_trapped")
}

func checkInvoke(op *xdr.InvokeHostFunctionOp) outcome {
	call := op.HostFunction.InvokeContract
	if call == nil || call.ContractAddress.ContractId == nil {
		return notSupported()
	}
	return outcome{name: success}
}

// applyInvoke does what the contract of an asset, or the operator's, is called for. There are no other contracts.
func applyInvoke(d *draft, source party, op *xdr.InvokeHostFunctionOp) outcome {
	call := op.HostFunction.InvokeContract
	asked, ok := d.terms.asked(call, source)
	if !ok {
		return trapped()
	}
	done := outcome{}
	for _, c := range asked {
		if !d.change(c) {
			return trapped()
		}
		c = c.told()
		done.events = append(done.events, c.event(d.terms.contracts))
		if c.kind != forgedChange {
			done.changes = append(done.changes, c)
			done.effects = append(done.effects, c.effects(source)...)
		}
	}
	preimage, err := xdr.InvokeHostFunctionSuccessPreImage{ReturnValue: voidValue(), Events: done.events}.MarshalBinary()
	if err != nil {
		return trapped()
	}
	returned := invoked(xdr.InvokeHostFunctionResultCodeInvokeHostFunctionSuccess, success)
	hash := xdr.Hash(sha256.Sum256(preimage))
	returned.result.Tr.InvokeHostFunctionResult.Success = &hash
	done.name, done.result = returned.name, returned.result
	return done
}

// asked are the changes that a call wants; false if there is no such contract or function, or it is not for this caller.
func (t *terms) asked(call *xdr.InvokeContractArgs, source party) ([]change, bool) {
	id := contractID(*call.ContractAddress.ContractId)
	if id == t.mover {
		return movesAsked(call, source.id == t.operator)
	}
	of, ok := t.contracts.assets[id]
	if !ok {
		return nil, false
	}
	c, ok := tokenCall(call, of, source.id)
	return []change{c}, ok
}

func movesAsked(call *xdr.InvokeContractArgs, allowed bool) ([]change, bool) {
	var all []change
	for _, arg := range call.Args {
		c, ok := changeFrom(arg)
		if !ok {
			return nil, false
		}
		all = append(all, c)
	}
	return all, allowed
}

// tokenCall reads a call of the contract of an asset (SEP-41). Only the source of the operation can allow what is done.
func tokenCall(call *xdr.InvokeContractArgs, of asset, source accountID) (change, bool) {
	c := change{kind: string(call.FunctionName), asset: of}
	holders := map[string]int{transferChange: 2, mintChange: 1, burnChange: 1, clawbackChange: 1}[c.kind]
	if holders == 0 || len(call.Args) != holders+1 {
		return c, false
	}
	var ok bool
	if c.amount, ok = amountFrom(call.Args[holders]); !ok {
		return c, false
	}
	args := call.Args[:holders]
	if takes(c.kind) {
		if c.from, ok = holderFrom(args[0]); !ok || c.from.muxed != "" {
			return c, false
		}
		args = args[1:]
	}
	if gives(c.kind) {
		if c.to, ok = holderFrom(args[0]); !ok {
			return c, false
		}
	}
	if c.kind == mintChange || c.kind == clawbackChange {
		return c, !of.native() && of.issuer == source
	}
	return c, !c.from.contract && c.from.id == source
}

// isContractCall tells whether a transaction is one that calls contracts.
func isContractCall(tx *xdr.Transaction) bool {
	for i := range tx.Operations {
		if tx.Operations[i].Body.Type == xdr.OperationTypeInvokeHostFunction {
			return true
		}
	}
	return false
}

// MoveByContract queues a transaction of the operator's that calls a contract which makes these changes, in this order
// and without asking anybody, by calls of the contracts of the assets. It returns the hash. If one of them is impossible
// the transaction fails in its ledger. Errors: a change that is none; *RefusedError.
func (n *Network) MoveByContract(memo xdr.Memo, changes ...AssetChange) (string, error) {
	args := make([]xdr.ScVal, len(changes))
	for i, c := range changes {
		read, err := c.read()
		if err != nil {
			return "", err
		}
		args[i] = read.value()
	}
	mover := xdr.ContractId(n.terms.mover)
	body := xdr.OperationBody{
		Type: xdr.OperationTypeInvokeHostFunction,
		InvokeHostFunctionOp: &xdr.InvokeHostFunctionOp{HostFunction: xdr.HostFunction{
			Type: xdr.HostFunctionTypeHostFunctionTypeInvokeContract,
			InvokeContract: &xdr.InvokeContractArgs{
				ContractAddress: xdr.ScAddress{Type: xdr.ScAddressTypeScAddressTypeContract, ContractId: &mover},
				FunctionName:    "move", Args: args,
			},
		}},
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	s, err := n.submitAsOperator(body, memo)
	if err != nil {
		return "", err
	}
	return s.hashHex, nil
}

// submitAsOperator queues friendbot's next transaction; n.mu is held.
func (n *Network) submitAsOperator(body xdr.OperationBody, memo xdr.Memo) (*submission, error) {
	from := keyOf(n.friendbot)
	sequence := n.accounts[from].sequence
	if q := n.promised[from]; q != nil && q.sequence != 0 {
		sequence = q.sequence
	}
	source := xdr.Uint256(from)
	tx := xdr.Transaction{
		SourceAccount: xdr.MuxedAccount{Type: xdr.CryptoKeyTypeKeyTypeEd25519, Ed25519: &source},
		Fee:           xdr.Uint32(n.rate()), SeqNum: xdr.SequenceNumber(sequence + 1),
		Cond: xdr.Preconditions{Type: xdr.PreconditionTypePrecondNone}, Memo: memo, Operations: []xdr.Operation{{Body: body}},
	}
	if isContractCall(&tx) {
		tx.Fee += resourceFee
		tx.Ext = xdr.TransactionExt{V: 1, SorobanData: &xdr.SorobanTransactionData{ResourceFee: resourceFee}}
	}
	envelope, err := n.signAsOperator(tx)
	if err != nil {
		return nil, err
	}
	s, err := decode(envelope, n.opts.Passphrase)
	if err != nil {
		return nil, err
	}
	return n.enqueue(s)
}

func (n *Network) signAsOperator(tx xdr.Transaction) (string, error) {
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
