//! Which dead letters are meant.

use super::Cause;
use crate::store::{AssignmentId, Query};
use chrono::{DateTime, Utc};

/// Which dead letters are meant; what is none narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Open ones, or those about which something was done.
    pub open: Option<bool>,
    /// Those of this cause.
    pub cause: Option<Cause>,
    /// Those that died at this provider.
    pub provider: Option<String>,
    /// Those of this assignment.
    pub assignment: Option<AssignmentId>,
    /// Those that died up to this time.
    pub until: Option<DateTime<Utc>>,
}

impl Filter {
    /// All of them.
    pub const ALL: Self = Self { open: None, cause: None, provider: None, assignment: None, until: None };
    /// All that wait for something to be done.
    pub const OPEN: Self =
        Self { open: Some(true), cause: None, provider: None, assignment: None, until: None };

    /// Placeholders that the condition has.
    pub(super) const PLACES: usize = 4;

    /// The condition on `dead_letters d` and its submission `s`.
    pub(super) fn sql(&self) -> String {
        let open = match self.open {
            None => "",
            Some(true) => "d.resolution IS NULL AND ",
            Some(false) => "d.resolution IS NOT NULL AND ",
        };
        format!(
            "{open}($1 IS NULL OR d.cause = $1) AND ($2 IS NULL OR d.provider = $2) \
             AND ($3 IS NULL OR s.assignment_id = $3) AND ($4 IS NULL OR d.died_at <= $4)"
        )
    }

    /// Binds what the condition's placeholders stand for.
    pub(super) fn bind(&self, query: &mut Query<'_>) {
        query.put(self.cause);
        query.put(self.provider.clone());
        query.put(self.assignment);
        query.put(self.until);
    }
}
