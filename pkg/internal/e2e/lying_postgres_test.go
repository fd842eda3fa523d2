package e2e

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// ownPostgres is a server that one test has to itself, so that it may crash it.
type ownPostgres struct {
	t      *testing.T
	bin    string // the folder of its programs
	folder string
	port   string
	as     *syscall.Credential // Postgres does not run as root; nil: as who runs the tests
	orders io.WriteCloser      // takes the name of the signal by which the server is to end; its end is SIGINT
	server *exec.Cmd
}

// startPostgres makes a server on a free port. It ends with the test, or with this process, however that ends.
func startPostgres(t *testing.T) *ownPostgres {
	t.Helper()
	p := &ownPostgres{t: t, bin: postgresPrograms(t)}
	_, p.port, _ = strings.Cut(freeAddress(t), ":")
	var err error
	p.folder, err = os.MkdirTemp("", "lying-postgres-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(p.folder)) })
	p.chooseUser()
	initdb := exec.Command(filepath.Join(p.bin, "initdb"), "--no-sync", "--username=anchor", "--auth=trust", "--encoding=UTF8",
		"--locale=C", "--pgdata="+p.data())
	initdb.Dir, initdb.SysProcAttr = p.folder, &syscall.SysProcAttr{Credential: p.as}
	said, err := initdb.CombinedOutput()
	require.NoError(t, err, string(said))
	p.start()
	t.Cleanup(func() { p.end("INT") })
	return p
}

// postgresPrograms is where Debian keeps them, the newest first, or where the PATH has them.
func postgresPrograms(t *testing.T) string {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	require.NoError(t, err)
	slices.Sort(found)
	if onPath, err := exec.LookPath("postgres"); err == nil {
		found = append(found, onPath)
	}
	require.NotEmpty(t, found, "this test crashes a Postgres of its own and found none on this machine: sudo apt-get install -y postgresql")
	program, err := filepath.EvalSymlinks(found[len(found)-1])
	require.NoError(t, err)
	return filepath.Dir(program)
}

func (p *ownPostgres) chooseUser() {
	p.t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		who, err = user.Lookup("nobody")
	}
	require.NoError(p.t, err, "Postgres does not run as root, and there is neither a user postgres nor a user nobody")
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	require.NoError(p.t, err)
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	require.NoError(p.t, err)
	p.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	require.NoError(p.t, os.Chown(p.folder, int(uid), int(gid)))
}

func (p *ownPostgres) data() string { return filepath.Join(p.folder, "data") }

func (p *ownPostgres) url() string {
	return fmt.Sprintf("postgres://anchor@127.0.0.1:%s/postgres?sslmode=disable", p.port)
}

// start starts the server and waits until it answers.
func (p *ownPostgres) start() {
	p.t.Helper()
	// The shell lives as long as somebody holds the other end of its input, and takes the server with it.
	const keeper = `"$@" & read -r signal; kill -"${signal:-INT}" $! 2>/dev/null; wait $!`
	p.server = exec.Command("/bin/sh", "-c", keeper, "postgres", filepath.Join(p.bin, "postgres"), "-D", p.data(), "-p", p.port,
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "timezone=UTC", "-c", "max_connections=200")
	log, err := os.OpenFile(filepath.Join(p.folder, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(p.t, err)
	defer func() { _ = log.Close() }()
	p.server.Dir, p.server.Stdout, p.server.Stderr = p.folder, log, log
	p.server.SysProcAttr = &syscall.SysProcAttr{Credential: p.as, Setpgid: true}
	p.orders, err = p.server.StdinPipe()
	require.NoError(p.t, err)
	require.NoError(p.t, p.server.Start())
	require.Eventually(p.t, p.answers, time.Minute, 20*time.Millisecond, "Postgres did not start: see %s", log.Name())
}

func (p *ownPostgres) answers() bool {
	ctx, cancel := context.WithTimeout(p.t.Context(), 5*time.Second)
	defer cancel()
	connection, err := pgx.Connect(ctx, p.url())
	if err != nil {
		return false
	}
	return connection.Close(ctx) == nil
}

// end has the server end by a signal and waits for that.
func (p *ownPostgres) end(signal string) {
	p.t.Helper()
	_, err := fmt.Fprintln(p.orders, signal)
	require.NoError(p.t, err)
	_ = p.orders.Close()
	_ = p.server.Wait() // the shell tells how the server ended: after a crash it is an error
}

// crash ends the server without a word to anybody: when it starts again it has to recover.
func (p *ownPostgres) crash() { p.end("QUIT") }
