#!/usr/bin/env bash
# gofmt, go vet and golangci-lint: the installed one when it is of the version named here, else that version built by go.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=2.15.0

mapfile -t unformatted < <(find . -name '*.go' -not -path './.git/*' -exec gofmt -l {} +)
if ((${#unformatted[@]} > 0)); then
	printf 'not formatted, run make fmt: %s\n' "${unformatted[@]}" >&2
	exit 1
fi
go vet ./...

if command -v golangci-lint >/dev/null && [[ $(golangci-lint version --short 2>/dev/null) == "$version" ]]; then
	exec golangci-lint run "$@"
fi
exec go run "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$version" run "$@"
