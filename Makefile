# Every target sets up what it needs: a virtual environment in .venv, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SCALE ?= 1.0
SECONDS ?= 600
SAMPLE ?= sample_pcaps/cert_expired.pcap

.DEFAULT_GOAL := help
.PHONY: help run test test-all check check-samples docs screenshots accuracy samples bench fuzz clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/python -m compileall -q analyzer
	@touch $@

run: $(STAMP) ## analyse a failing sample (SAMPLE=file for another capture)
	$(BIN)/handshake-analyzer $(SAMPLE)

test: $(STAMP) ## everyday tests: no network, no other program needed
	$(BIN)/python -m pytest -n auto -m "not slow and not corpus and not peer"

test-all: $(STAMP) ## also the slow ones, the third-party captures and the other programs
	$(BIN)/python -m pytest -n auto

check: $(STAMP) ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict

accuracy: $(STAMP) ## score the recorded failures into docs/accuracy.md (RECORD=1 records them anew)
	$(BIN)/python -m tests.bench accuracy $(if $(RECORD),--record)

check-samples: $(STAMP) ## compare the samples with what is expected of them
	$(BIN)/handshake-analyzer check sample_pcaps

docs: $(STAMP) ## make what stands in docs/ and README from the code
	$(BIN)/python -m tests.support.pages
	$(BIN)/python -m tests.support.readme

screenshots: $(STAMP) ## make the pictures in docs/images anew (needs Chromium)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '.[browser]'
	$(BIN)/python -m tests.support.screenshots

samples: $(STAMP) ## make sample_pcaps/ anew (needs openssl)
	$(BIN)/python sample_pcaps/make.py
	$(BIN)/python -m tests.support.pages
	$(BIN)/python -m tests.support.readme

bench: $(STAMP) ## time it against other programs on built captures (SCALE=0.1 for smaller ones)
	$(BIN)/python benchmarks/build.py build/bench --scale $(SCALE)
	$(BIN)/python benchmarks/run.py build/bench

fuzz: $(STAMP) ## look for captures that break it (SECONDS=60 for a short look)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '.[fuzz]' || \
		echo "atheris cannot be installed here: damage is drawn without its lead"
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

clean: ## remove what the other targets made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
