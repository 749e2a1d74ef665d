# Every target makes the environment it needs in .venv; nothing else has to be installed than Python and make.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The choice of torch is remembered, so that `make demo` after a CUDA installation does not undo it.
CONSTRAINTS ?= $(or $(shell cat $(VENV)/.constraints 2>/dev/null),constraints.txt)
ARGS ?=

export OMP_WAIT_POLICY := PASSIVE

.DEFAULT_GOAL := help
.PHONY: help venv demo ui test lint format bench bench-identity audit fuzz faults clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(VENV)/.core ## the environment alone; CONSTRAINTS=constraints-cuda.txt for an NVIDIA GPU

demo: $(VENV)/.core ## learn the sample subject from its selfies and draw avatars: workspace/demo/sheet.png
	@$(BIN)/workbench demo $(ARGS)

ui: $(VENV)/.core ## the page, on this computer only: http://127.0.0.1:8501
	@$(BIN)/workbench ui $(ARGS)

test: $(VENV)/.dev ## all tests, with real training and a real browser; ARGS="-k photos" for some
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

lint: $(VENV)/.dev ## style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.dev ## put the code in its usual form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.core ## measure speed and the base's quality on this machine
	@set -e; for name in speed obedience; do echo "== $$name"; $(BIN)/python -m benchmarks.$$name; done

bench-identity: $(VENV)/.core ## does the avatar look like the person? Hours; ARGS=--quick for six subjects
	@$(BIN)/python -m benchmarks.identity $(ARGS)

audit: $(VENV)/.audit ## known holes in the packages that are installed, and what must not be in the code
	$(BIN)/pip-audit --local --skip-editable --progress-spinner off $(ARGS)
	$(BIN)/python -m pytest -q tests/privacy/test_threats.py

fuzz: $(VENV)/.dev ## 100,000 broken files for every reader of strangers' files; ARGS="--count 1000 photo"
	$(BIN)/python tests/fuzz/fuzzing.py $(ARGS)

faults: $(VENV)/.dev ## kill what keeps, saves and erases at random moments, and count what is lost; ARGS="--kills 20"
	$(BIN)/python tests/faults/killing.py $(ARGS)

clean: ## remove the environment and caches; photos, runs, pictures and adapters stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.core: pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed: make PYTHON=python3.12 …"; exit 1; }
	@echo "Installing into $(VENV); the first time takes some minutes."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable .
	@echo $(CONSTRAINTS) > $(VENV)/.constraints
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable '.[dev]'
	@touch $@

$(VENV)/.audit: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable '.[audit]'
	@touch $@
