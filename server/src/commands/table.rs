//! Tables for the terminal.

use serde_json::Value;

/// Labels to the left in the first columns, figures to the right in the others.
pub fn table(labels: usize, names: Vec<String>, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let columns = names.len();
    let rows: Vec<Vec<String>> = std::iter::once(names).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row.get(column).map_or(0, |cell| cell.chars().count())).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, width))| if column < labels { format!("{cell:<width$}") } else { format!("{cell:>width$}") });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A figure of an answer.
pub fn figure(value: &Value) -> String {
    if value.is_null() { "-".to_owned() } else { value.to_string() }
}

/// A label of an answer. What visitors sent may hold characters that a terminal obeys.
pub fn label(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    text.chars().map(|character| if character.is_control() { '\u{FFFD}' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_obeys_nobody() {
        let names = ["event:page", "visitors"].map(str::to_owned).to_vec();
        let rows = [(json!("/\u{1b}[31mred"), json!(1.5)), (json!("é"), json!(null))];
        let shown = table(1, names, rows.iter().map(|(page, visitors)| vec![label(page), figure(visitors)]));
        assert_eq!(shown, "event:page  visitors\n/\u{FFFD}[31mred        1.5\né                  -");
    }
}
