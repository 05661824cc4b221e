//! The query string of `/api/analytics/*`: first the domain, so that the caller can be authorised, then the rest.

use chrono::NaiveDate;
use footfall_model::{Interval, Period, report::Dimension};
use footfall_query::{language, period::Compare, question::Condition};
use serde::de::{DeserializeOwned, IntoDeserializer, value::StrDeserializer};
use serde_json::Value;
use utoipa::IntoParams;
use uuid::Uuid;

use super::error::ApiError;
use crate::{
    App,
    analytics::View,
    auth::{Caller, SiteScope},
    settings,
};

/// What every report takes.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[allow(dead_code, reason = "its fields are the documentation; `Params` reads them one by one, after the caller was authorised")]
pub struct RangeParams {
    /// The domain.
    domain_id: Uuid,
    /// `30m`, `24h`, `day`, `7d`, `30d` (default), `month`, `6mo`, `12mo`, `year`, `all` or `custom`. Today counts in.
    period: Option<String>,
    /// First day of `period=custom`, `YYYY-MM-DD`.
    from: Option<String>,
    /// Last day of `period=custom`, inclusive.
    to: Option<String>,
    /// `previous`, `year`, `custom` or `off` (default).
    compare: Option<String>,
    /// First day of `compare=custom`.
    compare_from: Option<String>,
    /// Last day of `compare=custom`, inclusive.
    compare_to: Option<String>,
    /// With `compare=previous`: `true` moves by whole weeks, so that weekdays match.
    match_weekdays: Option<bool>,
    /// Filters as in `POST /api/v2/query`, JSON. The last half hour is then the store's as well, not live state's.
    filters: Option<String>,
}

/// Which buckets.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "documentation, see RangeParams")]
pub struct IntervalParams {
    /// `minute`, `hour`, `day`, `week` or `month`; by default the one that fits the period.
    interval: Option<String>,
}

/// Which page of rows.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "documentation, see RangeParams")]
pub struct PageParams {
    /// Rows a page, 1 to 1000; 10 by default.
    limit: Option<u32>,
    /// From 1.
    page: Option<u32>,
}

/// What to break down by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "documentation, see RangeParams")]
pub struct DimensionParams {
    /// `page`, `entry_page`, `exit_page`, `source`, `channel`, `referrer`, `campaign`, `country`, `browser`, `os` or `device`.
    dimension: String,
}

/// Rows of one page at most.
const MOST_ROWS: u32 = 1_000;
/// Rows before the page at most: beyond, nobody reads on.
const DEEPEST_ROW: u32 = 1_000_000;

