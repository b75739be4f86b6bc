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
# Other libraries that read Prometheus, for the benchmark alone.
PEERS := $(VENV)/peers
PIP := $(PY) -m pip --disable-pip-version-check --no-input

# Where compiled files are forbidden, each of the hundreds of processes that the tests start compiles the tool anew.
unexport PYTHONDONTWRITEBYTECODE

# What a caller may set: make test PYTEST_ARGS="-k books --cov"
PYTHON ?=
PYTEST_ARGS ?=
BENCH_ARGS ?=
LOCK_ARGS ?=
FUZZ_ARGS ?=
MUTATE_ARGS ?=
LOAD_ARGS ?=
KILLS ?= 100

COMPILE_OPTIONS := --universal --python-version 3.11 --only-binary :all: --generate-hashes \
	--no-annotate --no-emit-index-url --custom-compile-command 'make lock' --quiet
COMPILE := $(VENV)/bin/uv pip compile pyproject.toml $(COMPILE_OPTIONS)
COMPILE_BUILD := $(VENV)/bin/uv pip compile --group build $(COMPILE_OPTIONS)

# apt must not wait for an answer, nor fail because another apt is at work.
APT_INSTALL := DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends

.PHONY: help venv demo demo-data docs screenshots test lint format typecheck bench load kills fuzz lowest cover mutate \
	audit sbom lock clean wheel servers if-run peers

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

bench: servers if-run peers ## print time and memory beside others' at the same work (BENCH_ARGS="--quick --only startup")
	$(PY) -m tests.bench $(BENCH_ARGS)

load: servers ## a day of 10,000 pods with 60 labels, a Prometheus at its limits (LOAD_ARGS="--pods 2000")
	$(PY) -m tests.load $(LOAD_ARGS)

kills: servers ## kill each kind of run KILLS times (100), and see what the next run makes of it
	SCI_BATCH_KILLS=$(KILLS) $(PY) -m pytest -s -n 0 tests/crash/test_kills.py

fuzz: $(INSTALLED) ## search every kind of input with atheris (FUZZ_ARGS="--seconds 60 prometheus-json")
	@# Not in constraints.txt: there are wheels for Linux on x86-64 only, and the tests need none.
	@$(PY) -c 'import atheris' 2>/dev/null || $(PIP) install --quiet --only-binary :all: 'atheris>=3'
	$(PY) -m tests.fuzz $(FUZZ_ARGS)

# What is not about servers: units, cases by hand, properties.
NUMBERS := tests/unit tests/golden tests/properties
# Bars of `make cover`, in per cent of lines and branches, and what counts as arithmetic.
ARITHMETIC := sci_batch/energy/*,sci_batch/sharing.py,sci_batch/carbon.py,sci_batch/embodied/share.py,$\
	sci_batch/functional_unit.py,sci_batch/rows.py,sci_batch/sums.py,sci_batch/in_effect.py,sci_batch/counters.py,$\
	sci_batch/change.py,sci_batch/windows.py

lowest: $(INSTALLED) ## run tests of the numbers with the oldest versions that pyproject.toml allows (the newest: make lock)
	$(PIP) install --quiet 'uv>=0.9'
	$(VENV)/bin/uv pip compile pyproject.toml --all-extras --group test --group build --resolution lowest-direct \
		--only-binary :all: --generate-hashes --no-annotate --no-emit-index-url --no-header --quiet \
		--python $(PY) --output-file $(VENV)/lowest.txt --upgrade
	$(VENV)/bin/uv venv --quiet --clear --python $(PY) $(VENV)/lowest
	$(VENV)/bin/uv pip install --quiet --python $(VENV)/lowest/bin/python --no-deps --require-hashes \
		--only-binary :all: -r $(VENV)/lowest.txt
	$(VENV)/bin/uv pip install --quiet --python $(VENV)/lowest/bin/python --no-deps --no-build-isolation -e .
	$(VENV)/lowest/bin/python -m pytest -n auto --dist loadfile -m 'not live' $(NUMBERS) $(PYTEST_ARGS)

cover: servers if-run ## run every test, and fail below 95 % of lines and branches, or 100 % of the arithmetic
	$(PY) -m pytest -n auto --dist loadfile --cov --cov-report= $(PYTEST_ARGS)
	$(PY) -m coverage report --include='$(ARITHMETIC)' --fail-under=100
	$(PY) -m coverage report --include='sci_batch/*' --fail-under=95

mutate: $(INSTALLED) ## break the arithmetic at random places and count what the tests notice (MUTATE_ARGS="--each 50 sharing")
	$(PIP) install --quiet 'uv>=0.9'
	@$(PY) -c 'import mutmut' 2>/dev/null || $(VENV)/bin/uv pip install --quiet --python $(PY) --group mutate
	$(PY) -m tests.supply.mutants $(MUTATE_ARGS)

# pip-audit calls a package that its service does not know "skipped" and ends well: --strict makes that a failure.
audit: $(INSTALLED) ## ask a service for known holes in the pinned packages; fails also where none can be asked
	$(PIP) install --quiet 'uv>=0.9'
	@[ -x $(VENV)/audit/bin/pip-audit ] || { $(VENV)/bin/uv venv --quiet --clear --python $(PY) $(VENV)/audit && \
		$(VENV)/bin/uv pip install --quiet --python $(VENV)/audit/bin/python --group audit; }
	@$(VENV)/audit/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r constraints.txt || { \
		echo 'make audit: either a hole is listed above, or no advisory service could be asked' \
			'and nothing is known. It needs the internet; a package mirror is not enough.' >&2; exit 1; }

sbom: $(INSTALLED) ## write dist/sbom.json: CycloneDX of what an installation holds, from the pinned environment
	$(PIP) install --quiet 'uv>=0.9'
	@[ -x $(VENV)/sbom/bin/cyclonedx-py ] || { $(VENV)/bin/uv venv --quiet --clear --python $(PY) $(VENV)/sbom && \
		$(VENV)/bin/uv pip install --quiet --python $(VENV)/sbom/bin/python --group sbom; }
	$(VENV)/sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --sv 1.6 \
		--output-file $(VENV)/environment.json $(PY)
	$(VENV)/sbom/bin/python -m tests.supply.sbom $(VENV)/environment.json dist/sbom.json

lock: | $(PY) ## pin all packages again after a change in pyproject.toml (LOCK_ARGS=--upgrade: to the newest)
	$(PIP) install --quiet 'uv>=0.9'
	$(COMPILE) --group dev --output-file constraints.txt $(LOCK_ARGS)
	$(COMPILE) --extra push --extra fast --extra dask --constraint constraints.txt --output-file ci/requirements.txt
	$(COMPILE_BUILD) --constraint constraints.txt --output-file ci/requirements-build.txt

wheel: $(INSTALLED) ## build the wheel and the source archive into dist/
	$(PY) -m hatchling build -d dist

clean: ## remove the environment, builds and caches (out/ stays: it may hold your results)
	rm -rf $(VENV) dist build mutants htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache \
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

peers: $(PEERS)/.installed ## install the libraries that the benchmark compares with, in an environment of their own

$(PEERS)/.installed: tests/bench/peers.txt | $(INSTALLED)
	@$(PY) -m venv --clear $(PEERS)
	@$(PEERS)/bin/python -m pip --disable-pip-version-check --no-input install --quiet --only-binary :all: -r $<
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
