//! Walking a provider's list of batches, newest first, as far back as a batch can lie.

use super::{CallError, ErrorClass, Sought};
use chrono::{DateTime, TimeDelta, Utc};

/// How far the provider's clock may be behind ours.
const SKEW: TimeDelta = TimeDelta::minutes(5);
/// A list of more pages than this does not end.
const MOST_PAGES: u32 = 10_000;

/// The state of such a walk.
pub(super) struct Walk {
    oldest: DateTime<Utc>,
    last: Option<DateTime<Utc>>,
    /// The list has come newest first so far; once it has not, only its end is trusted.
    ordered: bool,
    past: bool,
    pages: u32,
    cursor: Option<String>,
}

impl Walk {
    pub(super) fn new(sought: &Sought) -> Self {
        let oldest = sought.not_before - SKEW;
        Self { oldest, last: None, ordered: true, past: false, pages: 0, cursor: None }
    }

    /// The cursor of the page to ask for; none for the first.
    pub(super) fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// Takes note of one batch; false if it is too old to be the one sought. Without a time it may be.
    pub(super) fn may_be(&mut self, created_at: Option<DateTime<Utc>>) -> bool {
        let Some(at) = created_at else { return true };
        self.ordered &= self.last.is_none_or(|last| at <= last + SKEW);
        self.last = Some(at);
        self.past = at < self.oldest;
        !self.past
    }

    /// Ends a page, whose last batch is `last`; true if there is another that must be looked at.
    pub(super) fn more(&mut self, has_more: Option<bool>, last: Option<String>) -> Result<bool, CallError> {
        self.pages += 1;
        let Some(last) = last else { return Ok(false) };
        if has_more == Some(false) || (self.ordered && self.past) {
            return Ok(false);
        }
        if self.cursor.as_ref() == Some(&last) || self.pages >= MOST_PAGES {
            return Err(CallError::new(
                ErrorClass::Malformed,
                format!("the provider's list of batches does not end (after page {})", self.pages),
            ));
        }
        self.cursor = Some(last);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(minutes: i64) -> Option<DateTime<Utc>> {
        Some("2026-11-24T10:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minutes))
    }

    fn walk() -> Walk {
        Walk::new(&Sought { token: "t".into(), requests: 1, not_before: at(0).unwrap(), known: Vec::new() })
    }

    #[test]
    fn stops_at_the_first_page_that_ends_too_old() {
        let mut w = walk();
        assert!(w.may_be(at(3)));
        assert!(w.may_be(at(-4)), "within the clocks' difference");
        assert!(w.more(Some(true), Some("a".into())).unwrap());
        assert_eq!(w.cursor(), Some("a"));
        assert!(!w.may_be(at(-6)));
        assert!(!w.more(Some(true), Some("b".into())).unwrap());
    }

    #[test]
    fn goes_to_the_end_of_a_list_in_another_order() {
        let mut w = walk();
        assert!(!w.may_be(at(-60)));
        assert!(!w.may_be(at(-30)));
        assert!(w.more(Some(true), Some("a".into())).unwrap(), "oldest first: the newest are still to come");
        assert!(w.may_be(at(1)));
        assert!(!w.more(Some(false), Some("b".into())).unwrap());
    }

    #[test]
    fn a_list_without_times_or_marks_is_read_until_it_is_empty() {
        let mut w = walk();
        assert!(w.may_be(None));
        assert!(w.more(None, Some("a".into())).unwrap());
        assert!(!w.more(None, None).unwrap());
    }

    #[test]
    fn a_list_that_repeats_itself_is_an_error() {
        let mut w = walk();
        assert!(w.more(Some(true), Some("a".into())).unwrap());
        assert!(w.more(Some(true), Some("a".into())).is_err());
    }
}
