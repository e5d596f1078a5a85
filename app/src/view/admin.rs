//! What administrators see, and the demo's mailbox.

use super::{Estimates, Lane, NanoUsd, Paging, Remark, TimeRange};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

/// The overview.
#[derive(Clone, Debug, PartialEq)]
pub struct Overview {
    /// When these figures were read.
    pub as_of: DateTime<Utc>,
    /// Jobs waiting in all lanes.
    pub waiting: u64,
    /// How long the oldest of them has waited.
    pub oldest: Option<TimeDelta>,
    /// Jobs that are with providers.
    pub with_providers: u64,
    /// Batches that are with providers.
    pub batches_in_flight: u64,
    /// Submissions marked since midnight, in the reader's zone.
    pub marked_today: u64,
    /// Half of them were marked within this time.
    pub median_wait: Option<TimeDelta>,
    /// What real time would have cost this month, less what was spent.
    pub saved: NanoUsd,
    /// That, as a share of what real time would have cost; none before anything was spent.
    pub saved_share: Option<f64>,
    /// The lanes.
    pub lanes: Vec<LaneState>,
    /// The batches in flight, newest first.
    pub batches: Vec<BatchItem>,
    /// The providers.
    pub providers: Vec<ProviderState>,
    /// Spend this month.
    pub spend: Spend,
    /// What needs a person.
    pub alerts: Vec<Remark>,
    /// How estimates were kept, and when to send.
    pub estimates: Estimates,
}

/// One lane.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneState {
    /// Which.
    pub lane: Lane,
    /// Jobs waiting.
    pub jobs: u64,
    /// How long the oldest of them has waited.
    pub oldest: Option<TimeDelta>,
    /// What starts the next batch, in words: "batch at 1,000 jobs or in 6 min".
    pub next: String,
    /// How full the next batch is, from 0 to 1; none where there are no batches.
    pub fill: Option<f64>,
}

/// The state of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchState {
    /// Written down; the provider has not heard of it.
    Planned,
    /// Being sent.
    Submitting,
    /// The provider works on it.
    InProgress,
    /// The provider is done; the answers are being read.
    Ingesting,
    /// Every answer was read.
    Completed,
    /// It ran out of time; what it had was kept.
    Expired,
    /// It was cancelled; what it had was kept.
    Cancelled,
    /// The provider refused it.
    Failed,
}

impl BatchState {
    /// Every state, in the order of a batch's way.
    pub const ALL: [Self; 8] = [
        Self::Planned,
        Self::Submitting,
        Self::InProgress,
        Self::Ingesting,
        Self::Completed,
        Self::Expired,
        Self::Cancelled,
        Self::Failed,
    ];
}

/// One batch in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchItem {
    /// The batch, as in the address of its page: "b-2041".
    pub id: String,
    /// Its name: as `id`, but for parts of a batch that was split: "b-2041_split_2".
    pub name: String,
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The state.
    pub state: BatchState,
    /// The jobs in it.
    pub counts: BatchCounts,
    /// When it was written down.
    pub created_at: DateTime<Utc>,
    /// When it is expected back; none once it is.
    pub back_by: Option<DateTime<Utc>>,
    /// What it cost, or is expected to.
    pub cost: NanoUsd,
}

/// The jobs of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchCounts {
    /// All.
    pub total: u64,
    /// Answered with marks.
    pub succeeded: u64,
    /// Answered with an error, or with an answer that could not be used.
    pub failed: u64,
    /// Not answered before the end, and queued again.
    pub requeued: u64,
    /// Sent in parts of it, since the provider takes no batch so large.
    pub split: u64,
}

impl BatchCounts {
    /// The share that has been answered, from 0 to 1.
    #[must_use]
    pub fn answered_share(&self) -> f64 {
        if self.total == 0 {
            return 0.0;
        }
        ((self.succeeded + self.failed) as f64 / self.total as f64).min(1.0)
    }
}

/// The page of batches.
#[derive(Clone, Debug, PartialEq)]
pub struct Batches {
    /// Newest first.
    pub batches: Vec<BatchItem>,
    /// The size that is recommended for each provider's next batch.
    pub sizes: Vec<SizeAdvice>,
    /// Where the list stands, with the filter.
    pub paging: Paging,
}

