//! What goes over the wire: the bodies of requests and answers, shared by server and client.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

/// Work to be handed in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSubmission<'a> {
    /// The assignment's id.
    pub assignment: Uuid,
    /// The work.
    #[serde(borrow)]
    #[schema(value_type = String, example = "Computers have changed how we learn. …")]
    pub text: Cow<'a, str>,
    /// On whose behalf: the student's e-mail address. With an instructor's or administrator's token only; an unknown
    /// student is enrolled. Left out: one's own work.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "ada.lind@example.edu")]
    pub student: Option<Cow<'a, str>>,
}

/// Work to be handed in as a form: `text` or `file`.
#[derive(Debug, ToSchema)]
pub struct NewSubmissionForm {
    /// The assignment's id.
    pub assignment: Uuid,
    /// The work, where it is not a file.
    pub text: Option<String>,
    /// The work as a file: txt, md, docx, pdf or html.
    #[schema(value_type = Option<String>, format = Binary, content_media_type = "application/octet-stream")]
    pub file: Option<Vec<u8>>,
    /// On whose behalf: the student's e-mail address.
    pub student: Option<String>,
}

/// Where a submission stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for its turn.
    Queued,
    /// Is being marked.
    Processing,
    /// Is marked; a person looks at the marks before they are released.
    InReview,
    /// The marks are released.
    Completed,
    /// Could not be marked automatically; a person takes care of it.
    NeedsAttention,
    /// A newer draft took its place before it was sent.
    Withdrawn,
}

/// How long a submission may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Marked by a call of its own, in seconds.
    Urgent,
    /// Marked with the next batch.
    Standard,
    /// Marked when it is cheapest.
    Economy,
}

/// How a submission reaches a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RouteType {
    /// A call of its own.
    Realtime,
    /// A provider's batch.
    Batch,
}

/// Where a submission goes, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Route {
    /// Real time or batch.
    #[serde(rename = "type")]
    pub kind: RouteType,
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Name of the rule that decided; none where no rule applied.
    pub rule: Option<String>,
    /// Why, in plain words: for staff all of it, for students a friendly line.
    pub reasoning: String,
    /// Share of the variations of the estimates that give the same route, from 0 to 1.
    pub confidence: f64,
}

/// A range of times: half of such work is ready by `from`, nine of ten by `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Estimate {
    /// Half of such work is ready by then.
    pub from: DateTime<Utc>,
    /// Nine of ten are ready by then.
    pub to: DateTime<Utc>,
}

/// Marks for one criterion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CriterionMark {
    /// The criterion's id in the rubric.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The id of the level reached.
    pub level: String,
    /// The level's title.
    pub level_title: String,
    /// Points reached.
    pub points: f64,
    /// Points possible.
    pub out_of: f64,
    /// Why, and what would make it better.
    pub comment: String,
    /// Passages of the work that the mark leans on.
    pub evidence: Vec<Evidence>,
}

/// A passage of the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// Its words.
    pub quote: String,
    /// The number of its sentence in the work, from 1.
    pub sentence: u32,
}

/// Marks and feedback.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Assessment {
    /// Points reached in all.
    pub total: f64,
    /// Points possible in all.
    pub out_of: f64,
    /// Marks by criterion, in the rubric's order.
    pub criteria: Vec<CriterionMark>,
    /// Feedback on the whole.
    pub feedback: String,
    /// The one thing to do next.
    pub next_step: String,
    /// How sure the marker is, from 0 to 1; none for a person.
    pub confidence: Option<f64>,
    /// The provider's name.
    pub provider: String,
    /// The model that answered.
    pub model: String,
    /// When the marks were released; none while they are held (which only staff see).
    pub released_at: Option<DateTime<Utc>>,
}

