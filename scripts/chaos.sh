#!/usr/bin/env bash
# A longer run of the kill test on the release build: RUNS kills (default 500), SEED to repeat one.
set -euo pipefail
cd "$(dirname "$0")/.."
export FOOTFALL_CHAOS_RUNS="${RUNS:-500}"
[ -z "${SEED:-}" ] || export FOOTFALL_CHAOS_SEED="$SEED"
exec cargo test --locked --release -p footfall-server --test chaos -- --nocapture
