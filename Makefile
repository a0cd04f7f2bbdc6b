# make run: the market, on http://127.0.0.1:8080, with demo data. make test: everything that is checked.
# Needs Python 3.11 or newer and make, nothing else. HARVEST_… variables are settings: see docs/settings.md.

VENV := .venv
BIN := $(VENV)/bin
# The first Python that is new enough (that of which an active virtualenv was made); make PYTHON=/path/of/python names another.
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.version_info < (3, 11) and sys.exit(1); print(sys._base_executable)' 2>/dev/null && break; done)
endif
# What an installation was made of, and where: another list of packages installs again, another place or Python anew.
STATE := $(shell cat setup.cfg pyproject.toml | cksum | cut -d' ' -f1)
PLACE := $(CURDIR) $(PYTHON)
# Two more than there are processors: the tests of faults wait for most of their time.
PYTEST_WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN || echo 1) + 2)
# What of the benchmarks, and how: make bench BENCH="cached --against HEAD~5".
BENCH ?=
TESTS ?= tests

# What is compiled is kept: each of the hundreds of processes that the tests start would compile all of it again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help ctl run test fuzz mutations check format docs examples words install install-test install-bench install-servers bench bench-full clean
.DEFAULT_GOAL := run

# What there is to make.
help:
	@echo "make                  the market, on http://127.0.0.1:8080, with demo data (make run)"
	@echo "make ctl ARGS=...     harvestctl of it: make ctl ARGS=doctor, make ctl ARGS='replay orders --all'"
	@echo "make test             everything that is checked; TESTS=tests/web for a part, PYTEST_WORKERS=0 one by one"
	@echo "make check format     style and types; put in order"
	@echo "make bench            benchmarks beside their peers, in minutes; BENCH='cached orders' for some; bench-full for all"
	@echo "make fuzz             odd input, pairs at once and made-up requests, at length"
	@echo "make mutations        what the tests notice of faults that are put in"
	@echo "make docs examples    docs/settings.md, from the table of settings; the contract's examples, from the demo"
	@echo "make words            the catalogues of the languages, with what the code has; WORDS=it begins one"
	@echo "make clean            what was installed or built here; data/ stays"
	@echo "make PYTHON=/path/of/python3 ... makes .venv with another Python; HARVEST_... variables are settings (docs/settings.md)"

ctl: install
	@exec $(BIN)/harvestctl $(ARGS)

run: install
	@HARVEST_DEMO=$${HARVEST_DEMO-1} exec $(BIN)/twistd --nodaemon --pidfile= harvest-api

test: check install-servers
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadgroup $(TESTS)

# Small mistakes in the pure rules, one at a time: each that no test notices is printed; fails when those are more than 5 %.
# MUTATIONS="harvestd/market/orders/placing.py --seconds 300" tries the mutants of one module, for so long. Then each lock and conditional update of what
# is sold is taken away, with the tests that are to notice: fails if one does not. LOCKS="--only coupon" tries those alone.
MUTATIONS ?=
LOCKS ?=
mutations: install-test
	$(BIN)/python -m tests.mutations $(MUTATIONS)
	$(BIN)/python -m tests.mutations.lock_trials $(LOCKS)

# What odd input, pairs at once and made-up requests do to a market, processes that die or are frozen for a minute each, and 1,000 histories of clients at once, at length:
# five hours or so, of which more than half are made-up requests: HARVEST_FUZZ_EXAMPLES=100 makes so many for each operation and role, and
# HARVEST_FUZZ_TAGS=farms,groups for these alone. HARVEST_SEED=n has a run again.
fuzz: install-servers
	HARVEST_FUZZ=1 $(BIN)/python -m pytest -q -p no:cacheprovider tests/hostile tests/faults tests/histories tests/market/orders/test_machine.py

check: install-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Side by side with their peers: in under 3 minutes, into benchmarks/results/quick/; or all of it, into docs/benchmarks.md.
bench: install-bench
	$(BIN)/python -m benchmarks $(BENCH)

bench-full: install-bench
	@$(BIN)/python -m benchmarks.vendure_shop
	$(BIN)/python -m benchmarks --full $(BENCH)

format: install-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install
	$(BIN)/harvestctl settings --markdown > docs/settings.md

# The examples in the contract, as a market with the demo's data gives them.
examples: install-test
	$(BIN)/python -m tests.openapi.record

# Every text that people meet, in each catalogue of harvestd/kernel/words; what has no translation yet is counted.
WORDS ?=
words: install-test
	$(BIN)/python -m tests.kernel.words $(WORDS)

install:
	@$(call installed,run,-e .)

install-test:
	@$(call installed,test,-e .[test])

# The servers that are measured and wrk, as make test installs its own; what draws; a virtualenv for each peer, in .peers/.
install-bench: install-test
	@$(BIN)/python -m benchmarks.install

# The real servers that the tests start (never as services): by apt, as root or with sudo, by Maven, npm and Go; and what reads the
# contract as others do, by npm.
install-servers: install-test
	@$(BIN)/python -m servers.install
	@$(BIN)/python -m tests.openapi.tools

clean:
	rm -rf $(VENV) .peers .tools build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis twisted/plugins/dropin.cache
	find harvestd tests -name __pycache__ -prune -exec rm -rf {} +

# $(1): run or test, $(2): what pip installs. An installation for the tests serves to run, too.
# twistd keeps a list of its plugins, which it writes when it is first asked for them.
define installed
	set -eu; \
	stamp=$(VENV)/harvestd-installed; \
	for kind in $(1) test; do \
	  if [ "$$(cat $$stamp 2>/dev/null)" = "$$kind $(STATE) $(PLACE)" ]; then exit 0; fi; done; \
	if [ -z "$(PYTHON)" ]; then \
	  echo "harvestd needs Python 3.11 or newer, and there is none: $$(python3 --version 2>&1 || true)." >&2; \
	  echo "Install one, or name it: make PYTHON=/path/of/python3" >&2; exit 1; fi; \
	if ! command -v "$(PYTHON)" >/dev/null; then \
	  echo "PYTHON=$(PYTHON): there is no such program. Name one of 3.11 or newer: make PYTHON=/path/of/python3" >&2; exit 1; fi; \
	if ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  echo "PYTHON=$(PYTHON) is no Python of 3.11 or newer: $$("$(PYTHON)" --version 2>&1 | head -1)." >&2; exit 1; fi; \
	if ! "$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null; then \
	  echo "$(PYTHON) cannot make virtualenvs: its venv module is missing." >&2; \
	  echo "On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; fi; \
	echo "Installing harvestd into $(VENV) (once; needs the network or pip's cache)..." >&2; \
	clear=; if [ -e $$stamp ] && [ "$$(cut -d' ' -f3- $$stamp)" != "$(PLACE)" ]; then clear=--clear; fi; \
	"$(PYTHON)" -m venv $$clear $(VENV); \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat $(2); \
	$(BIN)/twistd --help >/dev/null; \
	echo "$(1) $(STATE) $(PLACE)" > $$stamp
endef
