//! The library's code that only the start needed leaves the process.
//!
//! Loading and opening touch 165 MB of the library's file, as the kernel maps 16 pages around each that is touched. A resting engine needs a
//! fraction. What is let go of stays in the page cache and comes back with the next touch (a first query took 69 ms where the next took 28); but it no
//! longer counts as this process's, and the kernel may drop it at once where memory is short.

use std::path::Path;
use std::time::Duration;

use crate::ffi;

/// After the start: migrations and the first questions are through.
const SETTLED: Duration = Duration::from_secs(5);

/// Lets go of the code once, after the start has settled. Without `/proc` nothing happens.
pub(crate) async fn leave_after_start(library: std::path::PathBuf) {
    tokio::time::sleep(SETTLED).await;
    if let Ok(text) = tokio::fs::read_to_string("/proc/self/smaps").await {
        let library = library.canonicalize().unwrap_or(library);
        for (start, end) in unchanged(&text, &library) {
            ffi::forget_file_pages(start, end);
        }
    }
}

/// Mappings of a file that cannot be written and hold nothing but the file's own pages, as first and end address.
fn unchanged(smaps: &str, file: &Path) -> Vec<(usize, usize)> {
    let file = file.to_string_lossy();
    let mut found = Vec::new();
    let mut candidate = None;
    for line in smaps.lines() {
        let mut words = line.split_whitespace();
        let (first, second) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        if let Some((start, end)) = addresses(first) {
            let fixed = matches!(second, "r-xp" | "r--p");
            candidate = (fixed && line.ends_with(file.as_ref())).then_some((start, end));
        } else if first == "Anonymous:" && second == "0" {
            found.extend(candidate.take());
        }
    }
    found
}

fn addresses(word: &str) -> Option<(usize, usize)> {
    let (start, end) = word.split_once('-')?;
    Some((usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unwritable_mappings_without_pages_of_their_own_are_taken() {
        let smaps = "\
1000-3000 r--p 00000000 fe:00 7    /lib/libchdb.so\nRss: 8 kB\nAnonymous: 0 kB\nVmFlags: rd mr\n\
3000-5000 r-xp 00002000 fe:00 7    /lib/libchdb.so\nRss: 8 kB\nAnonymous:             0 kB\n\
5000-6000 r--p 00004000 fe:00 7    /lib/libchdb.so\nRss: 4 kB\nAnonymous: 4 kB\n\
6000-7000 rw-p 00005000 fe:00 7    /lib/libchdb.so\nAnonymous: 0 kB\n\
8000-9000 r-xp 00000000 fe:00 8    /lib/libc.so.6\nAnonymous: 0 kB\n\
9000-a000 r--p 00000000 00:00 0\nAnonymous: 0 kB\n";
        assert_eq!(unchanged(smaps, Path::new("/lib/libchdb.so")), [(0x1000, 0x3000), (0x3000, 0x5000)]);
        assert!(unchanged("", Path::new("/lib/libchdb.so")).is_empty());
    }
}
