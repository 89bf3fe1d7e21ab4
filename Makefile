# VoxBot. `make` lists the targets.
BIN := .venv/bin

.PHONY: help run panel test check format pythons bench-agent bench-call bench-retrieval bench-index bench-voices bench-logs bench-transcripts bench-notifier screenshots clean
.DEFAULT_GOAL := help

help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

run: install panel  ## Install, fetch models, build the index and start VoxBot
	@$(BIN)/voxbot up

install:
	@scripts/bootstrap.sh

panel: install  ## Build the web panel, if Node.js is there
	@$(BIN)/python scripts/build_panel.py

install-dev:
	@scripts/bootstrap.sh --dev

test: check  ## Install what the tests need and run everything
	@scripts/test_setup.sh
	@$(BIN)/python scripts/build_panel.py --test
	@$(BIN)/python -m pytest

check: install-dev  ## Lint, format, types, import order
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/pyright --warnings
	@$(BIN)/lint-imports --no-cache

format: install-dev  ## Rewrite the code as the checks want it
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

pythons: install-dev  ## Tests without telephone on the other supported Pythons of this machine
	@scripts/test_pythons.sh

bench-agent: install-dev  ## Time from a question to the first segment, with a double of the language model
	@$(BIN)/python bench/agent.py

bench-call: install-dev  ## Latency at the caller's ear, through a real Asterisk
	@scripts/test_setup.sh
	@$(BIN)/python bench/call.py

bench-retrieval: install-dev  ## Quality and speed of the search on the project's questions
	@$(BIN)/python bench/retrieval.py

bench-index: install-dev  ## Speed of the index: building, searching, changing versions
	@$(BIN)/python bench/index.py

bench-voices: install-dev  ## What VoxBot adds to the time and work of a cloud voice, with doubles of it
	@$(BIN)/python bench/voices.py

bench-logs: install-dev  ## Pages, search and CSV of a log of a million calls (6 GB, half an hour)
	@$(BIN)/python bench/logs.py

bench-transcripts: install-dev  ## The same of a cloud recogniser and of cloud embeddings
	@$(BIN)/python bench/transcripts.py

bench-notifier: install-dev  ## Call events taken a second, and how soon they are in Telegram
	@$(BIN)/python bench/notifier.py

screenshots: install-dev panel  ## Take docs/img/ anew: every page of the panel, light and dark, Russian and English
	@scripts/test_setup.sh
	@PYTHONPATH=tests $(BIN)/python scripts/screenshots.py

clean:  ## Remove environments and caches (not data/)
	rm -rf .venv .venv-3.* .cache .pytest_cache .ruff_cache .hypothesis
