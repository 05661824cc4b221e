//! Runs the statements of `crates/query`.

use clickhouse::{Row, query::Query};
use footfall_query::{Param, Row as ReportRow, Sql};
use serde::Deserialize;

use crate::{
    Store, StoreError,
    bounds::{Bounds, REPORT},
    client::within,
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
        let rows = within(REPORT, async { Ok(self.asked(&text, &sql.params, REPORT).fetch_all::<Answer>().await?) }).await?;
        Ok(rows.into_iter().map(|row| ReportRow { labels: row.labels, sums: row.sums, total: row.total, whole: row.whole }).collect())
    }

    /// One whole number.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn count(&self, sql: &Sql) -> Result<u64, StoreError> {
        within(REPORT, async { Ok(self.asked(&sql.text, &sql.params, REPORT).fetch_one::<u64>().await?) }).await
    }

    /// One time in milliseconds; none where the answer is empty.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn time(&self, sql: &Sql) -> Result<Option<i64>, StoreError> {
        within(REPORT, async { Ok(self.asked(&sql.text, &sql.params, REPORT).fetch_optional::<i64>().await?) }).await
    }

    /// Rows of `events` over all domains; answered from the tables' own books, at once.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn all_events(&self) -> Result<u64, StoreError> {
        within(REPORT, async { Ok(self.statement("SELECT count() FROM events", REPORT).fetch_one::<u64>().await?) }).await
    }

    pub(crate) fn asked(&self, text: &str, params: &[(String, Param)], bounds: Bounds) -> Query {
        let mut query = self.statement(text, bounds);
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
}
