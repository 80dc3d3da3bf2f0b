# Every target is a verb. `make test` on a fresh clone needs make and Python 3.11 or newer, no more.
# Pass options with ARGS, e.g. `make test ARGS="-k clock -x"`; choose an interpreter with PYTHON.

ifndef PYTHON
PYTHON := $(shell for python in python3.11 python3 python3.12 python3.13 python3.14; do \
	"$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
		>/dev/null 2>&1 && { echo "$$python"; break; }; done)
endif

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
STAMP := $(VENV)/.stamp
PIP := $(PY) -m pip --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.PHONY: help setup test check format up conformance fuzz demo simulate claims bench bench-quick \
	bench-peers bench-hot bench-chain bench-session bench-stripe bench-lightning bench-sim lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with the pinned versions of constraints.txt

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 with venv found; set PYTHON." >&2; exit 1; }
	@$(PY) -c 'import pip' >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(PIP) install --quiet --constraint constraints.txt --editable '.[all,dev]'
	@touch $@

# One process a core, four at most: many tests start processes of their own. ARGS="-n0 -k clock -x"
# runs in this one, as a debugger wants it.
test: $(STAMP) ## run all tests
	$(PY) -m pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

check: $(STAMP) ## lint, types, import contracts, tidiness
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PY) -m pytest --quiet tests/architecture

format: $(STAMP) ## put the code into its canonical form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

up: $(STAMP) ## start the sandbox
	$(BIN)/mpp-sandbox up $(ARGS)

conformance: $(STAMP) ## run pympp's own chain tests against this chain
	$(PY) -m tests.conformance.pympp $(ARGS)

SEEDS ?= 1000
FIRST ?= 1
fuzz: $(STAMP) ## let the real gate, client and rails live through SEEDS worlds of faults, from FIRST on
	$(PY) -m tests.simulation.world --seeds $(SEEDS) --first $(FIRST) $(ARGS)

demo: $(STAMP) ## tell the protocol's story in a terminal, in under two minutes
	$(PY) -m benchmarks.demo $(ARGS)

STUDY ?= charge-vs-session
simulate: $(STAMP) ## run the study STUDY, with its records, figures and page under build/
	$(BIN)/mpp-sandbox simulate $(STUDY) --out build/simulate/$(STUDY) $(ARGS)

claims: $(STAMP) ## try the claims made for MPP by simulation, and write the page about them anew
	$(PY) -m scenarios.claims --out docs/explain $(ARGS)

bench: $(STAMP) ## load the live devnet by every intent and rail, and report, in under ten minutes
	$(PY) -m benchmarks full $(ARGS)

bench-quick: $(STAMP) ## the same in short: charge beside session, judged by ratios
	$(PY) -m benchmarks quick $(ARGS)

bench-peers: $(STAMP) ## measure every promised ratio, and write the page about them anew
	$(PY) -m benchmarks.peers $(ARGS)

bench-hot: $(STAMP) ## fail where a hot path became half as slow again
	$(PY) -m pytest -n0 --benchmark-enable benchmarks/hot $(ARGS)

bench-chain: $(STAMP) ## compare the chain with anvil: rates, latency, memory, start-up
	$(PY) -m benchmarks.micro.chain $(ARGS)

bench-session: $(STAMP) ## compare the gate with an mppx server: sessions, challenges, charges
	$(PY) -m benchmarks.micro.session $(ARGS)

bench-stripe: $(STAMP) ## compare the Stripe rail with a bare server: rates, latency, start-up
	$(PY) -m benchmarks.micro.stripe $(ARGS)

bench-lightning: $(STAMP) ## measure Lightning: invoices, payments, the codec, paid requests
	$(PY) -m benchmarks.micro.lightning $(ARGS)

bench-sim: $(STAMP) ## compare the simulator's events with a bare SimPy loop
	$(PY) -m benchmarks.micro.sim $(ARGS)

# Resolves everything anew in a throw-away environment. Run it with PYTHON=python3.11, the oldest
# version supported, so that the pins fit all newer ones; then run `make check test`.
lock: ## write constraints.txt anew from pyproject.toml
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	$(PYTHON) -m venv "$$folder" && \
	"$$folder/bin/pip" install --quiet '.[all,dev]' && \
	{ echo '# What `make setup` installs: .[all,dev] resolved on Python 3.11. Written by `make lock`.'; \
	  "$$folder/bin/pip" freeze --exclude mpp-sandbox; } > "$$folder/constraints.txt" && \
	cp "$$folder/constraints.txt" constraints.txt

clean: ## remove .venv and everything built
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path '*/node_modules/*' -prune -exec rm -rf {} +
