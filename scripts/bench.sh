#!/usr/bin/env bash
# All benchmarks, on a Postgres that really writes to the disk. Packages are measured one after the other, for two
# at once would measure each other; the figures that have a bar come last, as one table. It takes about a quarter of an
# hour, and a machine that does nothing else.
#
#   scripts/bench.sh                                   everything
#   scripts/bench.sh -run '^$' -bench Post ./pkg/…     whatever go test makes of the arguments
#   FIGURES=only scripts/bench.sh                      the table alone

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export CGO_ENABLED=0 POSTGRES_FSYNC=on
figures=./pkg/internal/bench
mapfile -t packages < <(grep -rlE '^func Benchmark' --include='*_test.go' . | xargs -r dirname | sort -u | grep -vFx "$figures")

if (($# > 0)); then
	exec scripts/with-postgres.sh go test -p 1 -timeout 1h "$@"
fi
if [[ ${FIGURES:-} != only ]]; then
	scripts/with-postgres.sh go test -p 1 -timeout 1h -run '^$' -bench . -benchmem "${packages[@]}"
fi
exec scripts/with-postgres.sh go test -timeout 1h -run '^$' -bench '^BenchmarkFigures$' -benchtime 1x "$figures"
