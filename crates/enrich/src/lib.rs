//! What the collector adds to an event before it becomes durable: page, source, browser, bot class, country, visitor id.
//!
//! Nothing here does I/O after loading, nothing is async, and nothing panics whatever a sender writes. The address and the user agent
//! come in and never leave: only what is derived from them does. One file answers one question:
//!
//! | file | question |
//! |---|---|
//! | [`url`] | which page, which campaign |
//! | [`referrer`], [`source`] | where from |
//! | [`channel`] | which kind of source (computed when reading) |
//! | [`agent`], [`bot`] | which browser, system, device; a person or which kind of program |
//! | [`geo`] | which country |
//! | [`visitor`] | who, for one day |

pub mod agent;
pub mod bot;
pub mod channel;
mod data;
pub mod geo;
mod places;
pub mod referrer;
pub mod source;
pub mod text;
pub mod url;
pub mod visitor;

use std::{net::IpAddr, sync::Arc};

pub use agent::Agent;
pub use channel::{Channel, ChannelInput};
pub use data::{EnrichData, LoadError};
pub use geo::Place;
pub use places::PlaceNames;
pub use source::Category;

/// The lists and databases, loaded once per process and shared by every request.
#[derive(Debug)]
pub struct Enricher {
    agents: agent::Agents,
    geo: geo::Geo,
}

impl Enricher {
    /// Compiles the lists. Takes some 0.1 s.
    ///
    /// # Errors
    /// When a list or a database cannot be read; the message names it.
    pub fn load(data: EnrichData) -> Result<Self, LoadError> {
        Ok(Self {
            agents: agent::Agents::load(&data.regexes_yaml, &data.bots_json)?,
            geo: geo::Geo::load(data.country_mmdb, data.city_mmdb)?,
        })
    }

    /// What a user agent says. Answers from a bounded cache keyed by hash, which holds no user agent.
    #[must_use]
    pub fn agent(&self, user_agent: &[u8]) -> Arc<Agent> {
        self.agents.look_up(user_agent)
    }

    /// Where an address is; unknown parts are empty.
    #[must_use]
    pub fn place(&self, address: IpAddr) -> Place {
        self.geo.look_up(address)
    }
}
