//! Names of the built files, as `tools/assets.mjs` wrote them into `target/site/manifest.json`.

use serde::Deserialize;

/// Paths below `/`, each with the hash of its content, e.g. `/pkg/footfall-1a2b3c4d.js`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Assets {
    /// Glue of the WASM.
    pub js: String,
    /// The compiled pages.
    pub wasm: String,
    /// Style sheet.
    pub css: String,
    /// Small conveniences of every page.
    pub page: String,
    /// What only the realtime page needs.
    pub realtime: String,
    /// Chart drawing, loaded last.
    pub charts: String,
    /// The shapes of countries: an SVG file that has each under its code.
    pub world: String,
    /// The codes that are in it, with blanks between.
    pub countries: String,
    /// Those of them that are too small for a shape: dots stand for them.
    pub dots: String,
}

/// The manifest is not what `tools/assets.mjs` writes.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the manifest of the built files: {0}; run `node tools/assets.mjs`")]
pub struct BadManifest(#[from] serde_json::Error);

impl Assets {
    /// From the text of `manifest.json`.
    ///
    /// # Errors
    /// When the text is not such a manifest.
    pub fn from_manifest(json: &str) -> Result<Self, BadManifest> {
        Ok(serde_json::from_str(json)?)
    }
}
