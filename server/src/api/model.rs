//! What goes over the wire: the bodies of requests and answers, shared by server and client.

pub mod budgets;
pub mod commitment;
pub mod cost_control;
pub mod deliveries;
pub mod equal_models;
pub mod prices;
pub mod prompts;
pub mod reused;
pub mod rules;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap};
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
    /// A person closed it without marks; `message` says why.
    Closed,
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
    /// Who decided on the marks: `model` or `person`.
    #[schema(example = "model")]
    pub decided_by: String,
    /// The name of the person who gave the marks, where one did.
    pub marker: Option<String>,
    /// The provider's name; none where a person gave the marks.
    pub provider: Option<String>,
    /// The model that answered; none where a person gave the marks.
    pub model: Option<String>,
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
    /// The id of the dead letter that waits for a person, where there is one; for staff only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<Uuid>,
    /// The draft whose marks this one keeps, since next to nothing changed, where the instructor wants it so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_from_draft: Option<i64>,
    /// It was answered by an earlier request; for staff only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reused: Option<Reused>,
}

/// An answer that was given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reused {
    /// What asking again would have cost, in nano-dollars.
    pub saved_nano_usd: i64,
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
    /// What was done: `recovered` (on schedule), `retried`, `rerouted`, `edited`, `marked` (by hand), `discarded`; none:
    /// it is open.
    pub resolution: Option<String>,
    /// When.
    pub resolved_at: Option<DateTime<Utc>>,
    /// The name of the person who did it; none: Quire itself.
    pub resolved_by: Option<String>,
    /// Why, in the words of whoever did it.
    pub reason: Option<String>,
}

/// One dead letter with its whole history and the request that would be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenedDeadLetter {
    /// The dead letter.
    pub letter: DeadLetter,
    /// What its cause means.
    pub meaning: String,
    /// All that happened to its work, the first first.
    pub history: Vec<DeadLetterEvent>,
    /// The request as it would be sent now.
    pub request: DeadLetterRequest,
}

/// Something that happened to the work of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterEvent {
    /// When.
    pub at: DateTime<Utc>,
    /// What: `handed_in`, `attempt`, `died`, `request_edited`, `text_shown`, or what was done about it (`recovered`, `retried`,
    /// `rerouted`, `edited`, `marked`, `discarded`).
    pub what: String,
    /// The name of the person who did it, where one did.
    pub by: Option<String>,
    /// What was said: why it died, why a person did something, what went wrong with an attempt.
    pub said: Option<String>,
    /// The attempt, where it was one.
    pub attempt: Option<DeadLetterAttempt>,
}

/// One attempt to have it marked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterAttempt {
    /// How it was sent.
    pub route: RouteType,
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The batch, where it went in one.
    pub batch: Option<Uuid>,
    /// When it ended; none while it runs.
    pub ended_at: Option<DateTime<Utc>>,
    /// How it ended: `marked`, `answered`, `unusable`, `failed`, `unfinished`, `lost`; none while it runs.
    pub outcome: Option<String>,
    /// What it cost, in nano-dollars.
    pub spent_nano_usd: Option<i64>,
}

/// The request of a dead letter as it would be sent now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterRequest {
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// How it would be sent.
    pub route: RouteType,
    /// The prompt's template and version.
    pub template: String,
    /// Most tokens of the answer.
    pub max_output: i64,
    /// Input tokens, estimated.
    pub input_tokens: i64,
    /// Words that an edit leaves out of what is sent; none: the work is sent as handed in.
    pub words_left_out: Option<u64>,
    /// The request in the provider's own form, laid out for reading; without `show=work` a few words stand for the
    /// student's text. None where the provider is not set up any more.
    pub body: Option<String>,
    /// The text that is sent; with `show=work` only.
    pub text: Option<String>,
}

/// Which dead letters are meant, among those that are open; what is left out narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterFilter {
    /// Those of this cause.
    #[serde(default)]
    pub cause: Option<String>,
    /// Those that died at this provider.
    #[serde(default)]
    pub provider: Option<String>,
    /// Those of this assignment.
    #[serde(default)]
    pub assignment: Option<Uuid>,
    /// Those that died up to this time, so that what is decided is about what was seen.
    #[serde(default)]
    pub until: Option<DateTime<Utc>>,
}

