package sandbox

import (
	"strings"

	"github.com/stellar/go-stellar-sdk/xdr"
)

// invocation is what the record of a contract call has.
type invocation struct {
	parameters []parameter
	changes    []change
}

// parameter is one value that a call was given, as base64 of its XDR.
type parameter struct{ value, kind string }

// invocationOf is the record of a call that changed balances; nil if it did not.
func invocationOf(call *xdr.InvokeContractArgs, done outcome) *invocation {
	if len(done.changes) == 0 {
		return nil
	}
	values := []xdr.ScVal{{Type: xdr.ScValTypeScvAddress, Address: &call.ContractAddress}, symbolValue(string(call.FunctionName))}
	i := &invocation{changes: done.changes}
	for _, v := range append(values, call.Args...) {
		text, err := xdr.MarshalBase64(v)
		if err != nil {
			continue
		}
		i.parameters = append(i.parameters, parameter{value: text, kind: valueKind(v.Type)})
	}
	return i
}

// valueKind is the type of a value in Horizon's words.
func valueKind(t xdr.ScValType) string {
	if t == xdr.ScValTypeScvSymbol {
		return "Sym"
	}
	return strings.TrimPrefix(t.String(), "ScValTypeScv")
}

func (i *invocation) print(p *printer) {
	p.plain("function", "HostFunctionTypeHostFunctionTypeInvokeContract")
	p.list("parameters")
	for _, v := range i.parameters {
		p.item()
		p.open('{')
		p.plain("value", v.value)
		p.plain("type", v.kind)
		p.close('}')
	}
	p.close(']')
	p.plain("address", "")
	p.plain("salt", "")
	p.list("asset_balance_changes")
	for _, c := range i.changes {
		p.item()
		c.print(p)
	}
	p.close(']')
}

func (c change) print(p *printer) {
	p.open('{')
	p.asset(c.asset, c.asset.issuerAddress())
	p.plain("type", c.kind)
	if c.from.address != "" {
		p.plain("from", c.from.address)
	}
	if c.to.address != "" {
		p.plain("to", c.to.address)
	}
	p.amount("amount", c.amount)
	if c.to.number != "" {
		p.plain("destination_muxed_id", c.to.number)
	}
	p.close('}')
}
