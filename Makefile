# What can be done here? `make` alone says it.

PYTHON_HERE := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo test lint check bench compare image reference clean

help:  ## these lines
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## */\1|/' | awk -F'|' '{ printf "  make %-10s %s\n", $$1, $$2 }'

demo:  ## two nights in an example clinic, its mail and its report (DEMO_LANG=fr in French)
	@tests/lab/install.sh demo
	@$(PYTHON_HERE) -m tests.lab.demo --lang $(or $(DEMO_LANG),en)

test:  ## all tests; as root also those that build a clinic of real servers
	@tests/lab/install.sh test
	@$(PYTHON_HERE) -m pytest

lint:  ## style, types and architecture
	@tests/lab/install.sh demo
	@$(PYTHON_HERE) -m ruff check
	@$(PYTHON_HERE) -m ruff format --check
	@$(PYTHON_HERE) -m mypy
	@.venv/bin/lint-imports --no-logo --no-cache

check: lint test  ## everything CI does

bench:  ## what a scan costs: time, packets, memory; what ten years of nights cost
	@tests/lab/install.sh test
	@$(PYTHON_HERE) -m tests.lab.bench

compare:  ## who knows devices better, netwatch or nmap -O -sV (as root)
	@tests/lab/install.sh test
	@$(PYTHON_HERE) -m tests.lab.compare_nmap

image:  ## a container image, built on this machine and tried there; nmap in it is Debian's
	@tests/lab/image.sh

reference:  ## write docs/reference.md and docs/schema.json again, from the code
	@tests/lab/install.sh demo
	@$(PYTHON_HERE) -m tests.docs.generate

clean:  ## remove what these commands made here
	rm -rf .venv .demo .lab dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
