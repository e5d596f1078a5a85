//! A person's notices on the platform, in words.

use super::{
    Kind,
    store::{self, About, Shown},
};
use crate::{
    cost_control::Measure,
    engine::Engine,
    identity::{Act, Actor, Denied, IdentityError},
    store::{NanoUsd, NoticeId, PersonId, SubmissionId},
    webhook,
};
use chrono::{DateTime, TimeDelta, Utc};

/// A notice as a person reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxItem {
    /// Its id.
    pub id: NoticeId,
    /// What it tells.
    pub kind: Kind,
    /// A few words.
    pub title: &'static str,
    /// A sentence or two.
    pub body: String,
    /// When it was given or last brought up to date.
    pub at: DateTime<Utc>,
    /// It was read.
    pub read: bool,
    /// The page that it is about, a path of Quire.
    pub path: String,
}

/// A page of a person's notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbox {
    /// Newest first.
    pub items: Vec<InboxItem>,
    /// All there are.
    pub total: i64,
    /// Unread ones.
    pub unread: i64,
}

impl From<Shown> for InboxItem {
    fn from(shown: Shown) -> Self {
        let Shown { id, kind, created_at, read_at, about } = shown;
        let (title, body) = match &about {
            About::Submission { tracking_id, assignment, course, .. } => {
                of_submission(kind, tracking_id.as_str(), assignment, course)
            }
            About::Outage { provider, reason, began_at, ended_at } => {
                of_outage(provider, reason, ended_at.map(|at| at - *began_at))
            }
            About::Budget { course, month, percent, used, limit, hard_stop } => {
                let title = if *percent < 100 { "A budget is nearly used up" } else { "A budget is used up" };
                (title, of_budget(course.as_deref(), month, (*used, *limit), *percent >= 100 && *hard_stop))
            }
            About::Measure { measure, taken, why } => {
                let title =
                    if *taken { "Cost control took a measure" } else { "Cost control gave up a measure" };
                (title, of_measure(*measure, *taken, why))
            }
            About::Bill { month, state, why } => ("A bill was not taken", of_bill(month, *state, why)),
        };
        Self { id, kind, title, body, at: created_at, read: read_at.is_some(), path: path(kind, &about) }
    }
}

fn of_submission(kind: Kind, tracking_id: &str, assignment: &str, course: &str) -> (&'static str, String) {
    match kind {
        Kind::Received => ("We have your work", format!("“{assignment}” ({course}) is in, and safe.")),
        Kind::Delayed => (
            "It takes a little longer",
            format!(
                "“{assignment}” moved back in the line. Its page says why, and when marks are expected now."
            ),
        ),
        Kind::Processing => ("Being marked now", format!("Marking of “{assignment}” ({course}) has begun.")),
        Kind::Ready => {
            ("Your marks are ready", format!("See the marks and feedback for “{assignment}” ({course})."))
        }
        Kind::Closed => (
            "Your work was closed without marks",
            format!("“{assignment}” ({course}) could not be marked. Its page says why, and what you can do."),
        ),
        Kind::NeedsAttention
        | Kind::DeadLetters
        | Kind::ProviderOutage
        | Kind::BudgetThreshold
        | Kind::CostControl
        | Kind::BillGivenUp => (
            "A submission needs attention",
            format!(
                "{tracking_id} for “{assignment}” ({course}) ran out of automatic remedies. The student is told that a person looks at it."
            ),
        ),
    }
}

fn of_outage(provider: &str, reason: &str, lasted: Option<TimeDelta>) -> (&'static str, String) {
    match lasted {
        None => (
            "A provider does not work",
            format!(
                "Nothing is sent to “{provider}” for now ({reason}). It is tried again by itself; work that waits for it goes to others where that is possible."
            ),
        ),
        Some(lasted) => (
            "A provider works again",
            format!("“{provider}” works again, after {} minutes ({reason}).", lasted.num_minutes().max(1)),
        ),
    }
}

/// How a budget stood when its threshold was passed.
pub(super) fn of_budget(
    course: Option<&str>,
    month: &str,
    (used, limit): (NanoUsd, NanoUsd),
    stopped: bool,
) -> String {
    let whose = course.map_or_else(|| "the institution".to_owned(), |course| format!("“{course}”"));
    let share = used.dollars() / limit.dollars().max(f64::MIN_POSITIVE) * 100.0;
    let stopped = if stopped {
        " Work that costs money waits in the queue until the limit is raised or the next month begins."
    } else {
        ""
    };
    format!(
        "{used} of the budget of {whose} for {month} is spent or expected for work under way: {share:.0} % of {limit}.{stopped}"
    )
}

