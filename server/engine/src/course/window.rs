//! When an assignment takes work, and how often.

use super::Assignment;
use chrono::{DateTime, Utc};

/// Work that an assignment does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandInRefused {
    /// It opens later.
    #[error(
        "This assignment opens on {}. Nothing was handed in; come back then.",
        .opens.format("%-d %B %Y at %H:%M UTC")
    )]
    NotOpenYet {
        /// When it opens.
        opens: DateTime<Utc>,
    },
    /// It has closed.
    #[error(
        "This assignment closed on {}. Nothing was handed in; ask your teacher if you may still do so.",
        .closed.format("%-d %B %Y at %H:%M UTC")
    )]
    Closed {
        /// When it closed.
        closed: DateTime<Utc>,
    },
    /// All drafts are used up.
    #[error(
        "You have handed in all {max} versions that this assignment allows. Nothing was handed in; your last version counts."
    )]
    NoDraftLeft {
        /// How many it allows.
        max: i64,
    },
}

/// Whether a student who has handed in so many drafts may hand in another now; answers how many will be left after it.
/// The time of opening is the first at which work is taken, the time of closing the first at which it is not.
///
/// # Errors
/// Why not.
pub fn may_hand_in(
    assignment: &Assignment,
    now: DateTime<Utc>,
    drafts_so_far: i64,
) -> Result<i64, HandInRefused> {
    if let Some(opens) = assignment.opens_at.filter(|opens| now < *opens) {
        return Err(HandInRefused::NotOpenYet { opens });
    }
    if let Some(closed) = assignment.closes_at.filter(|closes| now >= *closes) {
        return Err(HandInRefused::Closed { closed });
    }
    let left = assignment.max_drafts - drafts_so_far;
    if left <= 0 {
        return Err(HandInRefused::NoDraftLeft { max: assignment.max_drafts });
    }
    Ok(left - 1)
}
