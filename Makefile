# Everything lives inside this checkout: virtual environments in .venv*, results in out/ and dist/.

PYTHON ?= python3
PHOTO ?=
BIN := .venv/bin

.PHONY: help setup demo test lint format extension docs bench clean distclean

help:
	@echo "make demo [PHOTO=path]  one photo becomes a head in Blender: see out/demo"
	@echo "make test               all tests and linters"
	@echo "make lint               the linters only"
	@echo "make format             let ruff write the code its way"
	@echo "make extension          the zip that Blender installs: see dist"
	@echo "make docs               the documentation as a site: see out/docs"
	@echo "make bench              times and memory of every stage"
	@echo "make clean              remove results and caches; distclean also the environments"

# Quick when complete: the tool compares its marks and leaves.
setup:
	@$(PYTHON) tools/setup_env.py backend
	@$(PYTHON) tools/setup_env.py --optional blender42 blender45 blender50 blender52

demo: setup
	$(BIN)/python tools/demo.py $(if $(PHOTO),"$(PHOTO)")

test: setup
	$(BIN)/python tools/check.py

lint: setup
	$(BIN)/python tools/check.py lint

format: setup
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

extension: setup
	$(BIN)/python tools/build_extension.py

docs: setup
	$(BIN)/python -m mkdocs build --quiet

bench: setup
	$(BIN)/likeness bench

clean:
	rm -rf out dist build *.egg-info .ruff_cache .pytest_cache .hypothesis
	find addon backend train tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv .venv-blender42 .venv-blender45 .venv-blender50 .venv-blender52
