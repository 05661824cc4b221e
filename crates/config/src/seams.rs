//! Settings of the four seams and of what stands behind them in a cluster.

use std::num::NonZeroU32;

use crate::{
    setting::settings,
    store::{Pins, ShardUrls},
    urls::SeamUrl,
    values::{Bytes, Duration, KafkaSasl, Password},
};

settings! {
    /// Seams: which engine stands behind each.
    pub struct SeamConfig {
        /// The event log. `file:` alone means `DATA/log`. On Kafka, or Redpanda, the topic is `page_views` unless named; imports and dead letters go to `TOPIC_import` and `TOPIC.dlq`.
        event_log_url: SeamUrl = "file:", "file:FOLDER, or kafka://HOST:PORT,HOST:PORT/TOPIC, or kafka+tls://…";
        /// Live state, rate limits and caches. With Sentinel `redis-sentinel://:PASSWORD@HOST:26379/0?sentinelServiceName=NAME&node=HOST:26379`, for a cluster `redis-cluster://:PASSWORD@HOST:6379?node=HOST:6379`; each also as `rediss…` for TLS, which trusts the system's authorities.
        live_url: SeamUrl = "memory:", "memory:, or redis://:PASSWORD@HOST:6379/0, or rediss://…, or the forms for Sentinel and cluster";
        /// The analytics store. `engine:` alone runs the embedded ClickHouse on `DATA/clickhouse`. Several hosts separated by commas are replicas of one shard. A comma or slash in the password is written %2C, %2F.
        store_url: SeamUrl = "engine:", "engine:FOLDER, or http(s)://USER:PASSWORD@HOST:8123,HOST:8123/DATABASE";
        /// Accounts. `sqlite:` alone means `DATA/footfall.db`. PgBouncer in transaction mode is fine.
        accounts_url: SeamUrl = "sqlite:", "sqlite:FILE, or postgres://USER:PASSWORD@HOST/DATABASE";
        /// Begins every key in Redis, so that several installations, or other programs, may share it.
        live_prefix: String = "footfall", "letters, digits, dots, hyphens, underscores";
        /// Password of Redis where the URL holds none.
        live_password: Password = "", "a password, or nothing";
        /// Most bytes of disk that the local event log may take; beyond, events are refused with 503 rather than lost.
        log_max_bytes: Bytes = "10GiB", "a size such as 512MiB or 10GiB";
        /// How long entries stay in the local log after they were processed.
        log_retention: Duration = "7d", "a duration such as 90m, 24h or 7d";
        /// Memory cap of the embedded ClickHouse; `auto`: 40 % of the machine's memory or of the cgroup's limit, at least 256 MiB.
        engine_memory: String = "auto", "`auto`, or a size such as 1GiB";
        /// Path of libchdb.so; empty: looked for beside the binary, in the data folder and in the checkout.
        libchdb: String = "", "a file, or nothing";
    }
}

settings! {
    /// The event log on Kafka.
    pub struct KafkaConfig {
        /// User for SASL; empty: none.
        kafka_user: String = "", "a user, or nothing";
        /// Password for SASL.
        kafka_password: Password = "", "a password, or nothing";
        /// How the user is proven. `plain` sends the password, so it needs kafka+tls://.
        kafka_sasl: KafkaSasl = "plain", "`plain`, `scram-sha-256` or `scram-sha-512`";
        /// Path of a PEM file with the authorities that sign the brokers' certificates; empty: the system's.
        kafka_ca: String = "", "a PEM file's path, or nothing";
        /// Path of a PEM file with this client's certificate, where brokers ask for one.
        kafka_cert: String = "", "a PEM file's path, or nothing";
        /// Path of a PEM file with the key of that certificate.
        kafka_key: String = "", "a PEM file's path, or nothing";
        /// Partitions of a topic that this program creates: the most processors that can share the work. An existing topic is left as it is.
        kafka_partitions: NonZeroU32 = "12", "a whole number from 1";
        /// Copies of each record in a topic that this program creates. From 3 on, `min.insync.replicas` is 2, so one broker may be away.
        kafka_replication: NonZeroU32 = "3", "a whole number from 1, at most the number of brokers";
        /// How long a topic that this program creates keeps records: how long processors may be off.
        kafka_retention: Duration = "7d", "a duration such as 90m, 24h or 7d";
        /// Consumer group of the processors, the same for all of them.
        kafka_group: String = "footfall-processor", "a name";
        /// After how long of silence a processor counts as dead and the others take its partitions.
        kafka_session_timeout: Duration = "10s", "a duration such as 10s";
        /// Folder on a persistent volume in which a collector keeps events while the brokers are away, replayed in order when they return; each collector needs its own. Empty: events are refused with 503.
        log_spill: String = "", "a folder, or nothing";
    }
}

settings! {
    /// The analytics store on ClickHouse servers.
    pub struct StoreConfig {
        /// All shards, where there is more than one: used in place of the store's URL. Order matters: it decides which shard a domain's hash means.
        store_shards: ShardUrls = "", "shards separated by `;`, each a list of replicas as in `FOOTFALL_STORE_URL`; or nothing";
        /// Domains that live on a certain shard, for example by region; all others are spread by hash. Change it only for domains without events.
        store_pins: Pins = "", "`DOMAIN=SHARD,…`, shards counted from 1; or nothing";
        /// Name of the cluster in the servers' `remote_servers`: tables are then replicated. Empty: a single server.
        store_cluster: String = "", "a cluster's name, or nothing";
        /// Replicas of a shard that must have an insert before it counts (`insert_quorum`), used only where a cluster is named. 0: more than half of the shard's replicas; 1: no quorum.
        store_quorum: u32 = "0", "a whole number, at most the replicas of a shard";
        /// User where the URL names none; ClickHouse's `default` where this is empty too.
        store_user: String = "", "a user, or nothing";
        /// Password where the URL holds none.
        store_password: Password = "", "a password, or nothing";
    }
}
