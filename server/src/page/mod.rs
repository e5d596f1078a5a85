//! The pages' data: the app's views filled from the engine. Rights are checked by the engine's operations.

mod admin;
mod budget;
mod common;
mod cost_control;
mod forecast;
pub(crate) mod letters;
mod live;
mod month_plan;
mod prices;
mod prompts;
pub(crate) mod rules;
mod staff;
mod student;

pub use live::{live, progress};

use crate::mailbox::Folder;
use async_trait::async_trait;
pub(crate) use common::failed;
use common::uuid;
use quire_app::{
    data::{PageData, PageError, PageResult, RefusedForm, Viewer},
    view,
};
use quire_engine::{
    engine::Engine,
    identity::Actor,
    store::{AssignmentId, BatchId, DeadLetterId, Id, PersonId, TrialId},
    submission::TrackingId,
};
use std::sync::Arc;

/// Limits that the hand-in page tells of.
#[derive(Clone, Copy, Debug)]
pub struct HandInLimits {
    /// Longest text taken, in characters.
    pub characters: u32,
    /// Largest file taken, in bytes.
    pub bytes: u64,
}

/// The pages of one server.
#[derive(Clone)]
pub struct Pages {
    pub(crate) engine: Engine,
    /// Limits that the hand-in page tells of.
    pub limits: HandInLimits,
    /// The demo's people and mailbox; none outside the demo.
    pub demo: Option<Arc<Demo>>,
}

/// What only the demo has.
pub struct Demo {
    /// Who can sign in with one click.
    pub people: Vec<view::DemoPerson>,
    /// Where all e-mails land.
    pub mailbox: Folder,
    /// Where the simulated providers are.
    pub simulator: String,
}

impl Pages {
    /// Pages over an engine.
    #[must_use]
    pub fn new(engine: Engine, limits: HandInLimits, demo: Option<Arc<Demo>>) -> Self {
        Self { engine, limits, demo }
    }

    async fn actor(&self, viewer: &Viewer) -> PageResult<Actor> {
        self.engine.identity().actor(PersonId::from_uuid(viewer.id)).await.map_err(|error| failed(&error))
    }
}

fn tracking(text: &str) -> PageResult<TrackingId> {
    text.parse().map_err(|_| PageError::NotFound)
}

#[async_trait]
impl PageData for Pages {
    async fn sign_in(&self) -> PageResult<view::SignIn> {
        Ok(view::SignIn { people: self.demo.as_ref().map(|demo| demo.people.clone()).unwrap_or_default() })
    }

    async fn student_home(&self, viewer: &Viewer) -> PageResult<view::StudentHome> {
        self.home_of(&self.actor(viewer).await?, viewer).await
    }

    async fn hand_in(&self, viewer: &Viewer, assignment: &str) -> PageResult<view::HandIn> {
        let id = AssignmentId::from_uuid(uuid(assignment)?);
        self.hand_in_of(&self.actor(viewer).await?, id).await
    }

    async fn submission(&self, viewer: &Viewer, tracking_id: &str) -> PageResult<view::Submission> {
        self.submission_of(&self.actor(viewer).await?, &tracking(tracking_id)?).await
    }

    async fn submitted_text(&self, viewer: &Viewer, tracking_id: &str) -> PageResult<view::SubmittedText> {
        self.text_of(&self.actor(viewer).await?, &tracking(tracking_id)?).await
    }

    async fn notices(&self, viewer: &Viewer, page: u64) -> PageResult<view::Notices> {
        self.notices_of(&self.actor(viewer).await?, page).await
    }

    async fn teach_home(&self, viewer: &Viewer) -> PageResult<view::TeachHome> {
        self.teach_home_of(&self.actor(viewer).await?).await
    }

    async fn teach_assignment(
        &self,
        viewer: &Viewer,
        assignment: &str,
        filter: view::SubmissionFilter,
        page: u64,
    ) -> PageResult<view::TeachAssignment> {
        let id = AssignmentId::from_uuid(uuid(assignment)?);
        self.teach_assignment_of(&self.actor(viewer).await?, id, filter, page).await
    }

    async fn staff_submission(
        &self,
        viewer: &Viewer,
        tracking_id: &str,
    ) -> PageResult<view::StaffSubmission> {
        self.staff_submission_of(&self.actor(viewer).await?, &tracking(tracking_id)?).await
    }

    async fn overview(&self, viewer: &Viewer) -> PageResult<view::Overview> {
        self.overview_of(&self.actor(viewer).await?).await
    }

    async fn batches(
        &self,
        viewer: &Viewer,
        state: Option<view::BatchState>,
        page: u64,
    ) -> PageResult<view::Batches> {
        self.batches_of(&self.actor(viewer).await?, state, page).await
    }

    async fn batch(&self, viewer: &Viewer, id: &str, page: u64) -> PageResult<view::Batch> {
        let id = BatchId::from_uuid(uuid(id)?);
        self.batch_of(&self.actor(viewer).await?, id, page).await
    }

    async fn mark_by_hand(&self, viewer: &Viewer, tracking_id: &str) -> PageResult<view::MarkByHand> {
        self.mark_by_hand_of(&self.actor(viewer).await?, &tracking(tracking_id)?).await
    }

    async fn dead_letter(
        &self,
        viewer: &Viewer,
        id: &str,
        show_text: bool,
    ) -> PageResult<view::OpenedLetter> {
        let id = DeadLetterId::from_uuid(uuid(id)?);
        self.dead_letter_of(&self.actor(viewer).await?, id, show_text).await
    }

    async fn dead_letters(
        &self,
        viewer: &Viewer,
        filter: view::LetterFilter,
        page: u64,
    ) -> PageResult<view::DeadLetters> {
        self.dead_letters_of(&self.actor(viewer).await?, filter, page).await
    }

    async fn budget(
        &self,
        viewer: &Viewer,
        month: Option<&str>,
        set: Option<&str>,
        sent: Option<&RefusedForm>,
    ) -> PageResult<view::Budget> {
        self.budget_of(&self.actor(viewer).await?, month, set, sent).await
    }

    async fn rules(&self, viewer: &Viewer) -> PageResult<view::Rules> {
        self.rules_of(&self.actor(viewer).await?).await
    }

    async fn rule_versions(&self, viewer: &Viewer, up_to: Option<i64>) -> PageResult<view::RuleVersions> {
        self.rule_versions_of(&self.actor(viewer).await?, up_to).await
    }

    async fn rule(
        &self,
        viewer: &Viewer,
        name: Option<&str>,
        sent: Option<&RefusedForm>,
    ) -> PageResult<view::RuleEdit> {
        self.rule_of(&self.actor(viewer).await?, name, sent).await
    }

    async fn prices(&self, viewer: &Viewer) -> PageResult<view::Prices> {
        self.prices_of(&self.actor(viewer).await?).await
    }

    async fn prompts(&self, viewer: &Viewer, sent: Option<&RefusedForm>) -> PageResult<view::Prompts> {
        self.prompts_of(&self.actor(viewer).await?, sent).await
    }

    async fn trial(&self, viewer: &Viewer, id: &str) -> PageResult<view::TrialDetail> {
        let id = TrialId::from_uuid(uuid(id)?);
        self.trial_of(&self.actor(viewer).await?, id).await
    }

    async fn mailbox(&self, open: Option<&str>, page: u64) -> PageResult<view::Mailbox> {
        let demo = self.demo.as_ref().ok_or(PageError::NotFound)?;
        admin::mailbox(&demo.mailbox, open, page).await
    }
}
