#!/usr/bin/env bash
# What we write for programs of others, read by these programs:
#
#   systemd units and timers   systemd-analyze; python3 where there is no systemd, which knows the syntax only
#   cron lines                 awk, by the rules of crontab(5)
#   command lines in both      the anchor binary itself must know each command and flag
#   what a running one says    Stellar's own JavaScript clients make transfers with it (scripts/foreign/node)
#   what it asks a business    the servers in examples/, in Node and in Python, answer it: call by call, and in such transfers
#   what a ledger says         Stellar's own Go SDK finds the same payments in it as we do (scripts/oracle)

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

node_version=18
mend='sudo apt-get update && sudo apt-get install -y nodejs npm'

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

say() { printf 'foreign.sh: %s\n' "$*"; }

fail() {
	say "$@" >&2
	exit 1
}

# systemd looks for the programs that units start, and on this machine anchor is not installed.
copy_units() {
	cp -r scripts/systemd "$work/systemd"
	sed -i 's#/usr/local/bin/anchor#/bin/true#g' "$work"/systemd/*.service
}

check_units_with_systemd() {
	local unit complaints
	complaints=$(systemd-analyze verify --man=no "$work"/systemd/*.service "$work"/systemd/*.timer 2>&1) ||
		fail "systemd-analyze verify: $complaints"
	# Unknown keys are only warned about. Other units of this machine may be warned about as well: not ours to judge.
	complaints=$(grep -F -e "$work" -e anchor- <<<"$complaints" || true)
	[[ -z $complaints ]] || fail "systemd-analyze verify: $complaints"
	systemd-analyze --help | grep -q -- --threshold || return 0
	for unit in "$work"/systemd/*.service; do
		# The scale goes from 0, locked away, to 100; a unit without any hardening has 96.
		systemd-analyze security --no-pager --offline=true --threshold=20 "$unit" >"$work/security" ||
			fail "systemd-analyze security ${unit##*/}: $(tail -n 1 "$work/security")"
	done
}

check_units() {
	copy_units
	if command -v systemd-analyze >/dev/null; then
		check_units_with_systemd
		say "systemd units: understood by $(systemd-analyze --version | head -n 1)"
	else
		python3 scripts/foreign/units.py scripts/systemd
		say "systemd units: syntax read by python3, for there is no systemd-analyze here"
	fi
}

check_cron() {
	awk -f scripts/foreign/cron.awk scripts/cron.example || fail "scripts/cron.example breaks the rules of crontab(5)"
	say "cron lines: sound"
}

# The arguments of anchor in every unit and cron line, one command a line.
command_lines() {
	sed -nE "s#^ExecStart=.*/usr/local/bin/anchor ([^;']*).*#\1#p" scripts/systemd/*.service
	sed -nE 's#^[*0-9].* && anchor (.*)#\1#p' scripts/cron.example
}

build() {
	CGO_ENABLED=0 go build -o "$work/anchor" ./cmd/anchor
}

check_command_lines() {
	local line arguments count=0
	while read -r line; do
		read -ra arguments <<<"$line"
		"$work/anchor" "${arguments[@]}" --help >"$work/help" 2>&1 </dev/null || fail "anchor $line: $(head -n 3 "$work/help")"
		count=$((count + 1))
	done < <(command_lines | sort -u)
	((count > 0)) || fail "no command line found in the units and the cron lines"
	say "command lines: anchor knows all $count"
}

install_node() {
	local as_root=()
	if ((EUID != 0)); then
		as_root=(sudo -n)
		sudo -n true 2>/dev/null || fail "no Node on this machine. Install it with: $mend"
	fi
	command -v apt-get >/dev/null || fail "no Node on this machine and no apt-get: install Node $node_version or newer, with npm"
	say "no Node on this machine: installing Debian's package"
	"${as_root[@]}" apt-get update -q >&2 &&
		"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends nodejs npm >&2 </dev/null ||
		fail "could not install Node. Install it with: $mend"
}

need_node() {
	command -v node >/dev/null && command -v npm >/dev/null || install_node
	local version
	version=$(node --version)
	version=${version#v}
	((${version%%.*} >= node_version)) || fail "Node $version is too old: $node_version or newer is needed"
}

# The clients in the versions of package-lock.json. None of their install scripts is run: they need none.
install_clients() {
	cp -r scripts/foreign/node "$work/node"
	(cd "$work/node" && timeout 180 npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >"$work/npm.log" 2>&1 </dev/null ||
		fail "npm ci: $(tail -n 20 "$work/npm.log")"
}

need_python() {
	command -v python3 >/dev/null || fail "no python3 on this machine: examples/python-server needs it"
}

check_clients() {
	need_node
	need_python
	install_clients
	# It bounds its own time; this is for the case that it cannot.
	TMPDIR="$work" EXAMPLES="$PWD/examples" timeout --kill-after=10 300 node "$work/node/main.mjs" "$work/anchor" </dev/null || fail "clients of Stellar: see above"
	say "clients of Stellar: their transfers were completed"
}

# A copy, so that nothing of the module changes here where the anchor has moved on to newer versions than it names.
check_ledgers() {
	cp -r scripts/oracle "$work/oracle"
	(cd "$work/oracle" && go mod edit -replace "github.com/anchorkit/anchor=$OLDPWD" &&
		CGO_ENABLED=0 timeout 480 go test -mod=mod ./...) >"$work/oracle.log" 2>&1 </dev/null ||
		fail "scripts/oracle: $(tail -n 40 "$work/oracle.log")"
	say "ledgers: the SDK finds the same payments in a real one, and in those of the sandbox"
}

check_servers() {
	need_node
	need_python
	CGO_ENABLED=0 go test -count=1 -timeout=120s -tags foreign -run ExampleServers ./pkg/internal/integration/remote/ ./pkg/internal/operations/ ||
		fail "servers in examples/: see above"
	CGO_ENABLED=0 scripts/with-postgres.sh go test -count=1 -timeout=400s -tags foreign -run ExampleServers ./pkg/internal/e2e/ ||
		fail "transfers over the servers in examples/: see above"
	say "servers of a business: the ones in Node and in Python keep the contract, and carry transfers on both databases"
}

check_units
check_cron
build
check_command_lines
check_clients
check_ledgers
check_servers
