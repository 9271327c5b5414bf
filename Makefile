# `make demo` and `make test` set up all they need by themselves: a virtual environment in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder
export RAY_USAGE_STATS_ENABLED := 0

.PHONY: install demo test test-all lint clean ruff mypy pytest pytest-all about-demo about-test about-test-all

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@echo "Setting up $(VENV) first, with PyTorch and Ray: minutes."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(STAMP)

demo: about-demo $(STAMP)
	$(BIN)/nassim run quickstart

about-demo:
	@echo "Runs experiments/quickstart.yaml: random search, TPE and ENAS on handwritten digits, about a minute on two"
	@echo "cores. Ends with a report of what each cost; the ledger is nassim.db, the models that were found are in runs/."

lint: ruff mypy

ruff: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

mypy: ruff
	$(BIN)/mypy

pytest: ruff
	$(PYTEST) -m 'not slow'

pytest-all: ruff
	$(PYTEST)

# mypy fills the gaps of the tests, many of which wait for processes.
test: about-test $(STAMP)
	@$(MAKE) --no-print-directory --jobs=2 mypy pytest

about-test:
	@echo "Checks style and types, and runs all tests but the slow ones, three at a time: four minutes on two cores."

test-all: about-test-all $(STAMP)
	@$(MAKE) --no-print-directory --jobs=2 mypy pytest-all

about-test-all:
	@echo "Checks style and types, and runs all tests, three at a time: about half an hour on two cores."

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
