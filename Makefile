# Everything this project can do, from a machine that has only Python >= 3.11, make and (for the tests) apt.
# All paths are relative, so that a checkout in a folder with spaces in its name works.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
# The Impact Framework (node), which the tests run beside ours.
IF := $(VENV)/if
PIP := $(PY) -m pip --disable-pip-version-check --no-input

# What a caller may set: make test PYTEST_ARGS="-k books --cov"
PYTHON ?=
PYTEST_ARGS ?=
BENCH_ARGS ?=
LOCK_ARGS ?=
FUZZ_ARGS ?=
LOAD_ARGS ?=
KILLS ?= 100

COMPILE_OPTIONS := --universal --python-version 3.11 --only-binary :all: --generate-hashes \
	--no-annotate --no-emit-index-url --custom-compile-command 'make lock' --quiet
COMPILE := $(VENV)/bin/uv pip compile pyproject.toml $(COMPILE_OPTIONS)
COMPILE_BUILD := $(VENV)/bin/uv pip compile --group build $(COMPILE_OPTIONS)

# apt must not wait for an answer, nor fail because another apt is at work.
APT_INSTALL := DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends

.PHONY: help venv demo demo-data docs screenshots test lint format typecheck bench load kills fuzz lock clean wheel servers if-run

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sort | while IFS= read -r line; do \
		printf '  make %-11s %s\n' "$${line%%:*}" "$${line##*## }"; done

venv: $(INSTALLED) ## create .venv with the pinned packages (PYTHON=... names the Python to use)

demo: $(INSTALLED) ## run the main job on the bundled recording: table here, out/demo.csv, out/demo.parquet
	@mkdir -p out
	$(VENV)/bin/sci-batch compute --demo --since 24h \
		-o table -o csv=out/demo.csv -o parquet=out/demo.parquet

test: servers if-run ## run every test, real servers included (PYTEST_ARGS="-k books --cov")
	$(PY) -m pytest -n auto --dist loadfile $(PYTEST_ARGS)

lint: typecheck ## check style, imports between modules, and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports --no-logo

format: $(INSTALLED) ## repair style where a tool can
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

typecheck: $(INSTALLED) ## check types only
	$(VENV)/bin/mypy

docs: $(INSTALLED) if-run ## write the generated parts of the documents
	$(PY) -m tests.docs.generate

screenshots: $(INSTALLED) ## make the pictures of the HTML report in docs/ again (needs chromium)
	$(PY) -m tests.docs.screenshots

demo-data: $(INSTALLED) ## record the bundled recording again (simulated cluster, real Prometheus)
	$(PY) -m tests.demo

bench: servers ## print time and memory beside curl's for the same queries, as ratios
	$(PY) -m tests.bench $(BENCH_ARGS)

load: servers ## a day of 10,000 pods with 60 labels, a Prometheus at its limits (LOAD_ARGS="--pods 2000")
	$(PY) -m tests.load $(LOAD_ARGS)

kills: servers ## kill each kind of run KILLS times (100), and see what the next run makes of it
	SCI_BATCH_KILLS=$(KILLS) $(PY) -m pytest -s -n 0 tests/crash/test_kills.py

fuzz: $(INSTALLED) ## search every kind of input with atheris (FUZZ_ARGS="--seconds 60 prometheus-json")
	@# Not in constraints.txt: there are wheels for Linux on x86-64 only, and the tests need none.
	@$(PY) -c 'import atheris' 2>/dev/null || $(PIP) install --quiet --only-binary :all: 'atheris>=3'
	$(PY) -m tests.fuzz $(FUZZ_ARGS)

lock: | $(PY) ## pin all packages again after a change in pyproject.toml (LOCK_ARGS=--upgrade: to the newest)
	$(PIP) install --quiet 'uv>=0.9'
	$(COMPILE) --group dev --output-file constraints.txt $(LOCK_ARGS)
	$(COMPILE) --extra push --constraint constraints.txt --output-file ci/requirements.txt
	$(COMPILE_BUILD) --constraint constraints.txt --output-file ci/requirements-build.txt

wheel: $(INSTALLED) ## build the wheel and the source archive into dist/
	$(PY) -m hatchling build -d dist

