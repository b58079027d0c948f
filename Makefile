# make lab | lesson | page | test | test-all | demo | bench | bench-gpu | reliability | docs | lint; for maintainers: mutants | lock | audit. Everything is installed into .venv once; a second run installs nothing.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

PIP := -m pip --disable-pip-version-check --quiet
# Nothing is installed that has not the hash of its lock file; FrEIA and normflows, which tests compare with, come as source only.
VERIFIED := install --require-hashes --no-deps --only-binary :all: --no-binary freia,normflows

.PHONY: lab lesson page test test-all demo bench bench-gpu reliability docs lint mutants lock audit clean

# On localhost, with a token. What Jupyter, IPython and matplotlib keep stays below this folder, not in the home folder; nor are
# language servers looked for, which runs npm where it is there.
KEPT := $(foreach kept,JUPYTER_CONFIG_DIR JUPYTER_DATA_DIR IPYTHONDIR MPLCONFIGDIR,$(kept)='$(CURDIR)/.venv/var')
LAB := $(KEPT) $(BIN)/jupyter lab $(ROOT) --ServerApp.ip=localhost --LanguageServerManager.autodetect=False
START := notebooks/00_start_here.ipynb
lab: $(INSTALLED)
	$(LAB) --LabApp.default_url=/lab/tree/$(START) $(ARGS)

# The course without answers. It is copied once; what is written there stays until somebody deletes the folder.
LESSON ?= runs/lesson
lesson: $(INSTALLED)
	@test -e '$(LESSON)/$(START)' || $(BIN)/gsmflow-lite lesson '$(LESSON)'
	$(LAB) --ServerApp.root_dir='$(LESSON)' --LabApp.default_url=/lab/tree/$(START) $(ARGS)

# The explorer in one file, with nothing to install.
page: $(INSTALLED)
	$(BIN)/gsmflow-lite page --out build/playground.html $(ARGS)

# Everything but what only repeats; test-all runs that, too. CONTRIBUTING.md says when to run which.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2
test: $(INSTALLED)
	$(PYTEST) -m "not long" $(ARGS)

test-all: $(INSTALLED)
	$(PYTEST) $(ARGS)

demo: $(INSTALLED)
	$(BIN)/gsmflow-lite demo $(ARGS)

bench: $(INSTALLED)
	@for one in training_step synthesis classifier mining glyphs memory loading rows imports growth; do $(BIN)/python benchmarks/$$one.py --json build/bench/$$one.json $(ARGS) || exit 1; done

bench-gpu: $(INSTALLED)
	$(BIN)/python benchmarks/gpu.py --json build/bench/gpu.json $(ARGS)

reliability: $(INSTALLED)
	$(BIN)/python benchmarks/reliability.py $(ARGS)

# Changes the code of the method and its measures bit by bit, and runs their tests on each change: which pass all the same?
# An hour; what is done is kept in mutants/. docs/mutants.md explains those that survive.
mutants: $(INSTALLED)
	$(BIN)/python $(PIP) install --target build/mutmut mutmut==3.8.1
	OMP_NUM_THREADS=1 PYTHONPATH='$(CURDIR)/build/mutmut' $(BIN)/python -m mutmut run --max-children 2 $(ARGS)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(INSTALLED)
	$(BIN)/sphinx-build -W --keep-going -q -t page -c docs . build/docs
	$(BIN)/gsmflow-lite page --out build/docs/playground.html
	@echo "build/docs/index.html"

$(INSTALLED): pyproject.toml $(wildcard *.lock)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, $$($(PYTHON) --version) was found: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python $(PIP) $(VERIFIED) -r requirements.lock
	@$(BIN)/python $(PIP) $(VERIFIED) -r requirements-torch-cpu.lock 2>/dev/null || \
	  $(BIN)/python $(PIP) $(VERIFIED) -r requirements-torch.lock
	$(BIN)/python $(PIP) install --no-deps --no-build-isolation -e .
	$(BIN)/python $(PIP) check
	$(KEPT) $(BIN)/jupyter labextension disable --log-level=ERROR @jupyterlab/apputils-extension:announcements  # it asks about news
	@touch $@

# Versions stay as they are; make lock ARGS=--upgrade takes newer ones. Torch is apart, with the CUDA libraries it asks for on Linux.
UV := build/uv/bin/uv pip compile pyproject.toml --extra notebooks --extra dev --universal --fork-strategy fewest \
  --python-version 3.11 --quiet --no-annotate --no-header
lock:
	$(PYTHON) -m venv build/uv
	build/uv/bin/python $(PIP) install uv
	$(UV) $(ARGS) --output-file constraints.txt
	$(UV) --constraints constraints.txt --generate-hashes --output-file build/lock
	awk '/^[a-z]/ {torch = /^(torch=|cuda|nvidia|triton)/} {print > (torch ? "requirements-torch.lock" : "requirements.lock")}' build/lock

# It asks a service for known vulnerabilities, so it needs the internet, which the tests do not.
audit:
	$(PYTHON) -m venv build/audit
	build/audit/bin/python $(PIP) install pip-audit
	build/audit/bin/pip-audit --require-hashes --disable-pip -r requirements.lock
	build/audit/bin/pip-audit --require-hashes --disable-pip -r requirements-torch.lock

clean:
	rm -rf .venv .pytest_cache .ruff_cache build dist mutants
