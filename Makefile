# `make demo` sets everything up, builds Frameloom and runs a graph; `make help` lists the rest.

DEMO_GRAPH ?= graphs/demo.yaml
DEMO_RESULT ?= out/demo.mp4
DEMO_SHEET = $(basename $(DEMO_RESULT)).jpg
TEST_FLAGS ?=

# Works before the shell has been told about a fresh Rust.
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: help demo setup build test lint fmt-check clippy doctor calm clean-out

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

demo: build ## set up, build, and run DEMO_GRAPH
	cargo run --quiet --release -- run $(DEMO_GRAPH)
	@test -s $(DEMO_RESULT)
	@echo
	@echo "The result is $(abspath $(DEMO_RESULT))"
	@! test -s $(DEMO_SHEET) || echo "At a glance: $(abspath $(DEMO_SHEET))"
	@echo "Open it in any player, for instance: $$(command -v xdg-open || command -v open || echo mpv) $(DEMO_RESULT)"

setup: ## install what is missing
	@scripts/setup.sh

build: setup ## build target/release/frameloom
	cargo build --release

test: setup ## run all tests
	cargo test $(TEST_FLAGS)

lint: fmt-check clippy ## check formatting and lints

fmt-check:
	cargo fmt --check

clippy: setup
	cargo clippy --all-targets -- -D warnings

doctor: build ## say what this machine has and lacks
	cargo run --quiet --release -- doctor

calm: build ## measure how calm paintings of moving clips are: the table of docs/calm.md
	@scripts/calm.sh

clean-out: ## remove the results in out/
	rm -rf out