/// Dead letters to be tried again: by `ids`, or all that match a `filter`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryDeadLetters {
    /// Their ids, 1 to 1,000.
    #[serde(default)]
    pub ids: Option<Vec<Uuid>>,
    /// All open ones that match, the oldest 1,000 of them.
    #[serde(default)]
    pub filter: Option<DeadLetterFilter>,
    /// With a filter: only count those that match.
    #[serde(default)]
    pub preview: bool,
    /// Why; kept with them.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Dead letters to be sent another way: by `ids`, or all that match a `filter`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RerouteDeadLetters {
    /// Their ids, 1 to 1,000.
    #[serde(default)]
    pub ids: Option<Vec<Uuid>>,
    /// All open ones that match, the oldest 1,000 of them.
    #[serde(default)]
    pub filter: Option<DeadLetterFilter>,
    /// With a filter: only count those that match.
    #[serde(default)]
    pub preview: bool,
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

/// Dead letters to be closed without marks: by `ids`, or all that match a `filter`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscardDeadLetters {
    /// Their ids, 1 to 1,000.
    #[serde(default)]
    pub ids: Option<Vec<Uuid>>,
    /// All open ones that match, the oldest 1,000 of them.
    #[serde(default)]
    pub filter: Option<DeadLetterFilter>,
    /// With a filter: only count those that match.
    #[serde(default)]
    pub preview: bool,
    /// Why; kept with them, and told to their students.
    pub reason: String,
}

/// What is changed in a request before it is sent again. What is left out stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditDeadLetter {
    /// The provider's name.
    #[serde(default)]
    pub provider: Option<String>,
    /// One of its models. Left out with a provider: its first.
    #[serde(default)]
    pub model: Option<String>,
    /// Real time or batch.
    #[serde(default)]
    pub route: Option<RouteType>,
    /// Most tokens of the answer.
    #[serde(default)]
    pub max_output: Option<i64>,
    /// The text to send in place of the work. Words may be left out of it, but not added, changed or moved; the work as
    /// it was handed in is kept, and is what its student goes on seeing.
    #[serde(default)]
    pub text: Option<String>,
    /// Why; kept with the edit.
    pub reason: String,
}

/// Marks that a person gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkDeadLetter {
    /// For each criterion of the rubric, by its id.
    pub criteria: BTreeMap<String, HandMark>,
    /// Feedback on the whole.
    pub feedback: String,
    /// The one thing to do next.
    #[serde(default)]
    pub next_step: String,
}

/// The mark that a person gives for one criterion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandMark {
    /// The level's id.
    pub level: String,
    /// Points from the criterion's least to its most. Left out: the level's own.
    #[serde(default)]
    pub points: Option<f64>,
    /// Why.
    #[serde(default)]
    pub comment: String,
}

/// What came of each dead letter: in the order of the ids, or the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterOutcomes {
    /// How many matched the filter, or were named.
    pub matching: i64,
    /// One for each about which it was decided.
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
    /// Its name: the id, or for a part of a batch that was split `<id of that batch>_split_<number>`.
    pub name: String,
    /// The batch that it was split from; none for most.
    pub parent: Option<Uuid>,
    /// Into how many parts it was split, since the provider takes none so large; none for most.
    pub parts: Option<i64>,
    /// How its jobs were put together: `provider` (in the queue's order), `assessment_type`, `tokens`, `cost`.
    pub strategy: String,
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

/// A provider that is switched on, and how it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// Its models.
    pub models: Vec<String>,
    /// Batches with it.
    pub batches: i64,
    /// How many it takes at once.
    pub most_batches: i64,
    /// Exchanges of the last quarter of an hour.
    pub exchanges: u32,
    /// The share of them that did not fail; none where there were none.
    pub success: Option<f64>,
    /// How long calls in real time took.
    pub calls: Option<Latency>,
    /// How long short questions took.
    pub questions: Option<Latency>,
    /// How long its batches take; none before some were measured.
    pub turnaround: Option<Turnaround>,
    /// Refusals for too many requests or tokens, since the processes began.
    pub rate_limited: u64,
    /// What is left of its rate limits, as its last answers told.
    pub headroom: Vec<Headroom>,
    /// It is paused; none: it is used.
    pub pause: Option<Pause>,
    /// It asked for nothing to be sent before this time.
    pub not_before: Option<DateTime<Utc>>,
    /// Its last failure.
    pub last_error: Option<LastError>,
}

