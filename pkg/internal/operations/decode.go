package operations

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/apikeys"
	"github.com/anchorkit/anchor/pkg/internal/decision"
	"github.com/anchorkit/anchor/pkg/internal/jsonbody"
)

// readVerdict reads what was decided about a customer. A verdict that leaves something out which must be there is refused.
func readVerdict(r *http.Request) (anchor.Verdict, error) {
	var said decision.Verdict
	if err := read(r, &said); err != nil {
		return anchor.Verdict{}, err
	}
	if said.Version != nil && *said.Version < 1 {
		return anchor.Verdict{}, anchor.Refuse("version must be that of the customer that was judged, from 1 on; leave it out for whatever is there now")
	}
	verdict, err := said.Read()
	if err != nil {
		return anchor.Verdict{}, anchor.Refuse(err.Error())
	}
	return verdict, nil
}

// readOutcome reads what became of an attempt. The key may be repeated in the body, and is then the same.
func readOutcome(r *http.Request, key anchor.PayoutKey) (decision.Outcome, anchor.Outcome, error) {
	var said decision.Outcome
	if err := read(r, &said); err != nil {
		return said, anchor.Outcome{}, err
	}
	if slices.Contains([]anchor.OutcomeKind{decision.Unknown, anchor.OutcomeNotKnown, anchor.OutcomeNotSent}, said.Outcome) {
		return said, anchor.Outcome{}, anchor.Refusef("%s is an answer to a question and no news: report delivered, accepted, failed, refund, needs_info or returned", said.Outcome)
	}
	outcome, err := said.Read()
	switch {
	case err != nil:
		return said, outcome, anchor.Refuse(err.Error())
	case said.Key != "" && said.Key != key:
		return said, outcome, anchor.Refuse("the body is about another key than the path")
	case (said.Amount == "") != (said.Asset == ""):
		return said, outcome, anchor.Refuse("amount and asset go together")
	}
	said.Key = key
	return said, outcome, nil
}

// read reads a body strictly: whoever misspells a key must not be thought to have left it out.
func read(r *http.Request, into any) error {
	raw, err := jsonbody.Raw(r)
	if err != nil {
		return err
	}
	if err := jsonbody.Strict(raw, into); err != nil {
		return anchor.Refuse("the body " + err.Error())
	}
	return nil
}

// requestOf is a request as it is compared with those that came under the same Idempotency-Key.
func requestOf(r *http.Request, said any) (apikeys.Request, error) {
	content, err := json.Marshal(said)
	if err != nil {
		return apikeys.Request{}, fmt.Errorf("mark the request: %w", err)
	}
	request := apikeys.Request{Content: fmt.Appendf(nil, "%s %s\n%s", r.Method, r.URL.Path, content)}
	switch keys := r.Header.Values("Idempotency-Key"); len(keys) {
	case 0:
	case 1:
		request.IdempotencyKey = &keys[0]
	default:
		return apikeys.Request{}, anchor.Refuse("Idempotency-Key must be given once")
	}
	return request, nil
}
