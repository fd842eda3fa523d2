package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// The causes (context.Cause) of the end of a Life.
var (
	// ErrStop says that a stop was requested.
	ErrStop = errors.New("stop requested")
	// ErrStopBound says that what was under way did not end within the bound.
	ErrStopBound = errors.New("stop bound passed")
	// ErrStopAtOnce says that a stop was requested for the second time.
	ErrStopAtOnce = errors.New("stop requested again")
)

// Life is how long a process may work. When Soft ends, nothing new is begun; when Hard ends, calls under way are
// cancelled too. Soft never outlives Hard.
type Life struct {
	Soft, Hard context.Context
}

// NewLife makes a Life that the first signal on stop ends softly, and a second one, or the passing of bound after the
// first, ends hard. It also ends with parent. The signals are delivered by whoever listens for them: stop is a channel
// made for signal.Notify, with room for two, and never closed. The returned function ends the Life and
// frees what it uses; call it when the work is over.
func NewLife(parent context.Context, stop <-chan os.Signal, bound time.Duration) (Life, context.CancelFunc) {
	hard, endHard := context.WithCancelCause(parent)
	soft, endSoft := context.WithCancelCause(hard)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		awaitStop(hard, stop, bound, endSoft, endHard)
	}()
	end := func() {
		endHard(context.Canceled)
		<-watched
	}
	return Life{Soft: soft, Hard: hard}, end
}

func awaitStop(
	hard context.Context, stop <-chan os.Signal, bound time.Duration, endSoft, endHard context.CancelCauseFunc,
) {
	first, ok := await(hard, stop)
	if !ok {
		return
	}
	endSoft(fmt.Errorf("%w: %v", ErrStop, first))
	limit := time.NewTimer(bound)
	defer limit.Stop()
	select {
	case <-hard.Done():
	case <-limit.C:
		endHard(fmt.Errorf("%w: %v", ErrStopBound, bound))
	case second := <-stop:
		endHard(fmt.Errorf("%w: %v", ErrStopAtOnce, second))
	}
}

func await(ctx context.Context, stop <-chan os.Signal) (os.Signal, bool) {
	select {
	case <-ctx.Done():
		return nil, false
	case signal := <-stop:
		return signal, true
	}
}
