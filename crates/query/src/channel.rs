//! The channel of a visit as SQL, walked from the same rules that Rust evaluates (`footfall_enrich::channel`), so that a change of a rule
//! applies to history and both always agree. Every list of the rules is a parameter; nothing of the data is text of the statement.

use footfall_enrich::{
    channel::{Channel, Condition, Field, RULES},
    source,
};

use crate::sql::{Builder, Param};

/// What the rules look at, to group by first: they are dear per row and cheap per combination. Of the referrer only whether there is one.
pub(crate) const COMBINATION: &str = "source, utm_medium, utm_campaign, click_id, referrer != '' AS referred";
/// The names of [`COMBINATION`].
pub(crate) const COMBINED: &str = "source, utm_medium, utm_campaign, click_id, referred";

/// What an expression is computed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// Rows of a table.
    Rows,
    /// Rows of [`COMBINATION`].
    Combinations,
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

const fn column(field: Field) -> &'static str {
    match field {
        Field::Source => "lowerUTF8(source)",
        Field::Medium => "lowerUTF8(utm_medium)",
        Field::Campaign => "lowerUTF8(utm_campaign)",
        Field::Referrer => "lowerUTF8(referrer)",
        Field::ClickId => "lowerUTF8(click_id)",
    }
}

fn of(b: &mut Builder, over: Over, condition: &Condition) -> String {
    let text = |b: &mut Builder, value: &str| b.bind(Param::Text(value.to_owned()));
    match *condition {
        Condition::SourceIs(category) => one_of(b, Field::Source, source::sources_in(category)),
        Condition::SourceIsAd => one_of(b, Field::Source, source::ad_sources()),
        Condition::OneOf(field, values) => {
            let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
            one_of(b, field, &values)
        }
        Condition::Contains(field, part) => {
            format!("position({}, {}) > 0", column(field), text(b, part))
        }
        Condition::EndsWith(field, end) => format!("endsWith({}, {})", column(field), text(b, end)),
        Condition::Matches(field, pattern) => {
            format!("match({}, {})", column(field), text(b, pattern.text()))
        }
        Condition::Present(Field::Referrer) if over == Over::Combinations => "referred".to_owned(),
        Condition::Present(field) => format!("{} != ''", column(field)),
        Condition::Any(conditions) => joined(b, over, conditions, " OR "),
        Condition::All(conditions) => joined(b, over, conditions, " AND "),
    }
}

fn one_of(b: &mut Builder, field: Field, values: &[String]) -> String {
    let list = b.bind(Param::Texts(values.to_vec()));
    format!("has({list}, {})", column(field))
}

fn joined(b: &mut Builder, over: Over, conditions: &[Condition], with: &str) -> String {
    let parts: Vec<String> = conditions.iter().map(|condition| of(b, over, condition)).collect();
    format!("({})", parts.join(with))
}
