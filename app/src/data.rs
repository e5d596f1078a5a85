//! Where pages get what they show: the server implements [`PageData`] over the engine, the gallery over samples.

use crate::view;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

/// What a person may see and do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Hands in.
    Student,
    /// Owns assignments and marks.
    Instructor,
    /// Owns rules, budgets and providers.
    Admin,
}

/// The person who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The person.
    pub id: Uuid,
    /// Name, as shown in the header.
    pub name: String,
    /// Role.
    pub role: Role,
    /// The zone in which times are shown.
    pub zone: Tz,
    /// Unread notices.
    pub unread: u32,
}

/// One visit of a page: who looks, when, and what came of the form that was sent.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The person; none before signing in.
    pub viewer: Option<Viewer>,
    /// Whether there was a session that has ended, so that the sign-in page can say so.
    pub session_ended: bool,
    /// The token that every form sends back as `csrf`.
    pub csrf: String,
    /// The time of the visit.
    pub now: DateTime<Utc>,
    /// Where people are shown times before they sign in.
    pub zone: Tz,
    /// Whether this is a demo, with one-click sign-in and a mailbox.
    pub demo: bool,
    /// The form that was refused, to show again with what was typed.
    pub form: Option<RefusedForm>,
    /// A message to show once, after a form was accepted.
    pub message: Option<String>,
}

impl Visit {
    /// The zone in which this visit's times are shown.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.viewer.as_ref().map_or(self.zone, |viewer| viewer.zone)
    }
}

/// A form that was refused; without errors, one that only asked to see something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefusedForm {
    /// What is wrong, in the order of the fields.
    pub errors: Vec<FieldError>,
    /// What was typed, by the name of the field.
    pub values: Vec<(String, String)>,
}

impl RefusedForm {
    /// What was typed into a field.
    #[must_use]
    pub fn value(&self, field: &str) -> Option<&str> {
        self.values.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str())
    }

    /// What is wrong with a field.
    #[must_use]
    pub fn error(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|error| error.field == field).map(|error| error.message.as_str())
    }
}

/// What is wrong with one field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name, as the form sends it: `email`, `password`, `text`, `file`.
    pub field: String,
    /// What is wrong and what to do, as a sentence.
    pub message: String,
}

/// Why a page can't be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// There is nothing at this address, or nothing that this person may know of.
    #[error("not found")]
    NotFound,
    /// The person may know of it but not see it.
    #[error("forbidden")]
    Forbidden,
    /// Someone has to sign in first.
    #[error("nobody is signed in")]
    SignIn,
    /// Something in the address can't be understood.
    #[error("{message}")]
    Invalid {
        /// What is wrong and what to do, as a sentence.
        message: String,
    },
    /// It can't be shown now.
    #[error("unavailable")]
    Unavailable {
        /// When to try again, in seconds, if that is known.
        retry_after: Option<u32>,
    },
}

/// The answer of a page's data.
pub type PageResult<T> = Result<T, PageError>;

/// What each page shows. One method per page; rights are checked by whoever implements it.
#[async_trait]
pub trait PageData: Send + Sync {
    /// `/sign-in`
    async fn sign_in(&self) -> PageResult<view::SignIn>;
    /// `/` for a student
    async fn student_home(&self, viewer: &Viewer) -> PageResult<view::StudentHome>;
    /// `/assignments/{id}`
    async fn hand_in(&self, viewer: &Viewer, assignment: &str) -> PageResult<view::HandIn>;
    /// `/s/{tracking_id}`
    async fn submission(&self, viewer: &Viewer, tracking_id: &str) -> PageResult<view::Submission>;
    /// `/s/{tracking_id}/text`
    async fn submitted_text(&self, viewer: &Viewer, tracking_id: &str) -> PageResult<view::SubmittedText>;
    /// `/notices?page=`
    async fn notices(&self, viewer: &Viewer, page: u64) -> PageResult<view::Notices>;
    /// `/teach`, and `/` for an instructor
    async fn teach_home(&self, viewer: &Viewer) -> PageResult<view::TeachHome>;
    /// `/teach/assignments/{id}?status=&page=`
    async fn teach_assignment(
        &self,
        viewer: &Viewer,
        assignment: &str,
        filter: view::SubmissionFilter,
        page: u64,
    ) -> PageResult<view::TeachAssignment>;
    /// `/teach/submissions/{tracking_id}`
    async fn staff_submission(&self, viewer: &Viewer, tracking_id: &str)
    -> PageResult<view::StaffSubmission>;
    /// `/admin`, and `/` for an admin
    async fn overview(&self, viewer: &Viewer) -> PageResult<view::Overview>;
    /// `/admin/batches?state=&page=`
    async fn batches(
        &self,
        viewer: &Viewer,
        state: Option<view::BatchState>,
        page: u64,
    ) -> PageResult<view::Batches>;
    /// `/admin/batches/{id}?page=`
    async fn batch(&self, viewer: &Viewer, id: &str, page: u64) -> PageResult<view::Batch>;
    /// `/teach/submissions/{tracking_id}/mark`
    async fn mark_by_hand(&self, viewer: &Viewer, tracking_id: &str) -> PageResult<view::MarkByHand>;
    /// `/admin/dead-letters?state=&cause=&provider=&assignment=&page=`
    async fn dead_letters(
        &self,
        viewer: &Viewer,
        filter: view::LetterFilter,
        page: u64,
    ) -> PageResult<view::DeadLetters>;
    /// `/admin/dead-letters/{id}`, with the student's text where it was asked for
    async fn dead_letter(&self, viewer: &Viewer, id: &str, show_text: bool)
    -> PageResult<view::OpenedLetter>;
    /// `/admin/budget?month=&set=`, with what its form held
    async fn budget(
        &self,
        viewer: &Viewer,
        month: Option<&str>,
        set: Option<&str>,
        sent: Option<&RefusedForm>,
    ) -> PageResult<view::Budget>;
    /// `/admin/rules`
    async fn rules(&self, viewer: &Viewer) -> PageResult<view::Rules>;
    /// `/admin/rules/versions?up_to=`
    async fn rule_versions(&self, viewer: &Viewer, up_to: Option<i64>) -> PageResult<view::RuleVersions>;
    /// `/admin/rules/edit?rule=`, a new one without a name; with what its form asked for
    async fn rule(
        &self,
        viewer: &Viewer,
        name: Option<&str>,
        sent: Option<&RefusedForm>,
    ) -> PageResult<view::RuleEdit>;
    /// `/admin/prices`
    async fn prices(&self, viewer: &Viewer) -> PageResult<view::Prices>;
    /// `/admin/prompts`, with what its form held
    async fn prompts(&self, viewer: &Viewer, sent: Option<&RefusedForm>) -> PageResult<view::Prompts>;
    /// `/admin/prompts/{id}`
    async fn trial(&self, viewer: &Viewer, id: &str) -> PageResult<view::TrialDetail>;
    /// `/mailbox?page=` and `/mailbox/{id}`; in the demo only, for whoever looks
    async fn mailbox(&self, open: Option<&str>, page: u64) -> PageResult<view::Mailbox>;
}
