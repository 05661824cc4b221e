//! How the first answer travels inside the page: as JSON. Leptos' own codec would put a second reader and a writer of every type into
//! the WASM; this one shares the reader with the server functions, and only the server writes.

use leptos::server::codee::{Decoder, Encoder};
use serde::de::DeserializeOwned;

/// JSON, written by the server and read by the browser.
pub struct JsonText;

#[cfg(feature = "ssr")]
impl<T: serde::Serialize> Encoder<T> for JsonText {
    type Error = serde_json::Error;
    type Encoded = String;

    fn encode(value: &T) -> Result<String, serde_json::Error> {
        serde_json::to_string(value)
    }
}

#[cfg(not(feature = "ssr"))]
impl<T> Encoder<T> for JsonText {
    type Error = serde_json::Error;
    type Encoded = String;

    fn encode(_: &T) -> Result<String, serde_json::Error> {
        Err(serde::ser::Error::custom("only the server writes"))
    }
}

impl<T: DeserializeOwned> Decoder<T> for JsonText {
    type Error = serde_json::Error;
    type Encoded = str;

    fn decode(text: &str) -> Result<T, serde_json::Error> {
        serde_json::from_slice(text.as_bytes())
    }
}