clean: ## remove the environment, builds and caches (out/ stays: it may hold your results)
	rm -rf $(VENV) dist build htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache
	find sci_batch tests -name __pycache__ -type d -prune -exec rm -rf {} +

# A Python is asked whether it can make environments before it is told to: Debian ships it without.
$(PY):
	@usable() { "$$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }; \
	python=''; \
	for candidate in $(if $(PYTHON),"$(PYTHON)",python3 python3.14 python3.13 python3.12 python3.11); do \
		if usable "$$candidate"; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo 'No Python >= 3.11 found: $(if $(PYTHON),$(PYTHON) is older or cannot be run,install python3) (make venv PYTHON=/path/to/python3).' >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then \
		package="$$("$$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"; \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "$$python cannot make environments yet: installing $$package"; \
			apt-get update && $(APT_INSTALL) "$$package"; \
		else \
			echo "$$python cannot make environments. Run: sudo apt-get install -y $$package" >&2; exit 1; \
		fi; \
	fi; \
	"$$python" -m venv --clear $(VENV)

$(INSTALLED): $(PY) constraints.txt pyproject.toml
	@echo 'Installing the packages of constraints.txt into $(VENV) (about a minute)'
	@# Without --no-deps, older pips look for versions of what is named with an extra, and refuse the newer ones.
	@$(PIP) install --quiet --no-deps --require-hashes --only-binary :all: -r constraints.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

if-run: $(IF)/.installed ## install the Impact Framework, which the tests run, into .venv (node from apt if absent)

# `npm ci` checks the hashes of the lock file. Nothing of it is run while it is installed.
$(IF)/.installed: tests/impact_framework/package.json tests/impact_framework/package-lock.json | $(INSTALLED)
	@if ! command -v npm >/dev/null; then \
		if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
			echo 'The tests run the Impact Framework with node and npm. Run: sudo apt-get install -y --no-install-recommends nodejs npm' >&2; \
			exit 1; \
		fi; \
		apt-get update; \
		$(APT_INSTALL) nodejs npm; \
	fi
	@mkdir -p $(IF)
	@cp tests/impact_framework/package.json tests/impact_framework/package-lock.json $(IF)/
	@cd $(IF) && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

# k8s/ needs kustomize 4 or newer. kubectl brings it, but that of Debian 12 has kustomize 2: then Debian's Go builds it.
BUILDS_MANIFESTS := { [ -x $(VENV)/bin/kustomize ] || kubectl kustomize k8s/base >/dev/null 2>&1; }
BUILD_KUSTOMIZE := { $(BUILDS_MANIFESTS) || \
	GOBIN="$(CURDIR)/$(VENV)/bin" go install sigs.k8s.io/kustomize/kustomize/v5@v5.0.3; }

# The binaries are enough: a policy-rc.d of ours, where there is none, keeps apt from starting services on their
# usual ports. After the environment, not beside it: both may call apt.
servers: | $(INSTALLED) ## install the Debian packages of the servers that the tests start
	@missing=''; \
	need() { command -v "$$1" >/dev/null || [ -x "/usr/bin/$$1" ] || missing="$$missing $$2"; }; \
	need prometheus prometheus; \
	need promtool prometheus; \
	need prometheus-pushgateway prometheus-pushgateway; \
	need victoria-metrics victoria-metrics; \
	need chromium chromium; \
	$(BUILDS_MANIFESTS) || need go golang-go; \
	missing="$$(printf '%s\n' $$missing | sort -u | xargs)"; \
	if [ -z "$$missing" ]; then $(BUILD_KUSTOMIZE); exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "The tests start real servers that are missing here. Run: sudo apt-get install -y --no-install-recommends $$missing" >&2; \
		exit 1; \
	fi; \
	policy=/usr/sbin/policy-rc.d; \
	if [ ! -e $$policy ]; then \
		trap "rm -f $$policy" EXIT; \
		printf '#!/bin/sh\nexit 101\n' > $$policy; \
		chmod +x $$policy; \
	fi; \
	apt-get update; \
	$(APT_INSTALL) $$missing; \
	$(BUILD_KUSTOMIZE)
