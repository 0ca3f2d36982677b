# `make demo` and `make test` do all the set-up. Everything that they install is in .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Tests start thousands of Python programs. Without bytecode files, each compiles the package anew.
unexport PYTHONDONTWRITEBYTECODE
# The demo's pins are a part of the pins for development, so the demo runs the tested versions.
DEMO_LOCK := requirements-demo.txt
DEV_LOCK := requirements-dev.txt
C_SOURCES := firmware_gen/runtime/*.[ch] firmware_gen/runtime/front/*.[ch] firmware_gen/runtime/front/*/*.[ch] firmware_gen/runtime/sensor/*.[ch] firmware_gen/boards/*/*.[ch] firmware_gen/emulators/avr/*.[ch] firmware_gen/bench/*.[ch] firmware_gen/library/*.[ch] firmware_gen/export/templates/*/*.[ch] firmware_gen/export/templates/*/examples/*.[ch] firmware_gen/export/templates/*/examples/*/*.[ch] firmware_gen/export/templates/*/examples/*/*/*.[ch] ska_edge/network/engine/*.c tests/bench/*.c tests/bench/peers/*.[ch] tests/fuzz/*.[ch] tests/proof/*.c tests/firmware_gen/runtime/*.c

.PHONY: demo test lint format golden bench bench-baseline peers profile line results screenshots docs fuzz attack lock wheel sdist clean

demo: $(VENV)/demo.stamp
	$(BIN)/ska-edge run digits --board virtual-m4 --hidden 32 --untrained -o demo
	@echo "next: . $(BIN)/activate  puts ska-edge on the PATH of this shell; README.md goes on from there"

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n auto

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $(C_SOURCES)

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(C_SOURCES)

# Generate the files of tests/golden, and the generated tables, anew. Run it after an intended
# change of the generator.
golden: $(VENV)/dev.stamp
	$(BIN)/python -m tests.golden.regenerate

bench: $(VENV)/dev.stamp
	$(BIN)/python tests/bench/trainer_speed.py
	$(BIN)/python -m tests.bench.csv_speed
	$(PIP) install -q -e '.[bench]'
	$(BIN)/python tests/bench/reference_speed.py

# Measure the boards' figures anew. Run it after a change that is meant to alter them.
bench-baseline: $(VENV)/dev.stamp
	$(BIN)/python -m tests.bench.baseline

# Measure other libraries next to ours: make peers PEERS="--genann FOLDER --tinn FOLDER".
peers: $(VENV)/dev.stamp
	$(BIN)/python -m tests.bench.peers $(PEERS)

# Count the instructions of a learning step, function by function.
profile: $(VENV)/dev.stamp
	$(BIN)/python -m tests.bench.profile

# Measure the share of time in which the serial line carries bytes, for single samples and for a stream.
line: $(VENV)/dev.stamp
	$(BIN)/python -m tests.bench.line

# Measure the tables of docs/LEARNING.md anew.
results: $(VENV)/dev.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.bench.learning_results

# Make the pictures of docs/ anew. It needs Chromium.
screenshots: $(VENV)/dev.stamp
	$(BIN)/python -m tests.screenshots

# Write the documentation as a site, to site/. A broken link is an error. It needs Python 3.11 or newer.
docs: $(VENV)/dev.stamp
	rm -rf site
	$(BIN)/python -m sphinx -q -E -W -c docs/site -d build/site . site

# Feed the firmware ten million random bytes, a million mutated or repeated requests, and the inputs of libFuzzer.
fuzz: $(VENV)/dev.stamp
	$(BIN)/python -m tests.fuzz.run

# Attack every command for half an hour, with odd options, damaged files, lying devices and kills.
attack: $(VENV)/dev.stamp
	$(BIN)/python -m tests.attack.run --minutes 30

# Pin the dependencies of pyproject.toml, with the hashes of all files of each release. Existing
# pins stay; `make lock UPGRADE='--upgrade-package numpy'` upgrades one.
COMPILE = uv pip compile -q --universal --python-version 3.10 --generate-hashes --no-annotate --no-header \
    --no-emit-index-url --no-emit-find-links $(UPGRADE) pyproject.toml

lock:
	$(COMPILE) --extra dev -o $(DEV_LOCK)
	$(COMPILE) --extra demo -c $(DEV_LOCK) -o $(DEMO_LOCK)

# Two builds of one commit are the same file: `git archive` gives every source the commit's time. The
# files that the build makes get that time, too, and umask gives all of them the same mode.
wheel: $(VENV)/demo.stamp
	$(clean_source)
	umask 022 && SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) \
	    $(PIP) wheel -q --no-deps --no-build-isolation -w dist build/source

# The tests need a clone, so they are not in the source distribution.
sdist: $(VENV)/demo.stamp
	$(clean_source)
	mkdir -p dist && cd build/source && \
	    $(abspath $(BIN))/python -c 'from setuptools.build_meta import build_sdist; build_sdist("../../dist")' >/dev/null

define clean_source
rm -rf build && mkdir -p build/source
umask 022 && git archive HEAD ':(exclude)tests' | tar -x --no-same-permissions -C build/source
endef

clean:
	rm -rf $(VENV) demo build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	    { echo "ska-edge needs Python 3.10 or newer; set PYTHON=" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    { echo "Python lacks its venv module: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Every file from an index must have a hash in the lock. setuptools comes first, because it builds
# the packages that come as source. If it were not installed, pip would download a setuptools
# without a hash.
define install
sed -n '/^setuptools==/,/[^\\]$$/p' $(1) > $(VENV)/setuptools.txt
$(PIP) install -q --require-hashes -r $(VENV)/setuptools.txt
$(PIP) install -q --require-hashes --no-build-isolation -r $(1)
$(PIP) install -q --no-deps --no-build-isolation -e .
endef

$(VENV)/demo.stamp: $(VENV)/bin/python pyproject.toml $(DEMO_LOCK)
	$(call install,$(DEMO_LOCK))
	@touch $@

$(VENV)/dev.stamp: $(VENV)/bin/python pyproject.toml $(DEV_LOCK)
	$(call install,$(DEV_LOCK))
	@touch $@ $(VENV)/demo.stamp
