package store_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// What a process that this test binary starts as a writer is told.
const (
	writerURL = "STORE_TEST_WRITER_URL"
	writerID  = "STORE_TEST_WRITER_TRANSACTION"
	writerN   = "STORE_TEST_WRITER_CHANGES"
)

// TestWriter_process is what the processes below run; in this process it has nothing to do.
func TestWriter_process(t *testing.T) {
	url := os.Getenv(writerURL)
	if url == "" {
		return
	}
	changes, err := strconv.Atoi(os.Getenv(writerN))
	require.NoError(t, err)
	db, err := store.Open(t.Context(), store.Options{URL: url, Keys: storetest.Keys(t), Unsafe: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	b := &bench{T: t, db: db}
	for range changes {
		_, err := b.advance(os.Getenv(writerID), anchor.Change{Cause: anchor.CauseNoted, Actor: strconv.Itoa(os.Getpid())}, nil)
		require.NoError(t, err)
	}
}

func TestSeveral_processes_write_to_one_file_and_none_is_turned_away(t *testing.T) {
	t.Parallel()
	const processes, changes = 5, 60
	url := "sqlite:" + t.TempDir() + "/anchor.db"
	b := newBench(t, storetest.Open(t, url))
	id := b.create(b.draft()).ID
	group, ctx := errgroup.WithContext(t.Context())
	for range processes {
		group.Go(func() error { return writer(ctx, url, id, changes) })
	}
	for range changes { // and this process writes as well
		b.happens(id, anchor.CauseNoted, nil)
	}
	require.NoError(t, group.Wait())
	b.requireHistory(id, (processes+1)*changes+1)
	writers := b.count("SELECT count(DISTINCT actor) FROM events WHERE kind = 'noted'")
	require.EqualValues(t, processes+1, writers)
	require.Equal(t, [][]string{{"ok"}}, b.rows("PRAGMA integrity_check"))
}

func TestA_process_that_is_killed_while_it_writes_keeps_nobody_else_from_writing(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + t.TempDir() + "/anchor.db"
	b := newBench(t, storetest.Open(t, url))
	id := b.create(b.draft()).ID
	for range 3 {
		before := b.reload(id).Version
		ctx, kill := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- writer(ctx, url, id, 1_000_000) }()
		require.Eventually(t, func() bool { return b.reload(id).Version > before+3 }, soon, quiet/100)
		kill()
		require.Error(t, <-done)
		b.happens(id, anchor.CauseNoted, nil)
	}
	b.requireHistory(id, int(b.reload(id).Version))
	require.Equal(t, [][]string{{"ok"}}, b.rows("PRAGMA integrity_check"))
}

// writer runs this test binary as a process that changes a transaction; it is killed with ctx.
func writer(ctx context.Context, url, id string, changes int) error {
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestWriter_process$", "-test.count=1")
	child.Env = append(os.Environ(), writerURL+"="+url, writerID+"="+id, writerN+"="+strconv.Itoa(changes))
	var output bytes.Buffer
	child.Stdout, child.Stderr = &output, &output
	if err := child.Run(); err != nil {
		return fmt.Errorf("writer: %w\n%s", err, output.String())
	}
	return nil
}