/// How long answers took, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Latency {
    /// Of so many.
    pub count: u64,
    /// Half came within this.
    pub p50_ms: u64,
    /// Nine of ten came within this.
    pub p90_ms: u64,
}

/// How long batches take, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Turnaround {
    /// Half are back within this.
    pub p50_s: i64,
    /// Nine of ten are back within this.
    pub p90_s: i64,
}

/// What is left of a rate limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Headroom {
    /// For calls in real time (`realtime`) or for batches (`batch`).
    pub route: RouteType,
    /// Of what: `requests`, `tokens`, `input_tokens`, `output_tokens`.
    pub of: String,
    /// How much is left.
    pub left: u64,
    /// Of how much.
    pub limit: Option<u64>,
    /// When all of it is there again.
    pub resets_at: DateTime<Utc>,
}

/// Nothing is sent to a provider for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pause {
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it is tried again.
    pub next_try: DateTime<Utc>,
    /// Why, in words.
    pub reason: String,
}

/// A failure of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LastError {
    /// When.
    pub at: DateTime<Utc>,
    /// What happened.
    pub what: String,
}

/// A batch with why it was put together so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BatchDetail {
    /// The batch.
    pub batch: Batch,
    /// Why its jobs were put together so, a sentence each.
    pub reasons: Vec<String>,
    /// The ways in which they could have been, each with its rating; none for parts of a batch that was split.
    pub candidates: Vec<Candidate>,
    /// The ids of the parts that it was split into, in the order in which they are sent.
    pub part_ids: Vec<Uuid>,
}

/// A way to put jobs together into batches, and how it was rated for one cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    /// `provider`, `assessment_type`, `tokens`, `cost`.
    pub strategy: String,
    /// Over how many batches; 0 where the work does not fit so.
    pub batches: u64,
    /// Jobs in them.
    pub jobs: u64,
    /// Expected cost, in nano-dollars.
    pub cost_nano_usd: i64,
    /// Input tokens expected to be read from the cache.
    pub cached_tokens: i64,
    /// Seconds until half of the jobs are back, on average, weighed by lane.
    pub seconds: f64,
    /// From 0 (none) to 1.
    pub risk: f64,
    /// The least is best; none where it is no candidate.
    pub score: Option<f64>,
    /// Why, a sentence each.
    pub reasons: Vec<String>,
}

/// The sizes that are recommended for the next batches of a provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BatchSizes {
    /// One for each model for which work waits; else one for the provider's first.
    pub sizes: Vec<BatchSize>,
}

/// The size that is recommended for the next batch of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BatchSize {
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Fewest jobs for which a batch is cut, as it is set.
    pub min_jobs: i64,
    /// Most jobs of a batch, as it is set.
    pub max_jobs: i64,
    /// Jobs that may be sent now, without those of the economy lane.
    pub waiting: i64,
    /// Why it is cut now, or what it waits for.
    pub standing: String,
    /// Until when it may wait for more, where a promise limits that.
    pub until: Option<DateTime<Utc>>,
    /// The recommended size, and what is expected of it.
    pub recommended: BatchSizeOutlook,
    /// Why, a sentence each.
    pub reasons: Vec<String>,
    /// Other sizes, the smallest first.
    pub alternatives: Vec<BatchSizeOutlook>,
}

/// A size of a batch, and what is expected of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BatchSizeOutlook {
    /// Jobs.
    pub jobs: i64,
    /// What such a batch costs, in nano-dollars; none without a price.
    pub cost_nano_usd: Option<i64>,
    /// Seconds until so many are together.
    pub gathers_seconds: i64,
    /// Seconds from now within which half of such work is back.
    pub p50_seconds: i64,
    /// Seconds from now within which nine of ten are.
    pub p90_seconds: i64,
    /// The least is best.
    pub score: f64,
    /// What speaks for and against it.
    pub note: String,
}

/// How many jobs of a batch came to one outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Outcomes {
    /// `marked`, `unusable`, `failed`, `unfinished`, `absent`, `split`; none: not taken in yet.
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
