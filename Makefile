# For a fresh machine: `make demo`, `make lab` and `make test`. Everything else is for people who work on brignb.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo lab test lint unit browser images bench bench-cluster soak lock clean

help:            ## what can be made here
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 18

$(VENV)/run: requirements/run.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing brignb into $(VENV) (hash-checked, about half a minute)"
	@$(PIP) install --no-deps --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev: $(VENV)/run requirements/dev.txt
	@echo "installing what the tests need"
	@$(PIP) install --no-deps --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/jupyter/ready: requirements/browser.txt
	@$(PYTHON) -m venv $(VENV)/jupyter
	@echo "installing a Jupyter server for the browser tests"
	@$(VENV)/jupyter/bin/python -m pip --quiet --disable-pip-version-check install --no-deps --require-hashes -r requirements/browser.txt
	@touch $@

demo: $(VENV)/run          ## the main job, start to end, nothing to configure
	@$(BIN)/brignb demo

lab: $(VENV)/dev $(VENV)/jupyter/ready  ## JupyterLab with the workshop's notebooks
	@JUPYTER_PATH=$(abspath $(VENV))/jupyter/share/jupyter $(BIN)/python -m ipykernel install --prefix $(VENV)/jupyter --name python3 --display-name "Python 3 (brignb)" >/dev/null
	@PATH="$(abspath $(BIN)):$$PATH" $(VENV)/jupyter/bin/jupyter lab --ServerApp.root_dir=notebooks $(LAB)

test: lint unit browser    ## everything that must be green

lint: $(VENV)/dev          ## ruff, mypy strict, the floors
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

unit: $(VENV)/dev          ## pytest: fast ones first, then whole processes
	@$(BIN)/pytest -q -m "not slow" --numprocesses 2 --dist loadfile
	@$(BIN)/pytest -q -m "slow and not browser" --durations 25

browser: $(VENV)/dev $(VENV)/jupyter/ready  ## the live views, in JupyterLab, Notebook and Chromium
	@$(BIN)/pytest -q -m browser tests/unit
	@$(BIN)/pytest -q -m browser tests/browser

images: $(VENV)/dev        ## this tree's images, in the cluster that KUBECONFIG names
	@$(BIN)/python -m tests.images worker server

bench: $(VENV)/dev         ## timings, as ratios against a peer in the same run
	@$(BIN)/python -m tests.bench

bench-cluster: $(VENV)/dev ## the same for jobs as pods, on the cluster that KUBECONFIG names
	@$(BIN)/python -m tests.bench.cluster

soak: $(VENV)/dev         ## a quarter of an hour: parts killed at random while 200 builds run; see docs/reliability.md
	@$(BIN)/python -m tests.soak

lock:                      ## pin what requirements/*.in and pyproject.toml ask for
	@requirements/lock

clean:                     ## forget the environment and every cache
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
