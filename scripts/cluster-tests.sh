#!/usr/bin/env bash
# The black-box tests on a cluster's engines: one broker, Redis, PostgreSQL behind PgBouncer and the analytics store as a server, shared by all
# tests, each with topics, prefix and databases of its own. Further words go to `cargo test`.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --locked --quiet -p footfall-server --bin footfall
cargo build --locked --quiet -p footfall-testkit --bin cluster
tests=()
for name in main_job collect commands auth api imports hostile; do tests+=(--test "$name"); done
exec target/debug/cluster run -- cargo test --locked --no-fail-fast -p footfall-server "${tests[@]}" "$@"
