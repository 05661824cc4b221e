//! All rows of a breakdown as CSV. Columns are named as in the query language.

use std::sync::Arc;

use footfall_model::Period;
use futures::{Stream, stream::try_unfold};

use crate::{
    backend::{Backend, Look, Table, Wanted},
    metric::Metric,
    parts::DetailQuery,
    query::decoded_pairs,
    share::Shared,
    text::country,
    types::{AppError, Viewer},
};

/// Rows that are asked for at once.
const ROWS: u32 = 10_000;

/// A file that is made while it is read.
pub struct Download {
    /// Its name.
    pub name: String,
    backend: Arc<dyn Backend>,
    viewer: Viewer,
    domain: String,
    query: DetailQuery,
    period: Period,
}

impl Download {
    /// What the text after the question mark asks for: `domain` and `by` beside what the page of the breakdown has in its address.
    /// `shared` is how the domain is shared with the viewer, if it is.
    ///
    /// # Errors
    /// When nobody is signed in, the domain is not the viewer's, or there is no such breakdown.
    pub async fn asked(backend: Arc<dyn Backend>, viewer: Viewer, shared: Option<&Shared>, text: &str) -> Result<Self, AppError> {
        let pairs = decoded_pairs(text);
        let get = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone()).unwrap_or_default();
        let (domain, field) = (get("domain"), get("by"));
        let site = backend.domain(&viewer, &domain).await?;
        let query = DetailQuery::parse(&field, text).ok_or(AppError::NotFound)?;
        let period = query.view.period_or_default(site.young);
        let plain = |letter: char| if letter.is_ascii_alphanumeric() || ".-_".contains(letter) { letter } else { '-' };
        let name = format!("{}-{field}.csv", shared.map_or(domain.as_str(), |shared| &shared.domain)).chars().map(plain).collect();
        Ok(Self { name, backend, viewer, domain, query, period })
    }

    /// Its pieces: the head with the first rows, then more.
    pub fn pieces(self) -> impl Stream<Item = Result<Vec<u8>, AppError>> + Send {
        let first = (self, Some(1));
        try_unfold(first, |(this, page)| async move {
            let Some(page) = page else { return Ok(None) };
            let look = Look::new(&this.period, &this.query.view);
            let wanted = Wanted { limit: ROWS, page, ..this.query.wanted() };
            let table = this.backend.table(&this.viewer, &this.domain, look, wanted).await?;
            let more = u64::from(page) * u64::from(ROWS) < table.total && !table.rows.is_empty();
            let piece = written(this.query.field_of_rows(), wanted.metrics, &table, page == 1)
                .map_err(|error| AppError::Other(error.to_string()))?;
            Ok(Some((piece, (this, more.then_some(page + 1)))))
        })
    }
}

fn written(field: &str, metrics: &[Metric], table: &Table, with_head: bool) -> Result<Vec<u8>, csv::Error> {
    let (has_names, has_money) = (matches!(field, "country" | "region" | "city"), metrics.contains(&Metric::Revenue));
    let mut file = csv::Writer::from_writer(Vec::new());
    if with_head {
        let mut head = vec![field];
        head.extend(has_names.then_some("name"));
        head.extend(metrics.iter().map(|metric| metric.code()));
        head.extend(has_money.then_some("currency"));
        head.extend(table.is_compared.then_some("change"));
        file.write_record(head)?;
    }
    for row in &table.rows {
        let mut cells = vec![harmless(&row.label)];
        if has_names {
            let name = if field == "country" { country(&row.label) } else { row.name.as_deref().unwrap_or_default() };
            cells.push(harmless(name));
        }
        cells.extend(row.figures.iter().map(|figure| figure.map_or_else(String::new, |figure| figure.to_string())));
        if has_money {
            cells.push(row.currency.clone().unwrap_or_default());
        }
        if table.is_compared {
            cells.push(row.change.map_or_else(String::new, |change| change.to_string()));
        }
        file.write_record(cells)?;
    }
    file.into_inner().map_err(|error| error.into_error().into())
}

/// A text that no spreadsheet takes for a formula (OWASP, CSV injection).
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::TableRow;

    #[test]
    fn cells_are_quoted_and_no_formula() {
        let row =
            |label: &str| TableRow { label: label.to_owned(), figures: vec![Some(3.0), None], change: Some(-5), ..TableRow::default() };
        let table = Table { rows: vec![row("=HYPERLINK(\"x\")"), row("a,b\nc")], is_compared: true, ..Table::default() };
        let text = String::from_utf8(written("page", &[Metric::Visitors, Metric::BounceRate], &table, true).unwrap()).unwrap();
        assert_eq!(text, "page,visitors,bounce_rate,change\n\"'=HYPERLINK(\"\"x\"\")\",3,,-5\n\"a,b\nc\",3,,-5\n");
    }

    #[test]
    fn places_have_names() {
        let row = TableRow { label: "DE".to_owned(), figures: vec![Some(1.5)], ..TableRow::default() };
        let text = written("country", &[Metric::Share], &Table { rows: vec![row], ..Table::default() }, true).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "country,name,percentage\nDE,Germany,1.5\n");
    }
}
