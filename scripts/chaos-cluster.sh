#!/usr/bin/env bash
# Random faults upon an installation split by roles, with real Kafka, Redis and PostgreSQL, on the release build: RUNS faults (default 200),
# SEED to repeat them, FAULT for one kind only.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh tests
export FOOTFALL_CHAOS_RUNS="${RUNS:-200}"
[ -z "${SEED:-}" ] || export FOOTFALL_CHAOS_SEED="$SEED"
[ -z "${FAULT:-}" ] || export FOOTFALL_CHAOS_FAULT="$FAULT"
exec cargo test --locked --release -p footfall-server --test cluster -- --nocapture
