//! One figure by one key in two ranges, side by side: what changed most.

use super::{Question, metric::Formula, statement::rows};
use crate::{
    Scope,
    sql::{Builder, Param, Sql, Unsupported},
};

/// Two questions that differ in their ranges alone, and which rows are answered.
#[derive(Clone, Debug)]
pub struct Contrast<'a> {
    /// Of the later range: one metric that is counted, by one key. Its order, limit and offset do not matter.
    pub now: &'a Question,
    /// The same of the earlier range.
    pub then: &'a Question,
    /// Rows whose figure changed by less are left out.
    pub least: i64,
    /// Rows at most.
    pub limit: u64,
}

/// Makes the statement. The sums of a row are its figure now and its figure then, 0 where the range has no such row; those that changed most
/// come first, whichever way.
///
/// # Errors
/// When the metric is not counted, or does not go with the key or the conditions.
pub fn contrast(scope: Scope, asked: &Contrast<'_>) -> Result<Sql, Unsupported> {
    let is_counted = |question: &Question| matches!(question.metrics[..], [metric] if matches!(metric.formula(false), Formula::Count(_)));
    if [asked.now, asked.then].iter().any(|question| !is_counted(question) || question.keys.len() != 1) {
        return Err(Unsupported("what changed most is known of one figure that is counted, by one key".to_owned()));
    }
    let unordered = |question: &Question| Question { order: Vec::new(), ..question.clone() };
    let now = rows(Builder::default(), scope, &unordered(asked.now))?;
    let then = rows(now.b, scope, &unordered(asked.then))?;
    let mut b = then.b;
    let (least, limit) = (b.int(asked.least), b.bind(Param::Int(i64::try_from(asked.limit).unwrap_or(i64::MAX))));
    let text = format!(
        "SELECT labels, [s_now, s_then] AS sums, toUInt64(count() OVER ()) AS total, emptyArrayInt64() AS whole\nFROM (\n  \
         SELECT labels, sum(is_now * figure) AS s_now, sum((1 - is_now) * figure) AS s_then\n  FROM (\n    \
         SELECT labels, sums[1] AS figure, toInt64(1) AS is_now FROM (SELECT {}\n{})\n    UNION ALL\n    \
         SELECT labels, sums[1] AS figure, toInt64(0) AS is_now FROM (SELECT {}\n{})\n  )\n  GROUP BY labels\n)\n\
         WHERE abs(s_now - s_then) >= {least}\nORDER BY abs(s_now - s_then) DESC, labels\nLIMIT {limit}",
        now.select, now.from, then.select, then.from
    );
    Ok(b.finish(text))
}
