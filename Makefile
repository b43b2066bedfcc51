# Map of commands: `make help`. Two of them are enough to begin: `make demo`, `make check`.
SHELL := /bin/bash
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/heddle
VENV := $(CACHE)/venv
# The first interpreter that really runs and is new enough: a version manager's shim may exist without its Python.
PYTHON_HOST := $(shell for p in python3.13 python3.14 python3 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.1[3-9]*/bin/python3; do \
  "$$p" -c 'import sys, venv; sys.exit(sys.version_info < (3, 13))' 2>/dev/null && { echo "$$p"; break; }; done)
RUN := PATH="$(VENV)/bin:$$PATH"
PACKAGES := mesh_policy mesh_addons proxy control_plane meshctl
ANSIBLE_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help venv python-check root-check

help: ## this map
	@awk -F':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  \033[36m%-14s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

python-check:
	@test -n "$(PYTHON_HOST)" || { \
	  echo "Heddle needs Python 3.13 or newer (with venv) on PATH; found: $$(python3 --version 2>&1 || echo none)."; \
	  echo "Debian 13: apt-get install python3 python3-venv. Debian 12: pyenv install 3.13, or a container of Debian 13."; exit 64; }

root-check:
	@test "$$(id -u)" = 0 || { echo "This command makes containers and network namespaces: run it as root (or with sudo)."; exit 64; }

venv: $(VENV)/.stamp ## the virtual environment with everything that development needs (in the user's cache folder)

$(VENV)/.stamp: pyproject.toml | python-check
	@mkdir -p "$(CACHE)"
	@test -x "$(VENV)/bin/python" || "$(PYTHON_HOST)" -m venv "$(VENV)"
	@"$(VENV)/bin/python" -m pip install --quiet --upgrade "pip>=25.1"
	@"$(VENV)/bin/python" -m pip install --quiet -e ".[sidecar,control-plane,cli]" --group dev --group ansible
	@touch "$@"
