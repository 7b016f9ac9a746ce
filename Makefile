NODE := .tools/node
PATH := $(CURDIR)/.tools:$(PATH):/usr/sbin:/sbin
export PATH

ifeq ($(RUNTIME),docker)
$(error RUNTIME=docker is not available yet; leave RUNTIME out to run native processes)
else ifneq ($(filter-out native,$(RUNTIME)),)
$(error RUNTIME is `$(RUNTIME)`, which is not known; it may be native)
endif

.PHONY: up down logs test soak check bench setup setup-test

up: setup ## start the gateway; without a brickgate.yaml, the demo
	@$(NODE) launch/up.ts

down: ## stop what `make up` started
	@[ ! -x $(NODE) ] || $(NODE) launch/down.ts

logs: ## follow the logs of what `make up` started
	@tail -n 20 -F .run/logs/*.log

test: setup-test ## every test
	@$(NODE) node_modules/vitest/vitest.mjs run $(TEST_FLAGS)

soak: setup-test ## two gateways under load for minutes, revocations and faults; the report is .run/soak.json
	@$(NODE) integration/shared-redis/main.ts

check: setup-test ## format, lint, types, dead code, budgets, unit tests
	@$(NODE) tools/check.ts $(if $(filter no,$(CHECK_TESTS)),--without-tests)

bench: setup-test ## the benchmarks; every figure is a ratio within one run
	@$(NODE) sidecar/bench/main.ts

setup:
	@launch/setup.sh

setup-test:
	@launch/setup.sh test
	@integration/stack/make-trixie.sh
