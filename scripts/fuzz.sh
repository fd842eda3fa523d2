#!/usr/bin/env bash
# Runs every fuzz target of the module, one after the other (go test takes only one at a time), each for FUZZTIME
# (default 1m), and stops at the first failure. Arguments are those of go test.
#
#   scripts/fuzz.sh
#   FUZZTIME=10s FUZZ=money scripts/fuzz.sh     only the targets whose package or name has "money" in it

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export CGO_ENABLED=0
time=${FUZZTIME:-1m}

say() { printf 'fuzz.sh: %s\n' "$*"; }

# PACKAGE TARGET of each, one a line.
targets() {
	grep -roE '^func Fuzz[A-Za-z0-9_]*\(' --include='*_test.go' . |
		sed -E 's#^(.*)/[^/]*:func (Fuzz[A-Za-z0-9_]*)\($#\1 \2#' | sort
}

# go test leaves what made a target fail in its package, where from then on every run of the tests tries it again.
tell_failure() {
	local package=$1 target=$2 written
	written=$(sed -nE 's#^ *Failing input written to (.*)$#\1#p' "$log" | head -n 1)
	if [[ -n $written ]]; then
		say "$target failed on $package/$written" >&2
		say "again: go test -run '^$target\$/^${written##*/}\$' $package" >&2
	else
		say "$target failed without a failing input of its own: see above" >&2
	fi
}

log=$(mktemp)
trap 'rm -f -- "$log"' EXIT

mapfile -t found < <(targets | grep -i -e "${FUZZ:-}")
((${#found[@]} > 0)) || {
	say "there is no fuzz target" >&2
	exit 1
}
for n in "${!found[@]}"; do
	read -r package target <<<"${found[n]}"
	say "$((n + 1)) of ${#found[@]}: $target in $package, for $time"
	go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$@" "$package" </dev/null 2>&1 | tee "$log" || {
		tell_failure "$package" "$target"
		exit 1
	}
done
say "all ${#found[@]} targets held for $time each"
