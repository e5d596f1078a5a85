//! Forecasts: how long batches and calls take, learnt from those that ended; what follows for the time at which marks are
//! there; how often such promises were kept; and the best hours to send in (SPEC 1.2, 3.2, 3.3, 8.1).
//!
//! ```text
//! finished batches -> Sample -> Forecast (fixed rule, or learnt model where it won its Trial)
//! Forecast + queue and slots -> Outlook -> reckoned for one job -> Correction -> told, and stored with it -> Coverage
//! finished jobs    -> Outcome -> Correction
//! finished batches -> Advice (when to send)
//! ```
//! All of it but `store` and `view` is pure.

mod advice;
mod correction;
mod coverage;
mod fixed;
mod history;
mod learnt;
mod line;
mod linear;
mod model;
mod outlook;
mod spread;
pub mod store;
#[cfg(test)]
mod tests;
mod trial;
mod view;
#[cfg(test)]
mod week;

pub use advice::{Advice, Window, advise};
pub use correction::{Correction, Outcome};
pub use coverage::Coverage;
pub use history::Sample;
pub(crate) use history::hour_of;
pub use model::{Basis, Forecast};
pub(crate) use outlook::sent;
pub use outlook::{CallOutlook, Outlook, Pending, QueueFacts};
pub use spread::Spread;
pub use trial::{Loss, Trial, Verdict};
pub use view::{Estimates, ProviderForecast, ScheduleError};

pub(crate) use view::{assumed, calls, correction, samples};

/// Finished batches of this many days are looked at.
pub const HISTORY_DAYS: i64 = 14;

/// And no more than so many of them, the newest.
pub const MOST_SAMPLES: i64 = 400;
