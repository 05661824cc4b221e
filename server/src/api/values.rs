//! Figures as the Stats APIs write them.

use footfall_query::{language::Asked, question::Metric};
use serde_json::{Value, json};

use crate::analytics::AnswerRow;

/// The values of a row.
pub fn values(asked: &Asked, row: &AnswerRow) -> Vec<Value> {
    let value = |(metric, figure): (&Metric, &Option<f64>)| match (metric.is_revenue(), &row.currency, figure) {
        (true, Some(currency), Some(amount)) => money(*amount, currency),
        (true, ..) => Value::Null,
        _ => number(*figure),
    };
    asked.metrics.iter().zip(&row.figures).map(value).collect()
}

/// An amount as programs and as people read it.
fn money(amount: f64, currency: &str) -> Value {
    let sign = match currency {
        "USD" => "$",
        "EUR" => "€",
        "GBP" => "£",
        "JPY" => "¥",
        _ => "",
    };
    let said = |number: String| if sign.is_empty() { format!("{currency} {number}") } else { format!("{sign}{number}") };
    let whole = format!("{:.2}", amount.abs());
    let (units, cents) = whole.split_once('.').unwrap_or((&whole, "00"));
    let grouped: Vec<&str> = units.as_bytes().rchunks(3).rev().filter_map(|part| std::str::from_utf8(part).ok()).collect();
    let scaled = [(1e9, "B"), (1e6, "M"), (1e3, "K")].into_iter().find(|(from, _)| amount.abs() >= *from);
    let short = scaled.map_or_else(|| format!("{:.1}", amount.abs()), |(by, unit)| format!("{:.1}{unit}", amount.abs() / by));
    let minus = if amount < 0.0 { "-" } else { "" };
    json!({
        "value": number(Some(amount)), "currency": currency, "short": format!("{minus}{}", said(short)),
        "long": format!("{minus}{}", said(format!("{}.{cents}", grouped.join(",")))),
    })
}

/// A figure: whole numbers without a point, as JSON has them.
pub fn number(figure: Option<f64>) -> Value {
    match figure {
        Some(figure) if figure.fract() == 0.0 => Value::from(figure as i64),
        other => Value::from(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_said_for_people_too() {
        let said = |amount, currency| {
            let money = money(amount, currency);
            format!("{} {} {}", money["value"], money["short"].as_str().unwrap(), money["long"].as_str().unwrap())
        };
        assert_eq!(said(1_234_567.891, "USD"), "1234567.891 $1.2M $1,234,567.89");
        assert_eq!(said(12.5, "EUR"), "12.5 €12.5 €12.50");
        assert_eq!(said(-1_999.0, "CHF"), "-1999 -CHF 2.0K -CHF 1,999.00");
        assert_eq!(said(0.0, "GBP"), "0 £0.0 £0.00");
    }
}
