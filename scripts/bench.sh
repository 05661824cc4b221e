#!/usr/bin/env bash
# The product's figures on this machine. `scripts/bench.sh collector` runs one group: rest, collector, freshness, dashboard, dashboard10m.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x target/release/footfall ] || make --no-print-directory release
cargo run --locked --release --quiet -p footfall-bench -- "$@"
echo
echo "Files (brotli)"
node tools/sizes.mjs
