# Each target is one script: these work without make, too.
.PHONY: help build test demo demo-service check fix bench

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## release build; programs land in build/release/bin
	@scripts/build

test: ## everything: release, sanitizers, the other compiler
	@scripts/test

demo: ## a whole migration on this machine, with nothing but this repository
	@scripts/demo

demo-service: ## the service: publisher, migrators, Redis, Pub/Sub, with a kill and a flush on the way
	@scripts/demo-service

check: ## format, lint, white space
	@scripts/check

fix: ## formats the sources
	@scripts/fix

bench: ## measures bucketferry against rclone
	@scripts/bench
