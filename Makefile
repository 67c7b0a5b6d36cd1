# Two targets do everything on a fresh machine: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup lock proto demo photos recipe repro review decide gate report release predict rollback up retrain sample-batch serve explainer test test-all lint

# The first Python of these that is 3.11 or 3.12 and runs.
PYTHON ?= $(shell for p in python3 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null && { command -v $$p; break; }; done)
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
STAMP := $(VENV)/.installed
PIPELINE := $(BIN)/python -m pipeline
# The model that params.yaml names.
MODEL ?= $(shell sed -n '/^model:/,/^[^ ]/s/^  name: *//p' params.yaml)
export PATH := $(BIN):$(PATH)
# TensorFlow's and Great Expectations' chatter is for their developers.
export TF_CPP_MIN_LOG_LEVEL ?= 2
export GX_ANALYTICS_ENABLED ?= false
export DVC_NO_ANALYTICS ?= 1
export MLFLOW_DISABLE_TELEMETRY ?= true

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv from requirements.lock, once

$(STAMP): requirements.lock requirements-bootstrap.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or 3.12 found; install one, or name it: make setup PYTHON=/path/to/python3.12" >&2; exit 6; }
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bootstrap.lock
	UV_COMPILE_BYTECODE=1 $(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

lock: ## resolve the dependencies anew, for Python 3.11 and 3.12
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet --upgrade -o requirements.lock
	grep -A 99 '^uv==' requirements.lock | awk 'NR > 1 && /^[a-z]/ {exit} {print}' > requirements-bootstrap.lock

demo: setup ## photos to a served and explained model, offline, on drawn photos
	$(PIPELINE) demo

photos: setup ## bring photos: make photos FROM=<folder|tar|zip|urls.csv> BATCH=<name> [SIDE=test]
	$(PIPELINE) intake "$(FROM)" --batch "$(BATCH)" $(if $(SIDE),--side $(SIDE))

recipe: setup ## choose what to train: make recipe NAME=<recipe> [BATCHES=<globs>] [EVALUATE=test]
	$(PIPELINE) recipe "$(NAME)" $(if $(BATCHES),--batches "$(BATCHES)") $(if $(EVALUATE),--evaluate $(EVALUATE))

repro: setup ## run the stages whose inputs changed
	$(BIN)/dvc repro

review: setup ## write the page on which you settle doubtful photos: reports/review/index.html
	$(PIPELINE) review

decide: setup ## take decisions over that the review page saved: make decide FROM=<file>
	$(PIPELINE) decide "$(FROM)"

gate: setup ## log the run, judge it and write its report: reports/report.html
	$(PIPELINE) track
	$(PIPELINE) gate

report: setup ## write the report of the last run anew
	$(PIPELINE) report

release: gate ## judge, register and promote what the graph made
	$(PIPELINE) register
	$(PIPELINE) promote

predict: setup ## ask the served model about a folder: make predict FROM=<folder>
	$(PIPELINE) predict "$(FROM)"

rollback: setup ## serve the version before, without training
	$(PIPELINE) rollback

up: setup ## Airflow's page 8080, MLflow's 5000, the explanation page 8502, the model server 8500 and 8501
	$(PIPELINE) up

retrain: setup ## start a retraining in the running Airflow and follow it: make retrain [BATCH=<name>]
	$(PIPELINE) retrain $(if $(BATCH),--batch "$(BATCH)")

sample-batch: setup ## draw a batch of photos into the inbox: make sample-batch [NAME=demo-3] [PHOTOS=300]
	$(PIPELINE) sample --inbox --batches "$(or $(NAME),demo-3)" --photos $(or $(PHOTOS),300)

serve: setup ## the model server, gRPC on 8500 and REST on 8501
	$(BIN)/python -m serving.server --port=8500 --rest_api_port=8501 --model_config_file=served/models.config \
		--model_config_file_poll_wait_seconds=1

explainer: setup ## the explanation page and its API on 8502
	$(BIN)/python -m serving.explainer --model="$(MODEL)" --label=stable

test: setup ## the tests, below ten minutes on two cores
	$(BIN)/python -m pytest -m "not long" -n 2 --dist loadfile

test-all: setup ## the tests that take long
	$(BIN)/python -m pytest -m long

lint: setup ## ruff, mypy and the layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

proto: setup ## generate the sidecar's messages from serving/wire
	$(BIN)/python -m grpc_tools.protoc --proto_path=. --python_out=. --pyi_out=. serving/wire/predict.proto
