# The only commands to learn: demo, test, check, bench, golden. Each does its own set-up.
PYTHON ?= python3
TORCH  ?= torch==2.13.0
# How many test files run at once; 0 for one after the other in one process.
JOBS   ?= 2
VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.ready

.PHONY: setup demo test check bench golden clean

setup: $(STAMP)

# torch is the host's, so it is installed only when this environment has none.
$(STAMP): pyproject.toml
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -c "import torch" 2>/dev/null || $(PY) -m pip install --quiet "$(TORCH)"
	$(PY) -m pip install --quiet -e ".[dev]"
	touch $(STAMP)

demo: $(STAMP)
	$(PY) -m tests.host.demo

test: $(STAMP)
	$(PY) -m pytest -n $(JOBS) --dist loadfile $(PYTEST_ARGS)
	node --test tests/js/*.test.js

check: $(STAMP)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pyright
	$(PY) -m pytest tests/contracts
	node --test tests/js/*.test.js

bench: $(STAMP)
	$(PY) -m bench

# Rewrites tests/golden from the Python definitions; read the diff before committing it.
golden: $(STAMP)
	$(PY) -m tests.golden.write

clean:
	rm -rf $(VENV) out