/// The size that is recommended for the next batch of one model of a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct SizeAdvice {
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Fewest and most jobs, as they are set.
    pub bounds: (u64, u64),
    /// Jobs that may be sent now.
    pub waiting: u64,
    /// Why it is cut now, or what it waits for, a sentence.
    pub standing: String,
    /// Until when it may wait for more, where a promise limits that.
    pub until: Option<DateTime<Utc>>,
    /// The size, and what is expected of it.
    pub size: SizeOutlook,
    /// Why, a sentence each.
    pub reasons: Vec<String>,
    /// Other sizes, the smallest first.
    pub alternatives: Vec<SizeOutlook>,
}

/// A size of a batch, and what is expected of it.
#[derive(Clone, Debug, PartialEq)]
pub struct SizeOutlook {
    /// Jobs.
    pub jobs: u64,
    /// What the batch costs; none without a price.
    pub cost: Option<NanoUsd>,
    /// Half of such work is back within this time from now.
    pub half_within: TimeDelta,
    /// Nine of ten are back within this time from now.
    pub most_within: TimeDelta,
    /// What speaks for and against it.
    pub note: String,
}

/// How the jobs of a batch were put together.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchCandidate {
    /// The way, in a few words: "by tokens, evenly".
    pub way: String,
    /// It was kept.
    pub chosen: bool,
    /// Over how many batches; none where the work does not fit so.
    pub batches: Option<u64>,
    /// Expected cost.
    pub cost: NanoUsd,
    /// Half of the jobs are back within this time, on average.
    pub half_within: TimeDelta,
    /// Risk, from 0 to 1.
    pub risk: f64,
    /// The least is best; none where it is no candidate.
    pub score: Option<f64>,
    /// Why, a sentence each.
    pub reasons: Vec<String>,
}

/// A part of a batch that was split.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchPart {
    /// What the list shows of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it stands, in words.
    pub state: String,
    /// Jobs in it.
    pub jobs: u64,
    /// When it is sent at the earliest, where it was not yet.
    pub starts: Option<DateTime<Utc>>,
}

/// One batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// What the list shows of it.
    pub item: BatchItem,
    /// The provider's own id, once there is one.
    pub provider_batch_id: Option<String>,
    /// The lanes its jobs came from.
    pub lanes: Vec<Lane>,
    /// The batch that it was split from: its address and its name.
    pub split_from: Option<(String, String)>,
    /// The parts that it was split into, in the order in which they are sent.
    pub parts: Vec<BatchPart>,
    /// Why it was cut as it was, a sentence each.
    pub reasons: Vec<String>,
    /// The ways in which its jobs could have been put together, and how each was rated.
    pub candidates: Vec<BatchCandidate>,
    /// The cost expected when it was cut.
    pub cost_expected: NanoUsd,
    /// What the provider's usage figures came to; none before any answer was read.
    pub cost_settled: Option<NanoUsd>,
    /// Tokens read, of which cached, and written.
    pub tokens: Option<Tokens>,
    /// When its answers are expected.
    pub estimate: Option<TimeRange>,
    /// What happened, oldest first.
    pub timeline: Vec<BatchEvent>,
    /// The jobs on this page.
    pub jobs: Vec<BatchJob>,
    /// Where the list of jobs stands.
    pub paging: Paging,
}

/// Tokens by the provider's own figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Read.
    pub input: u64,
    /// Of those, read from the provider's cache.
    pub cached: u64,
    /// Written.
    pub output: u64,
}

/// Something that happened to a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchEvent {
    /// When.
    pub at: DateTime<Utc>,
    /// What, in a few words: "Sent to the provider".
    pub what: String,
    /// More about it, if there is more.
    pub detail: Option<String>,
}

/// One job of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchJob {
    /// The submission it is for.
    pub tracking_id: String,
    /// The assignment's title.
    pub assignment: String,
    /// Where it stands, in a word or two: "waiting", "marked", "queued again".
    pub state: String,
    /// What went wrong, if something did.
    pub error: Option<String>,
    /// Tokens.
    pub tokens: Option<Tokens>,
    /// What it cost.
    pub cost: Option<NanoUsd>,
}

