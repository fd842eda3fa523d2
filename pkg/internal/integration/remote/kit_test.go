package remote_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/anchortest"
	"github.com/anchorkit/anchor/pkg/internal/integration/remote"
)

// till is what a business' server keeps of payouts: each key is paid once.
type till struct {
	mu   sync.Mutex
	paid map[string]int
}

func (k *till) answer(path string, asked map[string]any) (int, any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch path {
	case "/v1/rails/bank/execute":
		k.paid[asked["key"].(string)] = 1
		return honest(path, asked)
	case "/v1/rails/bank/poll":
		said := []any{}
		for _, p := range asked["payouts"].([]any) {
			one := p.(map[string]any)
			if k.paid[one["key"].(string)] == 0 {
				said = append(said, map[string]any{"key": one["key"], "outcome": "not_known"})
				continue
			}
			said = append(said, polled(map[string]any{"payouts": []any{one}})...)
		}
		return 200, map[string]any{"payouts": said}
	}
	return honest(path, asked)
}

func TestARailOverHTTP_keeps_the_rules_of_rails(t *testing.T) {
	t.Parallel()
	k, s := &till{paid: map[string]int{}}, newServer(t)
	s.answer = k.answer
	o := options(s.URL, key("k1"))
	o.Parts.Rails["bank"] = remote.RailTerms{SameKeySafeFor: time.Hour}
	anchortest.CheckRails(t, newBusinessWith(t, o).Rails["bank"], anchortest.RailOptions{
		Paid: func(_ context.Context, key anchor.PayoutKey) (int, error) {
			k.mu.Lock()
			defer k.mu.Unlock()
			return k.paid[string(key)], nil
		},
	})
}
