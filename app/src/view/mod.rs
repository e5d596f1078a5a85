//! What pages show: plain structs that the server fills from the engine. They hold facts (states, times, counts);
//! the words for them are chosen in [`crate::words`] and the times are written in the reader's zone by
//! [`crate::when`], so that a page, a live update and a test say the same thing.
//!
//! Times are UTC, money is in nano-dollars, shares are fractions from 0 to 1.

#[cfg(feature = "ssr")]
mod admin;
#[cfg(feature = "ssr")]
mod budget;
#[cfg(feature = "ssr")]
mod cost_control;
#[cfg(feature = "ssr")]
mod forecast;
#[cfg(feature = "ssr")]
mod hand_in;
mod live;
#[cfg(feature = "ssr")]
mod prices;
#[cfg(feature = "ssr")]
mod prompts;
#[cfg(feature = "ssr")]
mod result;
#[cfg(feature = "ssr")]
mod rules;
#[cfg(feature = "ssr")]
mod staff;
#[cfg(feature = "ssr")]
mod student;
#[cfg(feature = "ssr")]
mod submission;

#[cfg(feature = "ssr")]
pub use admin::*;
#[cfg(feature = "ssr")]
pub use budget::*;
#[cfg(feature = "ssr")]
pub use cost_control::*;
#[cfg(feature = "ssr")]
pub use forecast::*;
#[cfg(feature = "ssr")]
pub use hand_in::*;
pub use live::*;
#[cfg(feature = "ssr")]
pub use prices::*;
#[cfg(feature = "ssr")]
pub use prompts::*;
#[cfg(feature = "ssr")]
pub use result::*;
#[cfg(feature = "ssr")]
pub use rules::*;
#[cfg(feature = "ssr")]
pub use staff::*;
#[cfg(feature = "ssr")]
pub use student::*;
#[cfg(feature = "ssr")]
pub use submission::*;

#[cfg(feature = "ssr")]
mod common {
    use chrono::{DateTime, Utc};

    /// A span of time in which something is expected, ends included.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct TimeRange {
        /// The earliest moment.
        pub from: DateTime<Utc>,
        /// The latest moment.
        pub to: DateTime<Utc>,
    }

    /// Points reached out of points possible.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Score {
        /// Points reached.
        pub points: f64,
        /// Points possible.
        pub out_of: f64,
    }

    /// An amount of money in nano-dollars (a billionth of a US dollar).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
    pub struct NanoUsd(pub i64);

    /// A link with its text.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Link {
        /// What the link says.
        pub label: String,
        /// Where it leads: a path of Quire or an `https` address.
        pub href: String,
    }

    /// Where a list stands that is shown a page at a time.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Paging {
        /// The page shown, counted from 1.
        pub page: u64,
        /// Rows on a full page.
        pub per_page: u64,
        /// Rows in all, over every page.
        pub total: u64,
    }

    impl Paging {
        /// The number of pages; an empty list has one.
        #[must_use]
        pub fn pages(&self) -> u64 {
            self.total.div_ceil(self.per_page.max(1)).max(1)
        }
    }

    /// The lane in which a job waits.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Lane {
        /// Marked by a direct call, in seconds.
        Urgent,
        /// Marked with the next batch.
        Standard,
        /// Marked when it is cheapest.
        Economy,
    }

    /// How a job reaches a model.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Route {
        /// A direct call.
        Realtime,
        /// A provider's batch.
        Batch,
    }

    /// The sign of a remark: something is as it should be, or is worth a look.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum RemarkSign {
        /// As it should be.
        Fine,
        /// Worth a look.
        Look,
    }

    /// One remark: a bold beginning, the rest, and where to look.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Remark {
        /// Fine, or worth a look.
        pub sign: RemarkSign,
        /// The bold beginning, a sentence or the first words of one: "Length fits the brief."
        pub title: String,
        /// What follows it, if anything.
        pub detail: String,
        /// Where to look.
        pub link: Option<Link>,
    }
}
#[cfg(feature = "ssr")]
pub use common::*;
