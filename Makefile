# One line a target; `cargo xtask help` tells more. ARGS are passed on: make run ARGS="--empty"
.PHONY: run test build check bench

run:
	@cargo xtask run -- $(ARGS)
test:
	@cargo xtask test $(ARGS)
build:
	@cargo xtask build
check:
	@cargo xtask check
bench:
	@cargo xtask bench $(ARGS)
