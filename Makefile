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
.PHONY: help setup test check format up conformance demo bench-chain bench-session bench-stripe bench-lightning bench-sim lock clean

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

demo: $(STAMP) ## tell the protocol's story in a terminal, in under two minutes
	$(PY) -m benchmarks.demo $(ARGS)

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
