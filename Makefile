# venuegate: one way in. `make` lists the targets.
# build, run and test need Go and make; the others fetch their tools,
# pinned in tools/go.mod, through Go.

GO       ?= go
TOOL     := $(GO) tool -modfile=tools/go.mod
VERSION  ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),devel)
LDFLAGS  := -s -w -X main.version=$(VERSION)
COMMANDS := ./cmd/venuegated ./cmd/venuegate

# What to pass on: make run ARGS='--lanes 4', make test TESTFLAGS=-count=1.
ARGS       ?=
TESTFLAGS  ?=
FUZZTIME   ?= 10s
FUZZBUDGET ?= 86400
SEEDS      ?= 1

.DEFAULT_GOAL := help
.PHONY: help build cross run demo test race lint fmt bench bench-qr simulate hil cluster-test fuzz vuln clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/venuegated and bin/venuegate, static
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ $(COMMANDS)

cross: ## build both for the boxes: bin/linux-arm64, bin/linux-armv7
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/linux-arm64/ $(COMMANDS)
	CGO_ENABLED=0 GOOS=linux GOARCH=arm GOARM=7 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/linux-armv7/ $(COMMANDS)

run: build ## build, then run a demo venue with its visitors; Ctrl-C stops it
	@exec bin/venuegate demo $(ARGS)

demo: run ## the same as run

test: ## run every test that needs no special machine
	$(GO) test $(TESTFLAGS) ./...

race: ## run them under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race $(TESTFLAGS) ./...

lint: ## vet, formatting and golangci-lint
	$(GO) vet ./...
	@unformatted=$$($(TOOL) gofumpt -l .) || exit 1; \
	if [ -n "$$unformatted" ]; then echo "make fmt would change:"; echo "$$unformatted"; exit 1; fi
	$(TOOL) golangci-lint run ./...

fmt: ## format with gofumpt
	$(TOOL) gofumpt -w .

bench: build ## measure scan to durable verdict beside its floor
	@exec bin/venuegate bench $(ARGS)

bench-qr: ## compare our QR reading with gozxing and others that are installed
	@$(GO) run ./hw/camera/internal/benchqr $(ARGS)

simulate: build ## run venues in memory with faults: SEEDS=200 for a night (docs/consistency.md)
	@exec bin/venuegate simulate --seeds $(SEEDS) $(ARGS)

hil: build ## boot guests in QEMU: real drivers, pulled plugs, power cuts (docs/hil.md)
	@VENUEGATE_HIL=1 $(GO) test -C hw/hwtest/hil -count=1 -timeout 5m -run '^TestBench$$' $(TESTFLAGS)

# Namespaces need root: by sudo where that asks for no password. Without, it
# says that it is skipped, and why.
cluster-test: build ## cut, delay and kill 5 gates in network namespaces (docs/cluster-test.md)
	@as=; if [ "$$(id -u)" -ne 0 ] && sudo -n true 2>/dev/null; then as='sudo -n'; fi; \
	$(GO) test -C cmd/venuegated/internal/clustertest -count=1 -timeout 6m -run '^TestCluster$$' \
		-exec "$$as env VENUEGATE_CLUSTER=1 VENUEGATE_CLUSTER_BIN=$$VENUEGATE_CLUSTER_BIN VENUEGATE_CLUSTER_DIR=$$VENUEGATE_CLUSTER_DIR" $(TESTFLAGS)

# One target at a time, since each takes every core. Past FUZZBUDGET seconds
# the rest is named and left out.
fuzz: ## fuzz every target for FUZZTIME each (10s)
	@start=$$(date +%s); \
	grep -rE --include='*_test.go' --exclude-dir=.git '^func Fuzz[A-Za-z0-9_]+\(' . | sort | \
	sed -nE 's,^(.*)/[^/]+:func (Fuzz[A-Za-z0-9_]+).*,\1 \2,p' | \
	while read -r dir target; do \
		if [ $$(($$(date +%s) - start)) -ge $(FUZZBUDGET) ]; then echo "left out, time is up: $$dir $$target"; continue; fi; \
		echo "== $$dir $$target"; \
		$(GO) test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) "$$dir" </dev/null || exit 1; \
	done

vuln: ## look for known vulnerabilities in what we call (needs vuln.go.dev)
	$(TOOL) govulncheck ./...

clean: ## remove what was built; a demo venue stays
	rm -rf bin
