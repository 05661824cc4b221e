#!/usr/bin/env bash
# Makes the passwords of the compose profiles `dev` and `cluster`: random, one file each, in deploy/made-by-secrets.sh (not in git).
# What is there already stays as it is, so that it may run again; to change a password, see docs/operate/cluster.md.
set -euo pipefail
cd "$(dirname "$0")"
folder=made-by-secrets.sh
umask 022
mkdir -p "$folder"
# Only the owner enters the folder. The files themselves are readable, as the containers that get one run as other users.
chmod 700 "$folder"

random() { od -An -v -N 24 -tx1 /dev/urandom | tr -d ' \n'; }

# Writes what comes in under a name, whole or not at all, unless it is there.
keep() {
  [ -s "$folder/$1" ] && { cat >/dev/null; return; }
  cat >"$folder/.new" && mv "$folder/.new" "$folder/$1"
  made+=("$1")
}
made=()

for name in footfall_secret accounts_password postgres_password redis_password clickhouse_password reader_password kafka_password; do
  keep "$name" < <(random)
done
value() { cat "$folder/$1"; }
hash() { value "$1" | sha256sum | cut -d ' ' -f 1; }

# The same passwords in the forms that each service reads.
keep accounts_url < <(printf 'postgres://footfall:%s@pgbouncer:6432/footfall' "$(value accounts_password)")
keep pgbouncer_users < <(printf '"footfall" "%s"\n' "$(value accounts_password)")
keep redis_auth < <(printf 'requirepass %s\n' "$(value redis_password)")
keep kafka_jaas < <(cat <<JAAS
external.KafkaServer {
  org.apache.kafka.common.security.plain.PlainLoginModule required
  user_operator="$(value kafka_password)";
};
JAAS
)
keep clickhouse_users.xml < <(cat <<XML
<clickhouse>
  <users>
    <footfall><password_sha256_hex>$(hash clickhouse_password)</password_sha256_hex></footfall>
    <footfall_reader><password_sha256_hex>$(hash reader_password)</password_sha256_hex></footfall_reader>
  </users>
</clickhouse>
XML
)

if [ ${#made[@]} -gt 0 ]; then echo "made in deploy/$folder: ${made[*]}"; else echo "all secrets are there already: deploy/$folder"; fi
