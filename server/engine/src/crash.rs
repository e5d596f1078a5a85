//! Named points at which a test can make the process end as if by `kill -9`.
//!
//! `QUIRE_CRASH_AT=NAME` ends the process the first time that it comes to the point, `QUIRE_CRASH_AT=NAME:N` the
//! N-th time. `QUIRE_STOP_AT` likewise stops it there, as `kill -STOP` does, until it is told to go on.
//! Compiled into debug builds only; in release builds a point is nothing.

#[cfg(debug_assertions)]
use std::sync::{
    LazyLock,
    atomic::{AtomicU64, Ordering},
};

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

/// Ends or stops the process here if the environment says so.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    static CRASH: LazyLock<Option<Occasion>> = LazyLock::new(|| Occasion::named("QUIRE_CRASH_AT"));
    static STOP: LazyLock<Option<Occasion>> = LazyLock::new(|| Occasion::named("QUIRE_STOP_AT"));
    debug_assert!(POINTS.contains(&name), "{name} is not in the list of crash points");
    if CRASH.as_ref().is_some_and(|at| at.is_now(name)) {
        // The hardest end there is: no destructor, no flush.
        std::process::abort();
    }
    if STOP.as_ref().is_some_and(|at| at.is_now(name)) {
        // All threads stand still before `kill` has ended.
        let stopped =
            std::process::Command::new("kill").args(["-STOP", &std::process::id().to_string()]).status();
        tracing::warn!(point = name, ?stopped, "was stopped, and goes on");
    }
}

/// The N-th time that a process comes to a point.
#[cfg(debug_assertions)]
struct Occasion {
    point: String,
    nth: u64,
    seen: AtomicU64,
}

#[cfg(debug_assertions)]
impl Occasion {
    fn named(variable: &str) -> Option<Self> {
        let at = std::env::var(variable).ok()?;
        let (point, nth) = at.split_once(':').unwrap_or((&at, "1"));
        Some(Self { point: point.to_owned(), nth: nth.parse().ok()?, seen: AtomicU64::new(0) })
    }

    fn is_now(&self, name: &str) -> bool {
        self.point == name && self.seen.fetch_add(1, Ordering::SeqCst) + 1 == self.nth
    }
}

/// Nothing.
#[cfg(not(debug_assertions))]
pub const fn point(_name: &str) {}
