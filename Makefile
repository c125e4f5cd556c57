# One environment, built from hashed requirements; every target works from a fresh clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SITE := .venv-site
READY := $(VENV)/.ready

# Ctrl-C reaches the shell of a recipe too: it lives on to pass on the 3 of the command.
PASS_ON := trap : INT;

.PHONY: verify test check bench paper paper-figures paper-compare survey site site-test conformance clean

verify: $(READY)
	@$(PASS_ON) status=0; $(BIN)/python -m experiments verify || status=$$?; \
	if [ $$status -le 1 ]; then $(BIN)/python -m figures results/quick || exit $$?; fi; exit $$status

# What is compiled is kept for the next run, Python's modules too, whatever the caller has said of
# them: workers, and each command that a test starts, would compile all of them. Safe to delete.
test: $(READY)
	TESTS_COMPILATION_CACHE=$(VENV)/compiled PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist worksteal

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(MAKE) test

# Each row is the suite beside a peer in the same run; ONLY="training cost" runs some of them, whose
# table goes to results/part/bench. Peers are tested first, to do the suite's work.
bench: $(READY)
	$(BIN)/python -m pytest tests/benchmarks
	PYTHONPATH=. $(BIN)/python tests/benchmarks $(ONLY)
	$(BIN)/python -m figures $(if $(ONLY),results/part/bench,results/bench)

paper: $(READY)
	@$(PASS_ON) status=0; $(BIN)/python -m experiments verify --profile paper || status=$$?; \
	if [ $$status -le 1 ]; then \
	$(BIN)/python -m experiments mutants --out results/paper/mutants.csv \
	--runs results/paper/cells && \
	$(BIN)/python -m experiments power results/paper --out results/paper/power.csv && \
	$(BIN)/python -m experiments survey --changes --out results/paper && \
	$(BIN)/python -m experiments ledger && $(BIN)/python -m figures results/paper && \
	$(BIN)/python -m experiments advise --instance search --optimizers 8 --out results/paper/advise && \
	$(BIN)/python -m figures results/paper/advise || exit $$?; fi; \
	exit $$status

# From stored rows: nothing is computed again.
paper-figures: $(READY)
	$(BIN)/python -m figures results/paper

# A run of its own, in build/paper, beside what is stored, which stays as it is. Exit status 1: a
# verdict differs from the stored one.
paper-compare: $(READY)
	@$(PASS_ON) status=0; $(BIN)/python -m experiments verify --profile paper --out build/paper \
	|| status=$$?; if [ $$status -gt 1 ]; then exit $$status; fi; \
	$(BIN)/python -m experiments compare build/paper

# 2,000 random models: hours on two cores, 75 s on one H200; what is stored stays until then.
survey: $(READY)
	$(BIN)/python -m experiments survey --out results/paper

# A trainer has an environment of its own, TRAINER=trl or another of requirements/; what it takes is
# told before anything is installed. Exit status 1: a rule differs.
conformance: $(READY)
	@test -f "requirements/$(TRAINER).txt" || { echo "TRAINER = $(TRAINER): expected one of" \
	$(filter-out site,$(basename $(notdir $(wildcard requirements/*.txt)))) >&2; exit 2; }
	@$(MAKE) --no-print-directory .trainers/$(TRAINER)/.ready
	@$(PASS_ON) $(BIN)/python -m experiments conformance --trainer $(TRAINER)

# Each file lists all that is needed: what a trainer declares besides is not asked for.
.trainers/%/.ready: requirements/%.txt
	@grep '^# ' $<
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

# Pages from stored rows, without a server: open build/site/index.html.
site: $(READY) $(SITE)/.ready
	$(BIN)/python -m grpo_checks.pages build/pages
	NO_MKDOCS_2_WARNING=1 PYTHONPATH=. $(SITE)/bin/mkdocs build --quiet -f pages/theme/mkdocs.yml
	@echo "build/site/index.html"

# In the system's Chromium (chromium and chromedriver); screenshots go to build/screenshots.
site-test: site
	$(SITE)/bin/python -m pytest -q -c tests/browser/pytest.ini tests/browser

clean:
	rm -rf $(VENV) .trainers $(SITE) build results/quick

$(SITE)/.ready: requirements/site.txt
	$(PYTHON) -m venv $(SITE)
	$(SITE)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(READY): requirements.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed')"
	@echo "Installs 45 packages into $(VENV): 270 MB to download, 1.2 GB on disk, a minute or two."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@printf '#!%s\nimport sys\nsys.path.insert(0, "%s")\nfrom grpo_checks.__main__ import main\nsys.exit(main())\n' \
	"$(CURDIR)/$(BIN)/python" "$(CURDIR)" > $(BIN)/grpo-checks && chmod +x $(BIN)/grpo-checks
	@touch $@
