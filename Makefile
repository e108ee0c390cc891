# Needs Python 3.11 or newer and make; every target installs the rest by itself.

# The first of these that starts, is new enough and can make a virtual environment. (A
# name on the PATH is not enough: a version manager's shim may lead nowhere.)
PYTHON ?= $(firstword $(foreach name,python3.13 python3.12 python3.11 python3 python, \
	$(shell $(name) -c $(CAN_MAKE_VENV) >/dev/null 2>&1 && echo $(name))))
CAN_MAKE_VENV = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
VENV ?= .venv

# Most of a test's time is tracing and compiling, on one core: a worker a core, two at least
# and four at most. Files stay together, and in their order: in that of xdist, those of few
# and long tests would all come last.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN || echo 2); echo $$((n > 4 ? 4 : n > 2 ? n : 2)))
pytest = $(bin)/pytest --numprocesses $(WORKERS) --dist loadfile \
	--no-loadscope-reorder --durations 25
SHORT = -m "smoke and not slow and not long"
bin = $(VENV)/bin
pip = $(bin)/python -m pip install -qq --disable-pip-version-check

# Programs that XLA compiled once serve every process of a run, and the next run here.
# (Never another machine's: they are made for this CPU.)
export JAX_COMPILATION_CACHE_DIR ?= $(CURDIR)/.jax-cache
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS ?= 0
export JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES ?= -1

# The slow tests compile as users do; so does `make test XLA_FLAGS=`.
QUICKLY_COMPILED = $(shell $(bin)/python tests/programs.py 2>/dev/null)
test test-medium smoke mutants: export XLA_FLAGS ?= $(QUICKLY_COMPILED)

# With a worker a core, two threads of BLAS a worker cost three times the time of one.
test test-medium test-slow test-long smoke mutants: export OPENBLAS_NUM_THREADS ?= 1
test test-medium test-slow test-long smoke mutants: export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.NOTPARALLEL: # two pips must not work on one environment
.PHONY: help demo test test-medium test-slow test-long test-aot smoke mutants lint types docs benchmark clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: $(VENV)/with-run ## the paper's five banks, end to end, and a report with pictures
	$(bin)/cgm-jax demo --out demo-report --overwrite

test: $(VENV)/with-test ## the short tests and the docstring examples, in minutes
	$(pytest) -m "not medium and not slow and not long"

test-medium: $(VENV)/with-test ## only those that `make test` leaves out to be done in minutes
	$(pytest) -m "medium and not slow and not long"

test-slow: $(VENV)/with-test ## only the slow tests
	$(pytest) -m slow

test-long: $(VENV)/with-test ## only those of minutes each, which .ci/run leaves out
	$(pytest) -m long

# Apart: half a gigabyte, and the other tests are to run as on a machine without these.
test-aot: ## only those that compile for GPUs and a TPU, which need not be here
	@if $(MAKE) --no-print-directory VENV=.venv-aot .venv-aot/with-aot; then \
		JAX_PLATFORMS=cpu .venv-aot/bin/python -m pytest -m aot tests/test_aot.py; \
	else echo "Skipped: the compilers for GPUs and a TPU cannot be installed here."; fi

smoke: $(VENV)/with-test ## the short run with array shapes checked; VENV=.venv-other PYTHON=python3.13
	$(pytest) $(SHORT) --jaxtyping-packages=cgm_jax,beartype.beartype

mutants: $(VENV)/with-test ## small errors in the formulas, each of which a test must find
	$(bin)/python -m tests.mutants --jobs $(WORKERS)

lint: $(VENV)/with-lint ## style and format
	$(bin)/ruff check
	$(bin)/ruff format --check

types: $(VENV)/with-test $(VENV)/with-lint ## static types
	$(bin)/pyright --pythonpath $(bin)/python

docs: $(VENV)/with-docs ## reference, notebooks and guides as pages to read in a browser
	@rm -rf build/docs
	$(bin)/python -m notebooks.docs

benchmark: $(VENV)/with-test ## throughput on this machine beside a plain baseline
	$(bin)/python -m benchmarks

clean: ## remove the environments, the demo's report and all caches
	rm -rf .venv .venv-newest .venv-aot .jax-cache demo-report .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -prune -exec rm -rf {} +

# One environment, to which each extra is added when a target first needs it.
$(VENV)/with-%: $(VENV)/created pyproject.toml
	@echo "Installing cgm-jax[$*] into $(VENV) (a minute or two the first time)"
	@$(pip) --editable '.[$*]'
	@touch $@

$(VENV)/created:
	@"$(PYTHON)" -c $(CAN_MAKE_VENV) || { echo "error: $(NO_PYTHON)" >&2; exit 2; }
	@"$(PYTHON)" -m venv --clear $(VENV)
	@touch $@

NO_PYTHON = found no Python 3.11 or newer that can make a virtual environment: install \
	one (on Debian with python3-venv), or name one as in make test PYTHON=/usr/bin/python3