/// A query string, not yet looked at.
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Splits a query string.
    #[must_use]
    pub fn new(query: Option<&str>) -> Self {
        Self(url::form_urlencoded::parse(query.unwrap_or("").as_bytes()).into_owned().collect())
    }

    /// Authorises the caller for the domain that is named.
    ///
    /// # Errors
    /// As [`SiteScope::read`]; 400 for a `domainId` that is no UUID.
    pub async fn scope(&self, app: &App, caller: &Caller) -> Result<SiteScope, ApiError> {
        caller.require(footfall_meta::Scope::StatsRead)?;
        let id = match self.get("domainId")? {
            None => None,
            Some(text) => Some(Uuid::try_parse(text).map_err(|_| invalid("domainId", "it must be a UUID, as /api/domains lists it"))?),
        };
        SiteScope::read(app, caller, id).await
    }

    /// `period`, `from`, `to`.
    ///
    /// # Errors
    /// 400 that names the parameter.
    pub fn period(&self) -> Result<Period, ApiError> {
        let (from, to) = (self.get("from")?, self.get("to")?);
        let default = if from.is_some() || to.is_some() { "custom" } else { "30d" };
        let code = self.get("period")?.unwrap_or(default);
        if code == "custom" {
            let (from, to) = days(("from", from), ("to", to))?;
            return Ok(Period::Custom { from: from.to_string(), to: to.to_string() });
        }
        Period::from_parts(code, from, to).map_err(|fault| invalid("period", fault.to_string()))
    }

    /// `compare` and what belongs to it.
    ///
    /// # Errors
    /// 400 that names the parameter.
    pub fn compare(&self) -> Result<Option<Compare>, ApiError> {
        let match_weekdays = match self.get("matchWeekdays")? {
            None | Some("" | "false") => false,
            Some("true") => true,
            Some(_) => return Err(invalid("matchWeekdays", "it must be true or false")),
        };
        Ok(match self.get("compare")? {
            None | Some("" | "off") => None,
            Some("previous") => Some(Compare::Previous { match_weekdays }),
            Some("year") => Some(Compare::Year),
            Some("custom") => {
                let (from, to) = days(("compareFrom", self.get("compareFrom")?), ("compareTo", self.get("compareTo")?))?;
                Some(Compare::Custom { from, to })
            }
            Some(_) => return Err(invalid("compare", "it must be previous, year, custom or off")),
        })
    }

    /// What all reports are about: `period`, `compare`, `filters`.
    ///
    /// # Errors
    /// 400 that names the parameter, 503 with the accounts away.
    pub async fn view(&self, app: &App, caller: &Caller, scope: &SiteScope) -> Result<View, ApiError> {
        let (period, compare, filters) = (self.period()?, self.compare()?, self.filters()?);
        let condition = if filters.is_empty() {
            Condition::none()
        } else {
            let known = settings::for_questions(&app.meta, scope.site(), caller.reach().person()).await?;
            language::condition(&filters, &known).map_err(|fault| invalid("filters", fault))?
        };
        Ok(View { period, compare, condition })
    }

    fn filters(&self) -> Result<Vec<Value>, ApiError> {
        match self.get("filters")?.map(str::trim) {
            None | Some("") => Ok(Vec::new()),
            Some(text) => serde_json::from_str(text).map_err(|_| invalid("filters", "it must be a JSON array of filters")),
        }
    }

    /// `interval`.
    ///
    /// # Errors
    /// 400 that names the parameter.
    pub fn interval(&self) -> Result<Option<Interval>, ApiError> {
        match self.get("interval")? {
            None | Some("") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| invalid("interval", "it must be minute, hour, day, week or month")),
        }
    }

    /// `limit` and `page`.
    ///
    /// # Errors
    /// 400 that names the parameter.
    pub fn page(&self) -> Result<(u32, u32), ApiError> {
        let limit = self.number("limit", 10, MOST_ROWS)?;
        Ok((limit, self.number("page", 1, DEEPEST_ROW / limit)?))
    }

    /// `dimension`.
    ///
    /// # Errors
    /// 400 that names the parameter.
    pub fn dimension(&self) -> Result<Dimension, ApiError> {
        const CHOICES: &str = "it must be page, entry_page, exit_page, source, channel, referrer, campaign, country, browser, os or device";
        self.get("dimension")?.and_then(named).ok_or_else(|| invalid("dimension", CHOICES))
    }

    fn number(&self, name: &'static str, default: u32, most: u32) -> Result<u32, ApiError> {
        let Some(text) = self.get(name)? else { return Ok(default) };
        let plain = text.bytes().all(|b| b.is_ascii_digit());
        text.parse()
            .ok()
            .filter(|number| plain && (1..=most).contains(number))
            .ok_or_else(|| invalid(name, format!("it must be a whole number from 1 to {most}")))
    }

    fn get(&self, name: &'static str) -> Result<Option<&str>, ApiError> {
        let mut found = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let value = found.next();
        if found.next().is_some() { Err(invalid(name, "it is there twice; send it once")) } else { Ok(value) }
    }
}

/// A variant by its name in the API.
fn named<T: DeserializeOwned>(text: &str) -> Option<T> {
    let name: StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
    T::deserialize(name).ok()
}

