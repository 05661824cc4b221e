#!/usr/bin/env bash
# Browser tests with Debian's Chromium against the debug build (built if needed).
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --locked --quiet -p footfall-server --bin footfall
FOOTFALL_TEST_BINARY="$PWD/target/debug/footfall" node --test --test-concurrency=1 --test-timeout=300000 end2end/*.spec.mjs
