package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	rpcwire "github.com/stellar/go-stellar-sdk/protocols/rpc"
)

// The codes of JSON-RPC 2.0.
const (
	rpcUnreadable    = -32700
	rpcInvalid       = -32600
	rpcUnknownMethod = -32601
	rpcBadParams     = -32602
	rpcInternal      = -32603
)

// rpcError is a refusal in the words of JSON-RPC.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *rpcError) Error() string { return e.Message }

func rpcRefused(code int, format string, about ...any) *rpcError {
	return &rpcError{code, fmt.Sprintf(format, about...)}
}

type rpcRequest struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

type rpcResponse struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

// postRPC is a Stellar RPC server over the same ledgers. Like a real one it answers refusals with the status 200.
func (n *Network) postRPC(x *exchange) *problem {
	var request rpcRequest
	response := rpcResponse{Version: "2.0", ID: json.RawMessage("null")}
	err := json.NewDecoder(http.MaxBytesReader(x.w, x.r.Body, maxBody)).Decode(&request)
	switch {
	case err != nil:
		response.Error = rpcRefused(rpcUnreadable, "the request cannot be read")
	case request.Version != "2.0" || request.Method == "":
		response.Error = rpcRefused(rpcInvalid, "this is no JSON-RPC 2.0 request")
	default:
		response.Result, response.Error = n.answerRPC(request)
	}
	if len(request.ID) > 0 {
		response.ID = request.ID
	}
	text, err := json.Marshal(response)
	if err != nil {
		return serverError()
	}
	x.w.Header().Set("Content-Type", "application/json")
	_, _ = x.w.Write(text) // a client that is gone needs no answer
	return nil
}

func (n *Network) answerRPC(request rpcRequest) (any, *rpcError) {
	switch request.Method {
	case rpcwire.GetNetworkMethodName:
		return rpcwire.GetNetworkResponse{Passphrase: n.opts.Passphrase, ProtocolVersion: protocol}, nil
	case rpcwire.GetHealthMethodName:
		return n.rpcHealth(), nil
	case rpcwire.GetLatestLedgerMethodName:
		return withoutParams(n.rpcLatestLedger)
	case rpcwire.GetLedgersMethodName:
		return withParams(request.Params, n.rpcLedgers)
	case rpcwire.GetTransactionMethodName:
		return withParams(request.Params, n.rpcTransaction)
	case rpcwire.SendTransactionMethodName:
		return withParams(request.Params, n.rpcSend)
	default:
		return nil, rpcRefused(rpcUnknownMethod, "method not found")
	}
}

func withoutParams[R any](answer func() (R, error)) (any, *rpcError) {
	result, err := answer()
	if err != nil {
		return nil, asRPCError(err)
	}
	return result, nil
}

func withParams[P, R any](text json.RawMessage, answer func(P) (R, error)) (any, *rpcError) {
	var params P
	if json.Unmarshal(text, &params) != nil {
		return nil, rpcRefused(rpcBadParams, "invalid parameters")
	}
	return withoutParams(func() (R, error) { return answer(params) })
}

func asRPCError(err error) *rpcError {
	var refused *rpcError
	if errors.As(err, &refused) {
		return refused
	}
	return rpcRefused(rpcInternal, "%s", err.Error())
}
