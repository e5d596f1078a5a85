//! Sample pages: every state a page can be in, at fixed ids and a fixed time.

mod admin;
mod budget;
mod letters;
mod prices;
mod prompts;
mod rules;
mod staff;
mod student;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use quire_app::data::{PageData, PageError, PageResult, RefusedForm, Role, Viewer, Visit};
use quire_app::view;

/// A Wednesday, 14:05 in Berlin: the time at which all samples are looked at.
pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_611_900, 0).expect("a time within range")
}

/// So many minutes before (or after, if negative) the time of the samples.
pub fn ago(minutes: i64) -> DateTime<Utc> {
    now() - TimeDelta::minutes(minutes)
}

/// A person of each role.
pub fn viewer(role: Role) -> Viewer {
    let (id, name, unread) = match role {
        Role::Student => (1, "Ada Lind", 2),
        Role::Instructor => (2, "Nora Berg", 0),
        Role::Admin => (3, "Remi Okafor", 1),
    };
    Viewer {
        id: uuid::Uuid::from_u128(id),
        name: name.to_owned(),
        role,
        zone: chrono_tz::Europe::Berlin,
        unread,
    }
}

/// A visit by a person of this role, or by nobody.
pub fn visit(role: Option<Role>) -> Visit {
    Visit {
        viewer: role.map(viewer),
        session_ended: false,
        csrf: "sample-token".to_owned(),
        now: now(),
        zone: chrono_tz::Europe::Berlin,
        demo: true,
        form: None,
        message: None,
    }
}

/// The samples. An id that is no sample is not found, as on a real server.
pub struct Samples;

#[async_trait]
impl PageData for Samples {
    async fn sign_in(&self) -> PageResult<view::SignIn> {
        Ok(student::sign_in())
    }

    async fn student_home(&self, viewer: &Viewer) -> PageResult<view::StudentHome> {
        Ok(if viewer.name == "Nobody Yet" { student::empty_home() } else { student::home() })
    }

    async fn hand_in(&self, _viewer: &Viewer, assignment: &str) -> PageResult<view::HandIn> {
        student::hand_in(assignment).ok_or(PageError::NotFound)
    }

    async fn submission(&self, _viewer: &Viewer, tracking_id: &str) -> PageResult<view::Submission> {
        if tracking_id == "QR-DOWN" {
            return Err(PageError::Unavailable { retry_after: Some(5) });
        }
        student::submission(tracking_id).ok_or(PageError::NotFound)
    }

    async fn submitted_text(&self, _viewer: &Viewer, tracking_id: &str) -> PageResult<view::SubmittedText> {
        student::submitted_text(tracking_id).ok_or(PageError::NotFound)
    }

    async fn notices(&self, _viewer: &Viewer, page: u64) -> PageResult<view::Notices> {
        Ok(student::notices(page))
    }

    async fn teach_home(&self, viewer: &Viewer) -> PageResult<view::TeachHome> {
        if viewer.role == Role::Student {
            return Err(PageError::Forbidden);
        }
        Ok(staff::home())
    }

    async fn teach_assignment(
        &self,
        _viewer: &Viewer,
        assignment: &str,
        filter: view::SubmissionFilter,
        page: u64,
    ) -> PageResult<view::TeachAssignment> {
        staff::assignment(assignment, filter, page).ok_or(PageError::NotFound)
    }

    async fn staff_submission(
        &self,
        _viewer: &Viewer,
        tracking_id: &str,
    ) -> PageResult<view::StaffSubmission> {
        staff::submission(tracking_id).ok_or(PageError::NotFound)
    }

    async fn overview(&self, viewer: &Viewer) -> PageResult<view::Overview> {
        Ok(if viewer.name == "Nobody Yet" { admin::empty_overview() } else { admin::overview() })
    }

    async fn batches(
        &self,
        _viewer: &Viewer,
        state: Option<view::BatchState>,
        page: u64,
    ) -> PageResult<view::Batches> {
        Ok(admin::batches(state, page))
    }

    async fn batch(&self, _viewer: &Viewer, id: &str, page: u64) -> PageResult<view::Batch> {
        admin::batch(id, page).ok_or(PageError::NotFound)
    }

    async fn mark_by_hand(&self, _viewer: &Viewer, tracking_id: &str) -> PageResult<view::MarkByHand> {
        staff::mark_by_hand(tracking_id).ok_or(PageError::NotFound)
    }

    async fn dead_letters(
        &self,
        _viewer: &Viewer,
        filter: view::LetterFilter,
        page: u64,
    ) -> PageResult<view::DeadLetters> {
        Ok(letters::list(&filter, page))
    }

    async fn dead_letter(
        &self,
        _viewer: &Viewer,
        id: &str,
        show_text: bool,
    ) -> PageResult<view::OpenedLetter> {
        letters::one(id, show_text).ok_or(PageError::NotFound)
    }

    async fn budget(
        &self,
        _viewer: &Viewer,
        month: Option<&str>,
        set: Option<&str>,
        sent: Option<&RefusedForm>,
    ) -> PageResult<view::Budget> {
        Ok(budget::budget(month, set, sent))
    }

    async fn rules(&self, _viewer: &Viewer) -> PageResult<view::Rules> {
        Ok(rules::rules())
    }

    async fn rule_versions(&self, _viewer: &Viewer, _up_to: Option<i64>) -> PageResult<view::RuleVersions> {
        Ok(rules::versions())
    }

    async fn rule(
        &self,
        _viewer: &Viewer,
        name: Option<&str>,
        sent: Option<&RefusedForm>,
    ) -> PageResult<view::RuleEdit> {
        rules::edit(name, sent).ok_or(PageError::NotFound)
    }

    async fn prices(&self, viewer: &Viewer) -> PageResult<view::Prices> {
        Ok(prices::prices(viewer.name == "Nobody Yet"))
    }

    async fn prompts(&self, viewer: &Viewer, sent: Option<&RefusedForm>) -> PageResult<view::Prompts> {
        Ok(prompts::prompts(viewer.name == "Nobody Yet", sent))
    }

    async fn trial(&self, _viewer: &Viewer, id: &str) -> PageResult<view::TrialDetail> {
        prompts::one(id).ok_or(PageError::NotFound)
    }

    async fn mailbox(&self, open: Option<&str>, page: u64) -> PageResult<view::Mailbox> {
        admin::mailbox(open, page).ok_or(PageError::NotFound)
    }
}

pub use admin::mail_html;
pub use student::{MOVED, MOVING, progress};
