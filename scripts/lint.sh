#!/usr/bin/env bash
# Formatting, and clippy with warnings denied: the native crates with the server's features, the dashboard and the tracker for wasm32.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --all --check
cargo clippy --locked --quiet --all-targets -- -D warnings
cargo clippy --locked --quiet -p footfall-tracker --all-targets -- -D warnings
cargo clippy --locked --quiet -p footfall-frontend -p footfall-tracker --target wasm32-unknown-unknown -- -D warnings
echo "format and lints: clean"
