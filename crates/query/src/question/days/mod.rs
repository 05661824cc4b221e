//! Questions over many days, answered from figures of single ones.
//!
//! A visitor id belongs to the UTC day on which its visit began, and is seen on another day only where a visit *crosses* midnight. So
//! the visitors of several whole days are those of each day added up, but for the ids that cross: these are kept by name, and counted once. All
//! other figures that are kept add up anyway.
//!
//! - [`roll_all`] (`work_out.rs`) makes the statements that work out the figures of days: of the whole domain, and of each value of a dimension.
//! - [`rolled_days`] says which days have figures that still hold. `day_changes` counts what touched a day (`footfall_store::ddl::days`), and figures
//!   hold as long as that number is what it was before they were worked out.
//! - [`Question::over_days`](super::Question::over_days) (`add_up.rs`) lets a question use them. It then reads rows of the days that have none, and of
//!   those that its range cuts. A filter by one value asks for one row of the figures by its dimension.
//!
//! Charts by the days of another time zone cut UTC days in two. So of the whole domain the figures before and after local midnight are kept as well.

mod add_up;
mod work_out;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::LazyLock,
};

use chrono_tz::Tz;
use footfall_model::SiteId;
use uuid::Uuid;

use super::Dimension;
use crate::{
    Range, Scope,
    range::{DAY_MS, day_of, day_start},
    sql::{Builder, Param, Sql},
};

pub use work_out::roll_all;

/// A UTC day whose figures are worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RolledDay {
    /// Days since 1970.
    pub day: i64,
    /// Which working out of it.
    pub build: i64,
}

/// What the figures of a day are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind<'a> {
    /// Of everything.
    Whole,
    /// Of everything before local midnight.
    Before,
    /// Of everything from local midnight on.
    After,
    /// Of the values of a dimension.
    By(&'a Dimension),
}

impl Kind<'_> {
    /// As it is stored.
    fn name(self) -> String {
        match self {
            Self::Whole => String::new(),
            Self::Before => "before".to_owned(),
            Self::After => "after".to_owned(),
            Self::By(dimension) => dimension.name(),
        }
    }
}

/// The dimensions whose values are kept.
pub fn dimensions() -> impl Iterator<Item = Dimension> {
    Dimension::all().filter(is_kept)
}

/// Whether its values are kept: those that hang on a list of the domain's own are not.
const fn is_kept(dimension: &Dimension) -> bool {
    match dimension {
        Dimension::Page | Dimension::Hostname | Dimension::Name | Dimension::Visit(_) => true,
        Dimension::Channel(rules) => rules.is_empty(),
        Dimension::Route(_) | Dimension::Prop(_) | Dimension::PlaceName(..) => false,
    }
}

/// A number that differs where days would be worked out differently: by another version of this program, or for another zone.
#[must_use]
pub fn recipe(zone: Tz) -> i64 {
    static STATEMENTS: LazyLock<Vec<Sql>> = LazyLock::new(|| roll_all(Scope::authorised(SiteId(Uuid::nil())), 0..1, 0, Tz::UTC));
    static HASHER: LazyLock<DefaultHasher> = LazyLock::new(|| {
        let mut hasher = DefaultHasher::new();
        (&*STATEMENTS, chrono_tz::IANA_TZDB_VERSION, MIDNIGHTS).hash(&mut hasher);
        hasher
    });
    let mut hasher = HASHER.clone();
    zone.name().hash(&mut hasher);
    (hasher.finish() >> 1).cast_signed()
}

/// To be raised with each change of [`midnight`].
const MIDNIGHTS: u32 = 1;

/// When the only local midnight inside a UTC day is, in milliseconds after its start.
fn midnight(day: i64, zone: Tz) -> Option<i64> {
    let (start, next) = (day * DAY_MS, (day + 1) * DAY_MS);
    let mut dates = day_of(start, zone).iter_days().skip(1).map(|date| day_start(date, zone)).take_while(|at| *at < next);
    let first = dates.find(|at| *at > start)?;
    dates.all(|at| at == first).then_some(first - start)
}

/// The days of a range with their events, and the build of those whose figures hold and are all there. Each row's sums are the day, the events, and the build or 0.
#[must_use]
pub fn rolled_days(scope: Scope, range: Range, zone: Tz) -> Sql {
    let mut b = Builder::default();
    let site = b.bind(Param::Site(scope.site().0));
    let (first, last) = (b.int(range.from.div_euclid(DAY_MS)), b.int((range.to - 1).div_euclid(DAY_MS)));
    let (recipe, these) = (b.int(recipe(zone)), format!("site_id = {site} AND day >= {first} AND day <= {last}"));
    b.finish(format!(
        "SELECT emptyArrayString() AS labels, [toInt64(day), toInt64(rows), toInt64(build)] AS sums, toUInt64(1) AS total, emptyArrayInt64() AS whole\n\
         FROM (SELECT day, sum(changes) AS changed, sum(events) AS rows FROM day_changes WHERE {these} GROUP BY day) AS changes\n\
         LEFT JOIN (\n  SELECT day, changed, max(build) AS build\n  \
         FROM (SELECT day, changed, build, figures FROM rolled_days WHERE {these} AND recipe = {recipe}) AS listed\n  \
         INNER JOIN (SELECT day, build, count() AS figures FROM day_figures WHERE {these} GROUP BY day, build) AS there USING (day, build, figures)\n  \
         GROUP BY day, changed\n) AS rolled USING (day, changed)\nORDER BY day"
    ))
}
