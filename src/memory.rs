//! How much memory this process has, and may have. Asks the system; knows nothing of what the memory is for.

/// The bytes of memory that this process may have: those of the machine, or of the container that it runs in. 0 if nobody
/// knows.
pub fn limit() -> u64 {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let of_container = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
    of_container.min(system.total_memory())
}

/// The bytes of memory that this process has now (its resident set); `None` where that costs too much to ask.
#[cfg(target_os = "linux")]
pub fn resident() -> Option<usize> {
    // proc(5)
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()?.checked_mul(1024)
}

/// The bytes of memory that this process has now; `None` where that costs too much to ask.
#[cfg(not(target_os = "linux"))]
pub fn resident() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_has_some_memory_and_may_have_more() {
        let limit = super::limit();
        assert!(limit > 1 << 20, "{limit}");
        #[cfg(target_os = "linux")]
        assert!((1 << 20..limit).contains(&(super::resident().unwrap() as u64)));
    }
}
