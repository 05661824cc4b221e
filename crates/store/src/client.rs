//! The connection.

use std::time::Duration;

use clickhouse::{Client, Compression, query::Query};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{
    client::legacy::{Client as HyperClient, connect::HttpConnector},
    rt::TokioExecutor,
};

use crate::{StoreError, bounds::Bounds, ddl::Flavour};

/// ClickHouse closes an idle connection after 3 s at the earliest; we let go of it before.
const IDLE: Duration = Duration::from_secs(2);
/// Longer than any path to a server of one's own.
const CONNECT: Duration = Duration::from_secs(5);

/// Where the store is.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub url: String,
    /// User.
    pub user: String,
    /// Password.
    pub password: String,
    /// Database; created by the migrations.
    pub database: String,
    /// Name of the cluster, where tables are replicated.
    pub cluster: Option<String>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("url", &self.url)
            .field("user", &self.user)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

/// The analytics store. Cheap to clone; all clones share their connections.
#[derive(Clone)]
pub struct Store {
    client: Client,
    inserter: Client,
    database: String,
    flavour: Flavour,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("database", &self.database).field("flavour", &self.flavour).finish_non_exhaustive()
    }
}

impl Store {
    /// A store at this address. Nothing is sent yet; see [`Store::ping`] and [`Store::migrate`].
    #[must_use]
    pub fn connect(endpoint: &Endpoint) -> Self {
        let mut connector = HttpConnector::new();
        // Without it small inserts wait 40 ms for the other side's delayed acknowledgement.
        connector.set_nodelay(true);
        connector.set_keepalive(Some(Duration::from_secs(60)));
        connector.set_connect_timeout(Some(CONNECT));
        connector.enforce_http(false);
        let connector = tls().https_or_http().enable_http1().wrap_connector(connector);
        let http = HyperClient::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).build(connector);
        let client = Client::with_http_client(http)
            .with_url(&endpoint.url)
            .with_user(&endpoint.user)
            .with_password(&endpoint.password)
            .with_database(&endpoint.database);
        let loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"].iter().any(|prefix| endpoint.url.starts_with(prefix));
        let inserter = client
            .clone()
            .with_compression(if loopback { Compression::None } else { Compression::Lz4 })
            // Rows are checked against the table by a test; per row it would cost a third of the speed.
            .with_validation(false);
        let flavour = endpoint.cluster.clone().map_or(Flavour::Single, Flavour::Cluster);
        Self { client, inserter, database: endpoint.database.clone(), flavour }
    }

    /// Answers if the store runs queries.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        const QUICK: Bounds = Bounds { seconds: 2, memory: 100_000_000 };
        let answer = within(QUICK, async { Ok(self.statement("SELECT 1", QUICK).fetch_one::<u8>().await?) }).await?;
        if answer == 1 { Ok(()) } else { Err(StoreError::odd("SELECT 1 is not 1")) }
    }

    /// A statement of one's own, without limits: for tests, tools and the operator's questions.
    pub fn raw(&self, text: &str) -> Query {
        self.client.query_raw(text)
    }

    /// A statement with limits; `?` has no meaning in it.
    pub(crate) fn statement(&self, text: &str, bounds: Bounds) -> Query {
        let mut query = self.client.query_raw(text);
        for (name, value) in bounds.settings() {
            query = query.with_setting(name, value);
        }
        query
    }

    /// Runs a statement that answers nothing.
    pub(crate) async fn execute(&self, text: &str, bounds: Bounds) -> Result<(), StoreError> {
        within(bounds, async { Ok(self.statement(text, bounds).execute().await?) }).await
    }

    /// The same without a database, which may not exist yet.
    pub(crate) async fn execute_outside(&self, text: &str, bounds: Bounds) -> Result<(), StoreError> {
        let client = self.client.clone().with_database("default");
        within(bounds, async { Ok(client.query_raw(text).execute().await?) }).await
    }

    pub(crate) const fn inserter(&self) -> &Client {
        &self.inserter
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    pub(crate) const fn flavour(&self) -> &Flavour {
        &self.flavour
    }
}

/// Waits a little longer than the store's own limit: a store that keeps even that limit no more is not there.
pub(crate) async fn within<T>(bounds: Bounds, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let silent = || StoreError::away(format!("no answer within {} s", bounds.patience().as_secs()));
    tokio::time::timeout(bounds.patience(), call).await.unwrap_or_else(|_| Err(silent()))
}

type Tls = HttpsConnectorBuilder<hyper_rustls::builderstates::WantsSchemes>;

fn tls() -> Tls {
    let provider = rustls::crypto::ring::default_provider();
    let builder = HttpsConnectorBuilder::new();
    match builder.with_provider_and_webpki_roots(provider) {
        Ok(builder) => builder,
        // ring supports every default version of TLS; should that ever change, plain http still has to work.
        Err(_) => HttpsConnectorBuilder::new().with_webpki_roots(),
    }
}
