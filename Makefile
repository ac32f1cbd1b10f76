# Everything on a fresh machine: `make run` serves the demo, `make check` runs the quick tests, `make test` all.
PORT ?= 8000
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
export PUBLIC_BASE_URL ?= http://127.0.0.1:$(PORT)

.PHONY: run test check campaign fuzz planted-bugs lint bench translations requirements clean

run: $(VENV)/.run .env
	@exec $(BIN)/python manage.py serve --port $(PORT)

# Every test, on all cores; ARGS="-n 0" runs them one after the other.
test: $(VENV)/.dev
	@$(MAKE) --no-print-directory static
	@if [ -n "$$TEST_DATABASE_URL" ]; then echo "tests on PostgreSQL"; else echo "tests on SQLite"; fi
	@$(BIN)/pytest -n auto --dist worksteal $(ARGS)

# The tests without the slow ones, for between two edits: a few minutes on two cores.
check: $(VENV)/.dev
	@$(MAKE) --no-print-directory static
	@$(BIN)/pytest -n auto --dist worksteal -m "not slow" --ignore=tests/e2e $(ARGS)

# The contract test with more examples, as every kind of caller; an hour or so.
fuzz: $(VENV)/.dev
	@FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-500} $(BIN)/pytest tests/contract/test_fuzz.py

# Whether the tests see the bugs of tests/planted/bugs.toml; half an hour for each database.
planted-bugs: $(VENV)/.dev
	@$(MAKE) --no-print-directory static
	@$(BIN)/python -m tests.planted $(ARGS)

.PHONY: static
static: $(VENV)/.run
	@SECRET_KEY=static ENV_FILE=/dev/null $(BIN)/python manage.py collectstatic --noinput --verbosity 0

# The order machine of the tests, ten times as long and never twice the same; half an hour.
campaign: $(VENV)/.dev
	@ORDER_MACHINE_STEPS=$${ORDER_MACHINE_STEPS:-100000} $(BIN)/pytest tests/groupbuy/test_order_machine.py $(ARGS)

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy retail shops pricing groupbuy config
	@$(BIN)/lint-imports
	@$(BIN)/djade --target-version 5.2 --check $$(git ls-files 'templates/*.html')
	@DEBUG=on ENV_FILE=/dev/null $(BIN)/python manage.py makemigrations --check --dry-run
	@.ci/check-deploy $(BIN)/python

# How fast, as ratios of yardsticks of the same run; needs wrk and PostgreSQL.
bench: $(VENV)/.dev
	@$(BIN)/python -m benchmarks $(ARGS)

translations: $(VENV)/.dev
	@SECRET_KEY=translations ENV_FILE=/dev/null $(BIN)/python manage.py makemessages -l en --no-obsolete --add-location file -i '.venv/*' -i 'staticfiles/*'
	@SECRET_KEY=translations ENV_FILE=/dev/null $(BIN)/python manage.py compilemessages -i '.venv/*'

# Pin anew what pyproject.toml asks for, on every machine: what only some of them need keeps its marker.
requirements:
	uv pip compile -q --universal --upgrade --python-version 3.11 --no-header --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.txt
	uv pip compile -q --universal --upgrade --python-version 3.11 --no-header --no-emit-index-url --no-emit-find-links --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

$(VENV)/bin/python:
	@[ -n "$(PYTHON)" ] && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Xiantuan needs Python 3.11 or newer: install it (Debian: apt install python3.11-venv), or name it: make run PYTHON=/path/to/python3.11" >&2; exit 1; }
	@[ -w . ] || { echo "This folder is not writable: clone the project into a folder of your own." >&2; exit 1; }
	@if command -v uv >/dev/null; then uv venv -q --python "$(PYTHON)" $(VENV); else $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }; fi

$(VENV)/.run: requirements.txt | $(VENV)/bin/python
	@echo "installing packages …"
	@if command -v uv >/dev/null; then uv pip install -q --python $(BIN)/python -r $<; else $(BIN)/python -m pip install -q -r $<; fi
	@touch $@

$(VENV)/.dev: requirements-dev.txt | $(VENV)/.run
	@echo "installing packages for development …"
	@if command -v uv >/dev/null; then uv pip install -q --python $(BIN)/python -r $<; else $(BIN)/python -m pip install -q -r $<; fi
	@touch $@

# The first run makes its own keys; everything else keeps the defaults of .env.example.
.env: | $(VENV)/.run
	@umask 077; $(BIN)/python -c 'import secrets, base64; print("SECRET_KEY=" + secrets.token_urlsafe(48)); print("ENCRYPTION_KEYS=" + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()); print("DEMO=on")' > .env
	@echo "wrote .env with new keys (see .env.example for every setting)"

clean:
	rm -rf $(VENV) staticfiles var media .env
