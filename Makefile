# Everything that a developer types. `make` alone lists it.
#
# Needs Python 3.11 to 3.13, make and git. uv comes from PyPI into .tools/, the project's
# environment into .venv/; nothing else outside the checkout changes but uv's cache.

PYTHON     ?= python3
UV_VERSION := 0.13.8
# Our flags must not reach what uv builds.
UV         := env -u MAKEFLAGS -u MFLAGS .tools/bin/uv
BIN        := .venv/bin
APP        ?= examples/weather
EXAMPLES   := $(patsubst %/pyproject.toml,%,$(wildcard examples/*/pyproject.toml))

# The interpreter that is here is used; none is downloaded.
export UV_PYTHON_DOWNLOADS := never
# pyright comes whole from its wheel; it need not ask whether there is a newer one.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
# An environment that happens to be active must not become the project's.
unexport VIRTUAL_ENV
# Tests start Python hundreds of times: what was compiled once is kept.
unexport PYTHONDONTWRITEBYTECODE
SHELL := /bin/sh
.SUFFIXES:
.DEFAULT_GOAL := help
ifndef TOGETHER
.NOTPARALLEL:
endif

say = @printf '\n== %s\n' "$(1)"

.PHONY: help
help: ## list what can be made
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

# -- Set-up ------------------------------------------------------------------------------------

# The interpreter's own path, and a stamp a name: another PYTHON makes the environment anew.
# (A shim's path would make uv build it anew each time.)
INTERPRETER := $(shell $(PYTHON) -c 'import os, sys; print(os.path.realpath(sys._base_executable))' 2>/dev/null)
STAMP := .venv/.made-by$(subst /,-,$(INTERPRETER))

.PHONY: setup
setup: $(STAMP) ## install what the project needs into the checkout

$(STAMP): Makefile tools/install_uv.sh tools/fetch_uv.py uv.lock pyproject.toml $(wildcard packages/*/pyproject.toml)
	@tools/install_uv.sh "$(PYTHON)" "$(UV_VERSION)"
	@$(UV) sync --locked --all-packages --python "$(INTERPRETER)"
	@touch $@

# -- Use ---------------------------------------------------------------------------------------

.PHONY: up
up: $(STAMP) ## run the weather app in its production shape (APP=… for another)
	@env -u MAKEFLAGS -u MFLAGS $(BIN)/fairway up "$(APP)"

.PHONY: bench
bench: $(STAMP) ## run one benchmark: make bench NAME=… (without a name: list them)
	@$(BIN)/python -m bench $(NAME)

# -- Judge -------------------------------------------------------------------------------------

FAST  := not real and not acceptance
SLOW  := (real or acceptance) and not browser and not alone
ALONE := alone and not browser
# How long to look for a counterexample: see tests/conftest.py.
PROFILE = quick
# Whose types are checked; nothing: everybody's.
TYPED   =
# Beside servers that tests wait for there is time for types, which nobody waits for.
GENTLY  =

.PHONY: check
check: format-check lint imports ## format, lint, types of the packages, imports, unit and golden tests
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target \
	    TOGETHER=yes PROFILE=$(PROFILE) TYPED=packages types unit

.PHONY: test
test: format-check lint imports ## everything, against real servers too; what CI runs
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target \
	    TOGETHER=yes PROFILE=thorough unit examples
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=target \
	    TOGETHER=yes GENTLY="nice -n 19" types shared alone

.PHONY: format-check
format-check: $(STAMP)
	$(call say,format)
	@$(BIN)/ruff format --check .

.PHONY: lint
lint: $(STAMP)
	$(call say,lint)
	@$(BIN)/ruff check --quiet .

.PHONY: types
types: $(STAMP)
	$(call say,types)
	@$(GENTLY) $(BIN)/pyright $(TYPED)

.PHONY: imports
imports: $(STAMP)
	$(call say,imports)
	@$(BIN)/lint-imports --no-logo

.PHONY: unit
unit: $(STAMP)
	$(call say,unit and golden tests)
	@$(BIN)/pytest -q -n 2 -m "$(FAST)" --hypothesis-profile=$(PROFILE)

.PHONY: examples
examples: $(EXAMPLES:%=%/tested) ## the examples' own tests, each in its own environment

.PHONY: search
search: $(STAMP) ## look for counterexamples of the properties where no run has looked yet: minutes
	$(call say,other examples than in every run)
	@$(BIN)/pytest -q -n 2 -m "hypothesis and $(FAST)" --hypothesis-profile=search

examples/%/tested: $(STAMP)
	$(call say,examples/$*)
	@$(UV) sync --quiet --locked --project examples/$* --python "$(INTERPRETER)"
	@$(BIN)/pyright --project examples/$*
	@cd examples/$* && .venv/bin/python -m pytest -q

.PHONY: real
real: $(STAMP) ## contract and acceptance tests against real servers
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target TOGETHER=yes shared alone

# Much of their time is spent waiting for servers: a third process has enough to do.
.PHONY: shared alone
shared: $(STAMP)
	$(call say,contract and acceptance tests)
	@$(BIN)/pytest -q -n 3 --dist worksteal -m "$(SLOW)" --durations=15

alone: $(STAMP)
	$(call say,contract and acceptance tests whose servers take long to start)
	@$(BIN)/pytest -q -m "$(ALONE)" --durations=5

.PHONY: browser
browser: $(STAMP) ## whole journeys in Chromium, with a release in the middle: minutes
	$(call say,journeys in a browser)
	@$(BIN)/pytest -q -m browser

# -- Rewrite -----------------------------------------------------------------------------------

.PHONY: format
format: $(STAMP) ## lay the code out, and mend what lint can mend
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

.PHONY: golden
golden: $(STAMP) ## rewrite golden files; review the change as code
	@$(BIN)/pytest -q -m "$(FAST)" --golden
	@git --no-pager diff --stat -- '*golden*'

.PHONY: requirements
requirements: $(STAMP) ## rewrite docs/reference/requirements.md and count what is shown
	@$(BIN)/python -m tools.requirements

.PHONY: docs
docs: requirements ## rewrite every generated page of docs/reference
	@if [ -f tools/reference.py ]; then $(BIN)/python -m tools.reference; fi

.PHONY: picture
picture: $(STAMP) ## take the pictures of the README anew, of the weather app at work
	@$(BIN)/python -m tools.picture

.PHONY: clean
clean: ## remove what make made: environments, caches; never an app's data
	@rm -rf .venv .tools .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist
	@rm -rf $(EXAMPLES:%=%/.venv)
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
