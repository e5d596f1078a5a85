//! How the month's money stands, and what it will come to (SPEC 7.3).

use super::{
    Budget, BudgetChange, BudgetError, INSTITUTION, Month, Paid, Spending, Way, begin_of, days,
    projection::{Known, LOOK_BACK, Projection, project},
    store,
};
use crate::{
    course::{self, Course},
    engine::{Engine, EngineError},
    identity::{Act, Actor},
    store::NanoUsd,
};
use chrono::{Days, NaiveDate};

/// Changes that are shown, at most.
const MOST_CHANGES: i64 = 50;

/// The money of a month.
#[derive(Clone, Debug)]
pub struct Monitor {
    /// The month.
    pub month: Month,
    /// Today, where the month is this one; else its last day.
    pub until: NaiveDate,
    /// It is this month: more will be spent in it.
    pub open: bool,
    /// The institution, then the courses that have a budget, by their codes.
    pub standings: Vec<Standing>,
    /// The institution's spend by the end of each day.
    pub by_day: Vec<(NaiveDate, NanoUsd)>,
    /// What the money went to, and what the same answers would cost in real time without a cache at today's prices; none
    /// where there is no price today.
    pub ways: Vec<(Way, Paid, Option<NanoUsd>)>,
    /// All courses, by their codes.
    pub courses: Vec<Course>,
    /// Budgets that were set and removed in the month, the newest first.
    pub changes: Vec<BudgetChange>,
}

/// How one budget stands, or spending without one.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The course; none: the institution.
    pub course: Option<Course>,
    /// The budget as it is set now.
    pub budget: Option<Budget>,
    /// The sums; in a month that has ended only what was spent.
    pub spending: Spending,
    /// What it will come to; none in a month that has ended, or before a whole day of spend has passed.
    pub projection: Option<Projection>,
}

impl Standing {
    /// The share of the limit that is spent or expected; none without a limit above nothing.
    #[must_use]
    pub fn used(&self) -> Option<f64> {
        self.share_of(self.spending.used())
    }

    /// The share of the limit that the month will come to.
    #[must_use]
    pub fn projected(&self) -> Option<f64> {
        self.share_of(self.projection?.likely)
    }

    /// What is left: the limit less what is spent and what is reserved, never below nothing; none without a budget.
    #[must_use]
    pub fn left(&self) -> Option<NanoUsd> {
        let budget = self.budget.as_ref()?;
        Some((budget.limit - self.spending.spent - self.spending.reserved).max(NanoUsd::ZERO))
    }

    fn share_of(&self, amount: NanoUsd) -> Option<f64> {
        let limit = self.budget.as_ref()?.limit;
        (limit > NanoUsd::ZERO).then(|| amount.dollars() / limit.dollars())
    }
}

impl Engine {
    /// How a month's money stands; with none, this month's.
    ///
    /// # Errors
    /// If the person may not see it, the month has not begun, or the database fails.
    pub async fn budget_monitor(&self, actor: &Actor, month: Option<Month>) -> Result<Monitor, BudgetError> {
        self.identity().check(actor, &Act::ManageBudgets).await?;
        let now = self.now();
        let today = super::day_of(now, self.zone());
        let this = Month::of(today);
        let month = month.unwrap_or(this);
        if month > this {
            return Err(BudgetError::Future(month));
        }
        let open = month == this;
        let until = if open { today } else { month.last() };
        let mut db = self.db();
        let courses = course::store::courses(&mut db).await?;
        let end = begin_of(month.next().first(), self.zone());
        // A month that has ended is held against the budgets that it had.
        let budgets = match open {
            true => store::budgets(&mut db).await?,
            false => store::budgets_at(&mut db, end).await?,
        };
        let changes =
            store::changes(&mut db, (begin_of(month.first(), self.zone()), end), MOST_CHANGES).await?;
        let sums = store::spending(&mut db, month).await?;
        let mut standings = Vec::new();
        let scopes = std::iter::once(None).chain(courses.iter().map(Some));
        for course in scopes {
            let scope = course.map_or_else(|| INSTITUTION.to_owned(), |course| course.id.to_string());
            let budget = budgets.iter().find(|budget| budget.scope == scope).cloned();
            if course.is_some() && budget.is_none() {
                continue;
            }
            let mut spending = sums.iter().find(|sum| sum.scope == scope).cloned().unwrap_or_default();
            if !open {
                (spending.reserved, spending.expected) = (NanoUsd::ZERO, NanoUsd::ZERO);
            }
            let projection = match open {
                true => self.projection(course.map(|course| course.id), today, spending.expected).await?,
                false => None,
            };
            standings.push(Standing { course: course.cloned(), budget, spending, projection });
        }
        let by_day = days::by_day(&mut db, (month.first(), until), None).await?;
        let mut ways = Vec::new();
        for (way, paid) in days::by_way(&mut db, month).await? {
            let realtime = self.in_real_time(&way, &paid).ok();
            ways.push((way, paid, realtime));
        }
        Ok(Monitor {
            month,
            until,
            open,
            standings,
            by_day: days::summed(month.first(), until, &by_day),
            ways,
            courses,
            changes,
        })
    }

    /// What this month will come to, of a course or of the institution.
    pub(crate) async fn projection(
        &self,
        course: Option<crate::store::CourseId>,
        today: NaiveDate,
        expected: NanoUsd,
    ) -> Result<Option<Projection>, EngineError> {
        let oldest = today - Days::new(u64::try_from(LOOK_BACK).unwrap_or(0));
        let from = oldest.min(Month::of(today).first());
        let by_day = days::by_day(&mut self.db(), (from, today), course).await?;
        let known = Known { today, by_day, expected };
        // Fitting takes some milliseconds.
        let projected = tokio::task::spawn_blocking(move || project(&known)).await;
        projected.map_err(|error| EngineError::Busy(format!("the projection broke off: {error}")))
    }
}
