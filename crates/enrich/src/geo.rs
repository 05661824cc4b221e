//! Where an address is. The address itself is not kept.

use std::{borrow::Cow, net::IpAddr};

use maxminddb::{LookupResult, PathElement, Reader};

use crate::data::LoadError;

type Database = Reader<Cow<'static, [u8]>>;

/// Where an address is; unknown parts are empty or 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// ISO 3166-2, such as `DE-BE`.
    pub region: String,
    /// GeoNames id.
    pub city: u32,
}

#[derive(Debug)]
pub(crate) struct Geo {
    country: Database,
    city: Option<Database>,
}

impl Geo {
    pub(crate) fn load(country: Cow<'static, [u8]>, city: Option<Cow<'static, [u8]>>) -> Result<Self, LoadError> {
        Ok(Self {
            country: Reader::from_source(country).map_err(|error| LoadError::new("country.mmdb", error))?,
            city: city.map(Reader::from_source).transpose().map_err(|error| LoadError::new("city.mmdb", error))?,
        })
    }

    pub(crate) fn look_up(&self, address: IpAddr) -> Place {
        let address = address.to_canonical();
        let detailed = self.city.as_ref().map(|city| read(city, address)).filter(|place| !place.country.is_empty());
        detailed.unwrap_or_else(|| read(&self.country, address))
    }
}

fn read(database: &Database, address: IpAddr) -> Place {
    database.lookup(address).ok().and_then(|found| place(&found)).unwrap_or_default()
}

/// Where the records of a city database have the region, the first of its subdivisions, and the city.
pub(crate) const REGION: [PathElement<'_>; 2] = [PathElement::Key("subdivisions"), PathElement::Index(0)];
pub(crate) const CITY: [PathElement<'_>; 1] = [PathElement::Key("city")];

/// What a record says; none without a country.
pub(crate) fn place<S: AsRef<[u8]>>(found: &LookupResult<'_, S>) -> Option<Place> {
    if !found.has_data() {
        return None;
    }
    let text = |path: &[PathElement<'_>]| found.decode_path::<&str>(path).ok().flatten();
    // Flat records say `country_code`; MaxMind's nest it.
    let country = text(&[PathElement::Key("country_code")]).or_else(|| text(&[PathElement::Key("country"), PathElement::Key("iso_code")]));
    let country = country.filter(|code| is_code(code, 2..=2))?;
    let [subdivisions, first] = REGION;
    let region = text(&[subdivisions, first, PathElement::Key("iso_code")]).filter(|code| is_code(code, 1..=3));
    let [city] = CITY;
    let city = found.decode_path::<u32>(&[city, PathElement::Key("geoname_id")]).ok().flatten();
    Some(Place {
        region: region.map_or_else(String::new, |region| format!("{country}-{region}")),
        city: city.unwrap_or(0),
        country: country.to_owned(),
    })
}

fn is_code(code: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}
