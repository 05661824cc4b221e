//! A group's place in a partition, as the brokers keep it: an offset and a text beside it.

use footfall_model::Offset;
use serde::{Deserialize, Serialize};

use crate::{Committed, Intent, LogError};

/// Longest text: brokers refuse more than 4,096 bytes (`offset.metadata.max.bytes`).
pub(super) const MAX_BYTES: usize = 4_000;

/// The text.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Written {
    /// The last commit. With an intent, the offset is the intent's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    committed: Option<Committed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    intent: Option<Intent>,
}

/// What to commit: an offset and a text.
pub(super) struct Place {
    pub offset: Offset,
    pub text: String,
}

/// For a range that is about to be inserted.
pub(super) fn intended(committed: Option<Committed>, intent: &Intent) -> Result<Place, LogError> {
    let place = write(intent.first, &Written { committed, intent: Some(intent.clone()) })?;
    if place.text.len() > MAX_BYTES {
        return Err(LogError::fault(format!(
            "the intent of offsets {} to {} takes {} bytes and only {MAX_BYTES} can be kept; make the range shorter or name fewer splits",
            intent.first,
            intent.last,
            place.text.len()
        )));
    }
    Ok(place)
}

/// For everything below an offset being settled.
pub(super) fn settled(committed: &Committed) -> Result<Place, LogError> {
    write(committed.next, &Written { committed: Some(*committed), intent: None })
}

fn write(offset: Offset, written: &Written) -> Result<Place, LogError> {
    let text = serde_json::to_string(written).map_err(|error| LogError::fault(format!("the group's place cannot be written: {error}")))?;
    Ok(Place { offset, text })
}

/// Reads a place back. An offset without a readable text was set by a person or a tool: everything below it counts as settled.
pub(super) fn read(offset: Offset, text: &str) -> (Option<Committed>, Option<Intent>) {
    let foreign = || (Some(Committed { next: offset, rebuild_from: offset }), None);
    let Ok(written) = serde_json::from_str::<Written>(text) else { return foreign() };
    match (&written.committed, &written.intent) {
        (_, Some(intent)) if intent.first == offset => (written.committed, written.intent),
        (Some(committed), None) if committed.next == offset => (written.committed, None),
        _ => foreign(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent() -> Intent {
        Intent { first: 7, last: 9, rebuild_from: 3, content: "c".into(), splits: vec![8], dead: vec![] }
    }

    #[test]
    fn comes_back_as_it_was() {
        let committed = Committed { next: 6, rebuild_from: 2 };
        let place = intended(Some(committed), &intent()).unwrap();
        assert_eq!(place.offset, 7);
        assert_eq!(read(place.offset, &place.text), (Some(committed), Some(intent())));
        let place = intended(None, &intent()).unwrap();
        assert_eq!(read(place.offset, &place.text), (None, Some(intent())));
        let place = settled(&committed).unwrap();
        assert_eq!(read(place.offset, &place.text), (Some(committed), None));
    }

    #[test]
    fn an_offset_set_by_a_tool_counts() {
        let place = intended(None, &intent()).unwrap();
        for text in ["", "x", "{}", &place.text] {
            assert_eq!(read(100, text), (Some(Committed { next: 100, rebuild_from: 100 }), None));
        }
    }

    #[test]
    fn refuses_what_brokers_would_not_keep() {
        let long = Intent { splits: (10_000_000_000..10_000_000_400).collect(), ..intent() };
        assert!(intended(None, &long).is_err());
    }
}
