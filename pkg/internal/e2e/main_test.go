package e2e

import (
	"io"
	"os"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/anchorkit/anchor/pkg/cli"
)

// TestMain makes this test binary the anchor itself whenever it is started by that name, which is what tests do.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"anchor": runAnchor})
}

// lifeline names the variable with the file descriptor that ends when the tests do.
const lifeline = "E2E_LIFELINE"

func runAnchor() {
	if fd, err := strconv.ParseUint(os.Getenv(lifeline), 10, 8); err == nil {
		go endWith(os.NewFile(uintptr(fd), lifeline))
	}
	if file := os.Getenv(pointsFile); file != "" {
		runWithPoints(file)
	}
	if told := os.Getenv(liesVariable); told != "" {
		runWithLies(told)
	}
	cli.Main(nil)
}

// endWith ends this process when the tests are gone, however they ended: nobody else would.
func endWith(tests io.Reader) {
	_, _ = io.Copy(io.Discard, tests)
	os.Exit(1)
}
