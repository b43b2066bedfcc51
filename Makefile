# Map of commands: `make help`. Two of them are enough to begin: `make demo`, `make check`.
SHELL := /bin/bash
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/heddle
VENV := $(CACHE)/venv
# The first interpreter that really runs and is new enough: a version manager's shim may exist without its Python.
PYTHON_HOST := $(shell for p in python3.13 python3.14 python3 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.1[3-9]*/bin/python3; do \
  "$$p" -c 'import sys, venv; sys.exit(sys.version_info < (3, 13))' 2>/dev/null && { echo "$$p"; break; }; done)
RUN := PATH="$(VENV)/bin:$$PATH"
ANSIBLE_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help venv python-check root-check format lint test check demo verify uninstall teardown bench conformance images lock clean

help: ## this map
	@awk -F':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  \033[36m%-14s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

python-check:
	@test -n "$(PYTHON_HOST)" || { \
	  echo "Heddle needs Python 3.13 or newer (with venv) on PATH; found: $$(python3 --version 2>&1 || echo none)."; \
	  echo "Debian 13: apt-get install python3 python3-venv. Debian 12: pyenv install 3.13, or a container of Debian 13."; exit 64; }

root-check:
	@test "$$(id -u)" = 0 || { echo "This command makes containers and network namespaces: run it as root (or with sudo)."; exit 64; }

# Programs of the host that tests and benchmark use, and the Debian package of each. `make demo` installs its own.
CHECK_NEEDS := ip:iproute2 nft:nftables unshare:util-linux setpriv:util-linux mmdebstrap:mmdebstrap
BENCH_NEEDS := $(CHECK_NEEDS) wrk:wrk
define need
	@missing=""; for one in $(1); do command -v "$${one%%:*}" >/dev/null || missing="$$missing $${one##*:}"; done; \
	test -z "$$missing" || { echo "Missing on this machine:$$missing. Install with: apt-get install --no-install-recommends$$missing"; exit 64; }
endef

# The environment belongs to the checkout that installed itself last; another checkout installs itself again.
STAMP := $(VENV)/.stamp-$(shell pwd -P | cksum | cut -d' ' -f1)

venv: $(STAMP) ## the virtual environment with everything that development needs (in the user's cache folder)

$(STAMP): pyproject.toml constraints.txt | python-check
	@mkdir -p "$(CACHE)"
	@test -x "$(VENV)/bin/python" || "$(PYTHON_HOST)" -m venv "$(VENV)"
	@"$(VENV)/bin/python" -m pip install --quiet --upgrade "pip>=25.1"
	@"$(VENV)/bin/python" -m pip install --quiet -c constraints.txt -e ".[sidecar,control-plane,cli]" --group dev --group ansible
	@rm -f "$(VENV)"/.stamp-* && touch "$@"

# --- the two commands of the README ---

demo: venv root-check ## provision a cluster, install the mesh and the shop, prove what it does (25 min without caches, 5 with)
	$(RUN) ansible-playbook -i inventories/local playbooks/site.yml $(ANSIBLE_ARGS)

check: venv root-check ## lint, types, every test up to those on the cluster of `make demo`; STAGES="lint unit" for some
	$(call need,$(CHECK_NEEDS))
	@$(RUN) python tests/check.py $(STAGES)

# --- the rest ---

lint: venv ## style, types, import rules
	@$(RUN) python tests/check.py lint

test: venv ## unit, contract and layout tests: no root, no cluster
	@$(RUN) python tests/check.py unit

format: venv ## rewrite the Python files in the project's style
	$(RUN) ruff check --fix-only . && $(RUN) ruff format .

bench: venv root-check ## requests per second per core, latency and memory, measured in one run and printed as ratios
	$(call need,$(BENCH_NEEDS))
	@$(RUN) python -m bench

# Another channel than the inventory's is installed for the run alone.
conformance: venv root-check ## the Gateway API's own suite for meshes on the cluster of `make demo`; engine=python CHANNEL=standard TEST=name RUNS=20
	$(RUN) ansible-playbook -i inventories/local playbooks/conformance.yml $(if $(CHANNEL),-e "gateway_api_channel=$(CHANNEL)") $(ANSIBLE_ARGS)
	@$(RUN):"$(CACHE)/binaries/kubernetes/1.35.4" python -m tests.conformance $(if $(CHANNEL),--channel "$(CHANNEL)") \
	  $(if $(engine),--engine "$(engine)") $(if $(TEST),--test "$(TEST)") $(if $(RUNS),--runs "$(RUNS)") $(if $(VERSION),--version "$(VERSION)"); \
	  code=$$?; $(if $(CHANNEL),$(RUN) ansible-playbook -i inventories/local playbooks/gateway_api.yml $(ANSIBLE_ARGS) >/dev/null || code=1;) exit $$code

images: venv root-check ## build the images and bring them to the nodes (part of `make demo`)
	$(RUN) ansible-playbook -i inventories/local playbooks/images.yml $(ANSIBLE_ARGS)

verify: venv root-check ## prove again what `make demo` proved
	$(RUN) ansible-playbook -i inventories/local playbooks/verify.yml $(ANSIBLE_ARGS)

uninstall: venv root-check ## remove the demo and the mesh, keep the cluster
	$(RUN) ansible-playbook -i inventories/local playbooks/uninstall.yml $(ANSIBLE_ARGS)

teardown: venv root-check ## remove everything that `make demo` made on this machine (caches stay: see `make clean`)
	$(RUN) ansible-playbook -i inventories/local playbooks/teardown.yml $(ANSIBLE_ARGS)

lock: python-check ## write constraints.txt anew: the newest versions that fit together (review the diff, run make check)
	rm -rf -- "$(CACHE)/lock" && "$(PYTHON_HOST)" -m venv "$(CACHE)/lock"
	"$(CACHE)/lock/bin/pip" install --quiet --upgrade "pip>=25.1"
	"$(CACHE)/lock/bin/pip" install --quiet -e ".[sidecar,control-plane,cli]" --group dev --group ansible
	{ head -1 constraints.txt; "$(CACHE)/lock/bin/pip" freeze --exclude-editable | grep -v ' @ ' | sort -f; } > constraints.new
	mv constraints.new constraints.txt

clean: ## delete the caches (the virtual environment, built binaries, images' layers)
	rm -rf -- "$(CACHE)"
