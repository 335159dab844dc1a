# One command a task; `make help` lists them. Everything is installed into .venv and a cache (NAVIXY_CACHE_DIR).
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=
# most of a run is waiting for servers
WORKERS := --numprocesses 2 --dist worksteal

.PHONY: help demo test test-unit test-faults lint format bench crds docs lock clean

help: ## List the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements/dev.txt scripts/make-venv
	@scripts/make-venv $(PYTHON) $(VENV)
	@touch $@

demo: $(READY) ## Run the main job on an embedded control plane; ends by itself (ARGS=--keep leaves it running)
	@$(BIN)/navixy-operator demo $(ARGS)

test: $(READY) ## Run every test, on real servers, installing what is missing
	@$(BIN)/python -m pytest $(WORKERS) $(ARGS)

test-unit: $(READY) ## Run the quick tests: no servers, under a minute
	@$(BIN)/python -m pytest $(WORKERS) -m "not server and not e2e and not slow" $(ARGS)

test-faults: $(READY) ## Run 20 drawn schedules of faults, some ten minutes (ARGS="--seeds 7", ARGS="--seed 1234" replays)
	@$(BIN)/python -m pytest tests/faults --seeds 20 $(ARGS)

lint: $(READY) ## ruff (all rules), mypy --strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(READY) ## Format the code and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY) ## Measure 1,000 and 10,000 customers against the bare limit of this machine
	@$(BIN)/python -m bench $(ARGS)

crds: $(READY) ## Write crds/ anew from the models
	@$(BIN)/python -m navixy_operator.crds crds

docs: $(READY) ## Write docs/metrics.md and the Grafana dashboard anew
	@$(BIN)/python -m navixy_operator.metricsdoc docs/metrics.md
	@$(BIN)/python -m navixy_operator.dashboard manifests/monitoring/grafana-dashboard.json

lock: ## Pin the dependencies with hashes (needs uv)
	@uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml -o requirements/runtime.txt
	@uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 --extra sandbox --group dev pyproject.toml -o requirements/dev.txt

clean: ## Remove the virtual environment and what the tools left; the cache of servers stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
