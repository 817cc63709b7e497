# What this project can do. `make` prints it; every command works on a bare checkout.

SOURCE ?= synthetic
SHOP   ?= $(SOURCE)
INPUT  ?=
THROUGH ?=
Q      ?=
S      ?=
RELEASE ?=
# Test files at a time: each worker has a Spark session and, where a file asks for them, services of its own (about 4 GB).
TEST_WORKERS ?= 2
KILLS  ?= 50
SEED   ?= 1
ROUNDS ?= 3
# Images and containers: docker, or what takes its commands.
ENGINE  ?= docker
COMPOSE ?= $(ENGINE) compose
TAG     ?= dev
BUILD_OPTIONS ?=
IMAGES  := spark airflow scheduler mlflow object-store
COMPOSED = $(COMPOSE) --file docker/compose.yaml --env-file docker/.env

LOCAL   := $(or $(TWSTACK_LOCAL_DIR),$(CURDIR)/.local)
ifndef PYTHON
PYTHON  := $(shell for name in python3.11 python3.12 python3.13 python3; do $$name -c "" 2>/dev/null && command -v $$name && break; done)
endif
JOBS    := $(LOCAL)/envs/jobs/bin
AIRFLOW := $(LOCAL)/envs/airflow/bin
RIVALS  := $(LOCAL)/envs/rivals/bin/python
AUDIT   := $(LOCAL)/envs/audit/bin
JAVA     = $(shell $(JOBS)/python -c 'from stack import java; print(java.home(java.require()))')
# The environment of one shop's jobs: its settings and logins are in the env file, never on a command line.
SHOP_ENV = TRADEWIND_ENV_FILE=$(LOCAL)/shops/$(SHOP)/tradewind.env SPARK_CONF_DIR=$(LOCAL)/shops/$(SHOP)/conf/spark JAVA_HOME=$(JAVA)

