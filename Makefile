# Each target is one script: these work without make, too.
.PHONY: help build test demo check fix bench

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## release build; programs land in build/release/bin
	@scripts/build

test: ## everything: release, sanitizers, the other compiler
	@scripts/test

demo: ## a whole migration on this machine, with nothing but this repository
	@scripts/demo

check: ## format, lint, white space
	@scripts/check

fix: ## formats the sources
	@scripts/fix

bench: ## measures bucketferry against rclone
	@scripts/bench
