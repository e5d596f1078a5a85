# Quire: everything that is built, tried, tested and measured. `make help` lists the targets.
#
# `make demo` needs Rust, make and a C compiler. `make test` and `make bench` install what else they need, where it is missing.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
WASM := wasm32-unknown-unknown
STEP := tests/setup/step

# Where the demo keeps its data and listens.
DATA ?= data/demo
LISTEN ?= 127.0.0.1:8080
SIMULATOR_LISTEN ?= 127.0.0.1:8787

##@ Try it

.PHONY: demo
demo: bundle-release release ## Build everything and run the demo: students, staff and simulated providers in one process
	$(TARGET)/release/quire demo --data $(DATA) --listen $(LISTEN) --simulator-listen $(SIMULATOR_LISTEN)

##@ Build

.PHONY: build
build: bundle ## Build the program and all tests, for development
	@$(STEP) 'Program and tests' $(CARGO) build --bins --tests --test black_box --example gallery

.PHONY: release
release: ## Build the program as it is run in earnest
	@$(STEP) 'Program' $(CARGO) build --release --bin quire

.PHONY: wasm
wasm: wasm-target ## Build the WebAssembly of the pages
	@$(STEP) 'WebAssembly' $(CARGO) build -p frontend --target $(WASM) --profile wasm-release

.PHONY: wasm-target
wasm-target:
	@tests/setup/wasm-target $(WASM)

.PHONY: bundle
bundle: wasm ## Build the folder of styles, scripts and fonts that the program serves
	@$(STEP) 'Bundle' $(CARGO) run --quiet --bin quire-bundle

.PHONY: bundle-release
bundle-release: wasm
	@$(STEP) 'Bundle' $(CARGO) run --quiet --release --bin quire-bundle

##@ Check

.PHONY: test
test: ## Run every check and test on both databases, in the SDKs and in the browser; ends with the figures
	@tests/setup/all

.PHONY: lint
lint: lint-format lint-rust lint-wasm ## Check format and lints

.PHONY: format
format: ## Bring the code into its format
	$(CARGO) fmt --all

.PHONY: lint-format
lint-format:
	@$(STEP) 'Format' $(CARGO) fmt --all --check

.PHONY: lint-rust
lint-rust:
	@$(STEP) 'Lints' $(CARGO) clippy --all-targets --test black_box -- -D warnings

.PHONY: lint-wasm
lint-wasm: wasm-target
	@$(STEP) 'Lints of the WebAssembly' $(CARGO) clippy -p frontend --target $(WASM) -- -D warnings

.PHONY: test-unit
test-unit: build need-postgres ## Run the tests beside the code
	@$(STEP) 'Unit tests' tests/setup/rust unit

.PHONY: test-black-box
test-black-box: build need-postgres need-mail need-focus ## Run the tests of the whole program; ONLY=name for some of them
	@$(STEP) 'Black-box tests' tests/setup/rust black-box $(ONLY)

.PHONY: test-sdk
test-sdk: build need-python ## Run the providers' own Python libraries against the simulator
	@$(STEP) 'SDK tests' tests/setup/sdk

.PHONY: test-browser
test-browser: build need-browser ## Run the tests in a browser; screenshots go to target/screenshots
	@$(STEP) 'Browser tests' tests/setup/browser

.PHONY: test-browser-pages
test-browser-pages: build need-browser ## Look at every page in every state in a browser
	@$(STEP) 'Every page in a browser' tests/setup/browser ./checks.test.mjs ./gallery.test.mjs

##@ Measure

.PHONY: bench
bench: release need-peers ## Measure hand-ins and batches against their goals (docs/performance.md)
	@$(STEP) 'Benchmarks: building' $(CARGO) bench --no-run
	@$(CARGO) bench --bench hand_in
	@$(CARGO) bench --bench batch
	@$(CARGO) bench --bench compose
	@$(CARGO) bench --bench ingest
	@$(CARGO) bench --bench growth
	@$(CARGO) bench --bench rules
	@$(CARGO) bench --bench ledger

.PHONY: prove
prove: build ## Import a file of essays and prove that none is lost or paid twice, also under kill -9 (ESSAYS=file.csv)
	@test -n "$(ESSAYS)" || { echo 'Say which essays: make prove ESSAYS=essays.csv (columns essay_id and text)' >&2; exit 2; }
	$(TARGET)/debug/prove --essays "$(ESSAYS)"

.PHONY: storm
storm: build need-postgres ## Let every fault strike at once under kill -9, 5,000 jobs on each database (STORM='--kills 50')
	@$(TARGET)/debug/storm $(STORM)

.PHONY: stops
stops: build need-postgres ## Stop a process for 60 s at each named point while others share 10,000 jobs, on PostgreSQL (STOPS='--still 20')
	@$(TARGET)/debug/stops $(STOPS)

.PHONY: saving
saving: build ## Measure the saving of the reference workload beside its plan, 5,000 pieces of work on each route (SAVING='--hits 0.98')
	@$(TARGET)/debug/saving $(SAVING)

##@ Install what is missing (as root, or say what to install)

.PHONY: need-postgres need-mail need-python need-focus need-browser need-peers
need-postgres: ## PostgreSQL's server
	@tests/setup/need postgres
need-mail: ## A mail server for tests
	@tests/setup/need python
need-python: ## Python libraries of the providers
	@tests/setup/need python
need-focus: ## The public validator of bills, which wants Python 3.12 or newer
	@tests/setup/need focus
need-peers: ## Redis and BullMQ, which the benchmarks are held against
	@tests/setup/need peers || echo 'BullMQ will not be measured'
need-browser: ## Chromium, Node.js and the libraries that drive them
	@tests/setup/need browser

.PHONY: clean
clean: ## Remove everything that was built
	$(CARGO) clean

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
