# What can be done with this tree; "make help" lists it. Needed are Go, Python 3.10 or later, and the registries of their packages.

SHELL := /bin/sh
PYTHON ?= python3
LINT := go tool -modfile=tools/go.mod golangci-lint
CHECKED := src tests ../examples ../bench/reference

# Any Go since 1.21 can fetch the one that go.mod names.
export GOTOOLCHAIN := auto
export PYTHON

.PHONY: help build demo examples test test-s3 soak mutants check format reference bench clean need-python

help: ## list what there is to make
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST)

build: ## build bin/wallaroo, one static file with the Python package in it
	CGO_ENABLED=0 go build -trimpath -o bin/wallaroo ./cmd/wallaroo

demo: build ## build, and count words from a TCP sender to a TCP receiver, in Python and in Go
	CGO_ENABLED=0 go build -trimpath -o bin/ ./examples/go/word_count
	@go run ./bench/demo

examples: build need-python ## run every example and compare its results with what is expected
	@examples/run all

test: need-python ## run every test, Go with the race detector and Python
	@cc=$$(tools/c-compiler) && echo "CC='$$cc' go test -race ./..." && CC="$$cc" CGO_ENABLED=1 go test -race ./...
	PYTHONPATH=python/src $(PYTHON) -m unittest discover -s python/tests

test-s3: need-python ## run the tests of buckets on a real S3 server, which takes minutes to build; make test has a small one
	cd internal/bucket/s3test && go vet ./... && go test ./...

SOAK := 10m
SOAKED := 5000
EVERYWHERE := 10
KILLED := 200

soak: need-python test-s3 ## run random histories and applications in chaos, killed and long; SOAK=1h SOAKED=50000 EVERYWHERE=100 KILLED=1000 for longer
	go test ./internal/worker -run 'TestHistories$$' -v -timeout 24h -histories $(SOAKED) -pythons $$(($(SOAKED) / 9)) -first $$(date +%s)
	go test ./internal/worker -run 'TestCrashes$$' -v -timeout 24h -crashes $(SOAKED) -first $$(date +%s)
	go test ./internal/worker -run 'TestCrashesEverywhere$$' -v -timeout 24h -everywhere $(EVERYWHERE) -first $$(date +%s)
	WALLAROO_SOAK=$(SOAK) go test ./internal/command -run 'TestWordsAreCountedOnceInChaos$$' -v -timeout 24h
	go test ./internal/command -run 'TestKilled$$|TestPlainConnectionsAreKilled$$|TestThePowerIsCut$$' -v -timeout 24h -kills $(KILLED)
	WALLAROO_SOAK=$(SOAK) go test ./internal/command -run 'TestLongRunsStayFlat$$' -v -timeout 24h

mutants: ## take away one condition of the door after another: the random histories must notice
	@go run ./internal/worker/mutants

check: need-python ## lint, vet, format, the rules of the tree, and the types of the Python package
	$(LINT) fmt --diff
	go vet ./...
	$(LINT) run ./...
	go test ./internal/tidy
	cd python && ../tools/checkers -m ruff format --check --config pyproject.toml $(CHECKED)
	cd python && ../tools/checkers -m ruff check --config pyproject.toml $(CHECKED)
	cd python && ../tools/checkers -m mypy $(CHECKED)
	tools/checkers python/tests/check_typing.py

format: need-python ## bring Go and Python into the form that check demands
	$(LINT) fmt
	cd python && ../tools/checkers -m ruff format --config pyproject.toml $(CHECKED)

reference: ## write docs/commands.md anew from what the commands say of themselves
	go test ./internal/command -run 'TestTheReferenceIsWhatTheCommandsSay$$' -write

bench: build ## measure against the reference programs
	go build -trimpath -o bin/ ./examples/go/word_count ./bench/reference/word_count_loop ./bench/reference/key_state
	@go run ./bench

clean: ## remove what was built or installed here
	rm -rf bin .tools
	find . -name __pycache__ -o -name .mypy_cache -o -name .ruff_cache | xargs rm -rf

need-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || \
		{ echo 'Python 3.10 or later is needed, and "$(PYTHON)" is not that: install it, or say PYTHON=/path/to/python' >&2; exit 1; }
