//! What stays live while a person looks. Rendered on the server like all else, woken in the browser; without
//! JavaScript each of them still says what it says and does no harm.

mod auto_refresh;
#[cfg(feature = "hydrate")]
mod browser;
mod condition_check;
mod live_status;
#[cfg(any(feature = "hydrate", test))]
mod politeness;
mod print;
mod rule_order;
mod unread;

pub use auto_refresh::*;
pub use condition_check::*;
pub use live_status::*;
pub use print::*;
pub use rule_order::*;
pub use unread::*;
