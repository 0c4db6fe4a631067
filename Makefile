# `make demo` and `make test` are all a fresh machine with Python >= 3.11 needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: demo test slow browser lint clean
.DEFAULT_GOAL := demo

demo: $(READY)  ## compare a push-pull network, its baseline and AlexNet on corrupted digits
	$(BIN)/ppbench eval --model alexnet --model resnet20 --model resnet20-pp --data digits-c --baseline-model resnet20 --overwrite --out results/demo

# One torch thread a process: two processes that each take both cores only get into each other's way.
test: $(READY) lint  ## lint, types, and the tests that take seconds
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not network and not slow" -n 2

slow: $(READY)  ## the tests that take minutes
	$(BIN)/python -m pytest -m "slow and not network"

# Chromium itself comes with the system (Debian: apt-get install chromium). What is missing is skipped, and says so.
browser:  ## what checks that a report is accessible: axe-core, for the tests that open one in Chromium
	npm install --silent --no-audit --no-fund --no-save --prefix $(VENV)/axe axe-core@4

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# torch and torchvision are installed together, so that their builds match.
$(READY): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet torch torchvision
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $(READY)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
