package sep10_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/sep10"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// busyChallenges keeps the first that come waiting until it is released.
type busyChallenges struct {
	usedChallenges
	busy, release chan struct{}
	calls         atomic.Int32
}

func (b *busyChallenges) UseChallenges(ctx context.Context, expires map[string]time.Time) (map[string]bool, error) {
	if b.calls.Add(1) == 1 {
		close(b.busy)
		<-b.release
	}
	return b.usedChallenges.UseChallenges(ctx, expires)
}

func busy() (*busyChallenges, func(*sep10.Deps)) {
	c := &busyChallenges{
		usedChallenges: usedChallenges{used: map[string]time.Time{}}, busy: make(chan struct{}), release: make(chan struct{}),
	}
	return c, func(d *sep10.Deps) { d.Challenges = c }
}

func TestLoginsThatComeWhileTheDatabaseIsBusyAreRememberedTogether(t *testing.T) {
	t.Parallel()
	challenges, with := busy()
	b, client := setup(t, with), keypair.MustRandom()
	same := b.sign(b.challenge("account="+client.Address()), client)
	envelopes := []string{b.sign(b.challenge("account="+client.Address()), client)}
	var asking, group sync.WaitGroup
	var tokens, refused atomic.Int32
	post := func(envelope string) {
		group.Go(func() {
			asking.Done()
			switch b.post(envelope).status {
			case http.StatusOK:
				tokens.Add(1)
			case http.StatusBadRequest:
				refused.Add(1)
			}
		})
	}
	asking.Add(1)
	post(envelopes[0])
	<-challenges.busy
	asking.Add(16)
	for range 8 {
		post(same)
		post(b.sign(b.challenge("account="+client.Address()), client))
	}
	asking.Wait()
	close(challenges.release)
	group.Wait()
	require.Equal(t, int32(1+8+1), tokens.Load(), "one for each challenge")
	require.Equal(t, int32(7), refused.Load())
	require.Less(t, challenges.calls.Load(), int32(17), "several share a call")
}

func TestAFaultOfTheDatabaseIsOneForAllThatShareIt(t *testing.T) {
	t.Parallel()
	challenges, with := busy()
	challenges.err = errors.New("disk full")
	b, client := setup(t, with), keypair.MustRandom()
	var group sync.WaitGroup
	first, same := b.sign(b.challenge("account="+client.Address()), client), b.sign(b.challenge("account="+client.Address()), client)
	for _, envelope := range []string{first, same, same, same} {
		group.Go(func() { require.Equal(t, http.StatusInternalServerError, b.post(envelope).status) })
	}
	<-challenges.busy
	close(challenges.release)
	group.Wait()
}

// 1906: of several requests with one challenge at once, to whatever server, one gets a token.
func TestAChallengeThatIsPostedManyTimesAtOnceGivesOneToken(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		on := func(d *sep10.Deps) { d.Challenges, d.Signing, d.Log = db, fixed(2), discard() }
		servers := []*bundle{setup(t, on), setup(t, on)}
		client := keypair.MustRandom()
		for range 5 {
			envelope := servers[0].sign(servers[0].challenge("account="+client.Address()), client)
			var tokens atomic.Int32
			var group sync.WaitGroup
			for i := range 12 {
				group.Go(func() {
					if servers[i%2].post(envelope).status == http.StatusOK {
						tokens.Add(1)
					}
				})
			}
			group.Wait()
			require.Equal(t, int32(1), tokens.Load())
		}
	})
}