/// Two dates, both inclusive, from 1970 on.
fn days(from: (&'static str, Option<&str>), to: (&'static str, Option<&str>)) -> Result<(NaiveDate, NaiveDate), ApiError> {
    let day = |(name, text): (&'static str, Option<&str>)| {
        let well_formed = text.filter(|text| text.len() == 10 && ("1970"..="9998").contains(&text.get(..4).unwrap_or("")));
        let day = well_formed.and_then(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok());
        day.ok_or_else(|| invalid(name, "it must be a date such as 2026-01-31"))
    };
    let (first, last) = (day(from)?, day(to)?);
    if last < first {
        return Err(invalid(to.0, format!("it must not be before `{}`", from.0)));
    }
    Ok((first, last))
}

fn invalid(name: &'static str, what: impl Into<String>) -> ApiError {
    let what = what.into();
    ApiError::bad_request("invalid_parameter", format!("the parameter {name} is not usable: {what}")).field(name, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(query: &str) -> Params {
        Params::new(Some(query))
    }

    #[test]
    fn reads_periods_and_comparisons() {
        assert_eq!(params("").period().unwrap(), Period::Last30Days);
        assert_eq!(params("period=day").period().unwrap(), Period::Today);
        let custom = Period::Custom { from: "2026-01-31".into(), to: "2026-02-01".into() };
        assert_eq!(params("period=custom&from=2026-01-31&to=2026-02-01").period().unwrap(), custom);
        assert_eq!(params("from=2026-01-31&to=2026-02-01").period().unwrap(), custom);
        assert_eq!(params("").compare().unwrap(), None);
        assert_eq!(params("compare=previous&matchWeekdays=true").compare().unwrap(), Some(Compare::Previous { match_weekdays: true }));
        assert_eq!(params("compare=year").compare().unwrap(), Some(Compare::Year));
        assert!(matches!(params("compare=custom&compareFrom=2026-01-01&compareTo=2026-01-02").compare(), Ok(Some(Compare::Custom { .. }))));
        assert_eq!(params("").page().unwrap(), (10, 1));
        assert_eq!(params("limit=1000&page=1000").page().unwrap(), (1_000, 1_000));
        assert_eq!(params("interval=week").interval().unwrap(), Some(Interval::Week));
        assert_eq!(params("dimension=entry_page").dimension().unwrap(), Dimension::EntryPage);
        assert_eq!(params("filters=%5B%5D").filters().unwrap(), Vec::<Value>::new());
    }

    #[test]
    fn names_what_it_refuses() {
        fn refuses<T>(query: &str, name: &str, read: impl Fn(&Params) -> Result<T, ApiError>) {
            let Err(error) = read(&params(query)) else { panic!("{query} was accepted") };
            assert_eq!(error.code(), "invalid_parameter");
            assert!(error.message().contains(&format!("parameter {name} ")), "{query}: {}", error.message());
        }
        refuses("period=7", "period", Params::period);
        refuses("period=day&period=7d", "period", Params::period);
        refuses("period=custom", "from", Params::period);
        refuses("period=custom&from=2026-01-01", "to", Params::period);
        for day in ["2026-02-30", "2026-2-3", "0001-01-01", "10000-01-01", "tomorrow", "+026-01-01", "%C3%A9026-01-01"] {
            refuses(&format!("period=custom&from={day}&to=2026-01-02"), "from", Params::period);
        }
        refuses("period=custom&from=2026-01-02&to=2026-01-01", "to", Params::period);
        refuses("compare=before", "compare", Params::compare);
        refuses("compare=custom", "compareFrom", Params::compare);
        refuses("matchWeekdays=yes", "matchWeekdays", Params::compare);
        refuses("filters=nonsense", "filters", Params::filters);
        refuses("filters=%7B%7D", "filters", Params::filters);
        refuses("interval=year", "interval", Params::interval);
        for number in ["0", "-1", "+1", "1.5", "", "x", "1001", "99999999999999"] {
            refuses(&format!("limit={number}"), "limit", Params::page);
        }
        refuses("page=0", "page", Params::page);
        refuses("page=4294967295", "page", Params::page);
        refuses("dimension=city", "dimension", Params::dimension);
        refuses("", "dimension", Params::dimension);
    }
}
