package sender

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
)

// freshFor is how old a callback may be (SEP-31: one to two minutes).
const freshFor = 2 * time.Minute

// Callbacks receives the status messages of a receiving anchor and keeps those whose signature is right. It is an
// http.Handler and safe for concurrent use.
type Callbacks struct {
	key keypair.KP

	mu      sync.Mutex
	got     map[string][]string // statuses by transaction, in the order in which they came
	refused int
}

// NewCallbacks makes a receiver for the anchor that signs with signingKey (SIGNING_KEY of its stellar.toml).
func NewCallbacks(signingKey string) (*Callbacks, error) {
	key, err := keypair.ParseAddress(signingKey)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	return &Callbacks{key: key, got: map[string][]string{}}, nil
}

func (c *Callbacks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer))
	var message struct {
		Transaction State `json:"transaction"`
	}
	if err == nil {
		err = c.verify(r, body)
	}
	if err == nil {
		err = json.Unmarshal(body, &message)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.refused++
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.got[message.Transaction.ID] = append(c.got[message.Transaction.ID], message.Transaction.Status)
	w.WriteHeader(http.StatusNoContent)
}

// verify checks who sent a message, and when (SEP-31 "Callback Signature").
func (c *Callbacks) verify(r *http.Request, body []byte) error {
	var at, signature string
	for part := range strings.SplitSeq(r.Header.Get("Signature"), ",") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "t":
			at = value
		case "s":
			signature = value
		}
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return fmt.Errorf("the signature has no time: %w", err)
	}
	if age := time.Since(time.Unix(seconds, 0)); age > freshFor || age < -freshFor {
		return fmt.Errorf("the signature is %v old", age)
	}
	raw, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return fmt.Errorf("the signature is not base64: %w", err)
	}
	return c.key.Verify(fmt.Appendf(nil, "%s.%s.%s", at, r.Host, body), raw)
}

// Statuses are what was said of a transaction so far, in order.
func (c *Callbacks) Statuses(transactionID string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.got[transactionID]...)
}

// Refused counts messages that were no proper ones: a wrong signature, or too old.
func (c *Callbacks) Refused() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused
}
