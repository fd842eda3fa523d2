package e2e

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/sender"
)

// asks is what a business demands beyond what every other one does; the zero value: nothing.
type asks struct {
	fields map[string]string // of each transaction
	people map[string]string // of everybody
}

func (a asks) ofPerson(given map[string]string) map[string]string {
	all := maps.Clone(given)
	maps.Copy(all, a.people)
	return all
}

// integration is a way in which a business decides and pays.
type integration struct {
	world func(t *testing.T, engine string) *world
	// admit has the business admit some; it takes effect with the next start of serve. nil: it admits anybody.
	admit func(w *world, anchors []*sendingAnchor)
	// killed are the roles of which a process is killed in the middle.
	killed []string
	// books brings the bank's books to where the world looks for them; nil: they are there.
	books func(w *world)
}

// TestTransfers_complete_whoever_decides_and_pays runs the same transfers over each way in which a business can take part. The
// servers in other languages are in payout_foreign_test.go.
func TestTransfers_complete_whoever_decides_and_pays(t *testing.T) {
	example := exampleProgram(t)
	all := []string{roleExecute, rolePoll, roleWatch}
	for name, of := range map[string]integration{
		"what anchor.yaml declares": {world: func(t *testing.T, engine string) *world { return newWorld(t, engine, plan{}) }, killed: all},
		"a server in Go":            {world: newServedWorld, killed: byServer()},
		"the example in Go": {
			world: func(t *testing.T, engine string) *world { return newExampleWorld(t, engine, example()) }, admit: admitByVariable, killed: all,
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, engine string) { carryTransfers(t, engine, of) })
		})
	}
}

// carryTransfers makes transfers from several senders at once through two processes of each role, first with nothing going
// wrong, then while processes are killed.
func carryTransfers(t *testing.T, engine string, of integration) {
	t.Helper()
	const senders, each = 2, 8
	w := of.world(t, engine)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	serve := w.start(roleServe)
	anchors := w.sendingAnchors(ctx, senders)
	if of.admit != nil {
		of.admit(w, anchors)
	}
	serve.stop()
	roles := append(w.startAll(), w.start(roleServe, "--listen", freeAddress(t)))
	for _, command := range []string{roleWatch, roleExecute, rolePoll} {
		roles = append(roles, w.start(command))
	}

	all := send(ctx, anchors, load{each: each}).completed(w)
	w.awaitCallbacks(all, false)
	w.requireNothingToComplainOf()

	steps := newProgress()
	for _, a := range anchors {
		a.number += senders // so that these are other transfers
	}
	underWay := send(ctx, anchors, load{each: each, atOnce: 4, tell: func(sender.State) { steps.add() }})
	for i, victim := range of.killed {
		require.NoError(t, steps.reach(underWay.ctx, (i+1)*senders))
		for _, r := range roles {
			if r.command == victim {
				r.kill()
				r.restart()
				break
			}
		}
	}
	all = append(all, underWay.completed(w)...)
	w.awaitCallbacks(all, true)
	stopAll(roles)

	if of.books != nil {
		of.books(w)
	}
	w.requireInvariants()
	require.EqualValues(t, 2*senders*each, w.db.number("SELECT COUNT(*) FROM transactions WHERE status = 'completed'"))
	paid, err := w.bank.PaidTransactions()
	require.NoError(t, err)
	require.Len(t, paid, 2*senders*each)
}

// byServer are the roles that are killed where a server pays. Whether a payout has reached it that its sender died over is
// known after minutes at the earliest, and resolved by an operator: see business_test.go.
func byServer() []string { return []string{rolePoll, roleWatch} }

func newServedWorld(t *testing.T, engine string) *world {
	t.Helper()
	w, _ := newRemoteWorld(t, engine)
	return w
}

// exampleProgram builds examples/crossborder when it is first needed.
func exampleProgram(t *testing.T) func() string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "crossborder")
	build := sync.OnceValue(func() error {
		out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "../../../examples/crossborder").CombinedOutput()
		if err != nil {
			return fmt.Errorf("go build: %w: %s", err, out)
		}
		return nil
	})
	return func() string {
		require.NoError(t, build())
		return path
	}
}

const routingNumber = "021000021"

// newExampleWorld is a world whose roles are the program of examples/crossborder.
func newExampleWorld(t *testing.T, engine, program string) *world {
	t.Helper()
	w := newWorld(t, engine, plan{})
	w.program = program
	w.asks = asks{
		fields: map[string]string{"routing_number": routingNumber, "account_number": "12345678"},
		people: map[string]string{"last_name": "Souza", "email_address": "somebody@example.com"},
	}
	nobody, err := keypair.Random()
	require.NoError(t, err)
	w.env = append(w.env, "SENDING_ANCHORS="+nobody.Address()) // until it is known who comes
	require.NoError(t, os.WriteFile(w.settings, fmt.Appendf(nil, `funding_methods:
  - {name: %s, rail: bank}
business:
  bank:
    ledger: %s
    routing_numbers: ["%s"]
    delivers_after: 300ms
`, fundingMethod, string(w.bank), routingNumber), 0o600))
	return w
}

// admitByVariable is how the example is told whom it has an agreement with.
func admitByVariable(w *world, anchors []*sendingAnchor) {
	var accounts []string
	for _, a := range anchors {
		accounts = append(accounts, a.account.Address())
	}
	w.env = append(w.env, "SENDING_ANCHORS="+strings.Join(accounts, ","))
}
