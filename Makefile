# Everything below sets itself up in .venv; it needs make and Python 3.11 or newer (make PYTHON=python3.12 …).
# Set VENV to use an environment of your own, which then has to hold everything already.

PYTHON ?= python3
SECONDS ?= 120
MUTATION ?=
VENV ?= .venv
READY := $(VENV)/.ready
BIN := $(VENV)/bin
GATE := SidecarContainers=true
RUN := $(BIN)/kubesim run

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint fidelity properties mutation bench fuzz gallery docs docs-test clean

help:
	@echo "make demo      one Pod on two releases: to its end, and deleted half-way"
	@echo "make test      the test suite"
	@echo "make lint      formatting, style, types"
	@echo "make fidelity  how many recordings of real clusters, and outputs of real functions, are reproduced"
	@echo "make properties  every documented guarantee on thousands of generated runs (minutes)"
	@echo "make mutation  which small changes of kubelet, job_controller and guarantees no test notices (a quarter of an hour)"
	@echo "make fuzz      nearly right files at the front door, for SECONDS (120)"
	@echo "make bench     speed, as ratios"
	@echo "make gallery   docs/gallery.md: every scenario as a picture"
	@echo "make docs      the documentation as a site, in site/"
	@echo "make docs-test every code block of the documentation, every notebook, and the site"
	@echo "make clean     removes .venv and what tools left behind"

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "kubesim needs Python 3.11 or newer: make PYTHON=python3.12 …" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(READY)
	@echo "== 1.28 with SidecarContainers: to the end =="
	@$(RUN) scenarios/demo.yaml --release 1.28 --gate $(GATE)
	@echo "== 1.29: to the end =="
	@$(RUN) scenarios/demo.yaml --release 1.29
	@echo "== 1.28 with SidecarContainers: deleted half-way =="
	@$(RUN) scenarios/demo-delete.yaml --release 1.28 --gate $(GATE)
	@echo "== 1.29: deleted half-way =="
	@$(RUN) scenarios/demo-delete.yaml --release 1.29

test: $(READY)
	$(BIN)/python -m pytest -q -n 2

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fidelity: $(READY)
	$(BIN)/python -m tests.fidelity.vectors
	$(BIN)/python -m tests.fidelity.traces

properties: $(READY)
	$(BIN)/python -m tests.properties.long --minutes 5
	$(BIN)/python -m pytest -q -n 2 tests/properties --hypothesis-profile long

mutation: $(READY)
	$(BIN)/python -m tests.mutation.run $(MUTATION)
	$(BIN)/python -m tests.mutation.page

bench: $(READY)
	$(BIN)/python -m tests.bench.bench

fuzz: $(READY)
	$(BIN)/python -m tests.fuzz.front_door --seconds $(SECONDS)

gallery: $(READY)
	$(BIN)/python tools/gallery.py

docs: gallery
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[docs]'
	$(BIN)/sphinx-build -q -E -W --keep-going -b html docs site
	@echo "site/index.html"

docs-test: docs
	KUBESIM_SLOW_DOCS=1 $(BIN)/python -m pytest -q -n 2 tests/docs

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage build dist site mutants docs/reference
