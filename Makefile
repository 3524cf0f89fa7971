# The one door to geodata-flows: `make` lists what there is. Each target does its own set-up, at once where nothing is to do.
# Extra arguments: make test ARGUMENTS="-k topology"

PYTHON := .venv/bin/python
ARGUMENTS ?=
WORKERS := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# A worker of tests more than processors, as each waits for servers and pauses a tenth of its time.
export PYTEST_XDIST_AUTO_NUM_WORKERS ?= $(shell expr $$(nproc) + 1)
# What is imported is compiled once, also where the environment says not to: a Prefect server then starts with two thirds of the work.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast test-truth test-faults test-kubernetes format check bench export rollback withdraw rebuild site deploy sizes image pin-base sbom image-sbom scan advisories server stop db-shell db-stop lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## prepare this machine: system packages, .venv, locked libraries
	@deployments/setup

demo: setup ## run the main job on a synthetic Belgium, from download to catalog and map
	@$(PYTHON) tests/demo.py $(ARGUMENTS)

test: ## run the tests (on private databases, whatever GEODATA_DATABASE_URL says; one after another with ARGUMENTS="-n 0")
	@env -u GEODATA_DATABASE_URL -u GEODATA_DATABASE_BLOCK deployments/setup
	@$(PYTHON) -m pytest -q $(WORKERS) $(ARGUMENTS)

test-fast: ## run the tests that need no Prefect server, start no programs and kill nothing
	@env -u GEODATA_DATABASE_URL -u GEODATA_DATABASE_BLOCK deployments/setup
	@$(PYTHON) -m pytest -q $(WORKERS) -m "not (prefect or slow or faults or real or image or kubernetes)" $(ARGUMENTS)

test-truth: setup ## compare what is loaded with what other programs read, MINUTES long for each kind of file
	@GEODATA_TRUTH_MINUTES=$(or $(MINUTES),8) $(PYTHON) -m pytest -q -n auto tests/test_truth.py $(ARGUMENTS)

test-faults: setup ## try every fault: kills, disks, crashes and crowds, MINUTES long for each module
	@env -u GEODATA_DATABASE_URL -u GEODATA_DATABASE_BLOCK GEODATA_FAULT_MINUTES=$(or $(MINUTES),3) \
		$(PYTHON) -m pytest -q $(WORKERS) -m faults -rP --show-capture=stdout $(ARGUMENTS)

test-kubernetes: setup ## run the tests on a cluster: that of KUBECONFIG with GEODATA_IMAGE, or one of ../shared/cluster, made and taken down
	@GEODATA_MAKE_CLUSTER=yes $(PYTHON) -m pytest -q -n 0 -s -m kubernetes \
		-o "testpaths=$$(grep -lE '@kubernetes|mark[.]kubernetes' tests/test_*.py)" $(ARGUMENTS)

format: setup ## bring code into the form that check holds
	@.venv/bin/ruff check --quiet --select I --fix . && .venv/bin/ruff format --quiet .

check: setup ## format, lint, types and import contracts
	@.venv/bin/ruff format --check --quiet . || (.venv/bin/ruff format --diff --quiet .; echo "'make format' does it."; exit 1)
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

bench: setup ## measure the tasks beside the database's limit and the best of others (ARGUMENTS="--only tables"); data/bench has the report
	@tests/peers/get
	@$(PYTHON) tests/benchmark.py $(ARGUMENTS)

export: setup ## take a published layer away as a file: make export LAYER=belgium.sectors FORMAT=gpkg|fgb|geoparquet|csv|pmtiles|qgs (VINTAGE=2025 CRS=EPSG:3035 TO=folder)
	@$(PYTHON) flows/export.py $(if $(LAYER),--layer '$(LAYER)') $(if $(FORMAT),--format '$(FORMAT)') $(if $(VINTAGE),--vintage '$(VINTAGE)') \
		$(if $(CRS),--crs '$(CRS)') $(if $(TO),--to '$(TO)') $(ARGUMENTS)

