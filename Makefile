# Everything runs inside .venv, which is made on first use and again when pyproject.toml or constraints.txt changes.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help setup sweep ui server test test-slow test-fuzz test-faults test-cluster reliability reproduce bench bench-search lock clean

help:           ## list these targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.current  ## install everything into .venv (other targets call it)

$(VENV)/.current: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

sweep: setup    ## train sigmoid, tanh and relu, every run in MLflow
	$(BIN)/python src/train.py -m activation=sigmoid,tanh,relu

ui: setup       ## MLflow's page of every run, on a free port
	$(BIN)/python src/ui.py

server: setup   ## a team's server on this machine: PostgreSQL and MLflow; docs/scale-out.md
	$(BIN)/python src/server.py

test: setup     ## lint, types and tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -m "not slow"

test-slow: setup ## tests that end real processes in every way, and wait for servers: CI runs them too
	$(BIN)/python -m pytest -m slow

FUZZ ?= long

test-fuzz: setup ## try 900 command lines that nobody thought of: about 15 minutes, FUZZ=short: 150 in 3
	FUZZ=$(FUZZ) $(BIN)/python -m pytest tests/fuzz

FAULTS ?= short

test-faults: setup ## take servers, disks and processes away: 12 to 18 minutes, FAULTS=long: hours; docs/reliability.md
	FAULTS=$(FAULTS) $(BIN)/python -m pytest --dist loadfile tests/faults $(PYTEST)

test-cluster: setup ## sweeps on Ray and SLURM, whose workers, drivers and nodes are killed: about 20 minutes
	$(BIN)/python -m pytest --numprocesses 0 tests/cluster $(PYTEST)

reliability:    ## the same, and write what was measured into docs/reliability.md
	$(MAKE) test-faults PYTEST="--table docs/reliability.md"

reproduce: setup ## re-run every published result, three seeds each: docs/results.md
	$(BIN)/python src/reproduce.py out=docs

bench: $(VENV)-bench/.current  ## time mlplab beside its alternatives: about 20 minutes
	$(VENV)-bench/bin/python -m benchmarks

bench-search: setup  ## searches against the full grid on MNIST; docs/search.md
	$(BIN)/python -m benchmarks.search

$(VENV)-bench/.current: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	@touch $@

lock:           ## resolve pyproject.toml again and write the versions to constraints.txt
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	$(VENV)-lock/bin/python -m pip freeze --exclude-editable | sed -E 's/\+[a-z0-9]+$$//' > constraints.txt
	rm -rf $(VENV)-lock

clean:          ## remove .venv (never your runs or data)
	rm -rf $(VENV) $(VENV)-bench
