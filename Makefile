# make setup | demo | docs | test | test-fast | lint | bench | realism | results
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Waiting threads that spin would take the cores from whatever else runs.
THREADS := OMP_NUM_THREADS=$(shell nproc) OMP_WAIT_POLICY=PASSIVE
RUN := $(THREADS) $(BIN)/python
BONESCAN := $(THREADS) $(BIN)/bonescan
# What is compiled is kept, whatever the environment says: to rewrite the asserts of all tests takes
# each process 10 s.
PYTEST := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest

.PHONY: setup demo docs test test-fast lint bench realism results clean

setup: $(STAMP)

# Redone only when the pins or the package's own description change. The package is installed so
# that changes of its files take effect at once.
$(STAMP): requirements.lock pyproject.toml setup.py
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is missing: install python3.11, or name another with make PYTHON=..."; exit 1; }
	@command -v git >/dev/null || { echo "git is missing: install the package git"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "The venv module is missing: install the package python3.11-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned packages (5.4 GB, about 2 minutes) ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

demo: $(STAMP)
	$(RUN) scripts/demo.py

# Into site/; fails on a link that leads nowhere.
docs: $(STAMP)
	$(RUN) scripts/build_site.py

# Measuring coverage makes a test take half as long again, and the slow ones add little to it. What
# the tests of a file share is made in one process: the slow ones stay together.
test: $(STAMP)
	$(PYTEST) -n 2 --dist worksteal -q -m "not slow" --cov
	$(PYTEST) -n 2 --dist loadscope -q -m slow

test-fast: $(STAMP)
	$(PYTEST) -n 2 --dist worksteal -q -m "not slow"

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

# The fast profile on the default cohort: about 10 minutes on 2 cores.
results: $(STAMP)
	$(BONESCAN) simulate --preset default --seed 0 --workers 2 -o data/cohort
	$(BONESCAN) train --data data/cohort -o runs/fast --fast
	$(BONESCAN) evaluate runs/fast
	cp runs/fast/evaluation/summary.json docs/results/fast_default.json
	cp runs/fast/evaluation/examples.png docs/results/fast_default.png
	{ printf '# Fast profile on the default cohort\nMade by `make results`.\n\n![Best, median and worst image](fast_default.png)\n\n'; cat runs/fast/evaluation/summary.md; } > docs/results/fast_default.md

# What tools leave behind; data/ and runs/ hold a person's work.
clean:
	rm -rf build eval site .coverage* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