/// What can be told of work without a model. None of it is a mark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Interim {
    /// Words.
    pub words: u32,
    /// Sentences.
    pub sentences: u32,
    /// Paragraphs.
    pub paragraphs: u32,
    /// Minutes that reading takes.
    pub reading_minutes: u32,
    /// What was found.
    pub remarks: Vec<Remark>,
    /// The language that the text seems to be in; none if it can't be told, or not yet.
    pub language: Option<String>,
    /// Questions to think about while waiting.
    pub think_about: Vec<String>,
    /// What the instructor attached.
    pub resources: Vec<Resource>,
    /// All is there; else the rest follows within a second.
    pub complete: bool,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Remark {
    /// What it is about: `length`, `language`, `readability`, `structure`, `long_sentence`, `repeat`, `citations`,
    /// `draft`, `leftover`, `empty`.
    pub topic: String,
    /// It is well so; else worth a look.
    pub good: bool,
    /// The finding, a sentence.
    pub title: String,
    /// More about it; may be empty.
    pub detail: String,
    /// The paragraph to look at, from 1.
    pub paragraph: Option<u32>,
}

/// Something to read or use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Resource {
    /// What it is.
    pub title: String,
    /// Where it is.
    pub url: String,
}

/// What is answered when work was handed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// By which it is found again, to be shown to the student.
    #[schema(example = "QR-7F3K-92MD")]
    pub tracking_id: String,
    /// Where it stands.
    pub status: Status,
    /// How long it may wait.
    pub lane: Lane,
    /// Where it goes, and why.
    pub route: Route,
    /// Its place in the lane, from 1; none where it does not wait any more.
    pub position: Option<u64>,
    /// When marks are expected; none where they are there, or can't be told.
    pub estimate: Option<Estimate>,
    /// What could be told at once.
    pub interim: Interim,
}

/// One step of a submission's way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Milestone {
    /// `submitted`, `queued`, `processing`, `completed`.
    pub name: String,
    /// When it was reached; none: not yet.
    pub at: Option<DateTime<Utc>>,
    /// When it is expected, where it was not reached yet and that can be told.
    pub expected: Option<DateTime<Utc>>,
}

/// A submission as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Submission {
    /// By which it is found.
    #[schema(example = "QR-7F3K-92MD")]
    pub tracking_id: String,
    /// The assignment's id.
    pub assignment: Uuid,
    /// Which draft it is, from 1.
    pub draft: i64,
    /// When it was handed in.
    pub submitted_at: DateTime<Utc>,
    /// Where it stands.
    pub status: Status,
    /// How long it may wait.
    pub lane: Lane,
    /// Where it goes, and why.
    pub route: Route,
    /// Its place in the lane, from 1; none where it does not wait.
    pub position: Option<u64>,
    /// When marks are expected; none where they are there, or can't be told.
    pub estimate: Option<Estimate>,
    /// How much of the wait is over, from 0 to 1.
    pub progress: f64,
    /// The steps of its way, in order.
    pub milestones: Vec<Milestone>,
    /// Where it stands, in a sentence or two for the student.
    pub message: String,
    /// What the student can do now.
    pub next_steps: Vec<String>,
    /// What can be told without a model.
    pub interim: Interim,
    /// Marks and feedback, once they are released (staff see them before).
    pub assessment: Option<Assessment>,
    /// What went wrong last; for staff only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// Which page this is, from 1.
    pub page: i64,
    /// Items on a full page.
    pub per_page: i64,
    /// Items in all.
    pub total: i64,
}

/// An assignment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Assignment {
    /// Its id.
    pub id: Uuid,
    /// Its title.
    pub title: String,
    /// The course's code.
    pub course: String,
    /// The course's title.
    pub course_title: String,
    /// What kind of assessment it is: `final_exam`, `summative`, `formative`, `practice`, `draft`, `quiz`.
    pub kind: String,
    /// Work is taken now.
    pub open: bool,
    /// From when work is taken; none: from the start.
    pub opens_at: Option<DateTime<Utc>>,
    /// From when work is no longer taken; none: never.
    pub closes_at: Option<DateTime<Utc>>,
    /// When marks are needed; none: no hurry.
    pub marks_by: Option<DateTime<Utc>>,
    /// How many drafts each student may hand in.
    pub max_drafts: i64,
}

