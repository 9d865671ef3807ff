# Each target is one script: these work without make, too.
.PHONY: help build test demo demo-service check fix bench bench-quick package image test-compose \
  compose-up compose-down compose-logs compose-scale compose-fill \
  minikube-up minikube-down prod-pubsub prod-redis prod-migration-mk prod-publisher-mk

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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

bench: ## measures every goal of speed, beside rclone and what the hardware allows
	@scripts/bench

bench-quick: ## a minute: instructions of fixed workloads, beside the recorded ones
	@scripts/bench-quick

package: ## a .deb and a tarball, in build/release/packages
	@scripts/package

image: ## the container image bucketferry:local
	@scripts/image

compose-up: ## the whole service in containers, clouds included
	@scripts/compose up

compose-fill: ## objects for the sandbox of compose-up
	@scripts/compose fill

compose-scale: ## so many migrators: make compose-scale N=4
	@scripts/compose scale "$(N)"

compose-logs: ## follows what the containers say
	@scripts/compose logs

compose-down: ## stops and removes the containers; data stay
	@scripts/compose down

test-compose: ## all of that with an engine and images of its own, and with failures on the way
	@scripts/compose-offline tests/deploy/compose_scenario

minikube-up: ## the whole service in minikube: the four below in order
	@scripts/minikube up

prod-pubsub: ## minikube: Pub/Sub
	@scripts/minikube pubsub

prod-redis: ## minikube: Redis
	@scripts/minikube redis

prod-migration-mk: ## minikube: clouds and migrators
	@scripts/minikube migration

prod-publisher-mk: ## minikube: publisher
	@scripts/minikube publisher

minikube-down: ## removes it from minikube
	@scripts/minikube down
