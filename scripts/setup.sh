#!/usr/bin/env bash
# Installs what the project needs, once: the Rust toolchain that rust-toolchain.toml pins, the npm parts (among them the
# embedded ClickHouse) and the Debian packages that tests use. A second run takes well under a second.
#   scripts/setup.sh          toolchain and npm parts
#   scripts/setup.sh tests    and the packages that tests need
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p target

say() { printf '%s\n' "$*" >&2; }

want_node=20
command -v node >/dev/null || { say "Node $want_node or newer is missing: install the Debian package nodejs, or from your usual source."; exit 1; }
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge "$want_node" ] || { say "Node $want_node or newer is needed; found $(node --version)."; exit 1; }
command -v rustup >/dev/null || { say "rustup is missing: see https://rustup.rs."; exit 1; }

if ! rustup which rustc >/dev/null 2>&1 || ! rustup target list --installed 2>/dev/null | grep -q wasm32-unknown-unknown; then
  say "installing the Rust toolchain of rust-toolchain.toml"
  rustup toolchain install
fi

stamp=target/.npm-ci
if [ ! -d node_modules ] || ! cmp -s package-lock.json "$stamp"; then
  say "installing npm parts (the embedded ClickHouse is 570 MB)"
  npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json "$stamp"
fi

[ "${1:-}" = tests ] || exit 0
missing=()
command -v chromium >/dev/null || missing+=(chromium)
[ -x /usr/lib/postgresql/15/bin/postgres ] || missing+=(postgresql-15)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v redis-sentinel >/dev/null || missing+=(redis-sentinel)
command -v pgbouncer >/dev/null || missing+=(pgbouncer)
command -v java >/dev/null || missing+=(openjdk-17-jre-headless)
command -v mvn >/dev/null || missing+=(maven)
command -v openssl >/dev/null || missing+=(openssl)
command -v python3 >/dev/null || missing+=(python3)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ]; then
    say "installing Debian packages: ${missing[*]}"
    apt-get update -qq
    # The packaged cluster would only hold a port: the tests start their own.
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
    # The same goes for the packages' services: none is started now, and those that came just now stay off at the next boot.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
      printf '#!/bin/sh\nexit 101\n' > $policy
      chmod +x $policy
      trap 'rm -f "$policy"' EXIT
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    for service in redis-server redis-sentinel pgbouncer; do
      if [[ " ${missing[*]} " = *" $service "* ]] && command -v systemctl >/dev/null; then
        systemctl disable "$service" >/dev/null 2>&1 || say "$service may start at the next boot: systemctl disable $service"
      fi
    done
  else
    say "missing Debian packages; run: sudo apt-get install --no-install-recommends ${missing[*]}"
    exit 1
  fi
fi

# Kafka for the tests: its jars, as Maven finds them. A folder that is there is whole.
kafka=target/kafka/lib
if [ ! -d "$kafka" ]; then
  say "fetching Kafka's jars (54 MB)"
  rm -rf "$kafka.new"
  mvn -q -B -f tools/kafka/pom.xml dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$PWD/$kafka.new"
  mv "$kafka.new" "$kafka"
fi
