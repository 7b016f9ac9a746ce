NODE := .tools/node
PATH := $(CURDIR)/.tools:$(PATH):/usr/sbin:/sbin
export PATH

RUNTIME ?= $(if $(shell command -v apt-get),native,docker)
ifneq ($(filter-out native docker,$(RUNTIME)),)
$(error RUNTIME is `$(RUNTIME)`, which is not known; it may be native or docker)
endif

.PHONY: up down logs test unit integration soak check mutants bench sbom setup setup-test

ifeq ($(RUNTIME),docker)
up: ## start the gateway; without a configuration, the demo
	@launch/docker.sh up

down: ## stop what `make up` started
	@launch/docker.sh down

logs: ## follow the logs of what `make up` started
	@launch/docker.sh logs
else
up: setup ## start the gateway; without a brickgate.yaml, the demo
	@$(NODE) launch/up.ts

down: ## stop what `make up` started
	@[ ! -x $(NODE) ] || $(NODE) launch/down.ts

logs: ## follow the logs of what `make up` started
	@tail -n 20 -F .run/logs/*.log
endif

test: setup-test ## run every test
	@$(NODE) node_modules/vitest/vitest.mjs run --project '!soak' \
	  --reporter=default --reporter=./tools/retried-tests.ts $(TEST_FLAGS)

unit: setup-test ## run some unit tests: make unit T=sidecar/test/policy
	@$(NODE) node_modules/vitest/vitest.mjs run --project unit $(T) $(TEST_FLAGS)

integration: setup-test ## run some integration tests: make integration T=integration/edge/paths
	@$(NODE) node_modules/vitest/vitest.mjs run --project integration --project timed \
	  --project containers --reporter=default --reporter=./tools/retried-tests.ts $(T) $(TEST_FLAGS)

soak: setup-test ## minutes: load, revocations and faults on two gateways, refreshes, alerts
	@$(NODE) integration/shared-redis/main.ts
	@SIGN_IN_SECONDS=60 $(NODE) node_modules/vitest/vitest.mjs run --project integration \
	  integration/sign-in/refresh --testNamePattern 'goes on for'
	@$(NODE) node_modules/vitest/vitest.mjs run --project soak

check: setup-test ## format, lint, types, dead code, budgets, prose, unit tests
	@$(NODE) tools/check.ts $(if $(filter no,$(CHECK_TESTS)),--without-tests)

mutants: setup-test ## an hour: prints changes of sources that no unit test notices (ROOMS="policy")
	@nice -n 15 $(NODE) tools/mutants.ts $(ROOMS)

bench: setup-test ## run the benchmarks; every figure is a ratio within one run
	@$(NODE) sidecar/bench/main.ts
	@$(NODE) integration/bench/main.ts

sbom: ## the parts of the sidecar (CycloneDX), in .run/sbom.json; npm 10 or newer
	@mkdir -p .run
	@npm sbom --sbom-format=cyclonedx --omit=dev --package-lock-only > .run/sbom.json
	@echo 'sbom: .run/sbom.json'

setup:
	@launch/setup.sh

setup-test:
	@launch/setup.sh test
