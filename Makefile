# `make demo` and `make test` are all a fresh machine with Python >= 3.11 needs. Without make: README.md, "Install".
PYTHON ?= python3
VENV   ?= .venv
OUT    ?= results/demo
BIN    := $(VENV)/bin
LOWEST := $(VENV)-lowest

.PHONY: demo test slow lint lowest browser clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.ready  ## compare a push-pull network, its baseline and AlexNet on corrupted digits
	$(BIN)/python -m ppbench eval --model alexnet --model resnet20 --model resnet20-pp --data digits-c --baseline-model resnet20 --overwrite --out "$(OUT)"

# One torch thread a process: two processes that each take both cores only get into each other's way.
FAST := -m pytest -m "not network and not slow" -n 2

test: $(VENV)/.ready  ## the tests that take seconds
	OMP_NUM_THREADS=1 $(BIN)/python $(FAST)

slow: $(VENV)/.ready  ## the tests that take minutes
	$(BIN)/python -m pytest -m "slow and not network"

lint: $(VENV)/.linter  ## style and types, by tools whose versions are fixed
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

lowest: $(LOWEST)/.ready  ## the tests that take seconds, with the lowest versions that pyproject.toml promises
	OMP_NUM_THREADS=1 $(LOWEST)/bin/python $(FAST)

# Chromium itself comes with the system (Debian: apt-get install chromium). What is missing is skipped, and says so.
browser:  ## what checks that a report is accessible: axe-core, for the tests that open one in Chromium
	npm install --silent --no-audit --no-fund --no-save --prefix $(VENV)/axe axe-core@4

# What keeps a machine from being set up, in one line each. Any Python can read this, so that an old one can say so.
define CHECK_MACHINE
import os, sys
folder = os.path.abspath(sys.argv[1])
parent = os.path.dirname(folder)
if sys.version_info < (3, 11):
    found = "%d.%d" % tuple(sys.version_info[:2])
    sys.exit("ppbench: expected Python 3.11 or newer, got " + found + ": name another one, as in `make PYTHON=python3.12`")
if not os.access(folder if os.path.isdir(folder) else parent, os.W_OK) or os.statvfs(parent).f_flag & os.ST_RDONLY:
    sys.exit("ppbench: cannot write to " + parent + ": name other folders, as in `make VENV=/tmp/ppbench-venv OUT=/tmp/demo`")
try:
    import ensurepip, venv
except ImportError:
    sys.exit("ppbench: this Python cannot make virtual environments: install that part (Debian, Ubuntu: apt-get install python3-venv)")
endef
export CHECK_MACHINE

# `.begun` lies in an environment from the start of an installation to its end: one that was cut off is made anew.
define MAKE_ENVIRONMENT
@command -v "$(PYTHON)" > /dev/null || { echo "ppbench: no program $(PYTHON): name one, as in \`make PYTHON=python3.12\`" >&2; exit 1; }
@"$(PYTHON)" -c "$$CHECK_MACHINE" $(@D)
@if test -e $(@D)/.begun; then echo "the last installation was cut off: starting again"; rm -rf $(@D); fi
@echo "installing torch and what else is needed into $(@D): 6 GB, a few minutes"
@mkdir -p $(@D) && touch $(@D)/.begun
@test -x $(@D)/bin/python || "$(PYTHON)" -m venv $(@D)
endef

# On a terminal pip shows how far it is; in a log that would be thousands of lines.
QUIET := $(shell test -t 2 || echo --quiet)

# torch and torchvision are installed together, so that their builds match.
$(VENV)/.ready: pyproject.toml
	$(MAKE_ENVIRONMENT)
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@echo "1 of 2: torch and torchvision"
	@$(BIN)/python -m pip install $(QUIET) torch torchvision
	@echo "2 of 2: the rest"
	@$(BIN)/python -m pip install $(QUIET) --editable . --group dev
	@mv $(@D)/.begun $@

$(VENV)/.linter: $(VENV)/.ready
	@$(BIN)/python -m pip install --quiet --group lint
	@touch $@

# uv is the resolver that can choose the lowest versions; there are wheels of them all for Python 3.11 only.
$(LOWEST)/.ready: pyproject.toml
	$(MAKE_ENVIRONMENT)
	@$(LOWEST)/bin/python -m pip install --quiet uv
	@$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct --editable . --group dev
	@mv $(@D)/.begun $@

clean:
	rm -rf $(VENV) $(LOWEST) .pytest_cache .mypy_cache .ruff_cache .hypothesis
