//! What is saved by giving answers again.

use super::{Likeness, store};
use crate::{
    billing::{BillingError, Month},
    budget::day_of,
    engine::Engine,
    identity::{Act, Actor},
    queue::Job,
    routing::Route,
    store::{CourseId, JobId, NanoUsd},
};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

/// An answer that was given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reuse {
    /// The job that was given it.
    pub job: JobId,
    /// When.
    pub at: DateTime<Utc>,
    /// The day that it counts to, in the institution's time zone.
    pub day: NaiveDate,
    /// The job's course.
    pub course: CourseId,
    /// The course's cost centre.
    pub cost_centre: String,
    /// The provider that would have been asked.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The job's route.
    pub route: Route,
    /// Why it was given.
    pub likeness: Likeness,
    /// What asking again would have cost.
    pub saved: NanoUsd,
}

impl Reuse {
    /// A job is given an answer now, which saves so much.
    #[must_use]
    pub fn new(job: &Job, (likeness, saved): (Likeness, NanoUsd), zone: Tz, now: DateTime<Utc>) -> Self {
        Self {
            job: job.id,
            at: now,
            day: day_of(now, zone),
            course: job.course_id,
            cost_centre: job.cost_centre.clone(),
            provider: job.provider.clone(),
            model: job.model.clone(),
            route: job.route,
            likeness,
            saved,
        }
    }
}

/// The answer to an earlier request that a job was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Borrowed {
    /// Why.
    pub likeness: Likeness,
    /// What asking again would have cost.
    #[sqlx(rename = "saved_nano")]
    pub saved: NanoUsd,
    /// Which draft of its student that answer was about; of another student's, where the work is the same.
    pub draft: i64,
}

impl Borrowed {
    /// The student's own draft whose marks stand, as next to nothing changed since.
    #[must_use]
    pub const fn kept_from(&self) -> Option<i64> {
        match self.likeness {
            Likeness::NearDraft => Some(self.draft),
            Likeness::SameWork => None,
        }
    }
}

/// Answers that a course was given again.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ReusedBy {
    /// The course.
    pub course_id: CourseId,
    /// Its code.
    pub course: String,
    /// The cost centre that would have been charged.
    pub cost_centre: String,
    /// How many.
    pub answers: i64,
    /// What asking again would have cost.
    #[sqlx(rename = "saved_nano")]
    pub saved: NanoUsd,
    /// Of these, drafts that kept the marks of the one before.
    pub near_drafts: i64,
    /// What they would have cost.
    #[sqlx(rename = "near_drafts_nano")]
    pub near_drafts_saved: NanoUsd,
}

/// Answers that were given again in a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reused {
    /// The month, such as `2026-11`.
    pub month: String,
    /// How many.
    pub answers: i64,
    /// What asking again would have cost.
    pub saved: NanoUsd,
    /// By course, in the order of their codes.
    pub courses: Vec<ReusedBy>,
}

impl Engine {
    /// How many answers were given again in a month such as `2026-11`, and what asking again would have cost, in all and by
    /// course.
    ///
    /// # Errors
    /// If it is no month or has not begun, or the person may not.
    pub async fn reused(&self, actor: &Actor, month: &str) -> Result<Reused, BillingError> {
        self.identity().check(actor, &Act::SeeBilling).await?;
        let month = Month::read(month, self.zone(), self.now())?;
        let courses = store::reused(&mut self.db(), month.days()).await?;
        Ok(Reused {
            month: month.name(),
            answers: courses.iter().map(|by| by.answers).sum(),
            saved: courses.iter().map(|by| by.saved).sum(),
            courses,
        })
    }
}
