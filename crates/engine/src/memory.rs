//! How much memory may the engine take?

use std::path::Path;

/// Never less: below this the engine cannot merge what it stores.
const LEAST: u64 = 256 << 20;
/// Used where neither the machine nor the container says how large it is.
const UNKNOWN: u64 = 1 << 30;

/// 40 % of the machine's memory or of the container's limit, whichever is smaller, and at least 256 MiB; in bytes.
///
/// The rest is for the collector, the page cache and the operating system.
#[must_use]
pub fn default_memory_cap() -> u64 {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| parse_meminfo(&text));
    let limit = std::fs::read_to_string("/proc/self/cgroup").ok().and_then(|text| cgroup_limit(Path::new("/sys/fs/cgroup"), &text));
    cap(machine, limit)
}

fn cap(machine: Option<u64>, limit: Option<u64>) -> u64 {
    match [machine, limit].into_iter().flatten().min() {
        Some(total) => (total / 100 * 40).max(LEAST),
        None => UNKNOWN,
    }
}

fn parse_meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// The smallest limit on the way from this process's group to the root (version 2), or version 1's own limit.
fn cgroup_limit(root: &Path, groups: &str) -> Option<u64> {
    let read = |path: &Path| std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<u64>().ok());
    let unified = groups.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/");
    let group = root.join(unified.trim_start_matches('/'));
    let levels = group.ancestors().take_while(|path| path.starts_with(root)).filter_map(|path| read(&path.join("memory.max")));
    // Version 1 writes "no limit" as a number near 2^63.
    let old = read(&root.join("memory/memory.limit_in_bytes")).filter(|limit| *limit < 1 << 60);
    levels.chain(old).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_two_fifths_of_the_smaller_figure_but_not_less_than_the_minimum() {
        assert_eq!(cap(Some(1000 << 20), None), (1000 << 20) / 100 * 40);
        assert_eq!(cap(Some(24 << 30), Some(2000 << 20)), (2000 << 20) / 100 * 40);
        assert_eq!(cap(Some(128 << 20), None), LEAST);
        assert_eq!(cap(None, None), UNKNOWN);
    }

    #[test]
    fn reads_the_machine_and_the_container() {
        assert_eq!(parse_meminfo("MemTotal:       1024 kB\nMemFree: 1 kB\n"), Some(1 << 20));
        let root = tempfile::tempdir().unwrap();
        let group = root.path().join("a/b");
        std::fs::create_dir_all(&group).unwrap();
        std::fs::write(group.join("memory.max"), "max\n").unwrap();
        std::fs::write(root.path().join("a/memory.max"), "1048576\n").unwrap();
        assert_eq!(cgroup_limit(root.path(), "0::/a/b\n"), Some(1 << 20));
        assert_eq!(cgroup_limit(root.path(), "0::/\n"), None);
    }
}
