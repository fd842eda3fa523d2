#!/usr/bin/env bash
# The crash tests at full counts; `make test` runs the same tests at a tenth. They are the tests with Torture in
# their name, and they read ANCHOR_TORTURE=full. Arguments are those of go test.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mapfile -t packages < <(grep -rlE '^func Test[A-Za-z0-9_]*Torture' --include='*_test.go' . | xargs -r dirname | sort -u)
((${#packages[@]} > 0)) || {
	echo "torture.sh: no test has Torture in its name" >&2
	exit 1
}

export CGO_ENABLED=0 ANCHOR_TORTURE=full
# Most of them wait for leases and ledgers most of the time: more run at once than there are processors.
exec scripts/with-postgres.sh go test -count 1 -timeout 2h -parallel 6 -v -run Torture "$@" "${packages[@]}"
