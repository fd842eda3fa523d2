# `make help` lists what there is. Everything is pure Go without cgo, but for the race detector, which needs it.

export CGO_ENABLED := 0
SHELL := /bin/bash
.DEFAULT_GOAL := help

# The packages with goroutines, for the race detector. Those that live on the SQLite driver are left out: it runs
# 24 times slower there. A package that starts goroutines is added here.
RACE_PACKAGES := \
	./config \
	./pkg/anchor \
	./pkg/internal/httpserver \
	./pkg/internal/outbound \
	./pkg/internal/sandbox \
	./pkg/internal/sep1 \
	./pkg/internal/sep10 \
	./pkg/internal/stellar/... \
	./pkg/internal/worker \
	./pkg/money \
	./pkg/rails/csvfile \
	./pkg/rails/simulated

# More arguments for test, test-race, torture, bench, fuzz and demo: make test ARGS='-run Payment ./pkg/money/'
ARGS ?=

.PHONY: help build demo test test-race test-foreign torture bench fuzz gen lint fmt verify clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the binary: bin/anchor
	go build -trimpath -o bin/anchor ./cmd/anchor

demo: build ## real transfers on this machine, no settings and no network needed (ARGS='--transfers 20 --exit')
	bin/anchor demo $(ARGS)

test: ## all tests, on SQLite and on a Postgres of their own (ARGS='-run Name ./pkg/money/')
	scripts/test.sh $(ARGS)

test-race: ## the packages with goroutines under the race detector (needs gcc)
	CGO_ENABLED=1 scripts/with-postgres.sh go test -race $(ARGS) $(RACE_PACKAGES)

test-foreign: ## our files and answers read by programs that we did not write
	scripts/foreign.sh

torture: ## the crash tests at full counts (tens of minutes)
	scripts/torture.sh $(ARGS)

bench: ## every figure beside the bare statements of the same step, on both engines
	scripts/bench.sh $(ARGS)

fuzz: ## every fuzz target, one after the other, each for FUZZTIME (FUZZTIME=10s; 1m without)
	scripts/fuzz.sh $(ARGS)

gen: ## write the generated files anew
	scripts/gen.sh
	go generate ./...

lint: ## gofmt, go vet, golangci-lint
	scripts/lint.sh

fmt: ## format all Go files
	gofmt -w $$(find . -name '*.go' -not -path './.git/*')

verify: lint ## what must pass before a change goes in: lint, generated files up to date, all tests
	@before=$$(git diff | sha256sum) && $(MAKE) gen && [[ $$before == $$(git diff | sha256sum) ]] || \
		{ echo 'generated files were not up to date; they are now: see git diff' >&2; exit 1; }
	$(MAKE) test test-race test-foreign

clean: ## remove what was built
	rm -rf bin
