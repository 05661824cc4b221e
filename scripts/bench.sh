#!/usr/bin/env bash
# The product's figures on this machine. `scripts/bench.sh collector` runs one group: rest, collector, freshness, dashboard, dashboard10m, reports,
# browser, cluster (cluster-intake and cluster-backlog are its halves); reports100m, alone, asks about 100M events: it takes a quarter of an hour
# and 4 GB of disk. `scripts/bench.sh browser 1000000` asks about fewer events than ten million, `scripts/bench.sh cluster 500000` has a smaller
# backlog than the 5 million events of the full run. The group cluster needs what `scripts/setup.sh tests` sets up.
set -euo pipefail
cd "$(dirname "$0")/.."
# Every statement of the page over 10M events of one domain, alone and beside 40M of others.
reports() { cargo bench --locked --quiet -p footfall-store --bench reports -- 10000000 40000000; }
# The dashboard in Chromium: weight, loading, interactions, filters, a day of live updates.
browser() {
  [ -x target/release/footfall ] || make --no-print-directory release
  FOOTFALL_TEST_BINARY="$PWD/target/release/footfall" node end2end/speed.mjs "$1"
}
case "${1:-}" in
reports)
  reports
  exit
  ;;
browser)
  browser "${2:-10000000}"
  exit
  ;;
reports100m)
  cargo bench --locked --quiet -p footfall-store --bench reports -- 100000000
  exit
  ;;
esac
[ -x target/release/footfall ] || make --no-print-directory release
# The test kit's broker is set up for a quick start; these have the last word and make it what a broker in service is: compiled fully,
# with the heap of docker-compose.yml.
export _JAVA_OPTIONS="-XX:TieredStopAtLevel=4 -Xmx512m"
cargo run --locked --release --quiet -p footfall-bench -- "$@"
[ $# -gt 0 ] || reports
[ $# -gt 0 ] || browser 10000000
echo
echo "Files (brotli)"
node tools/sizes.mjs
