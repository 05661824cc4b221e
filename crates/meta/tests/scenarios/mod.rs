pub mod figures;
pub mod people;
pub mod removal;
pub mod settings;
pub mod sites;

use chrono::{DateTime, Utc};
use footfall_meta::{Email, Password};
use footfall_model::Domain;

pub fn email(text: &str) -> Email {
    text.parse().unwrap()
}

pub fn password() -> Password {
    Password::new("correct horse battery").unwrap()
}

pub fn domain(text: &str) -> Domain {
    text.parse().unwrap()
}

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}
