//! `footfall-bindgen IN.wasm OUT_DIR`: writes `footfall.js` and `footfall_bg.wasm`. The library is pinned to the very version that
//! the pages are compiled with, so no tool has to be installed and none can disagree.

use anyhow::{Context, bail};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [input, out_dir] = arguments.as_slice() else {
        bail!("usage: footfall-bindgen IN.wasm OUT_DIR");
    };
    Bindgen::new()
        .input_path(input)
        .web(true)?
        .out_name("footfall")
        .typescript(false)
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(out_dir)
        .with_context(|| format!("cannot make the glue of {}", input.display()))
}