/// Which dead letters are shown by what was done about them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LetterState {
    /// Those that wait for something to be done.
    #[default]
    Open,
    /// Those about which something was done.
    Resolved,
    /// All.
    All,
}

impl LetterState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Resolved, Self::All];

    /// The word in an address.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
            Self::All => "all",
        }
    }

    /// The word on the page.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Resolved => "Resolved",
            Self::All => "All",
        }
    }
}

/// Which dead letters are shown; what is none narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LetterFilter {
    /// By what was done about them.
    pub state: LetterState,
    /// By cause, as in an address.
    pub cause: Option<String>,
    /// By the provider at which they died.
    pub provider: Option<String>,
    /// By assignment, as in an address.
    pub assignment: Option<String>,
}

impl LetterFilter {
    /// Its parts by the names that they have in an address and in a form.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let of = |name, value: &Option<String>| value.clone().map(|value| (name, value));
        std::iter::once(("state", self.state.key().to_owned()))
            .chain(of("cause", &self.cause))
            .chain(of("provider", &self.provider))
            .chain(of("assignment", &self.assignment))
            .collect()
    }

    /// As the query of an address.
    #[must_use]
    pub fn query(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(self.fields()).finish()
    }

    /// Whether it narrows more than the state.
    #[must_use]
    pub fn narrows(&self) -> bool {
        self.cause.is_some() || self.provider.is_some() || self.assignment.is_some()
    }
}

/// The page of dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetters {
    /// Newest first.
    pub letters: Vec<DeadLetter>,
    /// Causes to choose from: as in an address, and in words.
    pub causes: Vec<(String, String)>,
    /// Providers to choose from.
    pub providers: Vec<String>,
    /// Assignments to choose from: as in an address, and by title.
    pub assignments: Vec<(String, String)>,
    /// When the list was read: what comes later is no part of "all that match".
    pub as_of: DateTime<Utc>,
    /// The most about which can be decided in one go.
    pub most: u64,
    /// Where they can be sent.
    pub ways: Vec<Way>,
    /// Where the list stands, with the filter.
    pub paging: Paging,
}

/// A provider with its models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Its name.
    pub provider: String,
    /// The models that are set up.
    pub models: Vec<String>,
}

/// Work that ran out of automatic remedies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its id.
    pub id: String,
    /// The submission's tracking id.
    pub tracking_id: String,
    /// The assignment's title.
    pub assignment: String,
    /// The student's address.
    pub student: String,
    /// Whom it was sent to.
    pub provider: String,
    /// The model.
    pub model: String,
    /// How: "in a batch" or "by a call".
    pub route: String,
    /// What it failed of, in a few words.
    pub cause: String,
    /// What happened last.
    pub why: String,
    /// What may help.
    pub advice: String,
    /// Since when.
    pub died_at: DateTime<Utc>,
    /// How often it was tried again on schedule.
    pub recoveries: u64,
    /// When it is tried again on schedule; none: a person must look at it.
    pub recover_at: Option<DateTime<Utc>>,
    /// What was done about it; none: it is open.
    pub resolution: Option<String>,
    /// When.
    pub resolved_at: Option<DateTime<Utc>>,
    /// The name of the person who did it; none: Quire itself.
    pub resolver: Option<String>,
    /// Why, in that person's words.
    pub reason: Option<String>,
}

/// One dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedLetter {
    /// What the list shows of it.
    pub letter: DeadLetter,
    /// The course's name.
    pub course: String,
    /// What its cause means.
    pub meaning: String,
    /// All that happened to its work, oldest first.
    pub history: Vec<LetterEvent>,
    /// The request as it would be sent now.
    pub payload: LetterPayload,
    /// Where it can be sent.
    pub ways: Vec<Way>,
}

/// Something that happened to a dead letter's work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterEvent {
    /// When.
    pub at: DateTime<Utc>,
    /// What, in a few words: "Sent in a batch to openai".
    pub what: String,
    /// More about it, a sentence each.
    pub details: Vec<String>,
    /// The name of the person who did it, if one did.
    pub by: Option<String>,
}

