//! Names of regions and cities, from the database that gives their codes ([`crate::EnrichData::city_mmdb`]).

use std::collections::{HashMap, HashSet};

use maxminddb::{LookupResult, PathElement, Reader, WithinOptions};

use crate::{data::LoadError, geo};

/// Names in English by code: what an address database knows, some ten megabytes for the whole world.
#[derive(Debug, Default)]
pub struct PlaceNames {
    regions: HashMap<String, String>,
    cities: HashMap<u32, String>,
}

impl PlaceNames {
    /// Reads a whole database in MaxMind's format; takes seconds for the whole world.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(city_mmdb: &[u8]) -> Result<Self, LoadError> {
        let wrong = |error| LoadError::new("city.mmdb", error);
        let database = Reader::from_source(city_mmdb).map_err(wrong)?;
        let (mut names, mut seen) = (Self::default(), HashSet::new());
        // Many networks share one record.
        for found in database.networks(WithinOptions::default()).map_err(wrong)? {
            let found = found.map_err(wrong)?;
            if found.offset().is_some_and(|offset| seen.insert(offset)) {
                names.add(&found);
            }
        }
        Ok(names)
    }

    fn add(&mut self, found: &LookupResult<'_, &[u8]>) {
        let Some(place) = geo::place(found) else { return };
        if let Some(region) = name(found, &geo::REGION).filter(|_| !place.region.is_empty()) {
            self.regions.entry(place.region).or_insert(region);
        }
        if let Some(city) = name(found, &geo::CITY).filter(|_| place.city != 0) {
            self.cities.entry(place.city).or_insert(city);
        }
    }

    /// `DE-BY` → `Bavaria`
    #[must_use]
    pub fn region(&self, code: &str) -> Option<&str> {
        self.regions.get(code).map(String::as_str)
    }

    /// A GeoNames id → `Munich`
    #[must_use]
    pub fn city(&self, id: u32) -> Option<&str> {
        self.cities.get(&id).map(String::as_str)
    }
}

fn name(found: &LookupResult<'_, &[u8]>, at: &[PathElement<'_>]) -> Option<String> {
    let path: Vec<PathElement<'_>> = at.iter().cloned().chain(["names", "en"].map(PathElement::Key)).collect();
    found.decode_path::<&str>(&path).ok().flatten().map(str::to_owned).filter(|name| !name.is_empty())
}
