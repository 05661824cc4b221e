//! The channel of a visit as SQL, walked from the same rules that Rust evaluates (`footfall_enrich::channel`), so that a change of a rule
//! applies to history and both always agree. Every list of the rules is a parameter; nothing of the data is text of the statement.

use std::collections::BTreeMap;

use footfall_enrich::{
    channel::{Channel, Condition, Field, RULES},
    source::{self, Category},
};

use crate::sql::{Builder, Param};

/// What the rules look at, from a row. Of the referrer only whether there is one.
pub(crate) const COMBINATION: &str = "source, utm_medium, utm_campaign, click_id, referrer != '' AS referred";
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

/// Groups rows of [`COMBINATION`] by it, as the rules are dear per row and cheap per combination. The kinds of the source are looked up once, as
/// bits.
pub(crate) fn combinations(b: &mut Builder, sums: &str, rows: &str) -> String {
    let mut kinds: BTreeMap<&String, i64> = BTreeMap::new();
    let lists = Category::ALL.iter().map(|category| source::sources_in(*category)).chain([source::ad_sources()]);
    for (bit, list) in lists.enumerate() {
        for source in list {
            *kinds.entry(source).or_default() |= 1 << bit;
        }
    }
    let sources = b.bind(Param::Texts(kinds.keys().map(|source| (*source).clone()).collect()));
    let bits = b.bind(Param::Ints(kinds.values().copied().collect()));
    format!(
        "FROM (\n  SELECT lowerUTF8(any(source)) AS of_source, lowerUTF8(any(utm_medium)) AS of_medium, lowerUTF8(any(utm_campaign)) AS of_campaign, \
         lowerUTF8(any(click_id)) AS of_click_id, any(referred) AS of_referrer, transform(of_source, {sources}, {bits}, 0) AS kinds, {sums}\n  \
         FROM ({rows})\n  GROUP BY {KEY}\n)"
    )
}

/// An expression that says the channel's name.
pub(crate) fn expression(b: &mut Builder, over: Over) -> String {
    let mut text = String::from("multiIf(");
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

fn of(b: &mut Builder, over: Over, condition: &Condition) -> String {
    let text = |b: &mut Builder, value: &str| b.bind(Param::Text(value.to_owned()));
    match *condition {
        Condition::SourceIs(category) if over == Over::Combinations => {
            let bit = Category::ALL.iter().position(|known| *known == category).unwrap_or(Category::ALL.len());
            format!("bitTest(kinds, {bit})")
        }
        Condition::SourceIsAd if over == Over::Combinations => format!("bitTest(kinds, {})", Category::ALL.len()),
        Condition::SourceIs(category) => one_of(b, over, Field::Source, source::sources_in(category)),
        Condition::SourceIsAd => one_of(b, over, Field::Source, source::ad_sources()),
        Condition::OneOf(field, values) => {
            let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
            one_of(b, over, field, &values)
        }
        Condition::Contains(field, part) => {
            format!("position({}, {}) > 0", column(over, field), text(b, part))
        }
        Condition::EndsWith(field, end) => format!("endsWith({}, {})", column(over, field), text(b, end)),
        Condition::Matches(field, pattern) => {
            format!("match({}, {})", column(over, field), text(b, pattern.text()))
        }
        Condition::Present(Field::Referrer) if over == Over::Combinations => column(over, Field::Referrer).to_owned(),
        Condition::Present(field) => format!("{} != ''", column(over, field)),
        Condition::Any(conditions) => joined(b, over, conditions, " OR "),
        Condition::All(conditions) => joined(b, over, conditions, " AND "),
    }
}

fn one_of(b: &mut Builder, over: Over, field: Field, values: &[String]) -> String {
    let list = b.bind(Param::Texts(values.to_vec()));
    format!("has({list}, {})", column(over, field))
}

fn joined(b: &mut Builder, over: Over, conditions: &[Condition], with: &str) -> String {
    let parts: Vec<String> = conditions.iter().map(|condition| of(b, over, condition)).collect();
    format!("({})", parts.join(with))
}
