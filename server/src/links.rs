//! Shared links as they are asked for: checked here for every way in.

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use footfall_meta::{Meta, MetaError, NewLink, Password, SharedLink, Site};

use crate::{
    App,
    settings::{self, Wrong},
};

/// Links of a domain.
const MOST_LINKS: usize = 100;

/// A link as it is asked for.
#[derive(Clone, Debug, Default)]
pub struct AskedLink {
    /// What it is called.
    pub name: String,
    /// The password that it shall ask for; empty is none.
    pub password: Option<String>,
    /// The last day on which it opens, `YYYY-MM-DD` in the domain's zone; empty is none.
    pub until: Option<String>,
    /// The number of one of the domain's segments.
    pub segment: Option<i64>,
    /// Anybody sees the domain under its own name as well.
    pub public: bool,
}

fn wrong<T>(field: &'static str, text: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { field, text: text.into() })
}

/// Makes a link of what is asked for, as far as that can be said without looking at the domain.
fn checked(asked: AskedLink, zone: Tz, now: DateTime<Utc>) -> Result<NewLink, Wrong> {
    let name = settings::name(&asked.name)?;
    let password = match asked.password.filter(|password| !password.is_empty()) {
        None => None,
        Some(_) if asked.public => return wrong("password", "is given for a public dashboard, which anybody sees; leave out one of both"),
        Some(password) => match Password::new(password) {
            Ok(password) => Some(password),
            Err(fault) => return wrong("password", format!("cannot be this one: {fault}")),
        },
    };
    let expires_at = match asked.until.as_deref().map(str::trim).filter(|day| !day.is_empty()) {
        None => None,
        Some(day) => {
            let next = day.parse::<NaiveDate>().ok().and_then(|day| day.checked_add_days(Days::new(1)));
            let Some(next) = next.filter(|_| day.len() == 10) else {
                let got: String = day.chars().take(60).collect();
                return wrong("until", format!("`{got}` is no date; write it as 2026-12-31"));
            };
            let end = settings::local_moment(&next.to_string(), "", zone).map_err(|fault| Wrong { field: "until", ..fault })?;
            if end <= now {
                return wrong("until", format!("{day} is over already; choose a day to come"));
            }
            Some(end)
        }
    };
    Ok(NewLink { name, password, expires_at, segment: asked.segment, is_public: asked.public })
}

/// Why a link is not made.
#[derive(Debug)]
pub enum NotMade {
    /// What is asked for makes no sense.
    Wrong(Wrong),
    /// The accounts refuse, or fail.
    Meta(MetaError),
}

impl From<MetaError> for NotMade {
    fn from(error: MetaError) -> Self {
        Self::Meta(error)
    }
}

impl From<Wrong> for NotMade {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl From<NotMade> for anyhow::Error {
    fn from(fault: NotMade) -> Self {
        match fault {
            NotMade::Wrong(wrong) => wrong.into(),
            NotMade::Meta(error) => error.into(),
        }
    }
}

/// Makes a link.
///
/// # Errors
/// The first thing that is wrong with it; a name that is taken.
pub async fn add(meta: &Meta, site: &Site, asked: AskedLink) -> Result<SharedLink, NotMade> {
    let link = checked(asked, site.timezone, Utc::now())?;
    if let Some(number) = link.segment
        && !meta.segments_of(site.id, None).await?.iter().any(|segment| segment.id == number)
    {
        return Err(Wrong { field: "segment", text: format!("{number} is none of the domain's; personal ones cannot limit a link") }.into());
    }
    let known = meta.links_of(site.id).await?;
    if known.len() >= MOST_LINKS {
        let text = format!("the domain has {MOST_LINKS} shared links, the most there may be; remove one first");
        return Err(MetaError::refused(text).into());
    }
    if let Some(first) = known.iter().find(|known| known.is_public && link.is_public) {
        return Err(
            Wrong { field: "public", text: format!("is the domain already, by the link `{}`; remove that first", first.name) }.into()
        );
    }
    Ok(meta.create_link(site.id, link).await?)
}

/// The address of a link.
#[must_use]
pub fn address(app: &App, link: &SharedLink) -> String {
    address_at(&app.config.base_url(), link)
}

/// The address of a link on a server.
#[must_use]
pub fn address_at(base_url: &str, link: &SharedLink) -> String {
    format!("{}/share/{}", base_url.trim_end_matches('/'), link.slug)
}

/// The last day on which a link opens, by the clocks of a zone.
#[must_use]
pub fn until(link: &SharedLink, zone: Tz) -> Option<String> {
    let last = link.expires_at? - chrono::Duration::milliseconds(1);
    Some(last.with_timezone(&zone).date_naive().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> AskedLink {
        AskedLink { name: " Client ".to_owned(), ..AskedLink::default() }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_last_day_is_whole() {
        let zone = Tz::Europe__Berlin;
        let of = |day: &str, now: &str| {
            let asked = AskedLink { until: Some(day.to_owned()), ..asked() };
            checked(asked, zone, at(now)).map(|link| link.expires_at).map_err(|wrong| wrong.field)
        };
        let now = "2026-12-31T22:59:59Z";
        assert_eq!(of("2026-12-31", now), Ok(Some(at("2026-12-31T23:00:00Z"))));
        assert_eq!(of("2026-12-31", "2026-12-31T23:00:00Z"), Err("until"));
        assert_eq!(of(" ", now), Ok(None));
        for day in ["31.12.2026", "2026-13-01", "tomorrow", "+262142-12-31", "2026-1-1"] {
            assert_eq!(of(day, now), Err("until"), "{day}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let check = |asked| checked(asked, Tz::UTC, at("2026-05-04T12:00:00Z")).map(|link| link.name).map_err(|wrong| wrong.field);
        assert_eq!(check(asked()), Ok("Client".to_owned()));
        assert_eq!(check(AskedLink { password: Some(String::new()), public: true, ..asked() }), Ok("Client".to_owned()));
        assert_eq!(check(AskedLink { password: Some("correct horse".to_owned()), public: true, ..asked() }), Err("password"));
        assert_eq!(check(AskedLink { password: Some("short".to_owned()), ..asked() }), Err("password"));
        assert_eq!(check(AskedLink::default()), Err("name"));
    }
}
