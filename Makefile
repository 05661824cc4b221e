# Every target sets up what it needs; on a fresh Debian 12 with git, make, a C compiler, rustup, Node, Java and Maven
# nothing else is required. `make help` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
RELEASE := target/release/footfall

.PHONY: help run cluster dev test bench screenshots lint release setup assets secrets chaos chaos-cluster deny

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 15

run: release ## set up, build and start on http://127.0.0.1:8080
	@exec $(RELEASE) serve $(ARGS)

cluster: release ## Kafka, Redis, PostgreSQL and every role as local processes, on http://127.0.0.1:8080
	@scripts/setup.sh tests
	@cargo build --release --locked --quiet -p footfall-testkit --bin cluster
	@exec target/release/cluster $(ARGS)

dev: setup ## the same in a debug build, rebuilt and reloaded on every change
	@exec scripts/dev.sh

test: ## everything CI checks: format, lints, licences, tests, browser tests
	@scripts/test.sh

chaos: release ## a longer run of random kills; SEED=n and RUNS=n
	@scripts/chaos.sh

chaos-cluster: release ## the same for an installation split by roles, on real services
	@scripts/chaos-cluster.sh

bench: release ## figures of this machine, printed with its data
	@scripts/bench.sh

screenshots: assets ## every page in both themes and four widths, in target/screenshots; ARGS=--readme makes those of the README
	@cargo build --locked --quiet -p footfall-server --bin footfall
	@node end2end/screenshots.mjs $(ARGS)

lint: assets ## format check and clippy for the native and the wasm target
	@scripts/lint.sh

deny: ## licences, bans and sources of all dependencies
	@scripts/deny.sh

release: assets ## target/release/footfall, with all assets inside
	@cargo build --release --locked --quiet -p footfall-server --bin footfall
	@ls -l $(RELEASE) | awk '{printf "built $(RELEASE), %.0f MB\n", $$5/1e6}' >&2

assets: setup ## dashboard, tracker and data files into target/site and target/data
	@node tools/data.mjs
	@node tools/assets.mjs

secrets: ## passwords for the compose profiles, made once
	@deploy/secrets.sh

setup: ## toolchain, npm parts and, where allowed, Debian packages
	@scripts/setup.sh
