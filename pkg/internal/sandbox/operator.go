package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/stellar/go-stellar-sdk/amount"
	"github.com/stellar/go-stellar-sdk/xdr"
)

// order is something that the operator asks for; its answer is written as JSON.
type order func(read func(into any) error) (any, error)

// routeOperator serves what the operator of the network, or a test in another process, sets and asks for. Neither faults
// nor the rate limit touch it.
func (n *Network) routeOperator(mux *http.ServeMux) {
	for pattern, do := range map[string]order{
		"GET /sandbox":           n.orderState,
		"POST /sandbox/ledgers":  n.orderLedgers,
		"POST /sandbox/reset":    n.orderReset,
		"POST /sandbox/forget":   n.orderForget,
		"POST /sandbox/surge":    n.orderSurge,
		"POST /sandbox/rates":    n.orderRate,
		"POST /sandbox/contract": n.orderContract,
		"POST /sandbox/history":  n.orderHistory,
		"POST /sandbox/faults":   n.orderFault,
		"DELETE /sandbox/faults": n.orderNoFaults,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { n.serveOrder(w, r, do) })
	}
}

func (n *Network) serveOrder(w http.ResponseWriter, r *http.Request, do order) {
	x := &exchange{w: w, r: r, network: n}
	answer, err := do(func(into any) error { return readOrder(x, into) })
	if err != nil {
		x.refuse(newProblem(http.StatusBadRequest, "bad_request", "Bad Request", err.Error()))
		return
	}
	body, err := json.Marshal(answer)
	if err != nil {
		x.refuse(serverError())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n')) // a client that is gone needs no answer
}

// readOrder reads the body, which may be empty.
func readOrder(x *exchange, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(x.w, x.r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("the order cannot be read: %w", err)
	}
	return nil
}

// stateAnswer is what GET /sandbox tells.
type stateAnswer struct {
	Latest   int64  `json:"latest_ledger"`
	Elder    int64  `json:"elder_ledger"`
	Queued   int    `json:"queued_transactions"`
	Late     int    `json:"late_transactions"`
	Streams  int    `json:"open_streams"`
	LeastFee int64  `json:"least_fee"`
	Market   string `json:"market_account"`
	Operator string `json:"operator_account"`
}

func (n *Network) orderState(func(any) error) (any, error) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return stateAnswer{
		Latest: int64(n.latest().sequence), Elder: int64(n.elder), Queued: len(n.queue), Late: len(n.late), Streams: n.streams,
		LeastFee: n.rate(), Market: n.terms.market.maker.address, Operator: n.terms.operator.address(),
	}, nil
}

func (n *Network) state(err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return n.orderState(nil)
}

func (n *Network) orderLedgers(read func(any) error) (any, error) {
	const most = 10_000
	body := struct {
		Count int `json:"count"`
	}{Count: 1}
	if err := read(&body); err != nil {
		return nil, err
	}
	if body.Count < 1 || body.Count > most {
		return nil, fmt.Errorf("count must be from 1 to %d", most)
	}
	for range body.Count {
		n.CloseLedger()
	}
	return n.state(nil)
}

func (n *Network) orderReset(func(any) error) (any, error) {
	n.Reset()
	return n.state(nil)
}

func (n *Network) orderForget(read func(any) error) (any, error) {
	var body struct {
		Before int64 `json:"before_ledger"`
	}
	if err := read(&body); err != nil {
		return nil, err
	}
	n.Forget(body.Before)
	return n.state(nil)
}

func (n *Network) orderSurge(read func(any) error) (any, error) {
	var body struct {
		Stroops int64 `json:"stroops"`
	}
	if err := read(&body); err != nil {
		return nil, err
	}
	n.SetSurge(body.Stroops)
	return n.state(nil)
}

func (n *Network) orderRate(read func(any) error) (any, error) {
	var body struct {
		Give  string `json:"give"`
		Get   string `json:"get"`
		Price string `json:"price"` // how much of get for one of give, at most 7 digits; 0 ends it
	}
	if err := read(&body); err != nil {
		return nil, err
	}
	units, err := amount.ParseInt64(body.Price)
	if err != nil {
		return nil, fmt.Errorf("price: %w", err)
	}
	return n.state(n.SetRate(body.Give, body.Get, units))
}

func (n *Network) orderContract(read func(any) error) (any, error) {
	var body struct {
		memoOrder
		Changes []struct {
			Kind   string `json:"kind"`
			From   string `json:"from"`
			To     string `json:"to"`
			Asset  string `json:"asset"`
			Amount string `json:"amount"`
		} `json:"changes"`
	}
	if err := read(&body); err != nil {
		return nil, err
	}
	memo, err := body.read()
	if err != nil {
		return nil, err
	}
	changes := make([]AssetChange, len(body.Changes))
	for i, c := range body.Changes {
		units, err := amount.ParseInt64(c.Amount)
		if err != nil {
			return nil, fmt.Errorf("amount: %w", err)
		}
		changes[i] = AssetChange{Kind: c.Kind, From: c.From, To: c.To, Asset: c.Asset, Units: units}
	}
	hash, err := n.MoveByContract(memo, changes...)
	return map[string]string{"hash": hash}, err
}

func (n *Network) orderHistory(read func(any) error) (any, error) {
	body := struct {
		memoOrder
		From      string `json:"from"`
		To        string `json:"to"`
		Asset     string `json:"asset"`
		Amount    string `json:"amount"`
		Payments  int    `json:"payments"`
		PerLedger int    `json:"per_ledger"`
	}{PerLedger: 100}
	if err := read(&body); err != nil {
		return nil, err
	}
	units, err := amount.ParseInt64(body.Amount)
	if err != nil {
		return nil, fmt.Errorf("amount: %w", err)
	}
	if body.Payments < 0 || body.Payments > 1_000_000 {
		return nil, errors.New("payments must be from 0 to 1000000")
	}
	memo, err := body.read()
	if err != nil {
		return nil, err
	}
	return n.state(n.Prepare(func(yield func(Movement) bool) {
		for i := range body.Payments {
			m := Movement{From: body.From, To: body.To, Asset: body.Asset, Units: units, Memo: counted(memo, uint64(i))}
			if !yield(m) {
				return
			}
		}
	}, body.PerLedger))
}

// counted is the memo of a payment with this number: an id grows with it, others stay.
func counted(memo xdr.Memo, number uint64) xdr.Memo {
	if memo.Type != xdr.MemoTypeMemoId {
		return memo
	}
	id := *memo.Id + xdr.Uint64(number)
	return xdr.Memo{Type: xdr.MemoTypeMemoId, Id: &id}
}
