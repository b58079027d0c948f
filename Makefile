# make lab | test | demo | bench | lint. Everything is installed into .venv once; a second run installs nothing.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: lab test demo bench lint clean

lab: $(INSTALLED)
	$(BIN)/jupyter lab $(ROOT) --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

demo: $(INSTALLED)
	$(BIN)/gsmflow-lite demo $(ARGS)

bench: $(INSTALLED)
	@for one in training_step synthesis classifier mining glyphs memory loading rows imports growth; do $(BIN)/python benchmarks/$$one.py --json build/bench/$$one.json $(ARGS) || exit 1; done

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, $$($(PYTHON) --version) was found: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e ".[notebooks,dev]"
	@touch $@

clean:
	rm -rf .venv .pytest_cache .ruff_cache build dist
