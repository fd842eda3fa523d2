package csvfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// journalName is the hidden folder of what was handed over: for each batch a line with the hash of its file, and the file
// itself while it is being prepared.
const journalName = ".handed-over"

// errOther means that a name is taken by something else.
var errOther = errors.New("it has other contents than this batch; nothing was written")

// handing is one batch on its way into the folder.
//
// The order is what matters. The file is prepared whole in the journal; then the journal notes its hash; then the file is renamed
// into the folder, which is one step of the file system. A batch that is noted, and whose prepared file is gone, was handed
// over, whether or not the file is still in the folder. One that is noted, and whose prepared file is there, was not.
type handing struct {
	journal  string
	final    string // in the folder
	prepared string
	note     string
	raw      []byte
	hash     string
}

// handOver puts raw into the folder as NAME.csv, once.
func handOver(ctx context.Context, folder, name string, raw []byte) (err error) {
	if name == "" || strings.HasPrefix(name, ".") || strings.ContainsAny(name, "/\\\x00") {
		return errors.New("its name is not fit for the name of a file")
	}
	journal := filepath.Join(folder, journalName)
	if err := makeJournal(folder, journal); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(journal, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }() // which also unlocks it
	if err := acquire(ctx, lock); err != nil {
		return fmt.Errorf("wait for another process that writes: %w", err)
	}
	sum := sha256.Sum256(raw)
	h := handing{
		journal: journal, final: filepath.Join(folder, name+".csv"), prepared: filepath.Join(journal, name+".csv"),
		note: filepath.Join(journal, name+".sha256"), raw: raw, hash: hex.EncodeToString(sum[:]),
	}
	return h.run(ctx)
}

func makeJournal(folder, journal string) error {
	err := os.Mkdir(journal, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return syncFolder(folder)
}

func (h handing) run(ctx context.Context) error {
	noted, err := h.noted()
	if err != nil {
		return err
	}
	there, err := h.compare()
	if err != nil || noted && there {
		return err
	}
	if noted && !exists(h.prepared) {
		return syncFolder(filepath.Dir(h.final)) // handed over before, perhaps just before a crash, and taken away
	}
	if !noted {
		if err := h.prepare(ctx, there); err != nil {
			return err
		}
	}
	if there {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := renameNew(h.prepared, h.final); err != nil {
		return fmt.Errorf("put the file into the folder: %w", err)
	}
	return errors.Join(syncFolder(filepath.Dir(h.final)), syncFolder(h.journal))
}

// noted tells whether the journal knows the batch; it is an error if it knows another one by this name.
func (h handing) noted() (bool, error) {
	hash, err := os.ReadFile(h.note)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if string(hash) != h.hash+"\n" {
		return false, fmt.Errorf("%s was made before of something else: %w", h.final, errOther)
	}
	return true, nil
}

// compare tells whether the file is in the folder; it is an error if it has other bytes.
func (h handing) compare() (there bool, err error) {
	info, err := os.Lstat(h.final)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() || info.Size() != int64(len(h.raw)) {
		return false, fmt.Errorf("%s is there already: %w", h.final, errOther)
	}
	raw, err := os.ReadFile(h.final)
	if errors.Is(err, fs.ErrNotExist) { // taken away just now
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !bytes.Equal(raw, h.raw) {
		return false, fmt.Errorf("%s is there already: %w", h.final, errOther)
	}
	return true, nil
}

// prepare makes the file in the journal, unless it is in the folder as it should be, and notes its hash; both are on the disk
// when it returns.
func (h handing) prepare(ctx context.Context, there bool) error {
	if !there {
		if err := writeWhole(ctx, h.prepared, h.raw); err != nil {
			return fmt.Errorf("prepare the file: %w", err)
		}
		if err := syncFolder(h.journal); err != nil {
			return err
		}
	}
	temporary := h.note + ".partial"
	if err := writeWhole(ctx, temporary, []byte(h.hash+"\n")); err != nil {
		return fmt.Errorf("note what is handed over: %w", err)
	}
	if err := os.Rename(temporary, h.note); err != nil {
		return err
	}
	return syncFolder(h.journal)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// writeWhole writes a file of the journal anew and waits for the disk. The lock is held: what is there was left by a process
// that died.
func writeWhole(ctx context.Context, path string, raw []byte) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(raw); err != nil {
		return err
	}
	return f.Sync()
}

func syncFolder(path string) (err error) {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	return folder.Sync()
}

// The wait between two looks at a lock that somebody else has.
const (
	firstLook   = time.Millisecond
	longestLook = 50 * time.Millisecond
)

// acquire asks instead of waiting in the kernel: whoever has the lock may be stopped, and the caller's time is limited.
func acquire(ctx context.Context, f *os.File) error {
	for wait := firstLook; ; wait = min(2*wait, longestLook) {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
	}
}

// renameLooking looks before it renames: the lock keeps other processes of ours away, and nobody else may write here.
func renameLooking(from, to string) error {
	if exists(to) {
		return fmt.Errorf("%s is there already: %w", to, errOther)
	}
	return os.Rename(from, to)
}
