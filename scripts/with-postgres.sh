#!/usr/bin/env bash
# Runs a command with a Postgres server of its own:
#
#   scripts/with-postgres.sh go test ./pkg/internal/store/
#   scripts/with-postgres.sh sh -c 'psql "$TEST_DATABASE_URL" -c "select 1"'
#   POSTGRES_FSYNC=on scripts/with-postgres.sh go test -bench . ./pkg/internal/store/
#
# TEST_DATABASE_URL, when it is set already, is used as it is and nothing is started. Otherwise a server
# is made in a temporary folder on a free port of the loopback interface, and is stopped and removed when
# the command has ended. The exit status is that of the command.
#
#   POSTGRES_FSYNC            off (default): tests do not survive a power cut; on: what benchmarks need
#   POSTGRES_MAX_CONNECTIONS  200

set -euo pipefail

fsync=${POSTGRES_FSYNC:-off}
max_connections=${POSTGRES_MAX_CONNECTIONS:-200}
mend='sudo apt-get update && sudo apt-get install -y postgresql'

folder=
server=
command=

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

fail() {
	say "$@"
	exit 1
}

# The folder that holds initdb and postgres; Debian keeps them off the PATH.
find_binaries() {
	local candidate
	if candidate=$(command -v initdb) && candidate=$(dirname "$(readlink -f "$candidate")") && [[ -x $candidate/postgres ]]; then
		printf '%s\n' "$candidate"
		return
	fi
	for candidate in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
		if [[ -x $candidate/initdb && -x $candidate/postgres ]]; then
			printf '%s\n' "$candidate"
			return
		fi
	done
	return 1
}

install_binaries() {
	local as_root=()
	if ((EUID != 0)); then
		as_root=(sudo -n)
		sudo -n true 2>/dev/null || fail "no Postgres on this machine. Install it with: $mend"
	fi
	command -v apt-get >/dev/null || fail "no Postgres on this machine and no apt-get: install Postgres 13 or newer, or set TEST_DATABASE_URL"
	say "no Postgres on this machine: installing Debian's package (set TEST_DATABASE_URL to use another server)"
	"${as_root[@]}" apt-get update -q >&2 &&
		"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y postgresql >&2 </dev/null ||
		fail "could not install Postgres. Install it with: $mend"
}

# Postgres refuses to run as root; this prints whom it runs as instead.
unprivileged_user() {
	local user
	for user in postgres nobody; do
		if id -u "$user" >/dev/null 2>&1; then
			printf '%s\n' "$user"
			return
		fi
	done
	fail "Postgres does not run as root, and there is neither a user postgres nor a user nobody"
}

make_folder() {
	folder=$(mktemp -d "${TMPDIR:-/tmp}/anchor-postgres.XXXXXX")
	if ((EUID == 0)); then
		local user
		user=$(unprivileged_user)
		as_server=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups)
		chown "$user" "$folder"
		"${as_server[@]}" test -w "$folder" || fail "$folder cannot be reached by the user $user: set TMPDIR to a folder that everybody may enter"
	fi
}

init_cluster() {
	local password=$1
	(umask 077 && printf '%s\n' "$password" >"$folder/password")
	((EUID != 0)) || chown --reference="$folder" "$folder/password"
	(cd "$folder" && "${as_server[@]}" "$bin/initdb" --no-sync --username=anchor --pwfile="$folder/password" \
		--auth=scram-sha-256 --encoding=UTF8 --locale=C --pgdata="$folder/data") >"$folder/initdb.log" 2>&1 ||
		fail "initdb failed: $(<"$folder/initdb.log")"
}

# Starts the server on the given port and returns once it answers; fails when the port is somebody else's.
start_server() {
	local port=$1 status
	# A session of its own keeps Ctrl-C for the command. The server ends when this script dies, however it dies.
	(cd "$folder" && exec "${in_session[@]}" "${as_server[@]}" "${until_death[@]}" "$bin/postgres" -D "$folder/data" \
		-p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
		-c max_connections="$max_connections" -c fsync="$fsync" -c full_page_writes="$fsync" -c timezone=UTC) >"$folder/server.log" 2>&1 </dev/null &
	server=$!
	while kill -0 "$server" 2>/dev/null; do
		status=$(sed -n 8p "$folder/data/postmaster.pid" 2>/dev/null || true)
		[[ $status == ready* ]] && return
		sleep 0.05
	done
	wait "$server" || true
	server=
	return 1
}

start_on_free_port() {
	local port
	for _ in {1..20}; do
		port=$((20000 + (RANDOM % 12000)))
		if start_server "$port"; then
			started_port=$port
			return
		fi
		grep -q 'Address already in use' "$folder/server.log" || break
	done
	fail "Postgres did not start: $(<"$folder/server.log")"
}

clean_up() {
	local status=$?
	trap '' INT TERM HUP
	if [[ -n $server ]]; then
		kill -INT "$server" 2>/dev/null || true # a fast shutdown: sessions are ended, not waited for
		wait "$server" 2>/dev/null || true
	fi
	[[ -z $folder ]] || rm -rf -- "$folder"
	exit "$status"
}

# Runs the command so that a signal to this script reaches it before the server is taken away.
run_command() {
	local restore=() status=0
	if env --default-signal=INT,QUIT true 2>/dev/null; then
		restore=(env --default-signal=INT,QUIT)
	fi
	"${restore[@]}" "$@" <&0 &
	command=$!
	trap 'kill -TERM "$command" 2>/dev/null || true' TERM HUP
	trap : INT # the terminal has told the command as well
	wait "$command" || status=$?
	while kill -0 "$command" 2>/dev/null; do
		status=0
		wait "$command" || status=$?
	done
	return "$status"
}

(($# > 0)) || fail "usage: ${0##*/} COMMAND [ARGUMENT…]"
[[ $fsync == on || $fsync == off ]] || fail "POSTGRES_FSYNC is on or off, not $fsync"
[[ -z ${TEST_DATABASE_URL:-} ]] || exec "$@"

bin=$(find_binaries) || { install_binaries && bin=$(find_binaries); } || fail "Postgres was installed but initdb is not to be found"

as_server=()
in_session=()
until_death=()
started_port=
! command -v setsid >/dev/null || in_session=(setsid)
! setpriv --pdeathsig INT true 2>/dev/null || until_death=(setpriv --pdeathsig INT)

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
make_folder
password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
init_cluster "$password"
start_on_free_port
export TEST_DATABASE_URL="postgres://anchor:$password@127.0.0.1:$started_port/postgres?sslmode=disable"
run_command "$@"