/// Work that ran out of automatic remedies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetter {
    /// Its id.
    pub id: Uuid,
    /// The submission's tracking id.
    #[schema(example = "QR-7F3K-92MD")]
    pub tracking_id: String,
    /// The assignment's id.
    pub assignment: Uuid,
    /// The assignment's title.
    pub assignment_title: String,
    /// The student's e-mail address.
    pub student: String,
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// How it was sent.
    pub route: RouteType,
    /// What it failed of: `rate_limit`, `no_answer`, `provider`, `malformed`, `too_large`, `refused`, `unusable`,
    /// `killed`.
    pub cause: String,
    /// What happened last, in words.
    pub why: String,
    /// What may help.
    pub advice: String,
    /// When it ran out of remedies.
    pub died_at: DateTime<Utc>,
    /// How often Quire tried it again on schedule before.
    pub recoveries: i64,
    /// When Quire tries it again; none: a person must look at it.
    pub recover_at: Option<DateTime<Utc>>,
    /// What was done: `recovered` (on schedule), `retried`, `rerouted`, `discarded`; none: it is open.
    pub resolution: Option<String>,
    /// When.
    pub resolved_at: Option<DateTime<Utc>>,
    /// Why, in the words of whoever did it.
    pub reason: Option<String>,
}

/// Dead letters to be tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryDeadLetters {
    /// Their ids, 1 to 1,000.
    pub ids: Vec<Uuid>,
    /// Why; kept with them.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Dead letters to be sent another way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RerouteDeadLetters {
    /// Their ids, 1 to 1,000.
    pub ids: Vec<Uuid>,
    /// The provider's name.
    pub provider: String,
    /// One of its models. Left out: its first.
    #[serde(default)]
    pub model: Option<String>,
    /// Real time or batch. Left out: as before.
    #[serde(default)]
    pub route: Option<RouteType>,
    /// Why; kept with them.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Dead letters to be closed without marks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscardDeadLetters {
    /// Their ids, 1 to 1,000.
    pub ids: Vec<Uuid>,
    /// Why; kept with them.
    pub reason: String,
}

/// What came of each dead letter, in the order of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterOutcomes {
    /// One for each id.
    pub outcomes: Vec<DeadLetterOutcome>,
}

/// What came of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterOutcome {
    /// Its id.
    pub id: Uuid,
    /// What came of it.
    pub outcome: RemedyOutcome,
}

/// What came of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemedyOutcome {
    /// It was done.
    Done,
    /// Something had been done about it before; it stays so.
    WasResolved,
    /// There is none of this id.
    NotFound,
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Batch {
    /// Its id.
    pub id: Uuid,
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Where it stands: `written`, `sending`, `sent`, `ended`, `done`, `failed`.
    pub state: String,
    /// The provider's own id of it, once it has one.
    pub provider_batch_id: Option<String>,
    /// The provider's own state, as last seen.
    pub provider_state: Option<String>,
    /// Jobs in it.
    pub jobs: i64,
    /// Jobs answered so far, as the provider tells while it runs.
    pub completed: i64,
    /// Jobs failed so far, as the provider tells while it runs.
    pub failed: i64,
    /// What became of its jobs: how many results were taken in, by outcome.
    pub outcomes: Vec<Outcomes>,
    /// Why it was cut.
    pub reason: String,
    /// When it was cut.
    pub created_at: DateTime<Utc>,
    /// When the provider had it.
    pub sent_at: Option<DateTime<Utc>>,
    /// When the provider was seen to be done.
    pub ended_at: Option<DateTime<Utc>>,
    /// When all results were taken in.
    pub finished_at: Option<DateTime<Utc>>,
    /// When it is expected back; none once it is.
    pub estimate: Option<Estimate>,
    /// What its jobs were expected to cost, in nano-dollars.
    pub expected_nano_usd: i64,
    /// What they cost so far, in nano-dollars.
    pub spent_nano_usd: i64,
    /// What went wrong last.
    pub error: Option<String>,
}

/// How many jobs of a batch came to one outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Outcomes {
    /// `marked`, `unusable`, `failed`, `unfinished`, `absent`; none: not taken in yet.
    pub outcome: Option<String>,
    /// How many.
    pub jobs: i64,
}

