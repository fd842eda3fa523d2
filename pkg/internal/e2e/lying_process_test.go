package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/cli"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// liesVariable names the variable with the lies that a process is told. It means something to this test binary only.
const liesVariable = "E2E_LIES"

// lies are what is wrong around a process that pays: banks that misbehave and a clock that is not that of the others.
type lies struct {
	Books, Met string        // a bank's ledger, beside which are those of the others, and where every fault is noted that came about
	Truth      string        // as soon as there is a file of this name nobody lies any more
	Skew       time.Duration // by how much the clock of the process is ahead
}

// runWithLies is cli.Main with a lying bank as its rail.
func runWithLies(told string) {
	var l lies
	if err := json.Unmarshal([]byte(told), &l); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	hooks := app.Hooks{Now: func() time.Time { return time.Now().Add(l.Skew) }}
	os.Exit(cli.Run(app.WithHooks(context.Background(), hooks), cli.Process{
		Name: filepath.Base(os.Args[0]), Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Signals: signals,
		Setup: l.setUp,
	}))
}

func (l lies) setUp(context.Context, anchor.Host) (anchor.Business, error) {
	seed := uint64(os.Getpid())
	bank, bad := lyingBank(l.of(railBank), seed, true)
	keyless, worse := lyingBank(l.of(railKeyless), seed, false)
	files, worst := fileRail(l.of(railFiles))
	return anchor.Business{Rails: map[string]anchor.Rail{railBank: bank, railKeyless: keyless, railFiles: files}}, errors.Join(bad, worse, worst)
}

// lyingBank is a bank that answers later and has every fault there is. One that does not know its keys pays whatever it gets, as
// often as it gets it.
func lyingBank(l lies, seed uint64, knowsKeys bool) (anchor.Rail, error) {
	fault := simulated.Seeded(seed, bankFaults())
	return simulated.New(simulated.Options{
		File: l.Books, Outcome: simulated.OutcomeAccepted, After: 300 * time.Millisecond, FaultFor: 1500 * time.Millisecond, PaysAgain: !knowsKeys,
		Misbehave: func(c simulated.Call) simulated.Fault {
			f := fault(c)
			if f == "" || l.over() {
				return ""
			}
			l.note(string(f))
			return f
		},
	})
}

// bankFaults are the shares of the calls in which a fault comes about. What ends a payout is rarer than what hides its end.
func bankFaults() map[simulated.Fault]float64 {
	return map[simulated.Fault]float64{
		simulated.FaultRefused: 0.04, simulated.FaultNotSent: 0.05, simulated.FaultErrorBefore: 0.05, simulated.FaultErrorAfter: 0.06,
		simulated.FaultLostBefore: 0.02, simulated.FaultLostAfter: 0.03, simulated.FaultNonsense: 0.03, simulated.FaultForgotten: 0.04,
		simulated.FaultReturned: 0.05, simulated.FaultEndless: 0.02,
		simulated.FaultPollError: 0.06, simulated.FaultPollLost: 0.03, simulated.FaultPollEndless: 0.03, simulated.FaultPollStrangers: 0.15,
		simulated.FaultAnswerMissing: 0.05, simulated.FaultAnswerNonsense: 0.03, simulated.FaultAnswerNotKnown: 0.05,
		simulated.FaultAnswerOpposite: 0.02, simulated.FaultAnswerDelivered: 0.05,
	}
}

// over tells whether the time of lies is.
func (l lies) over() bool {
	_, err := os.Stat(l.Truth)
	return err == nil
}

// draw is one of the lies, each in its share of the numbers from 0 to below 1, or none.
func (l lies) draw(drawn, share float64, of ...lie) lie {
	if i := int(drawn / share); i < len(of) && !l.over() {
		l.note(string(of[i]))
		return of[i]
	}
	return ""
}

// note counts a fault where the death of the process does not lose it.
func (l lies) note(fault string) {
	file, err := os.OpenFile(l.Met, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return // a fault that is not counted is one all the same
	}
	_, _ = fmt.Fprintln(file, fault)
	_ = file.Close()
}

// met is how often each fault came about.
func (l lies) met() (map[string]int, error) {
	raw, err := os.ReadFile(l.Met)
	counts := map[string]int{}
	for line := range bytes.Lines(raw) {
		counts[strings.TrimSpace(string(line))]++
	}
	return counts, err
}

func (l lies) variable() string {
	told, _ := json.Marshal(l) // strings and numbers always can be
	return liesVariable + "=" + string(told)
}
