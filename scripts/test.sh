#!/usr/bin/env bash
# All tests with a Postgres of their own. Arguments are those of go test; without a package all are tested:
#
#   scripts/test.sh
#   scripts/test.sh -run Credit ./pkg/internal/store/
#   TEST_DATABASE_URL=postgres://… scripts/test.sh

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null || {
	echo "test.sh: no Go on the PATH: install the version that go.mod names, or a newer one, from https://go.dev/dl/" >&2
	exit 1
}

packages=(./...)
for argument; do
	[[ $argument != ./* ]] || packages=()
done

export CGO_ENABLED=0
# The tests of whole processes wait most of the time: more run at once than there are processors.
exec scripts/with-postgres.sh go test -timeout 15m -parallel 4 "$@" "${packages[@]}"
