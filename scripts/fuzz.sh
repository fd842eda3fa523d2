#!/usr/bin/env bash
# Runs each fuzz target for FUZZTIME (default 10s); go test takes only one at a time. Arguments are those of go test.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export CGO_ENABLED=0
found=0
while IFS=: read -r file declaration; do
	target=${declaration#func }
	target=${target%%(*}
	found=1
	echo "$(dirname "$file") $target"
	go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-10s}" "$@" "$(dirname "$file")" </dev/null
done < <(grep -roE '^func Fuzz[A-Za-z0-9_]*\(' --include='*_test.go' . | sort)

((found)) || {
	echo "fuzz.sh: there is no fuzz target" >&2
	exit 1
}
