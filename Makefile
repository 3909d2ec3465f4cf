# The ten things a person does. `make` alone is `make demo`. Words for the program or the tests go into ARGS:
#
#   make demo     sets up, builds, plays the whole road on a synthetic internet, stays up until Ctrl-C
#   make run      serves with the built-in configuration            make run ARGS="--roles web"
#   make test     sets up and runs every test, on both databases    make test ARGS="some_test"
#   make check    what a change must pass besides the tests: format, lints, docs, dependencies, generated files
#   make fmt      formats
#   make gen      writes the generated files that are checked in (the GraphQL schema)
#   make bench    measures, each figure beside a peer or a raw limit  make bench ARGS="--bench import"
#   make web      builds the console, when there is one
#   make docs     builds the API documentation of every room
#   make clean    removes what was built

SHELL := /bin/bash
TARGET := $(or $(CARGO_TARGET_DIR),target)
ARGS :=
.PHONY: demo run test check fmt gen bench web docs clean

demo:
	@scripts/setup --for demo
	@cargo build --package server
	@$(TARGET)/debug/lockstep demo $(ARGS)

run:
	@cargo run --package server -- serve $(ARGS)

test:
	@scripts/setup --for test
	@scripts/with-services scripts/test $(ARGS)

check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --document-private-items
	scripts/gen --check
	scripts/check-dependencies

fmt:
	cargo fmt --all

gen:
	@scripts/gen

bench:
	@scripts/setup --for bench
	@scripts/with-services --durable cargo bench --package benches $(ARGS)

web:
	@scripts/setup --for demo
	@if [ -e web/package.json ]; then cd web && npm run build; else echo "There is no console yet (web/)."; fi

docs:
	cargo doc --workspace --no-deps
	@echo "Open $(TARGET)/doc/lockstep/index.html"

clean:
	cargo clean
	rm -rf web/dist web/node_modules
