# `make book` and `make test` are all a fresh clone needs; each installs first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# One thread a process: two OpenMP threads beside a busy core are slower, and change the last digits.
export OMP_NUM_THREADS := 1
export PYTHONHASHSEED  := 0
export PYTHONPATH      := $(CURDIR)
export PYDEVD_DISABLE_FILE_VALIDATION := 1
# Where the student works, and the page that opens first.
WORKBOOK ?= workbook
START    := 00-begin-here.ipynb
# The project's settings of the front ends, after the user's own. Root alone must be allowed.
JUPYTER  := JUPYTER_CONFIG_PATH="$(CURDIR)/tools/jupyter$(if $(JUPYTER_CONFIG_PATH),:$(JUPYTER_CONFIG_PATH))" $(BIN)/jupyter
AS_ROOT  := $(if $(filter 0,$(shell id -u)),--allow-root)
# One more than the cores of a small machine: tests in a browser wait more than they compute.
JOBS   ?= 3

# Tests that look at the built book, or build small ones; the others run beside its build.
OF_PAGES := tests/book tests/browser tests/building

.PHONY: help install data book units test slow lint format reference portable mutants release weights bench dist pdf workbook student lab notebook clean

help:  ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

install: $(STAMP)  ## make .venv with the package and everything it is tested with

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,bench]'
	touch $@

data: $(STAMP)  ## fetch the digits into the cache
	$(BIN)/aeteach data || echo "The book will be built with a sample of the digits, and say so."

book: data  ## build the book: _build/html/index.html
	$(BIN)/python tools/book.py
	@echo "open _build/html/index.html"

test:  ## lint, package tests, pages in a browser, each chapter once: what it printed
	$(MAKE) --no-print-directory -j2 units book
	$(BIN)/python tools/reference.py --built
	$(BIN)/python -m pytest $(OF_PAGES) -m "not slow" -n $(JOBS) --dist loadfile --no-loadscope-reorder --durations 10

units: lint data  ## lint and package tests
	$(BIN)/python tools/reference.py --check
	$(BIN)/python -m pytest tests $(addprefix --ignore=,$(OF_PAGES)) -m "not slow" -n 2 --dist loadfile --durations 20

# Of a claim whose experiment takes long, one seed; `make release` runs all.
slow: data  ## tests that train, kill processes or start JupyterLab; the chapters once more, as in Jupyter
	AETEACH_SEEDS=1 $(BIN)/python -m pytest tests -m "slow and not release" -n $(JOBS) --dist loadfile --durations 20
	env -u AETEACH_HOST $(BIN)/python -m pytest tests/reference --nbval-lax --nbval-current-env --nbval-cell-timeout 300 -n $(JOBS) --dist loadfile -W default

release: book  ## what takes longest, before a release: claims over all seeds, every notebook in two front ends
	$(BIN)/python -m pytest tests/claims -m slow -n $(JOBS) --durations 20
	$(BIN)/python -m pytest tests -m release --durations 20

lint: $(STAMP)  ## ruff and mypy; biome and tsc for the JavaScript; the numbers of the prose
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/javascript.py
	$(BIN)/python tools/prose.py

format: $(STAMP)  ## let ruff rewrite the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

reference: data  ## run the chapters and store what nbval compares
	$(BIN)/python tools/reference.py

portable: data  ## run the chapters as other processors would, and list the cells that differ
	$(BIN)/python tools/portable.py --jobs $(JOBS)

mutants: data  ## put small faults into the package and count those that its tests see
	nice $(BIN)/python tools/mutants.py --jobs $(JOBS)

weights: data  ## train every model shipped with the package
	$(BIN)/aeteach train --ship

# What it is compared with is in an environment of its own, which looks into .venv for all else.
.peers: $(STAMP)
	$(BIN)/python -m venv .peers
	$(BIN)/python -c "import site; print(site.getsitepackages()[0])" > $$(echo .peers/lib/python*/site-packages)/beside.pth
	.peers/bin/python -m pip install --quiet --disable-pip-version-check lightning pythae || echo "Without them, fit is compared with a DataLoader alone."
	touch $@

bench: data .peers  ## this package against its peers, side by side: results/peers.csv
	.peers/bin/python benchmarks/peers.py
	$(BIN)/python -m pytest benchmarks --benchmark-only

dist: $(STAMP)  ## build dist/: the sdist, which builds and tests the book, and the wheel
	$(BIN)/python -m hatchling build --clean

pdf: book  ## print the book: _build/bottleneck.pdf; needs Chromium
	$(BIN)/python tools/pdf.py

workbook: $(STAMP)  ## make or refresh your own copy of the chapters: workbook/
	$(BIN)/python -m tools.workbook $(WORKBOOK)

student: $(STAMP)  ## notebooks without solutions and outputs, to hand out: student/
	$(BIN)/python -m tools.workbook --solutions hidden student

lab: data workbook  ## open JupyterLab on your workbook
	$(JUPYTER) lab --notebook-dir $(WORKBOOK) --LabApp.default_url=/lab/tree/$(START) $(AS_ROOT) $(OPTIONS)

notebook: data workbook  ## open Notebook 7 on your workbook
	$(JUPYTER) notebook --notebook-dir $(WORKBOOK) --JupyterNotebookApp.default_url=/notebooks/$(START) $(AS_ROOT) $(OPTIONS)

clean:  ## remove what the build made, and keep .venv
	rm -rf _build .peers .pytest_cache .mypy_cache .ruff_cache
