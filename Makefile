# Konklave. Everything a developer does with the repository is a target here; `make` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# Where `make run` listens and keeps its data.
LISTEN ?= localhost:8080
DATA ?= ./var

# The binary names its commit; without git, or in a copy that git does not trust, it goes without.
STAMP := $(shell git rev-parse HEAD >/dev/null 2>&1 && echo true || echo false)
GO_MINOR := 26
NODE_MIN := 20.19.0

WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -path web/e2e -prune -o -path web/test-results -prune \
	-o -type f ! -name '*.go' ! -name '*.test.ts' ! -name '*.test.tsx' -print 2>/dev/null)

##@ Every day

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z][a-z0-9-]*:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Build, then serve on LISTEN (localhost:8080) with the data in DATA (./var)
	exec bin/konklave serve --listen '$(LISTEN)' --data '$(DATA)'

.PHONY: build
build: check-go web ## Build the web client and bin/konklave
	@mkdir -p bin
	CGO_ENABLED=0 go build -trimpath -buildvcs=$(STAMP) -ldflags '-s -w' -o bin/konklave ./cmd/konklave

.PHONY: test
test: check-go check-node ## Install what the tests need and run them all; this is what CI runs
	@tools/check

# The engine of SQLite is C that was made Go: its memory is not Go's, so the detector sees nothing there and only costs most of the time.
RACE := -race '-gcflags=modernc.org/sqlite/lib=-race=false -d=checkptr=0'

LONGEST := ./store ./media ./httpapi ./backup ./audit/verifier ./supervisor

.PHONY: race
race: check-go bin/tools/gotest ## Run the Go tests with the race detector, and those of the whole system
	@# Alone on the machine: whether a worker disturbs its neighbour can be told only where nobody else does.
	CGO_ENABLED=1 bin/tools/gotest $(RACE) -shuffle=on -timeout=20m ./sandbox
	@# What takes longest begins first, so that nothing is waited for alone at the end. What vet says of tests, go vet says.
	CGO_ENABLED=1 bin/tools/gotest $(RACE) -vet=off -shuffle=on -timeout=20m $(LONGEST) $$(go list ./... | grep -v '^konklave/sandbox$$')
	CGO_ENABLED=0 bin/tools/gotest -vet=off -shuffle=on -timeout=20m -p 1 ./store/power ./e2e

.PHONY: e2e
e2e: build e2e-only ## Run the browser tests against a fresh build

.PHONY: lint
lint: check-go bin/tools/golangci-lint web/node_modules/.installed ## Run the linters of Go and of the web client
	bin/tools/golangci-lint run
	npm --prefix web run --silent lint
	npm --prefix web run --silent types

.PHONY: fmt
fmt: check-go web/node_modules/.installed ## Format everything
	gofmt -w $$(git ls-files -co --exclude-standard '*.go')
	npm --prefix web run --silent fmt

##@ Now and then

GENERATED := auth/common.bin store/sqlgen httpapi/openapi.json web/src/api/schema.d.ts docs/config.example.yaml
SUMS := find $(GENERATED) -type f -print0 | sort -z | xargs -0 sha256sum

.PHONY: generate
generate: check-go check-node bin/tools/sqlc web/openapi/node_modules/.installed ## Regenerate SQL code, OpenAPI document, TypeScript types, example configuration
	cd auth && go generate
	cd store && ../bin/tools/sqlc generate
	go run ./httpapi/specgen httpapi/openapi.json
	go run ./cmd/konklave config example > bin/config.example.yaml && mv bin/config.example.yaml docs/config.example.yaml
	npm --prefix web run --silent schema

.PHONY: verify
verify: ## Regenerate and fail when anything differs from what was there
	@mkdir -p bin; $(SUMS) > bin/generated.before
	@$(MAKE) --no-print-directory generate
	@$(SUMS) | diff bin/generated.before - || { echo 'Generated files were out of date: commit what "make generate" has written.'; exit 1; }
	@echo 'generated files are up to date'

