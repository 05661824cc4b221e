//! Runs the statements of `crates/query`.

use std::sync::Arc;

use clickhouse::{Row, query::Query};
use footfall_query::{Param, Row as ReportRow, Sql};
use futures::future::join_all;
use serde::Deserialize;

use crate::{
    Store, StoreError,
    bounds::{Bounds, REPORT},
    group::Group,
    node::Node,
};

#[derive(Row, Deserialize)]
struct Answer {
    labels: Vec<String>,
    sums: Vec<i64>,
    total: u64,
    whole: Vec<i64>,
}

impl Store {
    /// Rows of a report.
    ///
    /// # Errors
    /// When the store does not answer, or the question is too heavy.
    pub async fn report(&self, sql: &Sql) -> Result<Vec<ReportRow>, StoreError> {
        // Row types are narrow on purpose: the statement also selects its keys, which nobody reads back.
        let text = format!("SELECT labels, sums, total, whole FROM (\n{}\n)", sql.text);
        let text = text.as_str();
        let ask = |node: Arc<Node>| async move {
            node.within(REPORT, async { Ok(asked(&node, text, &sql.params, REPORT).fetch_all::<Answer>().await?) }).await
        };
        let rows = self.shard_asked(sql).call(ask).await?;
        Ok(rows.into_iter().map(|row| ReportRow { labels: row.labels, sums: row.sums, total: row.total, whole: row.whole }).collect())
    }

    /// One whole number.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn count(&self, sql: &Sql) -> Result<u64, StoreError> {
        let ask = |node: Arc<Node>| async move {
            node.within(REPORT, async { Ok(asked(&node, &sql.text, &sql.params, REPORT).fetch_one::<u64>().await?) }).await
        };
        self.shard_asked(sql).call(ask).await
    }

    /// One time in milliseconds; none where the answer is empty.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn time(&self, sql: &Sql) -> Result<Option<i64>, StoreError> {
        let ask = |node: Arc<Node>| async move {
            node.within(REPORT, async { Ok(asked(&node, &sql.text, &sql.params, REPORT).fetch_optional::<i64>().await?) }).await
        };
        self.shard_asked(sql).call(ask).await
    }

    /// Rows of `events` over all domains; answered from the tables' own books, at once. A shard that is away is left out, as the others'
    /// domains can do without it.
    ///
    /// # Errors
    /// When no shard answers.
    pub async fn all_events(&self) -> Result<u64, StoreError> {
        let answers = join_all(self.groups().iter().map(|shard| shard.all::<u64>("SELECT count() FROM events", REPORT))).await;
        let mut sum = None;
        let mut failure = None;
        for answer in answers {
            match answer {
                Ok(rows) => sum = Some(sum.unwrap_or(0) + rows.iter().sum::<u64>()),
                Err(error) => failure = Some(error),
            }
        }
        match (sum, failure) {
            (None, Some(error)) => Err(error),
            (sum, _) => Ok(sum.unwrap_or(0)),
        }
    }

    /// The shard that a statement is about: that of its domain.
    fn shard_asked(&self, sql: &Sql) -> &Arc<Group> {
        let site =
            sql.params.iter().find_map(|(_, value)| if let Param::Site(site) = value { Some(footfall_model::SiteId(*site)) } else { None });
        site.map_or_else(|| self.first(), |site| self.of(site))
    }
}

fn asked(node: &Node, text: &str, params: &[(String, Param)], bounds: Bounds) -> Query {
    let mut query = node.statement(text, bounds);
    for (name, value) in params {
        query = match value {
            Param::Site(site) => query.param(name, site.to_string()),
            Param::Int(number) => query.param(name, number),
            // Seconds since 1970 with their fraction; no event is older.
            Param::Instant(ms) => {
                let ms = (*ms).max(0);
                query.param(name, format!("{}.{:03}", ms / 1_000, ms % 1_000))
            }
            Param::Text(text) => query.param(name, text),
            Param::Texts(list) => query.param(name, list),
            Param::Ints(list) => query.param(name, list),
        };
    }
    query
}
