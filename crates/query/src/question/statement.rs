//! One statement of a question: blocks, added up, ordered, cut out.

use super::{
    Direction, Key, Labels, Metric, Order, Question, Sum,
    blocks::{Blocks, HERE, Made, is_asked_apart},
    explain,
};
use crate::{
    Scope,
    sql::{Builder, Param, Sql, Unsupported},
};

/// A statement and how its rows are read: `labels` are those of the keys, as reports show them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Statement {
    /// Text and values; answers rows of the shape [`crate::Row`].
    pub sql: Sql,
    /// What `sums` of a row are, in this order.
    pub sums: Vec<Sum>,
    /// Whether visitors are estimated.
    pub approximate: bool,
    of_pages: bool,
    all_visitors: Option<i64>,
}

impl Statement {
    /// Its figures are shares of so many visitors.
    #[must_use]
    pub fn of_whole(self, visitors: i64) -> Self {
        Self { all_visitors: Some(visitors), ..self }
    }

    /// A figure of a row; none where nothing was reported.
    #[must_use]
    pub fn figure(&self, metric: Metric, sums: &[i64]) -> Option<f64> {
        metric.figure(self.of_pages, |sum| self.sum(sum, sums))
    }

    /// The sums of a row by what they add up: those of several domains can be added.
    pub fn named(&self, sums: &[i64]) -> impl Iterator<Item = (Sum, i64)> {
        self.sums.iter().copied().zip(sums.iter().copied())
    }

    /// What a share may be, in percent, with a confidence of 95 %; none for what is no share.
    #[must_use]
    pub fn confidence(&self, metric: Metric, sums: &[i64]) -> Option<(f64, f64)> {
        let (part, of) = metric.formula(self.of_pages).parts(|sum| self.sum(sum, sums)).filter(|_| metric.is_share())?;
        explain::confidence(part, of)
    }

    fn sum(&self, wanted: Sum, sums: &[i64]) -> i64 {
        let sum = self.sums.iter().position(|known| *known == wanted).and_then(|index| sums.get(index)).copied().unwrap_or(0);
        match self.all_visitors {
            // It may have been counted a moment before its parts.
            Some(all) if wanted == Sum::AllVisitors => all.max(self.sum(Sum::Visitors, sums)),
            _ => sum,
        }
    }
}

/// Makes the statement.
///
/// # Errors
/// For metrics that do not go with the keys or the conditions. The language refuses such questions in its own words.
pub fn statement(scope: Scope, question: &Question) -> Result<Statement, Unsupported> {
    let Rows { mut b, select, from, shown, sums, of_pages } = rows(Builder::default(), scope, question)?;
    let order = order(question, of_pages, &shown);
    let limit = b.bind(Param::Int(i64::try_from(question.limit).unwrap_or(i64::MAX)));
    let offset = b.bind(Param::Int(i64::try_from(question.offset).unwrap_or(i64::MAX)));
    let text = format!(
        "SELECT {select}, toUInt64(count() OVER ()) AS total, emptyArrayInt64() AS whole\n{from}{order}\nLIMIT {limit} OFFSET {offset}"
    );
    Ok(Statement { sql: b.finish(text), sums, approximate: question.approximate, of_pages, all_visitors: None })
}

/// All rows of a question, in no order: labels and sums.
pub(super) struct Rows {
    pub(super) b: Builder,
    /// `labels` and `sums`.
    pub(super) select: String,
    pub(super) from: String,
    /// The keys as reports show them.
    shown: Vec<String>,
    pub(super) sums: Vec<Sum>,
    of_pages: bool,
}

/// Makes them of the blocks. Their values join those of `b`.
pub(super) fn rows(b: Builder, scope: Scope, question: &Question) -> Result<Rows, Unsupported> {
    let Made { mut b, texts, sums, of_pages, apart } = Blocks::new(b, scope, question)?.make();
    // A block alone has nothing to be added to.
    let (is_alone, of_blocks) = (texts.len() == 1, sums.iter().filter(|sum| !is_asked_apart(question, **sum)));
    let mut totals: Vec<String> = if is_alone {
        of_blocks.map(|sum| sum.column()).chain([HERE]).map(str::to_owned).collect()
    } else {
        let added = of_blocks.map(|sum| format!("toInt64({}) AS {}", total(question, *sum), sum.column()));
        added.chain([format!("sum({HERE}) AS {HERE}")]).collect()
    };
    totals.extend(apart.into_iter().map(|(sum, text)| format!("{text} AS {}", sum.column())));
    let keys: Vec<String> = (0..question.keys.len()).map(|index| format!("k{index}")).collect();
    let shown: Vec<String> = question.keys.iter().zip(&keys).map(|(key, name)| shown(&mut b, key, name)).collect();
    let labels = if shown.is_empty() {
        "emptyArrayString()".to_owned()
    } else {
        format!("[{}]", shown.iter().map(|label| format!("toString({label})")).collect::<Vec<_>>().join(", "))
    };
    let select = keys.iter().cloned().chain(totals).collect::<Vec<_>>().join(", ");
    let (group, present) = if keys.is_empty() {
        (String::new(), String::new())
    } else {
        let group = if is_alone { String::new() } else { format!("\n  GROUP BY {}", keys.join(", ")) };
        (group, format!("\nWHERE {HERE} > 0{}", among(&mut b, &question.labels, shown.first())))
    };
    let columns: Vec<&str> = sums.iter().map(|sum| sum.column()).collect();
    let from = format!("FROM (\n  SELECT {select}\n  FROM (\n    {}\n  ){group}\n){present}", texts.join("\n    UNION ALL\n    "));
    let select = format!("{labels} AS labels, [{}] AS sums", columns.join(", "));
    Ok(Rows { b, select, from, shown, sums, of_pages })
}

