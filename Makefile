# make setup | demo | test | test-fast | lint | bench
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RUN := OMP_NUM_THREADS=$(shell nproc) $(BIN)/python

.PHONY: setup demo test test-fast lint bench realism clean

setup: $(STAMP)

# Redone only when the pins change.
$(STAMP): requirements.lock
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is missing: install python3.11, or name another with make PYTHON=..."; exit 1; }
	@command -v git >/dev/null || { echo "git is missing: install the package git"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "The venv module is missing: install the package python3.11-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned packages (5.4 GB, about 2 minutes) ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@touch $@

demo: $(STAMP)
	$(RUN) scripts/demo.py

test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -q

test-fast: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -q -m "not slow"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell
	$(BIN)/lint-imports

bench: $(STAMP)
	$(RUN) scripts/benchmark.py

realism: $(STAMP)
	$(RUN) scripts/realism.py

clean:
	rm -rf runs data build eval .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
