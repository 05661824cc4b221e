//! What the figures were measured on.

use crate::heading;

/// Prints processor, memory, kernel and version.
pub fn print() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")).map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let meminfo = read("/proc/meminfo");
    let kib: u64 =
        meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0);
    let kernel = read("/proc/sys/kernel/osrelease");
    heading(&format!(
        "Machine: {model}, {cores} cores, {} GB, Linux {}; footfall {}; load generator on the same machine",
        kib >> 20,
        kernel.trim(),
        env!("CARGO_PKG_VERSION")
    ));
}
