//! Named points at which a test can make the process end as if by `kill -9`.
//!
//! `QUIRE_CRASH_AT=NAME` ends the process the first time that it comes to the point, `QUIRE_CRASH_AT=NAME:N` the
//! N-th time. Compiled into debug builds only; in release builds a point is nothing.

/// Every point, in the order in which a submission comes to them.
pub const POINTS: [&str; 15] = [
    "hand_in.before_commit",
    "hand_in.after_commit",
    "cut.before_commit",
    "cut.after_commit",
    "send.after_upload",
    "send.after_input_stored",
    "send.before_create",
    "send.after_create",
    "split.before_commit",
    "split.after_commit",
    "ingest.before_chunk_commit",
    "ingest.after_chunk_commit",
    "ingest.before_close",
    "call.before_ask",
    "call.after_answer",
];

/// Ends the process here if the environment says so.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    use std::sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    };
    static AT: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
        let at = std::env::var("QUIRE_CRASH_AT").ok()?;
        let (name, nth) = at.split_once(':').unwrap_or((&at, "1"));
        Some((name.to_owned(), nth.parse().ok()?))
    });
    static SEEN: AtomicU64 = AtomicU64::new(0);
    debug_assert!(POINTS.contains(&name), "{name} is not in the list of crash points");
    if let Some((at, nth)) = &*AT
        && at == name
        && SEEN.fetch_add(1, Ordering::SeqCst) + 1 == *nth
    {
        // The hardest end there is: no destructor, no flush.
        std::process::abort();
    }
}

/// Nothing.
#[cfg(not(debug_assertions))]
pub const fn point(_name: &str) {}
