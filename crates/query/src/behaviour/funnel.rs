//! Funnels: how many visitors take a series of steps, one after the other, within a time.

use crate::{
    Range, Scope,
    question::{
        Condition, Dimension,
        condition::{Predicates, Side, value},
    },
    sql::{Builder, Param, Sql, Unsupported},
};

/// Steps at most: what the store's `windowFunnel` takes.
pub const MOST_STEPS: usize = 32;

/// A funnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Funnel {
    /// What an event must be like to be a step; 1 to [`MOST_STEPS`].
    pub steps: Vec<Condition>,
    /// No other event of the visitor comes between two steps.
    pub strict: bool,
    /// From the first step to the last at most, milliseconds.
    pub window_ms: i64,
    /// What all events must be like.
    pub condition: Condition,
    /// Rows by this, as it was at the visitor's first first step.
    pub by: Option<Dimension>,
    /// Rows at most, those with the most visitors first.
    pub limit: u64,
}

/// Makes the statement for the events of a range. Its rows have the label of `by`, if any, and for each step how many visitors got so far; the whole is
/// that of all visitors.
///
/// A step comes at least a millisecond after the one before, so one event is one step, whatever steps it could be.
///
/// # Errors
/// When the steps are too many, or rows by a dimension that only whole visits have.
pub fn statement(scope: Scope, range: Range, funnel: &Funnel) -> Result<Sql, Unsupported> {
    let count = funnel.steps.len();
    if count == 0 || count > MOST_STEPS {
        return Err(Unsupported(format!("a funnel has 1 to {MOST_STEPS} steps")));
    }
    let mut b = Builder::default();
    let predicates = Predicates { scope, range };
    let is_step = Condition::Any(funnel.steps.clone());
    // Strictly, what is no step counts too: it comes between.
    let looked_at = if funnel.strict { Condition::Any(vec![Condition::none(), is_step]) } else { is_step };
    let events = predicates.events(&mut b, &Condition::All(vec![funnel.condition.clone(), looked_at]));
    let steps: Vec<String> = funnel.steps.iter().map(|step| predicates.event(&mut b, step)).collect();
    let label = match &funnel.by {
        None => String::new(),
        Some(dimension) => {
            let by = value(&mut b, Side::Events, dimension)
                .ok_or_else(|| Unsupported(format!("{} is known of whole visits alone", dimension.name())))?;
            let missing = b.bind(Param::Text(dimension.missing().to_owned()));
            format!(", {by} AS by_value, if(by_value = '', {missing}, by_value) AS label")
        }
    };
    let label_of =
        |first: &str| if funnel.by.is_some() { format!(", argMinIf(label, (at, turn), {first}) AS label") } else { String::new() };
    let window = b.bind(Param::Int(funnel.window_ms));
    let levels = if funnel.strict {
        let masks: Vec<String> = steps.iter().enumerate().map(|(index, step)| format!("bitShiftLeft(toUInt64({step}), {index})")).collect();
        // From each event as many steps as the events after it are, in their order.
        format!(
            "SELECT arrayMax(arrayMap(start -> arrayFirstIndex(step -> NOT (bitTest(masks[start + step - 1], step - 1) \
             AND times[start + step - 1] - times[start] <= {window} AND (step = 1 OR times[start + step - 1] > times[start + step - 2])), \
             range(1, {behind})) - 1, arrayEnumerate(masks))) AS level{label}\n  FROM (\n    \
             SELECT arraySort(groupArray((at, turn, mask))) AS sorted, sorted.1 AS times, sorted.3 AS masks{label_of_visitor}\n    FROM (\n      \
             SELECT visitor_id, toUnixTimestamp64Milli(ts) AS at, offset AS turn, {masks} AS mask{label_of_event}\n      FROM events WHERE {events}\n    )\n    \
             GROUP BY visitor_id\n  )",
            behind = count + 2,
            label = if funnel.by.is_some() { ", label" } else { "" },
            label_of_visitor = label_of("bitTest(mask, 0)"),
            masks = masks.join(" + "),
            label_of_event = label,
        )
    } else {
        let numbers: Vec<String> = steps.iter().enumerate().map(|(index, step)| format!("if({step}, {}, 0)", index + 1)).collect();
        let is_number: Vec<String> = (1..=count).map(|number| format!("step = {number}")).collect();
        // Of one moment the last steps come first, so that none of them follows another. 64 leaves room for them between two milliseconds.
        format!(
            "SELECT windowFunnel(toUInt64({window}) * 64)(toUInt64(at * 64 + 64 - step), {is_number}) AS level{label_of_visitor}\n  FROM (\n    \
             SELECT visitor_id, toUnixTimestamp64Milli(ts) AS at, offset AS turn, arrayJoin(arrayFilter(number -> number > 0, [{numbers}])) AS step{label_of_event}\n    \
             FROM events WHERE {events}\n  )\n  GROUP BY visitor_id",
            is_number = is_number.join(", "),
            label_of_visitor = label_of("step = 1"),
            numbers = numbers.join(", "),
            label_of_event = label,
        )
    };
    let counts = (1..=count).map(|level| format!("countIf(level >= {level})"));
    let (sums, all): (Vec<String>, Vec<String>) =
        counts.map(|count| (format!("toInt64({count})"), format!("toInt64(sum({count}) OVER ())"))).unzip();
    let (labels, group) = if funnel.by.is_some() { ("[label]", "\nGROUP BY label") } else { ("emptyArrayString()", "") };
    let limit = b.bind(Param::Int(i64::try_from(funnel.limit).unwrap_or(i64::MAX)));
    Ok(b.finish(format!(
        "SELECT {labels} AS labels, [{}] AS sums, toUInt64(count() OVER ()) AS total, [{}] AS whole\nFROM (\n  {levels}\n)\n\
         WHERE level > 0{group}\nORDER BY sums[1] DESC, labels\nLIMIT {limit}",
        sums.join(", "),
        all.join(", "),
    )))
}
