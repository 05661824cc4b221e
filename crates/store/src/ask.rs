//! Runs the statements of `crates/query`.

use std::{sync::Arc, time::Duration};

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

/// What a statement cost the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Rows read from tables.
    pub rows: u64,
    /// Bytes read from tables, uncompressed.
    pub bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
}

impl Store {
    /// Rows of a report.
    ///
    /// # Errors
    /// When the store does not answer, or the question is too heavy.
    pub async fn report(&self, sql: &Sql) -> Result<Vec<ReportRow>, StoreError> {
        Ok(self.rows(sql, "0").await?.0)
    }

    /// Rows of a report, and what they cost. The store is asked to finish before it answers, as it does not know the cost earlier.
    ///
    /// # Errors
    /// As [`Store::report`].
    pub async fn explained(&self, sql: &Sql) -> Result<(Vec<ReportRow>, Cost), StoreError> {
        self.rows(sql, "1").await
    }

    /// Rows, and the cost as far as it is known when the answer begins.
    async fn rows(&self, sql: &Sql, wait_end_of_query: &str) -> Result<(Vec<ReportRow>, Cost), StoreError> {
        // Row types are narrow on purpose: the statement also selects its keys, which nobody reads back.
        let text = format!("SELECT labels, sums, total, whole FROM (\n{}\n)", sql.text);
        let text = text.as_str();
        let ask = |node: Arc<Node>| async move {
            node.within(REPORT, async {
                let query = asked(&node, text, &sql.params).await?.with_setting("wait_end_of_query", wait_end_of_query);
                let (mut rows, mut cursor) = (Vec::new(), query.fetch::<Answer>()?);
                while let Some(Answer { labels, sums, total, whole }) = cursor.next().await? {
                    rows.push(ReportRow { labels, sums, total, whole });
                }
                let cost = cursor.summary().map(|summary| Cost {
                    rows: summary.read_rows().unwrap_or(0),
                    bytes: summary.read_bytes().unwrap_or(0),
                    elapsed: Duration::from_nanos(summary.elapsed_ns().unwrap_or(0)),
                });
                Ok((rows, cost.unwrap_or_default()))
            })
            .await
        };
        self.shard_asked(sql).call(ask).await
    }

    /// One whole number.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn count(&self, sql: &Sql) -> Result<u64, StoreError> {
        let ask = |node: Arc<Node>| async move {
            node.within(REPORT, async { Ok(asked(&node, &sql.text, &sql.params).await?.fetch_one::<u64>().await?) }).await
        };
        self.shard_asked(sql).call(ask).await
    }

    /// One time in milliseconds; none where the answer is empty.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn time(&self, sql: &Sql) -> Result<Option<i64>, StoreError> {
        let ask = |node: Arc<Node>| async move {
            node.within(REPORT, async { Ok(asked(&node, &sql.text, &sql.params).await?.fetch_optional::<i64>().await?) }).await
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

/// A report. It has no more threads than the server has cores: each groups apart, and what they have is then merged.
async fn asked(node: &Node, text: &str, params: &[(String, Param)]) -> Result<Query, StoreError> {
    let own = node.threads().await?;
    let bounds = Bounds { threads: REPORT.threads.map(|most| most.min(own)), ..REPORT };
    let statement = node
        .statement(text, bounds)
        // Who asks may leave before the answer: then nobody needs it.
        .with_setting("cancel_http_readonly_queries_on_client_close", "1")
        // The columns of all conditions in one step: a condition that many rows pass, as most do, costs a tenth less; one that few pass costs
        // milliseconds more.
        .with_setting("enable_multiple_prewhere_read_steps", "0");
    Ok(bound(statement, params))
}

/// A statement with its values.
pub(crate) fn bound(mut query: Query, params: &[(String, Param)]) -> Query {
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
