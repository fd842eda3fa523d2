package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/network"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"github.com/anchorkit/anchor/pkg/internal/sender"
)

// demoSenders is how many sending anchors share the transfers: each pays one transaction per ledger.
const demoSenders = 4

// transferAll makes the transfers, shows how they go and stays for exploring unless it was asked to end.
func (d *demo) transferAll(ctx context.Context) error {
	began := time.Now()
	progress := newProgress(d.Stdout, d.transfers)
	err := d.sendAll(ctx, progress)
	completed := progress.end()
	if err == nil && completed != d.transfers {
		err = fmt.Errorf("%d of %d transfers did not complete", d.transfers-completed, d.transfers)
	}
	if err == nil {
		fmt.Fprintf(d.Stdout, "the slowest was done %.1f s after the first began\n", time.Since(began).Seconds())
	}
	if err == nil && !d.exit {
		d.invite()
		<-ctx.Done()
		return nil
	}
	fmt.Fprintf(d.Stdout, "%d of %d transfers completed\n", completed, d.transfers)
	return err
}

func (d *demo) invite() {
	fmt.Fprintf(d.Stdout, `%d of %[1]d transfers completed

explore: %s/.well-known/stellar.toml
         %[2]s/sep31/info
         %s/ledgers?order=desc&limit=1
         DATABASE_URL=sqlite:%s/anchor.db anchor transactions list
end it with Ctrl-C
`, d.transfers, d.settings.Server.HostURL, d.horizon, d.dir)
}

// sendAll divides the transfers among the sending anchors.
func (d *demo) sendAll(ctx context.Context, progress *progress) error {
	group, ctx := errgroup.WithContext(ctx)
	for i := range min(demoSenders, d.transfers) {
		share := d.transfers / demoSenders
		if i < d.transfers%demoSenders {
			share++
		}
		group.Go(func() error { return d.oneSender(ctx, i, share, progress) })
	}
	return group.Wait()
}

// oneSender is one sending anchor: two people, and some transfers between them, all at once.
func (d *demo) oneSender(ctx context.Context, number, transfers int, progress *progress) error {
	account, err := keypair.Random()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for callbacks: %w", err)
	}
	s, err := sender.New(ctx, sender.Options{
		Home: d.settings.Server.HostURL, Horizon: d.horizon, Passphrase: network.TestNetworkPassphrase, Account: account, AssetCode: demoAsset,
		CallbackURL: func(id string) string { return "http://" + listener.Addr().String() + "/" + id },
	})
	if err != nil {
		return err
	}
	if err := serveCallbacks(ctx, listener, s.SigningKey()); err != nil {
		return err
	}
	issuer, err := keypair.ParseFull(d.issuerSeed.Reveal())
	if err != nil {
		return errors.New("the demo has lost its issuer")
	}
	if err := s.SetUp(ctx, issuer, "100000"); err != nil {
		return err
	}
	from, to, err := registerPeople(ctx, s)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for i := range transfers {
		group.Go(func() error {
			_, err := s.Send(ctx, sender.Transfer{
				Key: fmt.Sprintf("demo-%d-%d", number, i), Amount: fmt.Sprintf("%d.25", 100+i), SenderID: from, ReceiverID: to, FundingMethod: demoFunding,
			}, progress.tell)
			return err
		})
	}
	return group.Wait()
}

func registerPeople(ctx context.Context, s *sender.Sender) (from, to string, err error) {
	from, err = s.Register(ctx, sender.Person{Memo: 1, Type: "sep31-sender", Fields: map[string]string{
		"first_name": "Ana", "last_name": "Souza", "email_address": "ana@example.com",
	}})
	if err != nil {
		return "", "", err
	}
	to, err = s.Register(ctx, sender.Person{Memo: 2, Type: "sep31-receiver", Fields: map[string]string{
		"first_name": "Bruno", "last_name": "Lima", "bank_account_number": "000123456", "bank_number": "341",
	}})
	return from, to, err
}

// serveCallbacks receives the status messages of one sending anchor until ctx ends.
func serveCallbacks(ctx context.Context, listener net.Listener, signingKey string) error {
	callbacks, err := sender.NewCallbacks(signingKey)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: callbacks, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() { _ = server.Serve(listener) }() // ends by Close
	return nil
}

// progress shows how many transfers stand where: live on a terminal, as plain lines elsewhere.
type progress struct {
	out   io.Writer
	live  bool
	total int

	mu    sync.Mutex
	where map[string]string // status by transaction
	shown string
}

func newProgress(out io.Writer, total int) *progress {
	f, ok := out.(*os.File)
	return &progress{out: out, live: ok && term.IsTerminal(int(f.Fd())), total: total, where: map[string]string{}}
}

// tell records a status that was seen.
func (p *progress) tell(s sender.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.where[s.ID]
	p.where[s.ID] = s.Status
	if !p.live {
		fmt.Fprintf(p.out, "%s %s\n", s.ID, s.Status)
		return
	}
	if before != s.Status {
		p.show()
	}
}

func (p *progress) show() {
	line := ""
	for _, status := range []string{"pending_sender", "pending_receiver", "pending_external", "completed"} {
		line += fmt.Sprintf("  %s %d", status, p.count(status))
	}
	p.shown = line
	fmt.Fprintf(p.out, "\r\x1b[K%s", line)
}

func (p *progress) count(status string) int {
	n := 0
	for _, s := range p.where {
		if s == status {
			n++
		}
	}
	return n
}

// end finishes the live line and tells how many transfers were completed.
func (p *progress) end() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live && p.shown != "" {
		fmt.Fprintln(p.out)
	}
	return p.count("completed")
}