rollback: setup ## publish an earlier edition again: make rollback DATASET=belgium EDITION=3
	@$(PYTHON) flows/rollback.py $(if $(DATASET),--dataset $(DATASET)) $(if $(EDITION),--edition $(EDITION)) $(ARGUMENTS)

withdraw: setup ## show a vintage no longer: make withdraw DATASET=belgium VINTAGE=2022
	@$(PYTHON) flows/withdraw.py $(if $(DATASET),--dataset $(DATASET)) $(if $(VINTAGE),--vintage $(VINTAGE)) $(ARGUMENTS)

rebuild: setup ## after a fire: make catalog and data again from the archive alone (ARGUMENTS="--scope kept")
	@$(PYTHON) flows/rebuild.py $(ARGUMENTS)

site: setup ## build the pages of the catalog in data/site and show them at http://127.0.0.1:4280 until Ctrl-C
	@$(PYTHON) flows/site.py $(ARGUMENTS)
	@$(PYTHON) -m tasks.core.pages.serving $(or $(GEODATA_DATA),data)/site --port 4280

deploy: setup ## set up the Prefect server or workspace of PREFECT_API_URL and register every deployment
	@$(PYTHON) deployments/apply.py $(ARGUMENTS)

sizes: setup ## print what runs take beside what prefect.yaml gives them (ARGUMENTS="--catalog": by this catalog's runs)
	@$(PYTHON) deployments/sizes.py $(ARGUMENTS)

image: ## build the container image of this checkout
	@DOCKER_BUILDKIT=1 docker build --build-arg REVISION=$$(git describe --always --dirty=-modified --abbrev=12 --exclude='*') \
		--tag $(or $(GEODATA_IMAGE),geodata-flows:local) $(ARGUMENTS) .

pin-base: setup ## write into the Dockerfile which bytes its base is today, by its digest (asks the registry; ARGUMENTS=python:3.11.16-slim-bookworm takes another)
	@$(PYTHON) deployments/base_image.py $(ARGUMENTS)

sbom: setup ## list all that is delivered, with versions and hashes (CycloneDX), in data/sbom.cdx.json
	@$(PYTHON) deployments/sbom.py $(ARGUMENTS)

image-sbom: setup ## list all that the image holds, Debian's packages too (CycloneDX), in data/image.cdx.json, and compare it with the lock
	@$(PYTHON) deployments/image_sbom.py $(or $(GEODATA_IMAGE),geodata-flows:local) $(ARGUMENTS)

scan: image-sbom ## look for known weaknesses of all that the image holds (needs the internet)
	@deployments/scan

advisories: setup ## look for known weaknesses of what requirements.lock pins (asks PyPI; ARGUMENTS="-s osv" asks OSV)
	@.venv/bin/uv tool run --quiet --python $(PYTHON) --from pip-audit==2.10.1 pip-audit --strict --progress-spinner off \
		--disable-pip --require-hashes --requirement requirements.lock $(ARGUMENTS)

server: setup ## start the Prefect server with its UI in the background; later runs use it and start at once
	@$(PYTHON) -m tasks.running.local_server start

stop: setup ## stop the background Prefect server and the local database
	@$(PYTHON) -m tasks.running.local_server stop
	@$(PYTHON) -m tasks.core.postgres.shell stop

db-shell: setup ## open psql on the database (ARGUMENTS="-c 'select ...'")
	@$(PYTHON) -m tasks.core.postgres.shell open $(ARGUMENTS)

db-stop: setup ## stop the local database
	@$(PYTHON) -m tasks.core.postgres.shell stop

lock: setup ## compile requirements.lock again from pyproject.toml
	@.venv/bin/uv pip compile --quiet --universal --all-extras --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--python-version 3.11 pyproject.toml -o requirements.lock

clean: ## remove .venv and the caches; data/ stays
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache *.egg-info
	@find flows tasks tests -name __pycache__ -type d -prune -exec rm -rf {} +
