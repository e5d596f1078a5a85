//! Figures of a running process, as the kernel tells them.

use anyhow::Context;

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// In use now.
    pub now: u64,
    /// The most that was in use.
    pub peak: u64,
}

impl Memory {
    /// Of the process with this id.
    ///
    /// # Errors
    /// If there is no such process.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let path = format!("/proc/{pid}/status");
        let text = std::fs::read_to_string(&path).with_context(|| format!("{path} can't be read"))?;
        let bytes = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
            kib.map(|kib| kib * 1024).with_context(|| format!("{path} has no {name}"))
        };
        Ok(Self { now: bytes("VmRSS:")?, peak: bytes("VmHWM:")? })
    }
}

/// Has the kernel count the peak of a process's memory anew; false where it can't.
#[must_use]
pub fn forget_peak(pid: u32) -> bool {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    #[test]
    fn our_own_memory() {
        let memory = super::Memory::of(std::process::id()).unwrap();
        assert!(memory.now > 1 << 20 && memory.peak >= memory.now);
    }
}
