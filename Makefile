# The commands of minigrad. `make` lists them. All of them need only Python (3.10 or newer), make, and a network
# the first time: what they install goes into the folder .venv here and nowhere else.
# To choose the Python:  make test PYTHON=python3.12

PYTHON := python3
WORKERS := 2
RUN := .venv/bin/python

# The user's own Python settings must not reach into .venv.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP
export PIP_USER := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The arrays here are small: more threads than one only get in each other's way.
OPENBLAS_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS
TEST := $(RUN) -m pytest -q

.DEFAULT_GOAL := help
.PHONY: help run test test-slow gradcheck nojit examples bench gallery pictures site notebooks lint all-checks clean rebuild

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

run: .venv/with-all  ## set up, then the main job: train a network to read hand-written digits
	@echo "== Training on 1,797 hand-written digits (examples/train_digits.py)"
	@$(RUN) examples/train_digits.py

test: .venv/with-test  ## set up, then the tests, the docstrings' examples and the README's
	@echo "== Testing"
	@$(TEST) -n $(WORKERS)

test-slow: .venv/with-test .venv/with-site  ## the slow tests: convergence, many random cases
	@echo "== Testing what takes long"
	@$(TEST) -n $(WORKERS) -m slow

gradcheck: .venv/with-test  ## the table of derivatives alone, against finite differences
	@$(TEST) tests/test_derivatives*.py

nojit: .venv/with-test  ## the tests with compilation off, so that a debugger can enter the kernels
	@echo "== Testing without compilation"
	@MINIGRAD_NOJIT=1 $(TEST) -n $(WORKERS)

examples: .venv/with-all  ## run every example
	@set -e; for file in $(filter-out %/schedule_gallery.py %/options.py %/compare.py,$(wildcard examples/*.py examples/numpy_programs/*.py)); do echo "== $$file"; $(RUN) $$file; done

bench: .venv/with-all  ## run every benchmark: tables on the screen, a picture in docs/ (docs/performance.md)
	@$(RUN) examples/performance/page.py

gallery: .venv/with-all  ## draw one picture per schedule
	@$(RUN) examples/schedule_gallery.py

pictures: .venv/with-all  ## draw a program: the picture and the page of docs/seeing.md
	@$(RUN) docs/draw_pictures.py

site: .venv/with-site  ## build the site: the pages, and a page of reference for every public name
	@$(RUN) docs/site/build.py build/site

notebooks: .venv/with-site  ## make notebooks of the teaching pages
	@$(RUN) docs/site/notebooks.py build/notebooks

lint: .venv/with-dev  ## style, unused names, likely mistakes, types
	@echo "== Linting"
	@$(RUN) -m ruff check --quiet --output-format concise --select E,F,W,B --ignore E741,E731,B028,B905 \
	    --line-length 120 --per-file-ignores "examples/*:F403" --per-file-ignores "examples/*:F405" minigrad tests examples docs
	@echo "== Type-checking the programs of the README, the pages and the examples"
	@$(RUN) tests/check_types.py

all-checks: lint test nojit test-slow examples  ## everything above that can fail

clean:  ## remove .venv and whatever tests and builds left behind
	rm -rf .venv build dist *.egg-info .pytest_cache .hypothesis .ruff_cache
	find minigrad tests examples -name __pycache__ -prune -exec rm -rf {} +

# ---- The virtual environment -------------------------------------------------------------------------------------
# .venv/made is written last and says where .venv was made. A .venv that was interrupted, moved or copied with its
# folder, or whose Python has gone or is not the one now asked for, is made anew.

MADE_HERE := $(shell test "$$(sed -n 1p .venv/made 2>/dev/null)" = "$$(pwd -P)" \
               && $(RUN) -c 'import pip' 2>/dev/null && echo yes)
MADE_WITH := $(shell sed -n 2p .venv/made 2>/dev/null)
ifneq ($(MADE_HERE),yes)
  STALE := rebuild
else ifneq ($(origin PYTHON),file)
  ifneq ($(MADE_WITH),$(PYTHON))
    STALE := rebuild
  endif
endif

define CHECK_PYTHON
import sys
if sys.version_info < (3, 10):
    sys.exit("minigrad needs Python 3.10 or newer; this one is %d.%d. Choose another: make test PYTHON=python3.12"
             % sys.version_info[:2])
try:
    import venv, ensurepip
except ImportError:
    sys.exit("This Python cannot make a virtual environment. On Debian or Ubuntu: apt install python3-venv")
endef
export CHECK_PYTHON

.venv/made: $(STALE)
	@command -v "$(PYTHON)" >/dev/null || { echo "There is no $(PYTHON) here: install Python 3.10 or newer," \
	    "or say where it is: make test PYTHON=/path/to/python3"; exit 1; }
	@"$(PYTHON)" -c "$$CHECK_PYTHON"
	@echo "== Making a virtual environment in .venv with $$("$(PYTHON)" --version)"
	@rm -rf .venv
	@"$(PYTHON)" -m venv .venv
	@{ pwd -P; echo "$(PYTHON)"; } > $@

# `make test` installs the extras named `test` in setup.cfg, and so on; again only after setup.cfg changed.
.venv/with-%: .venv/made setup.cfg
	@echo "== Installing minigrad and its extras [$*] into .venv (the first time this downloads, for a minute or two)"
	@$(RUN) -m pip install --quiet --editable ".[$*]"
	@touch $@
