# The commands: demo, train-demo, quick, test, test-lowest, check, fuzz, bench, golden. Each does its own set-up.
PYTHON ?= python3
TORCH  ?= torch==2.13.0
# How many test files run at once; 0 for one after the other in one process.
JOBS   ?= 2
# The oldest Python and torch that pyproject.toml allows.
PYTHON_LOWEST ?= python3.10
TORCH_LOWEST  ?= torch==2.6.0
# How long make fuzz runs.
MINUTES ?= 60
LOWEST := .venv-lowest
VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.ready

.PHONY: setup demo train-demo quick test test-lowest check fuzz bench golden clean

setup: $(STAMP)

# torch is the host's, so it is installed only when this environment has none.
$(STAMP): pyproject.toml
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -c "import torch" 2>/dev/null || $(PY) -m pip install --quiet "$(TORCH)"
	$(PY) -m pip install --quiet -e ".[dev]"
	touch $(STAMP)

demo: $(STAMP)
	$(PY) -m tests.host.demo

# A tiny video model and its Track-ControlNet, from videos to a table of errors in out/train-demo.
train-demo: $(STAMP)
	$(PY) -m motion_core train-demo --out out/train-demo $(TRAIN_DEMO_ARGS)

# Every test but those marked slow.
quick: $(STAMP)
	$(PY) -m pytest -n $(JOBS) --dist loadfile -m "not slow" $(PYTEST_ARGS)
	node --test tests/js/*.test.js

test: $(STAMP)
	$(PY) -m pytest -n $(JOBS) --dist loadfile $(PYTEST_ARGS)
	node --test tests/js/*.test.js

# Everything but the browser with the oldest versions that pyproject.toml allows. To try them with
# another Python: make test-lowest PYTHON_LOWEST=python3.11 TORCH_LOWEST=torch==2.13.0
test-lowest:
	@command -v $(PYTHON_LOWEST) >/dev/null || { echo "there is no $(PYTHON_LOWEST); install it, or name another one: make test-lowest PYTHON_LOWEST=python3.11"; exit 1; }
	test -x $(LOWEST)/bin/python || $(PYTHON_LOWEST) -m venv $(LOWEST)
	$(LOWEST)/bin/python -c "import torch" 2>/dev/null || $(LOWEST)/bin/python -m pip install --quiet $(TORCH_LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet tomli
	$(LOWEST)/bin/python -m tests.contracts.lowest > $(LOWEST)/requirements.txt
	$(LOWEST)/bin/python -m pip install --quiet -r $(LOWEST)/requirements.txt
	$(LOWEST)/bin/python -m pytest -n $(JOBS) --dist loadfile --ignore tests/browser $(PYTEST_ARGS)

check: $(STAMP)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pyright
	$(PY) -m pytest tests/contracts
	node --test tests/js/*.test.js

# Damaged and hostile inputs for as long as wanted; findings lie in out/fuzz.
fuzz: $(STAMP)
	$(PY) -m tests.fuzz --minutes $(MINUTES) $(FUZZ_ARGS)

bench: $(STAMP)
	$(PY) -m bench

# Rewrites tests/golden from the Python definitions; read the diff before committing it.
golden: $(STAMP)
	$(PY) -m tests.golden.write

clean:
	rm -rf $(VENV) $(LOWEST) out
