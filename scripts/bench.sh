#!/usr/bin/env bash
# All benchmarks, on a Postgres that really writes to the disk. Packages are measured one after the other, for two
# at once would measure each other. Arguments are those of go test.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mapfile -t packages < <(grep -rlE '^func Benchmark' --include='*_test.go' . | xargs -r dirname | sort -u)
((${#packages[@]} > 0)) || {
	echo "bench.sh: there is no benchmark" >&2
	exit 1
}

export CGO_ENABLED=0 POSTGRES_FSYNC=on
exec scripts/with-postgres.sh go test -p 1 -timeout 1h -run '^$' -bench . -benchmem "$@" "${packages[@]}"
