//! The channel of a visit as SQL: the rules of the domain first, then those of everybody, walked as Rust evaluates them
//! (`footfall_enrich::channel`), so that a change of a rule applies to history and both always agree. Every list of the rules is a parameter;
//! nothing of the data is text of the statement.

use std::collections::BTreeMap;

use footfall_enrich::{
    channel::{self, Channel, Field, RULES},
    source::{self, Category},
};

use super::{
    Condition,
    condition::{Side, of_values},
};
use crate::sql::{Builder, Param};

/// A rule of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChannelRule {
    /// The channel of the visits for which the condition holds: any name, also one of [`Channel`].
    pub channel: String,
    /// About first-touch values alone, which `events` and `sessions` both have; of anything else the rule never applies.
    pub condition: Condition,
}

impl ChannelRule {
    /// Whether it looks at first-touch values alone.
    #[must_use]
    pub fn is_of_first_touch(&self) -> bool {
        self.condition.is_of_one_row() && !self.condition.is_about(&|dimension| !dimension.is_first_touch())
    }
}

/// What the rules of everybody look at, from a row. Of the referrer only whether there is one.
const COMBINATION: &str = "source, utm_medium, utm_campaign, click_id, referrer != '' AS referred";
/// One number for a combination, computed over dictionaries: twice as fast to group by as its five texts. That any two of a million
/// combinations share one has a chance of 1 in 30 million.
const KEY: &str = "bitXor(bitXor(bitXor(sipHash64(source), sipHash64(utm_medium) * 3), bitXor(sipHash64(utm_campaign) * 5, sipHash64(click_id) * 7)), toUInt64(referred))";

/// What an expression is computed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// Rows of a table.
    Rows,
    /// Rows of [`combinations`].
    Combinations,
}

/// What decides about the channel of a row: what the rules of everybody look at, and the number of the domain's rule that applies.
pub(crate) fn combination(b: &mut Builder, rules: &[ChannelRule]) -> String {
    if rules.is_empty() {
        return format!("{COMBINATION}, ");
    }
    let numbers: String = applying(b, rules).into_iter().map(|(number, holds)| format!("{holds}, {number}, ")).collect();
    format!("{COMBINATION}, multiIf({numbers}0) AS rule, ")
}

/// Groups rows of [`combination`] by it, as the rules are dear per row and cheap per combination. The kinds of the source are looked up once, as
/// bits.
pub(crate) fn combinations(b: &mut Builder, rules: &[ChannelRule], sums: &str, rows: &str) -> String {
    let mut kinds: BTreeMap<&String, i64> = BTreeMap::new();
    let lists = Category::ALL.iter().map(|category| source::sources_in(*category)).chain([source::ad_sources()]);
    for (bit, list) in lists.enumerate() {
        for source in list {
            *kinds.entry(source).or_default() |= 1 << bit;
        }
    }
    let sources = b.bind(Param::Texts(kinds.keys().map(|source| (*source).clone()).collect()));
    let bits = b.bind(Param::Ints(kinds.values().copied().collect()));
    let (rule, key) = if rules.is_empty() {
        ("", KEY.to_owned())
    } else {
        // The lowest bit is the referrer's.
        (", any(rule) AS of_rule", format!("bitXor({KEY}, toUInt64(rule) * 2)"))
    };
    format!(
        "FROM (\n  SELECT lowerUTF8(any(source)) AS of_source, lowerUTF8(any(utm_medium)) AS of_medium, lowerUTF8(any(utm_campaign)) AS of_campaign, \
         lowerUTF8(any(click_id)) AS of_click_id, any(referred) AS of_referrer{rule}, transform(of_source, {sources}, {bits}, 0) AS kinds, {sums}\n  \
         FROM ({rows})\n  GROUP BY {key}\n)"
    )
}

/// Rows of [`combination`], by the rules of everybody, with their channel as one more column.
pub(crate) fn labelled(b: &mut Builder, rows: &str, label: &str) -> String {
    let combined = combinations(b, &[], &format!("{KEY} AS combination"), rows);
    let channel = expression(b, Over::Combinations, &[]);
    format!(
        "SELECT * FROM (SELECT *, {KEY} AS combination FROM ({rows})) AS of_rows \
         INNER JOIN (SELECT {channel} AS {label}, combination {combined}) AS of_channels USING combination"
    )
}

