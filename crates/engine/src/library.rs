//! Where is `libchdb.so`?

use std::path::{Path, PathBuf};

use crate::EngineError;

/// The npm package, with the version this engine is made for (the registry's `latest` tag is older).
pub const LIBRARY_PACKAGE: &str = "@chdb/lib-linux-x64-gnu@26.7.3-stable.1";

/// The environment variable that names the library's file.
pub const LIBRARY_VARIABLE: &str = "FOOTFALL_LIBCHDB";

const FILE: &str = "libchdb.so";
const IN_CHECKOUT: &str = "node_modules/@chdb/lib-linux-x64-gnu/libchdb.so";

/// Finds the library: `explicit`, else `FOOTFALL_LIBCHDB`, else beside the program, else in the data folder, else in the
/// `node_modules` of a folder above the program or the working directory.
///
/// # Errors
///
/// [`EngineError::LibraryMissing`] lists every place looked at. A file that was named but is not there is an error at once:
/// falling back would hide the mistake.
pub fn find_library(data: &Path, explicit: Option<&Path>) -> Result<PathBuf, EngineError> {
    let variable = std::env::var_os(LIBRARY_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    let named = explicit.map(Path::to_owned).or(variable);
    let exe = std::env::current_exe().ok();
    let cwd = std::env::current_dir().ok();
    let candidates = match named {
        Some(path) => vec![path],
        None => candidates(data, exe.as_deref(), cwd.as_deref()),
    };
    match candidates.iter().find(|path| path.is_file()) {
        Some(found) => found.canonicalize().map_err(|source| EngineError::file("resolve", found, source)),
        None => Err(EngineError::LibraryMissing { looked: candidates }),
    }
}

fn candidates(data: &Path, exe: Option<&Path>, cwd: Option<&Path>) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let beside = exe.and_then(Path::parent);
    if let Some(folder) = beside {
        paths.push(folder.join(FILE));
    }
    paths.push(data.join(FILE));
    for start in [beside, cwd].into_iter().flatten() {
        for folder in start.ancestors() {
            let path = folder.join(IN_CHECKOUT);
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_beside_the_program_then_in_the_data_folder_then_upwards() {
        let found = candidates(Path::new("/data"), Some(Path::new("/opt/app/bin/footfall")), Some(Path::new("/opt")));
        let shown: Vec<_> = found.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        assert_eq!(shown[0], "/opt/app/bin/libchdb.so");
        assert_eq!(shown[1], "/data/libchdb.so");
        assert_eq!(shown[2], "/opt/app/bin/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so");
        assert_eq!(shown.iter().filter(|path| path.starts_with("/opt/node_modules/")).count(), 1);
    }

    #[test]
    fn a_named_file_that_is_missing_is_an_error_that_says_how_to_get_it() {
        let error = find_library(Path::new("/nowhere"), Some(Path::new("/nowhere/libchdb.so"))).unwrap_err();
        let text = error.to_string();
        for part in ["/nowhere/libchdb.so", LIBRARY_PACKAGE, "make setup", LIBRARY_VARIABLE] {
            assert!(text.contains(part), "{text:?} lacks {part:?}");
        }
    }
}