/// One submission in a list of an assignment's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SubmissionItem {
    /// By which it is found.
    #[schema(example = "QR-7F3K-92MD")]
    pub tracking_id: String,
    /// The student's e-mail address.
    pub student: String,
    /// The student's name.
    pub student_name: String,
    /// Which draft it is, from 1.
    pub draft: i64,
    /// Where it stands.
    pub status: Status,
    /// When it was handed in.
    pub submitted_at: DateTime<Utc>,
    /// How many words it has.
    pub words: i64,
    /// Marks and feedback, released or held; none before they are there.
    pub assessment: Option<Assessment>,
}

/// How estimates were kept, and what they are made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Estimates {
    /// The days that `coverage` is of.
    pub days: i64,
    /// How often the first estimate was kept, by provider, lane and route.
    pub coverage: Vec<Coverage>,
    /// What is known of each provider's times.
    pub providers: Vec<ProviderForecast>,
}

/// How often the first estimate was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Coverage {
    /// The provider's name.
    pub provider: String,
    /// The lane.
    pub lane: Lane,
    /// The route.
    pub route: RouteType,
    /// Jobs whose time has come: marked, given up, or late.
    pub jobs: i64,
    /// Of those, marked by the `from` of their first estimate.
    pub within_p50: i64,
    /// Of those, marked by its `to`.
    pub within_p90: i64,
}

/// Half are back within `p50` seconds, nine of ten within `p90`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Seconds {
    /// Seconds within which half are back.
    pub p50: i64,
    /// Seconds within which nine of ten are.
    pub p90: i64,
}

/// What is known of one provider's times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProviderForecast {
    /// The provider's name.
    pub provider: String,
    /// Times of a batch that is sent now.
    pub batches: Seconds,
    /// What they lean on.
    #[schema(example = "from 43 batches of the last 14 days")]
    pub batches_basis: String,
    /// Times of a call.
    pub calls: Seconds,
    /// What they lean on.
    pub calls_basis: String,
    /// How the learnt model did against the fixed rule.
    pub trial: ModelTrial,
}

/// The learnt model against the fixed rule on the newest third of the history, which neither was fitted on. Losses are
/// mean pinball losses in seconds; less is better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelTrial {
    /// The learnt model won and is in use.
    pub in_use: bool,
    /// Batches that both were fitted on.
    pub fitted: usize,
    /// Batches that they were tried on.
    pub held_out: usize,
    /// Loss of the fixed rule's P50; 0 where there was no trial.
    pub fixed_loss_p50: f64,
    /// Loss of the fixed rule's P90.
    pub fixed_loss_p90: f64,
    /// Loss of the learnt model's P50.
    pub learnt_loss_p50: f64,
    /// Loss of the learnt model's P90.
    pub learnt_loss_p90: f64,
    /// The outcome in words.
    pub summary: String,
}

/// When to send batches to a provider. Hours are in the institution's time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScheduleAdvice {
    /// The provider's name.
    pub provider: String,
    /// Finished batches that were looked at.
    pub batches: usize,
    /// What it comes to, also where the history is too short.
    pub summary: String,
    /// Times of a batch sent at any hour; none where too few were measured.
    pub any_hour: Option<Seconds>,
    /// The best hours; none where too little is known or the hour makes no difference.
    pub primary: Option<ScheduleWindow>,
    /// Up to two others.
    pub alternatives: Vec<ScheduleWindow>,
    /// Hours to avoid, the slowest first.
    pub avoid: Vec<ScheduleWindow>,
}

/// Hours of the day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScheduleWindow {
    /// The first hour, 0 to 23.
    pub from_hour: u32,
    /// The hour at which it ends, 1 to 24; not above `from_hour` where it ends after midnight.
    pub to_hour: u32,
    /// A schedule that fires within it, as the provider's settings take it.
    #[schema(example = "*/15 2-4 * * *")]
    pub cron: String,
    /// Batches that were measured in it.
    pub batches: usize,
    /// Times of a batch sent in it.
    pub expected: Seconds,
    /// Why it is named.
    pub reason: String,
}
