PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: setup demo test servers lint

setup: .venv/.installed  ## make .venv with wirewatch and what its tests need

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: setup  ## a newsroom, the service and a webhook on this machine, for about a minute
	$(BIN)/wirewatch demo

test: setup servers  ## pass every test
	$(BIN)/pytest -n 2 --dist loadgroup --cov --cov-report=term:skip-covered

servers: setup  ## fetch the servers that tests talk to; without them those tests are skipped, and say so
	$(BIN)/python -m tests.servers.elasticsearch || test -z "$$CI"
	$(BIN)/python -m tests.servers.prism || test -z "$$CI"
	$(BIN)/python -m tests.servers.flink || test -z "$$CI"

lint: setup  ## the habits: format, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
