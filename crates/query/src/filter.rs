//! Filters: what events and visits must be like to count.

use footfall_model::report::Dimension;

use crate::dimension::missing;

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// It is one of the values.
    Is,
    /// It is none of the values.
    IsNot,
}

/// One condition; all conditions of a query must hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Filter {
    /// How.
    pub op: Op,
    /// Of what.
    pub dimension: Dimension,
    /// Stored values, at least one.
    pub values: Vec<String>,
}

impl Filter {
    /// A filter on values as reports show them: the text for a missing value means a missing value.
    #[must_use]
    pub fn new(op: Op, dimension: Dimension, shown: impl IntoIterator<Item = String>) -> Self {
        let mut values: Vec<String> =
            shown.into_iter().map(|value| if value == missing(dimension) { String::new() } else { value }).collect();
        values.sort();
        values.dedup();
        Self { op, dimension, values }
    }
}
