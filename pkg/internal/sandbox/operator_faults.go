package sandbox

import (
	"fmt"
	"net/http"
	"time"
)

// faultOrder is one fault that the operator plans.
type faultOrder struct {
	Kind       string `json:"kind"`
	Times      int    `json:"times"`       // default 1; negative: until cleared
	Path       string `json:"path"`        // with which paths begin
	Status     int    `json:"status"`      // of answer
	RetryAfter int    `json:"retry_after"` // seconds, of answer with 429
	Ledgers    int    `json:"ledgers"`     // of delay
	Smooth     bool   `json:"smooth"`      // of cut
}

func (n *Network) orderFault(read func(any) error) (any, error) {
	body := faultOrder{Times: 1, RetryAfter: 1}
	if err := read(&body); err != nil {
		return nil, err
	}
	return n.state(body.plan(n.faults))
}

func (n *Network) orderNoFaults(func(any) error) (any, error) {
	n.faults.Clear()
	return n.state(nil)
}

func (o faultOrder) plan(f *Faults) error {
	switch o.Kind {
	case "answer":
		return o.planAnswer(f)
	case "drop":
		f.DropConnections(o.Times)
	case "lose":
		f.LoseAnswers(o.Times, o.Path)
	case "cut":
		f.CutAnswers(o.Times, o.Path, o.Smooth)
	case "delay":
		f.DelaySubmissions(o.Times, o.Ledgers)
	case "never":
		f.TimeOutSubmissions(o.Times, false)
	case "later":
		f.TryAgainLater(o.Times)
	case "silence":
		f.SilenceStreams(true)
	case "speak":
		f.SilenceStreams(false)
	case "cut_streams":
		f.CutStreams()
	case "fail_streams":
		f.FailStreams()
	case "forget_now":
		f.ForgetNow(true)
	default:
		return fmt.Errorf("not a kind of fault: %q", o.Kind)
	}
	return nil
}

func (o faultOrder) planAnswer(f *Faults) error {
	switch {
	case o.Status < 400 || o.Status > 599:
		return fmt.Errorf("not the status of an error: %d", o.Status)
	case o.Status == http.StatusTooManyRequests:
		f.Limit(time.Duration(o.RetryAfter)*time.Second, o.Times, o.Path)
	default:
		f.Answer(o.Status, o.Times, o.Path)
	}
	return nil
}