/// The request of a dead letter as it would be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterPayload {
    /// The prompt's template and version.
    pub template: String,
    /// Most tokens of the answer.
    pub max_output: u64,
    /// The least and the most that this can be set to.
    pub output_bounds: (u64, u64),
    /// Input tokens, estimated.
    pub input_tokens: u64,
    /// Words of the work as it was handed in.
    pub words: u64,
    /// Words that are left out of it, if another text is sent.
    pub left_out: Option<u64>,
    /// The request in the provider's own form; none where the provider is not set up any more.
    pub body: Option<String>,
    /// The text that is sent, where it was asked for.
    pub text: Option<String>,
}

/// One provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderState {
    /// Its name.
    pub name: String,
    /// The models in use.
    pub models: Vec<String>,
    /// Whether it is a simulator.
    pub simulated: bool,
    /// How it is.
    pub health: Health,
    /// The share of exchanges in the last quarter of an hour that did not fail; none when there were none.
    pub success: Option<f64>,
    /// Half of the direct calls were answered within this time, and nine of ten.
    pub latency: Option<(TimeDelta, TimeDelta)>,
    /// Half of the batches came back within this time.
    pub turnaround: Option<TimeDelta>,
    /// Batches in flight and how many it takes at once.
    pub batches: (u64, u64),
    /// Tokens enqueued and how many it takes; none when it has no such limit.
    pub enqueued_tokens: Option<(u64, u64)>,
    /// What is left of its rate limits, from its last answers.
    pub headroom: Vec<Headroom>,
    /// It asked for nothing to be sent before this time.
    pub not_before: Option<DateTime<Utc>>,
}

/// What is left of a rate limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headroom {
    /// Of what: "requests".
    pub of: String,
    /// How much is left.
    pub left: u64,
    /// Of how much; none when the provider did not say.
    pub limit: Option<u64>,
    /// When all of it is there again.
    pub resets_at: DateTime<Utc>,
}

/// Nothing is sent to a provider for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub since: DateTime<Utc>,
    /// After how many failures in a row; none when it was something else.
    pub failures: Option<u32>,
    /// What was wrong: "HTTP 503".
    pub why: String,
    /// When it is tried again.
    pub next_try: DateTime<Utc>,
}

/// How a provider is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// As usual.
    Good,
    /// It works, with something to know.
    Impaired(String),
    /// No work is sent to it, and why.
    Down(Pause),
    /// Nothing has been sent to it yet.
    Untried,
}

/// Spend in one month.
#[derive(Clone, Debug, PartialEq)]
pub struct Spend {
    /// The month's first day, in the institution's zone.
    pub month: NaiveDate,
    /// The day that `now` falls on.
    pub today: NaiveDate,
    /// The budget; none when there is none.
    pub budget: Option<NanoUsd>,
    /// Spent.
    pub spent: NanoUsd,
    /// Reserved for work under way.
    pub reserved: NanoUsd,
    /// Spent in calls whose answers never came, contained in `spent`.
    pub without_answer: NanoUsd,
    /// How many such calls.
    pub calls_without_answer: u64,
    /// Spent by the end of each day so far, from the first of the month.
    pub by_day: Vec<(NaiveDate, NanoUsd)>,
    /// What the month will come to: at least, likely, at most.
    pub ahead: Option<(NanoUsd, NanoUsd, NanoUsd)>,
    /// The month has not ended.
    pub open: bool,
}

/// The demo's mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The e-mails sent, newest first.
    pub mails: Vec<MailItem>,
    /// The one that is open.
    pub open: Option<Mail>,
    /// Where the list stands.
    pub paging: Paging,
}

/// One e-mail in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailItem {
    /// The e-mail, as in its address.
    pub id: String,
    /// To whom.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// When it was sent.
    pub at: DateTime<Utc>,
}

/// One e-mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// What the list shows of it.
    pub item: MailItem,
    /// From whom.
    pub from: String,
    /// The text part.
    pub text: String,
    /// Whether it has an HTML part, which `GET /mailbox/{id}/html` answers for a sandboxed frame.
    pub has_html: bool,
}