.PHONY: bench
bench: build ## Measure: join times, bytes, memory, forwarding; prints the figures
	npm --prefix web exec -- playwright test --config web/e2e/bench.config.ts
	go run ./bench/whole -program bin/konklave
	go run ./bench/journal
	go run ./bench/auditlog
	go run ./bench/backup
	CGO_ENABLED=0 go run ./bench/sandbox
	go run ./bench/sfu
	go run ./bench/places
	go test -run '^$$' -bench SessionOfARequest ./store
	go test -run '^$$' -bench MayOfAMessage ./conference
	go test -run '^$$' -bench SigningOutOverTwoControllers -benchtime 200x ./app
	go test -run '^$$' -bench Verify -cpu 1 ./audit/verifier
	go test -run '^$$' -bench ProofInTenMillion -benchtime 5000x ./audit/tree

.PHONY: stats
stats: check-go ## Print the size budgets and whether they are kept
	@go run -C tools ./stats -root ..

.PHONY: nightly
nightly: check-go ## Run the long forms of the tests: 100 kills of each kind, half a minute without a database
	E2E_KILLS=100 E2E_OUTAGE=30s go test -count=1 -timeout 60m -v -run 'TestKills|TestADatabaseMayBeGone' ./e2e

.PHONY: demo
demo: build ## Run the demonstration (three browsers, what serves them killed and upgraded) and record it in bin/demo
	npm --prefix web exec -- playwright test --config web/e2e/playwright.config.ts --trace on --output bin/demo recovery
	@echo "To watch: npm --prefix web exec -- playwright show-trace $$(find bin/demo -name trace.zip)"

.PHONY: screenshots
screenshots: build ## Take pictures of every page at three widths, in both themes, into bin/screenshots
	npm --prefix web exec -- playwright test --config web/e2e/screenshots.config.ts

.PHONY: clean
clean: ## Remove what was built (not the data)
	rm -rf bin web/node_modules web/openapi/node_modules web/dist/assets web/dist/index.html

# --- below: parts of the targets above ---

.PHONY: web
web: check-node web/dist/index.html

web/dist/index.html: web/node_modules/.installed $(WEB_SOURCES)
	npm --prefix web run --silent build
	@touch web/dist/.keep $@

web/node_modules/.installed: web/package-lock.json
	npm --prefix web ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

web/openapi/node_modules/.installed: web/openapi/package-lock.json
	npm --prefix web/openapi ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: e2e-only
e2e-only: web/node_modules/.installed
	@# Pages wait for most of their time, so two go beside each other; what judges sound, picture or speed comes after them, alone.
	npm --prefix web exec -- playwright test --config web/e2e/playwright.config.ts --project pages --workers 2
	npm --prefix web exec -- playwright test --config web/e2e/playwright.config.ts --project calls

bin/tools/gotest: $(wildcard tools/gotest/*.go)
	go build -C tools -o ../$@ ./gotest

bin/tools/sqlc: tools/go.mod tools/go.sum
	CGO_ENABLED=1 go build -C tools -o ../$@ github.com/sqlc-dev/sqlc/cmd/sqlc

bin/tools/golangci-lint: tools/lint/go.mod tools/lint/go.sum
	CGO_ENABLED=0 go build -C tools/lint -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: check-go
check-go:
	@command -v go >/dev/null || { echo 'Konklave needs Go 1.$(GO_MINOR) or newer (https://go.dev/dl/); there is no "go" on the PATH.'; exit 1; }
	@version=$$(go env GOVERSION); minor=$$(sed -E 's/^go1\.([0-9]+).*/\1/' <<<"$$version"); \
	[[ "$$minor" =~ ^[0-9]+$$ && "$$minor" -ge $(GO_MINOR) ]] || { echo "Konklave needs Go 1.$(GO_MINOR) or newer (https://go.dev/dl/); this is $$version."; exit 1; }

.PHONY: check-node
check-node:
	@command -v node >/dev/null && command -v npm >/dev/null || { echo 'Konklave needs Node.js $(NODE_MIN) or newer with npm (https://nodejs.org); "node" or "npm" is not on the PATH.'; exit 1; }
	@node -e 'const at = (v) => v.split(".").map(Number); const [a, b] = [at(process.versions.node), at("$(NODE_MIN)")]; process.exit(a[0] > b[0] || (a[0] === b[0] && a[1] >= b[1]) ? 0 : 1)' \
	|| { echo "Konklave needs Node.js $(NODE_MIN) or newer (https://nodejs.org); this is $$(node --version)."; exit 1; }