/// The blocks of a row added up. Visitors of a group without its goals stand in rows of no goal: each goal of the group looks there.
fn total(question: &Question, sum: Sum) -> String {
    let column = sum.column();
    let is_by_goal = question.keys.iter().any(|key| matches!(key, Key::Goal(_)));
    if sum != Sum::GroupVisitors || !is_by_goal {
        return format!("sum({column})");
    }
    let others: Vec<String> =
        question.keys.iter().enumerate().filter(|(_, key)| !matches!(key, Key::Goal(_))).map(|(index, _)| format!("k{index}")).collect();
    let group = if others.is_empty() { String::new() } else { format!("PARTITION BY {}", others.join(", ")) };
    format!("sum(sum({column})) OVER ({group})")
}

/// What a key is called in answers.
fn shown(b: &mut Builder, key: &Key, name: &str) -> String {
    match key {
        Key::Time(_) | Key::Goal(_) | Key::PropName => name.to_owned(),
        Key::By(dimension) => {
            let missing = b.bind(Param::Text(dimension.missing().to_owned()));
            format!("if({name} = '', {missing}, {name})")
        }
    }
}

/// Which rows are answered.
fn among(b: &mut Builder, labels: &Labels, shown: Option<&String>) -> String {
    match (labels, shown) {
        (Labels::Among(labels), Some(shown)) => format!(" AND toString({shown}) IN {}", b.bind(Param::Texts(labels.clone()))),
        (Labels::Holding(text), Some(shown)) => {
            format!(" AND positionCaseInsensitiveUTF8(toString({shown}), {}) > 0", b.bind(Param::Text(text.clone())))
        }
        _ => String::new(),
    }
}

fn order(question: &Question, of_pages: bool, shown: &[String]) -> String {
    let mut order = Vec::new();
    for (what, direction) in &question.order {
        let what = match what {
            // All shares are of one whole.
            Order::Metric(Metric::Percentage) => Sum::Visitors.column().to_owned(),
            Order::Metric(metric) => metric.formula(of_pages).order(Sum::column),
            Order::Key(index) => match shown.get(*index) {
                Some(label) => label.clone(),
                None => continue,
            },
        };
        order.push(format!("{what} {} NULLS LAST", if *direction == Direction::Ascending { "ASC" } else { "DESC" }));
    }
    order.extend(shown.iter().cloned());
    if order.is_empty() { String::new() } else { format!("\nORDER BY {}", order.join(", ")) }
}

/// For tests: nothing but the condition's text may differ with what comes from outside.
#[cfg(test)]
mod tests {
    use footfall_model::SiteId;
    use uuid::Uuid;

    use super::*;
    use crate::{
        Range,
        question::{Condition, Dimension, Leaf, Op},
    };

    #[test]
    fn what_comes_from_outside_is_never_text() {
        let evil = "'); DROP TABLE events; --{p0:UUID}\\";
        for dimension in [Dimension::Page, Dimension::Prop(evil.to_owned()), Dimension::named("visit:exit_page").unwrap()] {
            for op in [Op::Is, Op::Contains, Op::Matches] {
                let leaf =
                    Condition::Leaf(Leaf { op, dimension: dimension.clone(), values: vec![evil.to_owned()], case_sensitive: op == Op::Is });
                let condition = Condition::Any(vec![leaf.clone(), Condition::Not(Box::new(Condition::HasDone(Box::new(leaf))))]);
                let totals = Question { condition, ..Question::totals([Metric::Visitors], Range::new(0, 1_000)) };
                let question = totals.by(Key::By(dimension.clone()), 1, 0);
                let made = statement(Scope::authorised(SiteId(Uuid::from_u128(7))), &question).unwrap();
                assert!(!made.sql.text.contains("DROP"), "{}", made.sql.text);
            }
        }
    }
}