CHECKED := $(wildcard jobs expectations stack bin tests benchmarks)
# dags and their tests import Airflow; the other environment's mypy reads them.
JOBS_TYPED := $(filter-out tests,$(CHECKED)) $(filter-out tests/dags tests/data tests/__pycache__,$(wildcard tests/*))

.DEFAULT_GOAL := help
.PHONY: help envs audit rehearse cluster-check bench bench-small demo up down backup restore status logs test check fix sql lock images compose-env compose-up compose-demo compose-down clean clean-data

help: ## print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  Variables: SOURCE=synthetic (a name of jobs/sources), INPUT=file or folder, THROUGH=last day, SHOP=\$$SOURCE, Q='select ...', S=service"
	@echo "  Ports and places are TWSTACK_ variables: docs/settings.md lists them."

envs: ## make what is missing: Java, the two environments, the jars
	@test -n "$(PYTHON)" || { echo "error: there is no python3 on the PATH; Python 3.11 or newer is needed" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "error: Python 3.11 or newer is needed; name one: make PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m stack bootstrap

demo: envs ## a shop's log through tables, models and the live scheduler to a release, with a summary (SOURCE, INPUT, THROUGH, SHOP)
	@$(JOBS)/python -m stack.demo --source $(SOURCE) --shop $(SHOP) $(if $(INPUT),--input $(INPUT)) $(if $(THROUGH),--through $(THROUGH))

up: envs ## start the services of SHOP and wait until they are healthy
	@$(JOBS)/python -m stack up --shop $(SHOP) --source $(SOURCE)

down: ## stop the services
	@$(PYTHON) -m stack down

backup: ## copy the databases and the bucket of the shop that runs into a new folder (TO=folder); logins are not in it
	@test -n "$(TO)" || { echo "error: say where to: make backup TO=folder" >&2; exit 1; }
	@$(PYTHON) -m stack backup --to $(TO)

restore: envs ## make SHOP what a backup says, whatever it holds now, and start its services (FROM=folder)
	@test -n "$(FROM)" || { echo "error: say which backup: make restore FROM=folder" >&2; exit 1; }
	@$(JOBS)/python -m stack restore --shop $(SHOP) --source $(SOURCE) --from $(FROM)

status: ## what runs, where, and how it is
	@$(PYTHON) -m stack status

logs: ## the last lines of the services' logs (S=one service)
	@$(PYTHON) -m stack logs $(if $(S),--service $(S))

test: envs ## all tests: jobs and services in one environment, DAGs beside them in the other
	@mkdir -p $(LOCAL)/logs; failed=0; \
	AIRFLOW_HOME=$(LOCAL)/airflow-tests $(AIRFLOW)/python -m pytest -c tests/dags/pytest.ini tests/dags >$(LOCAL)/logs/dag-tests.log 2>&1 & dags=$$!; \
	$(JOBS)/python -m pytest -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder --durations 30 --durations-min 5 || failed=1; \
	wait $$dags || failed=1; \
	cat $(LOCAL)/logs/dag-tests.log; \
	exit $$failed

rehearse: envs ## kill services and drivers at random while days are refined and released, and compare (KILLS=50, SEED=1)
	@$(JOBS)/python -m stack.rehearsal --kills $(KILLS) --seed $(SEED) --to benchmarks/rehearsal.md

cluster-check: envs ## the same days and fits with 1, 2, 4 and 8 partitions and on a Spark cluster of two workers, compared
	@$(JOBS)/python -m stack.cluster_check --to benchmarks/cluster_check.md

bench: envs $(RIVALS) ## the benchmarks beside their rivals, one after the other (ROUNDS=3; two hours on two cores, which do nothing else)
	@failed=0; \
	$(JOBS)/python -m benchmarks.als --rounds $(ROUNDS) || failed=1; \
	$(JOBS)/python -m benchmarks.quality_cost --rounds $(ROUNDS) || failed=1; \
	$(JOBS)/python -m benchmarks.refine --rounds $(ROUNDS) --rivals-python $(RIVALS) || failed=1; \
	$(JOBS)/python -m benchmarks.refine --growth --rounds 1 || failed=1; \
	exit $$failed

SMALL_ALS := --users 20000 --items 5000 --pairs 500000 --rounds 1 --contestants blocks mllib

bench-small: envs ## a small round of two of them, for CI: fails where a ratio is lost by a wide margin
	@mkdir -p $(LOCAL)/logs; failed=0; \
	$(JOBS)/python -m benchmarks.als $(SMALL_ALS) --margin 6 --to $(LOCAL)/logs/als_small.md || failed=1; \
	$(JOBS)/python -m benchmarks.quality_cost --rows 1000000 --rounds 1 --margin 3 --to $(LOCAL)/logs/quality_small.md || failed=1; \
	exit $$failed

$(RIVALS): benchmarks/requirements-rivals.txt
$(AUDIT)/python: requirements-audit.txt
$(RIVALS) $(AUDIT)/python:
	@echo "installing an environment of $<"
	@$(LOCAL)/uv/bin/uv venv --quiet --allow-existing --python $(JOBS)/python $(@:/bin/python=)
	@$(LOCAL)/uv/bin/uv pip sync --quiet --python $@ --require-hashes $<
	@touch $@

AUDITED := requirements.txt dags/requirements.txt docker/requirements-airflow.txt docker/requirements-mlflow.txt

audit: envs $(AUDIT)/python ## ask the public advisories about every pinned package, and read our code for known mistakes
	@failed=0; \
	for lock in $(AUDITED); do echo "$$lock"; $(AUDIT)/pip-audit --disable-pip --require-hashes --progress-spinner off -r $$lock || failed=1; done; \
	$(AUDIT)/bandit --quiet --recursive --severity-level medium jobs expectations stack dags bin || failed=1; \
	exit $$failed

check: envs ## lint, format, types, import contracts, generated pages, promises of the exports: two at a time
	@$(MAKE) --no-print-directory --jobs 2 --keep-going --output-sync=target $(CHECKS)

CHECKS := types-jobs types-dags lint format imports docs contracts
.PHONY: $(CHECKS)
types-jobs: ; @$(JOBS)/mypy $(JOBS_TYPED)
types-dags: ; @MYPYPATH=dags $(AIRFLOW)/mypy dags tests/dags
lint: ; @$(JOBS)/ruff check .
format: ; @$(JOBS)/ruff format --check .
imports: ; @$(JOBS)/lint-imports
docs: ; @$(JOBS)/python -m jobs.docs --check && $(JOBS)/python -m stack.settings_page --check
contracts: ; @$(JOBS)/python -m jobs.export check

fix: envs ## what lint and format can mend by themselves
	@$(JOBS)/ruff check --fix .
	@$(JOBS)/ruff format .

sql: ## ask the lake of SHOP: make sql Q='select count(*) from silver.events' (RELEASE=1: the current release, or its number)
	@test -n "$$Q" || { echo "error: say what to ask: make sql Q='select ...'" >&2; exit 1; }
	@$(SHOP_ENV) $(JOBS)/python -m jobs.sql "$$Q" $(if $(RELEASE),--release $(filter-out 1,$(RELEASE)))

lock: envs ## pin the packages of the *.in files anew, with hashes
	@uv=$(LOCAL)/uv/bin/uv; options="--quiet --universal --python-version 3.11 --generate-hashes"; export UV_CUSTOM_COMPILE_COMMAND="make lock"; \
	for name in requirements requirements-dev requirements-sequence requirements-audit benchmarks/requirements-rivals dags/requirements dags/requirements-dev docker/requirements-airflow docker/requirements-mlflow; do \
		echo "locking $$name.txt"; $$uv pip compile $$options $$name.in -o $$name.txt || exit 1; \
	done

images: ## build the images of docker/ as tradewind-*:TAG (TAG, ENGINE)
	@version=$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml); commit=$$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown); \
	for name in $(IMAGES); do \
		echo "building tradewind-$$name:$(TAG)"; \
		$(ENGINE) build $(BUILD_OPTIONS) --file docker/Dockerfile --target $$name --tag tradewind-$$name:$(TAG) \
			--build-arg VERSION=$$version --build-arg COMMIT=$$commit . || exit 1; \
	done

compose-env: ## make docker/.env: every setting of docker/compose.yaml, with fresh secrets
	@$(PYTHON) -m stack.images.environment docker/.env

compose-up: compose-env ## start the services of docker/compose.yaml and wait until they are healthy
	@$(COMPOSED) up --detach --wait

compose-demo: compose-up ## the demonstration on them: a made shop from landing to a release, on a Spark cluster of two workers
	@$(COMPOSED) --profile demo run --rm demo

compose-down: ## stop them; their data stays in volumes
	@$(COMPOSED) down

clean-data: ## stop everything and delete the data of every shop
	@$(PYTHON) -m stack clean-data

clean: ## the same, and delete environments and jars: all of .local
	@$(PYTHON) -m stack clean

export Q
