PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: setup demo test lint

setup: .venv/.installed  ## make .venv with wirewatch and what its tests need

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: setup  ## a newsroom, the service and a webhook on this machine, for about a minute
	$(BIN)/wirewatch demo

test: setup  ## pass every test
	$(BIN)/pytest -n 2 --cov --cov-report=term:skip-covered

lint: setup  ## the habits: format, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
