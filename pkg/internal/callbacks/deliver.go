package callbacks

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/outbound"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Deliver is one pass: it claims what is due and has room, starts its delivery and returns without waiting for the answers.
// It claims nothing once soft has ended; hard ends deliveries under way. worked tells that there may be more to do.
func (s *Service) Deliver(soft, hard context.Context) (worked bool, err error) {
	s.passing.Lock()
	defer s.passing.Unlock()
	if soft.Err() != nil {
		return false, nil
	}
	list, err := s.pick(hard)
	if err != nil {
		return false, err
	}
	// Deliveries end well before their lease does, by a clock that nobody sets.
	deadline := s.options.Now().Add(s.options.lease() * 2 / 3)
	claims, err := s.claim(hard, list)
	if err != nil {
		return false, err
	}
	for _, c := range claims {
		s.underWay.Go(func() { s.deliver(hard, deadline, c) })
	}
	if len(list) > 0 { // also when somebody else was faster: there may be more
		return true, nil
	}
	return false, s.setAlarm(hard)
}

// claimed is a claim with the host whose room it takes.
type claimed struct {
	store.CallbackClaim
	host string
}

func (s *Service) claim(ctx context.Context, list []picked) ([]claimed, error) {
	hosts, ids := map[string]string{}, make([]string, len(list))
	for i, p := range list {
		ids[i], hosts[p.id] = p.id, p.host
	}
	rows, err := s.db.ClaimCallbacks(ctx, ids, s.options.lease())
	if err != nil {
		s.giveRoomBack(list)
		s.scan.whole = time.Time{} // they are to be looked at again
		return nil, err
	}
	claims := make([]claimed, len(rows))
	for i, row := range rows {
		claims[i] = claimed{row, hosts[row.ID]}
		delete(hosts, row.ID)
	}
	for _, host := range hosts { // somebody else has them
		s.gate.cancel(host)
	}
	return claims, nil
}

// setAlarm wakes the loop when the next callback becomes due that was not at the last look, if that is before the interval
// is over.
func (s *Service) setAlarm(ctx context.Context) error {
	wait, ok, err := s.db.NextCallback(ctx, s.scan.looked)
	if err == nil && ok && wait < s.options.Interval {
		s.alarm.Reset(wait)
	}
	return err
}

func (s *Service) deliver(hard context.Context, deadline time.Time, c claimed) {
	ctx, cancel := context.WithDeadline(hard, deadline)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	began := s.options.Now()
	answer, err := s.tell(ctx, &c.CallbackClaim)
	took := s.options.Now().Sub(began)
	if hard.Err() != nil && err != nil { // not the receiver's fault
		s.settle(hard, store.CallbackResult{Claim: c.CallbackClaim, State: store.CallbackPending, Attempts: c.Attempts, Answer: c.LastAnswer})
		s.gate.cancel(c.host)
		return
	}
	result := s.judge(c.CallbackClaim, answer, err)
	s.settle(hard, result)
	s.report(hard, c, result, took)
	s.gate.leave(c.host, took > s.options.SlowAfter || err != nil || answer.Status >= http.StatusInternalServerError)
	s.wake()
}

// errPointless means that there is nobody any more of whom something could be told.
var errPointless = errors.New("there is nothing left to tell")

// tell sends a message. One about a customer says where the customer stands at this moment: only the business can tell what
// is needed of it.
func (s *Service) tell(ctx context.Context, c *store.CallbackClaim) (outbound.Answer, error) {
	if c.SubjectKind != string(store.SubjectCustomer) {
		return s.post(ctx, *c)
	}
	if s.options.CustomerBody == nil {
		return outbound.Answer{}, errors.New("this process cannot tell of customers")
	}
	body, err := s.options.CustomerBody(ctx, c.SubjectID, c.Topic)
	if pointless(err) {
		return outbound.Answer{}, fmt.Errorf("%w: %w", errPointless, err)
	}
	if err != nil {
		s.log.ErrorContext(ctx, "where a customer stands cannot be told", "customer", c.SubjectID, "error", err)
		return outbound.Answer{}, errors.New("where the customer stands could not be found out")
	}
	c.Body = string(body)
	return s.post(ctx, *c)
}

// pointless tells of a customer that it is deleted, or that its type is not offered any more.
func pointless(err error) bool {
	code := anchor.CodeOf(err)
	return err != nil && (code == anchor.CodeNotFound || code == anchor.CodeInvalid)
}

// post sends a message to where its sending anchor wants it at this moment, signed at this moment.
func (s *Service) post(ctx context.Context, c store.CallbackClaim) (outbound.Answer, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" {
		return outbound.Answer{}, errors.New("there is no address that can be called")
	}
	signature, err := s.sign(u.Host, c.Body)
	if err != nil {
		return outbound.Answer{}, err
	}
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("Signature", signature)
	header.Set("X-Stellar-Signature", signature) // the older name of the same, which some receivers still read
	return s.poster.Post(ctx, c.URL, header, []byte(c.Body))
}

// sign makes the value of SEP-31's Signature header for a body that goes to a host. The port belongs to the host when the
// address has one: the SEP does not say, and this is how those before us did it.
func (s *Service) sign(host, body string) (string, error) {
	at := strconv.FormatInt(s.options.Now().Unix(), 10)
	signature, err := s.signer.Sign([]byte(at + "." + host + "." + body))
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return "t=" + at + ", s=" + base64.StdEncoding.EncodeToString(signature), nil
}
