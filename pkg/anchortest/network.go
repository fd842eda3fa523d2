package anchortest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/sandbox"
)

// The time between two ledgers: while nobody but Start needs them, and of a network whose tests do not wait.
const (
	startLedger = 3 * time.Millisecond
	fastLedger  = 20 * time.Millisecond
)

// startNetwork serves a network on a free port and has it close ledgers.
func (w *world) startNetwork() error {
	listener, err := listen()
	if err != nil {
		return err
	}
	w.HorizonURL = "http://" + listener.Addr().String()
	w.network = sandbox.New(sandbox.Options{CloseEvery: -1, Log: w.log})
	w.Passphrase = w.network.Passphrase()
	w.ticker = time.NewTicker(startLedger)
	ctx, end := context.WithCancel(context.Background())
	server := &http.Server{Handler: w.network.Handler(), ReadHeaderTimeout: 10 * time.Second}
	served, ran := make(chan error, 1), make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	go func() { ran <- w.network.Run(ctx) }()
	go w.closeLedgers(ctx)
	w.onStop(func() error {
		end()
		errs := []error{<-ran, server.Close()}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
	return nil
}

func (w *world) closeLedgers(ctx context.Context) {
	defer w.ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.ticker.C:
			w.network.CloseLedger()
		}
	}
}

// pace sets the time between two ledgers; zero: none closes by itself.
func (w *world) pace(every time.Duration) {
	if every <= 0 {
		w.ticker.Stop()
		return
	}
	w.ticker.Reset(every)
}
