# Bare `make` lists the commands. Every recipe is plain sh and works from a path with spaces.
SHELL = /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all-dbs lint lint-environment lint-ruff lint-layers lint-django types docs format clean

VENV ?= .venv
PY = "$(VENV)/bin/python"

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s%s\n", $$1, $$2 }' Makefile

setup: ## make .venv with everything that development needs
	@sh .ci/venv.sh "$(VENV)" dev

demo: ## install, migrate, seed, start the demo shop and run its scenario (DEMO_SERVE=0: end after the table)
	@sh .ci/venv.sh "$(VENV)"
	@$(PY) manage.py migrate --noinput
	@$(PY) manage.py seed_demo
	@$(PY) manage.py demo

test: ## the whole suite on SQLite: the app, then the demo site
	@sh .ci/venv.sh "$(VENV)" test
	@$(PY) -m pytest
	@DJANGO_SETTINGS_MODULE=demo.settings $(PY) -m pytest tests/site

test-all-dbs: test ## the suite on SQLite and PostgreSQL, migrations and deliveries on MariaDB
	@$(PY) .ci/suite_on.py postgresql -m "not e2e" --ignore=tests/test_package.py
	@$(PY) .ci/suite_on.py mariadb -m every_database

lint: lint-ruff lint-layers lint-django ## ruff, the import layers, missing migrations, system checks

lint-environment:
	@sh .ci/venv.sh "$(VENV)" test lint

lint-ruff: lint-environment
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

lint-layers: lint-environment
	$(PY) -c "from importlinter.cli import lint_imports_command as lint; lint(['--no-logo'])"

lint-django: lint-environment
	$(PY) manage.py makemigrations --check --dry-run --settings=tests.settings
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) -W error manage.py check --fail-level WARNING

types: lint-environment ## mypy, strict
	$(PY) -m mypy

docs: ## write the generated parts of the reference pages anew
	@sh .ci/venv.sh "$(VENV)" dev
	$(PY) docs/generate.py

format: ## let ruff mend what it can
	@sh .ci/venv.sh "$(VENV)" lint
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

clean: ## remove environments, caches, builds and the databases in var/
	rm -rf .venv .venv-* var build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
