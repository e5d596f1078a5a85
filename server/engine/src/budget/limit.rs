//! Budgets and what is left of them.

use crate::store::{BudgetId, CourseId, NanoUsd};
use std::{fmt, str::FromStr};

/// A budget of each month.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Budget {
    /// Its id.
    pub id: BudgetId,
    /// `all` for the institution, or a course's id.
    pub scope: String,
    /// How much a month.
    #[sqlx(rename = "limit_nano")]
    pub limit: NanoUsd,
    /// At the limit, work is queued and not sent.
    pub hard_stop: bool,
}

impl Budget {
    /// The course; none: the institution.
    #[must_use]
    pub fn course(&self) -> Option<CourseId> {
        self.scope.parse().ok()
    }
}

/// Whose money it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole institution's.
    Institution,
    /// A course's.
    Course(CourseId),
}

/// As it is kept: `all`, or the course's id.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Institution => f.write_str(INSTITUTION),
            Self::Course(id) => write!(f, "{id}"),
        }
    }
}

/// The text is no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is neither a course’s id nor all, which stands for the institution.")]
pub struct NoScope(pub String);

impl FromStr for Scope {
    type Err = NoScope;

    fn from_str(text: &str) -> Result<Self, NoScope> {
        match text {
            INSTITUTION => Ok(Self::Institution),
            id => id.parse().map(Self::Course).map_err(|_| NoScope(id.chars().take(60).collect())),
        }
    }
}

/// What is held now and was spent in a month, in one scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Spending {
    /// `all` or a course's id.
    pub scope: String,
    /// Held for jobs at work, at their worst case.
    #[sqlx(rename = "reserved_nano")]
    pub reserved: NanoUsd,
    /// Expected for jobs at work.
    #[sqlx(rename = "expected_nano")]
    pub expected: NanoUsd,
    /// Spent.
    #[sqlx(rename = "spent_nano")]
    pub spent: NanoUsd,
}

impl Spending {
    /// What is spent or expected.
    #[must_use]
    pub fn used(&self) -> NanoUsd {
        self.spent + self.expected
    }
}

/// All budgets beside what was spent of them this month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budgets {
    /// The budgets.
    pub budgets: Vec<Budget>,
    /// The month's sums.
    pub spending: Vec<Spending>,
}

/// The scope of the whole institution.
pub const INSTITUTION: &str = "all";

impl Budgets {
    /// The sums of a scope.
    #[must_use]
    pub fn of(&self, scope: &str) -> Spending {
        self.spending.iter().find(|s| s.scope == scope).cloned().unwrap_or_default()
    }

    fn binding(&self, course: CourseId) -> impl Iterator<Item = (&Budget, Spending)> {
        let course = course.to_string();
        self.budgets
            .iter()
            .filter(move |b| b.scope == INSTITUTION || b.scope == course)
            .map(|budget| (budget, self.of(&budget.scope)))
    }

    /// The share of the budget that is spent or expected, of institution and course the larger; 0 without a budget.
    #[must_use]
    pub fn used(&self, course: CourseId) -> f64 {
        self.binding(course)
            .map(|(budget, s)| {
                let used = s.used().dollars();
                if budget.limit.0 > 0 { used / budget.limit.dollars() } else { 1.0 }
            })
            .fold(0.0, f64::max)
    }

    /// What can still be reserved before a hard stop; `None` where no hard stop binds.
    #[must_use]
    pub fn left(&self, course: CourseId) -> Option<NanoUsd> {
        self.binding(course)
            .filter(|(budget, _)| budget.hard_stop)
            .map(|(budget, s)| budget.limit - s.spent - s.reserved)
            .min()
    }

    /// Takes an amount from what is left, if it is there: the caller has the month's rows locked.
    pub fn take(&mut self, course: CourseId, amount: NanoUsd) -> bool {
        // What costs nothing is never stopped.
        if amount > NanoUsd::ZERO && self.left(course).is_some_and(|left| left < amount) {
            return false;
        }
        self.add_reserved(INSTITUTION, amount);
        self.add_reserved(&course.to_string(), amount);
        true
    }

    fn add_reserved(&mut self, scope: &str, amount: NanoUsd) {
        match self.spending.iter_mut().find(|s| s.scope == scope) {
            Some(s) => s.reserved += amount,
            None => self.spending.push(Spending {
                scope: scope.to_owned(),
                reserved: amount,
                ..Spending::default()
            }),
        }
    }
}