/// A measure that began or ended, in a few words.
pub(super) fn measure_title(measure: Measure, taken: bool) -> String {
    format!("“{}” {}", measure.title(), if taken { "began" } else { "ended" })
}

/// What a measure that was taken does, or that it is given up, and why.
pub(super) fn of_measure(measure: Measure, taken: bool, why: &str) -> String {
    if taken {
        format!(
            "“{}” began, since {why}. {} It ends by itself when the month looks better.",
            measure.title(),
            measure.what()
        )
    } else {
        format!(
            "“{}” ended: {why}. It changes nothing more; measures that began before it stay.",
            measure.title()
        )
    }
}

/// A bill that its address did not take, and how it stands by now.
pub(super) fn of_bill(month: &str, state: webhook::State, why: &str) -> String {
    match state {
        webhook::State::Failed => {}
        webhook::State::Delivered => {
            return format!("The address for bills has taken the bill of {month} after all.");
        }
        webhook::State::Waiting | webhook::State::Sending => {
            return format!("The bill of {month}, which was given up, is being posted again.");
        }
    }
    format!(
        "The address for bills did not take the bill of {month}, and it is not posted any more ({why}). See to the address, \
         then have it posted again: POST /api/v1/billing/deliveries/{{id}}/retry; GET /api/v1/billing/deliveries tells its id."
    )
}

/// The page that a notice is about.
pub(super) fn path(kind: Kind, about: &About) -> String {
    match about {
        About::Submission { tracking_id, .. } if kind.for_staff() => {
            format!("/teach/submissions/{tracking_id}")
        }
        About::Submission { tracking_id, .. } => format!("/s/{tracking_id}"),
        About::Outage { .. } => "/admin".to_owned(),
        About::Budget { month, .. } | About::Bill { month, .. } => format!("/admin/budget?month={month}"),
        About::Measure { .. } => "/admin/budget#cost-control".to_owned(),
    }
}

impl Engine {
    /// The actor's own notices, newest first.
    ///
    /// # Errors
    /// If nobody has signed in, or the database fails.
    pub async fn inbox(
        &self,
        actor: &Actor,
        unread_only: bool,
        skip: i64,
        most: i64,
    ) -> Result<Inbox, IdentityError> {
        let person = self.reader(actor).await?;
        let mut db = self.db();
        let items = store::list(&mut db, person, unread_only, skip.max(0), most.clamp(1, 200)).await?;
        let (total, unread) = store::count(&mut db, person).await?;
        Ok(Inbox { items: items.into_iter().map(InboxItem::from).collect(), total, unread })
    }

    /// How many of the actor's notices are unread.
    ///
    /// # Errors
    /// If nobody has signed in, or the database fails.
    pub async fn unread(&self, actor: &Actor) -> Result<i64, IdentityError> {
        let person = self.reader(actor).await?;
        Ok(store::count(&mut self.db(), person).await?.1)
    }

    /// Marks one of the actor's notices as read.
    ///
    /// # Errors
    /// If there is no such notice of theirs.
    pub async fn read_notice(&self, actor: &Actor, id: NoticeId) -> Result<(), IdentityError> {
        let person = self.reader(actor).await?;
        if store::set_read(&mut self.db(), person, id, self.now()).await? {
            Ok(())
        } else {
            Err(Denied::NotFound.into())
        }
    }

    /// Marks all of the actor's notices as read; answers how many were not.
    ///
    /// # Errors
    /// If nobody has signed in, or the database fails.
    pub async fn read_all_notices(&self, actor: &Actor) -> Result<u64, IdentityError> {
        let person = self.reader(actor).await?;
        Ok(store::set_all_read(&mut self.db(), person, None, self.now()).await?)
    }

    /// Marks the actor's notices about a submission as read, as they have its page open.
    ///
    /// # Errors
    /// If nobody has signed in, or the database fails.
    pub async fn read_notices_about(
        &self,
        actor: &Actor,
        submission: SubmissionId,
    ) -> Result<u64, IdentityError> {
        let person = self.reader(actor).await?;
        let mut db = self.db();
        // Most visits find nothing unread: they cost no write.
        if store::count(&mut db, person).await?.1 == 0 {
            return Ok(0);
        }
        Ok(store::set_all_read(&mut db, person, Some(submission.0), self.now()).await?)
    }

    async fn reader(&self, actor: &Actor) -> Result<PersonId, IdentityError> {
        let person = actor.person_id().ok_or(Denied::NotFound)?;
        self.identity().check(actor, &Act::ReadNotices { person }).await?;
        Ok(person)
    }
}
