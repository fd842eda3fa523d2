package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/worker"
)

func sandboxCommand(s *shared) *cobra.Command {
	var listen string
	var options sandbox.Options
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "A Stellar network on this machine, for development",
		Long: `Runs a small Stellar network behind Horizon's HTTP dialect, with friendbot: point HORIZON_URI at it. It lives in memory;
when it ends, its ledgers are gone, as after a reset of a test network. It is no place for money.

Whoever reaches it sets, under /sandbox, rates of path payments, surges of the fee, what contracts move and how the network
misbehaves: see docs/sandbox.md.`,
		Example: `  anchor sandbox --listen 127.0.0.1:8001 &
  HORIZON_URI=http://127.0.0.1:8001 anchor run
  curl -d '{"kind":"delay","ledgers":5}' http://127.0.0.1:8001/sandbox/faults`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			life, end := worker.NewLife(c.Context(), s.Signals, 5*time.Second)
			defer end()
			listener, err := net.Listen("tcp", listen)
			if err != nil {
				return fmt.Errorf("listen for the sandbox: %w", err)
			}
			options.Log = s.logger(config.Log{Level: "info"})
			network := sandbox.New(options)
			fmt.Fprintf(s.Stdout, "Stellar sandbox on http://%s (friendbot: http://%[1]s/friendbot?addr=G…)\n", listener.Addr())
			return serveSandbox(life.Soft, network, listener)
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8001", "address to listen on, host:port")
	c.Flags().StringVar(&options.Passphrase, "passphrase", "", "network passphrase (default: that of the public test network)")
	c.Flags().DurationVar(&options.CloseEvery, "close-every", time.Second, "time between two ledgers; negative: they close by POST /sandbox/ledgers only")
	c.Flags().IntVar(&options.KeepLedgers, "keep-ledgers", 0, "of how many ledgers the history is kept (default: of all)")
	c.Flags().BoolVar(&options.OnePerLedger, "one-per-ledger", false, "let one transaction of an account wait for a ledger, as a real network does")
	c.Flags().DurationVar(&options.SubmitTimeout, "submit-timeout", sandbox.DefaultSubmitTimeout, "how long POST /transactions waits before it answers 504")
	return c
}

// serveSandbox runs a sandbox on a listener until ctx ends.
func serveSandbox(ctx context.Context, network *sandbox.Network, listener net.Listener) error {
	server := &http.Server{Handler: network.Handler(), ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return network.Run(ctx) })
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		return server.Close() // streams never end by themselves
	})
	return group.Wait()
}