/// The numbers of the domain's rules, from 1, and whether each holds for a row.
fn applying(b: &mut Builder, rules: &[ChannelRule]) -> Vec<(usize, String)> {
    let holds = |b: &mut Builder, rule: &ChannelRule| {
        // These are called the same in both tables.
        let text = if rule.is_of_first_touch() { of_values(b, Side::Visits, &rule.condition) } else { None };
        text.unwrap_or_else(|| "0".to_owned())
    };
    rules.iter().enumerate().map(|(index, rule)| (index + 1, holds(b, rule))).collect()
}

/// An expression that says the channel's name.
pub(crate) fn expression(b: &mut Builder, over: Over, rules: &[ChannelRule]) -> String {
    let mut text = String::from("multiIf(");
    let own = match over {
        Over::Rows => applying(b, rules),
        Over::Combinations => (1..=rules.len()).map(|number| (number, format!("of_rule = {number}"))).collect(),
    };
    for ((_, when), rule) in own.into_iter().zip(rules) {
        let name = b.bind(Param::Text(rule.channel.clone()));
        text.push_str(&format!("{when}, {name}, "));
    }
    for (channel, condition) in RULES {
        let when = of(b, over, condition);
        let name = b.bind(Param::Text(channel.name().to_owned()));
        text.push_str(&format!("{when}, {name}, "));
    }
    let rest = b.bind(Param::Text(Channel::Direct.name().to_owned()));
    text.push_str(&rest);
    text.push(')');
    text
}

const fn column(over: Over, field: Field) -> &'static str {
    match (over, field) {
        (Over::Rows, Field::Source) => "lowerUTF8(source)",
        (Over::Rows, Field::Medium) => "lowerUTF8(utm_medium)",
        (Over::Rows, Field::Campaign) => "lowerUTF8(utm_campaign)",
        (Over::Rows, Field::Referrer) => "lowerUTF8(referrer)",
        (Over::Rows, Field::ClickId) => "lowerUTF8(click_id)",
        (Over::Combinations, Field::Source) => "of_source",
        (Over::Combinations, Field::Medium) => "of_medium",
        (Over::Combinations, Field::Campaign) => "of_campaign",
        (Over::Combinations, Field::Referrer) => "of_referrer",
        (Over::Combinations, Field::ClickId) => "of_click_id",
    }
}

fn of(b: &mut Builder, over: Over, condition: &channel::Condition) -> String {
    use channel::Condition as Is;

    let text = |b: &mut Builder, value: &str| b.bind(Param::Text(value.to_owned()));
    match *condition {
        Is::SourceIs(category) if over == Over::Combinations => {
            let bit = Category::ALL.iter().position(|known| *known == category).unwrap_or(Category::ALL.len());
            format!("bitTest(kinds, {bit})")
        }
        Is::SourceIsAd if over == Over::Combinations => format!("bitTest(kinds, {})", Category::ALL.len()),
        Is::SourceIs(category) => one_of(b, over, Field::Source, source::sources_in(category)),
        Is::SourceIsAd => one_of(b, over, Field::Source, source::ad_sources()),
        Is::OneOf(field, values) => {
            let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
            one_of(b, over, field, &values)
        }
        Is::Contains(field, part) => {
            format!("position({}, {}) > 0", column(over, field), text(b, part))
        }
        Is::EndsWith(field, end) => format!("endsWith({}, {})", column(over, field), text(b, end)),
        Is::Matches(field, pattern) => {
            format!("match({}, {})", column(over, field), text(b, pattern.text()))
        }
        Is::Present(Field::Referrer) if over == Over::Combinations => column(over, Field::Referrer).to_owned(),
        Is::Present(field) => format!("{} != ''", column(over, field)),
        Is::Any(conditions) => joined(b, over, conditions, " OR "),
        Is::All(conditions) => joined(b, over, conditions, " AND "),
    }
}

fn one_of(b: &mut Builder, over: Over, field: Field, values: &[String]) -> String {
    let list = b.bind(Param::Texts(values.to_vec()));
    format!("{} IN {list}", column(over, field))
}

fn joined(b: &mut Builder, over: Over, conditions: &[channel::Condition], with: &str) -> String {
    let parts: Vec<String> = conditions.iter().map(|condition| of(b, over, condition)).collect();
    format!("({})", parts.join(with))
}
