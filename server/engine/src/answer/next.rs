//! What makes two requests the same, and what is done with one whose like was sent before. Pure.

use crate::{
    provider::ProviderKind,
    queue::{Job, JobState},
    routing::Route,
    store::{Digest, JobId},
};
use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

/// No job waits longer for the answer of another, counted from when it came: so long a provider may take for a batch.
pub const LONGEST_WAIT: TimeDelta = TimeDelta::hours(24);

/// What equal requests have in common: who is asked, for which model, with which prompt (instructions, assignment, rubric,
/// template and schema, see [`crate::prompt::Stable`]) and for which work. The route does not matter, nor how long the
/// answer may be: one that could be used was not cut off.
///
/// The address stands for who is asked as well: a name that is given to another server is another provider.
#[must_use]
pub fn request(
    (name, kind, address): (&str, ProviderKind, &Url),
    model: &str,
    prompt: &Digest,
    work: &Digest,
) -> Digest {
    let parts = [name, kind.name(), address.as_str(), model].map(str::as_bytes);
    let [name, kind, address, model] = parts;
    Digest::over(&[name, kind, address, model, prompt.bytes(), work.bytes()])
}

/// The job that asked a request last.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct First {
    /// The job.
    pub id: JobId,
    /// Where it stands.
    pub state: JobState,
    /// The provider that it was sent to last.
    pub provider: String,
    /// The model.
    pub model: String,
    /// A person edited its request since.
    pub edited: bool,
    /// It was itself given the answer of another.
    pub given: bool,
    /// Digest of the prompt by which a model marked it; none: it has no marks, or a person gave them.
    pub prompt: Option<Digest>,
}

impl First {
    /// It asks the request now, and will have its answer in time for a job: what is needed at once does not wait for a batch.
    fn asks(&self, job: &Job) -> bool {
        let soon = match self.state {
            JobState::Calling => true,
            JobState::Batched => job.route == Route::Batch,
            _ => false,
        };
        soon && self.asked(job)
    }

    /// It has an answer to the request that others can be given.
    fn has_answer(&self, job: &Job, prompt: &Digest) -> bool {
        self.state == JobState::Done && self.asked(job) && self.prompt.as_ref() == Some(prompt)
    }

    /// What it asked last was this request: not an edited one, nor another provider's.
    fn asked(&self, job: &Job) -> bool {
        !self.edited && !self.given && self.provider == job.provider && self.model == job.model
    }

    /// It still stands for the request: a job that asks all the same does not take its place.
    #[must_use]
    pub fn stands(&self, job: &Job, prompt: &Digest) -> bool {
        self.asks(job) || self.has_answer(job, prompt)
    }
}

/// What is done with a job that could be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Its request is sent.
    Ask,
    /// It waits for the answer to the same request, which this job asks.
    Wait(JobId),
    /// It is given the answer that this job got.
    Give(JobId),
}

/// What is done with a job whose request `first` asked before, with this prompt.
#[must_use]
pub fn next(job: &Job, first: Option<&First>, prompt: &Digest, now: DateTime<Utc>) -> Next {
    // An answer to it could not be used: it is asked anew.
    let Some(first) = first.filter(|first| first.id != job.id && job.attempt == 0) else { return Next::Ask };
    if first.has_answer(job, prompt) {
        Next::Give(first.id)
    } else if first.asks(job) {
        wait(job, first.id, now)
    } else {
        Next::Ask
    }
}

/// What is done with a job whose request another one asks now, or is about to.
#[must_use]
pub(super) fn wait(job: &Job, first: JobId, now: DateTime<Utc>) -> Next {
    if job.attempt == 0 && now < job.arrived_at + LONGEST_WAIT { Next::Wait(first) } else { Next::Ask }
}
