# make demo   a real warning to 4,021 emulated terminals, and who was reached
# make test   everything that must hold: lint, types, import contract, tests
# make acceptance   GD/J 089-2018 appendix F, 088-2018 appendix B and a province's cases by number; record: build/acceptance.md
# make bench  the measured claims      make lint   without tests      make clean   remove what these made
#
# PYTHON=/path/to/python3.11 chooses the interpreter; ARGS="…" goes to the demo, the tests or the benchmarks.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
ARGS   ?=
PIP    := $(BIN)/python -m pip --disable-pip-version-check -qq --no-input
MAKEFLAGS += --no-print-directory
export PIP_ROOT_USER_ACTION = ignore

.PHONY: help demo test acceptance bench lint clean packages

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

demo: $(STAMP)
	@$(BIN)/ebgw demo $(ARGS)

bench: $(STAMP)
	@$(BIN)/python -m benchmarks $(ARGS)

lint: $(STAMP)
	@echo '== ruff: 规则与格式 rules and format'
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@echo '== mypy --strict: 类型 types'
	@$(BIN)/python -m mypy
	@echo '== lint-imports: 分层约定 layers of docs/architecture.md'
	@$(BIN)/lint-imports

# EBGW_TEST_POSTGRES=required turns a missing PostgreSQL from a skipped test into a failed one, and so on for the other
# programs, and for NETNS, a network of a test's own (multicast); where packages could be installed there is no excuse.
PROGRAMS := POSTGRES STRACE MOSQUITTO SOUND WIRESHARK NETNS BROWSER
test: packages lint
	@echo '== pytest: 测试 tests'
	@if [ "$$(id -u)" = 0 ]; then \
	     for each in $(PROGRAMS); do eval "export EBGW_TEST_$$each=\$${EBGW_TEST_$$each-required}"; done; fi; \
	 $(BIN)/python -m pytest -q -n 2 --dist loadfile $(ARGS)

acceptance: $(STAMP)
	@$(BIN)/python -m pytest -q tests/acceptance --acceptance-page build/acceptance.md $(ARGS)

packages:
	@sh .ci/packages

# The virtual environment: pinned and hashed packages, then the project itself. Made again when a lock file changes.
$(STAMP): requirements/dev.lock pyproject.toml .ci/venv
	@PYTHON='$(PYTHON)' VENV='$(VENV)' sh .ci/venv
	@echo '== 安装依赖 installing the locked packages (a minute the first time)'
	@$(PIP) install --require-hashes -r requirements/dev.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(STAMP)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	find gateway emulator tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
