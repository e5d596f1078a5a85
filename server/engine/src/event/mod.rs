//! What happened, in order: the outbox that wakes watchers (and later leaves the house).

mod store;
mod tail;

pub use store::{Event, EventKind, after, last_seq, record};
pub use tail::{Tail, Watch};
