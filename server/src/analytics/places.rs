//! Names of the places that visits came from. The store knows codes: which ones occur is asked of it, and the question is given their names.

use std::{collections::BTreeMap, path::PathBuf, sync::OnceLock};

use footfall_app::text;
use footfall_enrich::PlaceNames;
use footfall_query::{
    Range,
    question::{Dimension, Place, Question},
};

use super::{Analytics, AnalyticsError};
use crate::auth::SiteScope;

/// Places of a range that have names at most, those with the most visits; a statement holds all of them.
const MOST_PLACES: u64 = 10_000;

/// Where names of places come from.
#[derive(Debug, Default)]
pub struct Places {
    /// The city database, read when a name is first asked for.
    file: Option<PathBuf>,
    names: OnceLock<PlaceNames>,
}

impl Places {
    /// Regions and cities by this database, countries by the list in the binary.
    #[must_use]
    pub fn new(file: Option<PathBuf>) -> Self {
        Self { file, names: OnceLock::new() }
    }

    /// Takes seconds the first time. Without a database that can be read there are no names, which is logged.
    fn names(&self) -> &PlaceNames {
        self.names.get_or_init(|| {
            let Some(file) = &self.file else { return PlaceNames::default() };
            let read = std::fs::read(file).map_err(anyhow::Error::from).and_then(|bytes| Ok(PlaceNames::read(&bytes)?));
            read.unwrap_or_else(|error| {
                tracing::error!("{}: {error}; regions and cities are shown by their codes until the next start", file.display());
                PlaceNames::default()
            })
        })
    }

    fn name(&self, place: Place, code: &str) -> Option<String> {
        match place {
            Place::Country => Some(text::country(code)).filter(|name| *name != code),
            Place::Region => self.names().region(code),
            Place::City => self.names().city(code.parse().ok()?),
        }
        .map(str::to_owned)
    }
}

impl Analytics {
    /// The names of places, in the order of their codes.
    pub async fn place_names(&self, places: Vec<(Place, String)>) -> Vec<Option<String>> {
        let deps = self.deps.clone();
        let count = places.len();
        let named = move || places.iter().map(|(place, code)| deps.places.name(*place, code)).collect();
        tokio::task::spawn_blocking(named).await.unwrap_or_else(|_| vec![None; count])
    }

    /// Gives those of the dimensions that are names of places the names of a range.
    pub(super) async fn name_places(
        &self,
        scope: &SiteScope,
        range: Range,
        dimensions: impl IntoIterator<Item = &mut Dimension>,
    ) -> Result<(), AnalyticsError> {
        let mut known = BTreeMap::new();
        for dimension in dimensions {
            let Dimension::PlaceName(place, names) = dimension else { continue };
            if !known.contains_key(place) {
                known.insert(*place, self.names_of(scope, range, *place).await?);
            }
            names.clone_from(&known[place]);
        }
        Ok(())
    }

    /// Codes and names, in the order of the codes.
    async fn names_of(&self, scope: &SiteScope, range: Range, place: Place) -> Result<Vec<(String, String)>, AnalyticsError> {
        // A question about codes names no place.
        let (_, rows) = Box::pin(self.rows(scope, Question::places(place, range, MOST_PLACES))).await?;
        let deps = self.deps.clone();
        let named = move || {
            let named = |code: &String| Some((code.clone(), deps.places.name(place, code)?));
            let mut names: Vec<(String, String)> = rows.iter().filter_map(|row| named(row.labels.first()?)).collect();
            names.sort();
            names
        };
        Ok(tokio::task::spawn_blocking(named).await.unwrap_or_default())
    }
}
