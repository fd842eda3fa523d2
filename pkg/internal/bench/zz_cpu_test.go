package bench_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
)

func cpuOf(pid int) time.Duration {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	f := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+2:]))
	var u, s int
	fmt.Sscan(f[11], &u)
	fmt.Sscan(f[12], &s)
	return time.Duration(u+s) * 10 * time.Millisecond
}
func self() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(0, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func BenchmarkCPU(b *testing.B) {
	for _, e := range engines() {
		b.Run(e.name, func(b *testing.B) {
			url := e.url(b)
			s := newSite(b, url)
			s.unlimited()
			p := s.start(b, "serve")
			p.ready(b, s.home+"/.well-known/stellar.toml")
			clients := make([]*keypair.Full, connections)
			for i := range clients {
				clients[i] = s.chain.account(b, "")
			}
			host := strings.TrimPrefix(s.home, "http://")
			lines := newLines(b, host)
			login := func(n int) {
				share(b, lines, n, func(l *line, i int) error { return l.login(host, clients[i%len(clients)]) })
			}
			login(500)
			for range 3 {
				const n = 3000
				c0, s0, t0 := cpuOf(p.command.Process.Pid), self(), time.Now()
				login(n)
				wall := time.Since(t0)
				fmt.Printf("%s serve %v/login, client+sandbox %v/login, wall %v/login\n", e.name, (cpuOf(p.command.Process.Pid)-c0)/n, (self()-s0)/n, wall/n)
			}
		})
	}
}
