# Every target makes the environment it needs in .venv; nothing else has to be installed than Python and make.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The choice of torch is remembered, so that `make demo` after a CUDA installation does not undo it.
CONSTRAINTS ?= $(or $(shell cat $(VENV)/.constraints 2>/dev/null),constraints.txt)
# Everything but torch comes with versions and hashes, where they were tested; LOCK= takes the newest instead.
LOCK ?= $(if $(filter Linux-x86_64,$(shell uname -s)-$(shell uname -m)),locked.txt)
UV := --quiet --no-header --no-annotate --python $(BIN)/python
LOCK_DEV = $(LOCK:.txt=-dev.txt)
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
ARGS ?=

export OMP_WAIT_POLICY := PASSIVE

.DEFAULT_GOAL := help
.PHONY: help venv demo ui test lint format bench bench-identity audit sbom lock fuzz faults load language clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(VENV)/.core ## the environment alone; CONSTRAINTS=constraints-cuda.txt for an NVIDIA GPU

demo: $(VENV)/.core ## learn the sample subject from its selfies and draw avatars: workspace/demo/sheet.png
	@$(BIN)/workbench demo $(ARGS)

ui: $(VENV)/.core ## the page, on this computer only: http://127.0.0.1:8501
	@$(BIN)/workbench ui $(ARGS)

test: $(VENV)/.dev ## all tests, with real training and a real browser; ARGS="-k photos" for some
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(VENV)/.dev ## style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.dev ## put the code in its usual form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.core ## measure speed and the base's quality on this machine
	@set -e; for name in speed obedience chibi_mini gallery; do echo "== $$name"; $(BIN)/python -m benchmarks.$$name; done

bench-identity: $(VENV)/.core ## does the avatar look like the person? Hours; ARGS=--quick for six subjects
	@$(BIN)/python -m benchmarks.identity $(ARGS)

audit: $(VENV)/.audit ## known holes in the packages that are installed, and what must not be in the code
	@$(BIN)/python -m pytest -q -p no:cacheprovider tests/privacy/test_threats.py tests/privacy/test_supply_chain.py
	@$(BIN)/python tests/privacy/auditing.py $(ARGS)

sbom: $(VENV)/.audit ## what a release is made of: sbom.json, CycloneDX
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --of JSON -o sbom.json $(BIN)/python

lock: $(VENV)/.audit ## write the locked files anew, from what is installed and tested; asks the index for hashes
	@$(BIN)/uv pip freeze --quiet --exclude-editable --python $(BIN)/python | grep -vE '^(torch|pip)==' | sort > build.all
	@$(BIN)/uv pip compile pyproject.toml --constraint build.all $(UV) | sort | comm -12 - build.all > build.core
	@comm -23 build.all build.core > build.dev
	@for each in core:locked.txt dev:locked-dev.txt; do { sed -n '/^#/p' locked.txt; \
		$(BIN)/uv pip compile build.$${each%%:*} --no-deps --generate-hashes $(UV); } > build.new && mv build.new $${each##*:}; done
	@rm -f build.all build.core build.dev

fuzz: $(VENV)/.dev ## 100,000 broken files for every reader of strangers' files; ARGS="--count 1000 photo"
	$(BIN)/python tests/fuzz/fuzzing.py $(ARGS)

faults: $(VENV)/.dev ## kill what keeps, saves and erases, cut its power, flip bits, and count what is lost; KILLS=20 CUTS=20 FLIPS=100 for fewer
	$(BIN)/python tests/faults/killing.py --kills $(or $(KILLS),200) $(ARGS)
	$(BIN)/python tests/faults/power.py --cuts $(or $(CUTS),100)
	$(BIN)/python tests/faults/flips.py --flips $(or $(FLIPS),1000)

load: $(VENV)/.core ## 50 sessions on the shared page while one trains and four draw; 30 minutes, or SOAK_MINUTES=5; ARGS=--quick
	@$(BIN)/python -m benchmarks.load $(ARGS)

language: $(VENV)/.dev ## gather what is said to people into the catalogues, and compile them
	@$(BIN)/python tests/language/gathering.py $(ARGS)

clean: ## remove the environment and caches; photos, runs, pictures and adapters stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.core: pyproject.toml $(CONSTRAINTS) $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed: make PYTHON=python3.12 …"; exit 1; }
	@echo "Installing into $(VENV); the first time takes some minutes."
	$(PYTHON) -m venv $(VENV)
	$(if $(LOCK),$(PIP) --no-deps --require-hashes --requirement $(LOCK))
	$(PIP) --constraint $(CONSTRAINTS) --editable .
	@echo $(CONSTRAINTS) > $(VENV)/.constraints
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	$(if $(LOCK),$(PIP) --no-deps --require-hashes --requirement $(LOCK_DEV))
	$(PIP) --constraint $(CONSTRAINTS) --editable '.[dev]'
	@touch $@

$(VENV)/.audit: $(VENV)/.dev
	$(PIP) --constraint $(CONSTRAINTS) --editable '.[audit]'
	@touch $@
