//! What is looked up all the time: providers by name, and all that marking an assignment needs.

use super::{Engine, EngineError};
pub use crate::provider::registry::Entry;
use crate::{
    batching::Sizes,
    course::{AssignmentContext, ReleasePolicy},
    prompt::{self, Stable, Task},
    provider::{HardLimits, Prompt},
    store::AssignmentId,
    submission::{Brief, tokens},
};
use chrono::TimeDelta;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
};

/// Bytes of a request beside its prompt, at most: ids, names and settings.
const AROUND: usize = 1024;

/// While batches gather for longer, one is worth its while from so many times as many jobs on.
const LARGER: i64 = 4;

/// All that marking work of one assignment needs; made once for each version of assignment and rubric.
#[derive(Debug)]
pub struct Marking {
    /// Assignment, course and rubric.
    pub context: Arc<AssignmentContext>,
    /// The part of the prompt that all its work shares.
    pub stable: Stable,
    /// Tokens of that part.
    pub stable_tokens: u64,
    /// What interim feedback goes by.
    pub brief: Brief,
}

/// How large a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestBytes {
    /// Of the whole request, estimated; mostly some hundreds too many.
    pub request: i64,
    /// Those of them that are the work's own, to the byte: so many more than a request for an empty work has.
    pub work: i64,
}

/// What marking needs, by assignment, with the context that it was last found to hold for.
pub(super) type Markings = HashMap<AssignmentId, (Arc<AssignmentContext>, Arc<Marking>)>;

impl Marking {
    fn new(context: Arc<AssignmentContext>) -> Result<Self, EngineError> {
        let version = context.assignment.prompt_version;
        Self::in_version(context, version)
    }

    /// The same by another version of the prompt.
    pub(crate) fn in_version(context: Arc<AssignmentContext>, version: i64) -> Result<Self, EngineError> {
        let assignment = &context.assignment;
        let task = Task {
            title: &assignment.title,
            kind: assignment.kind,
            brief: &assignment.brief,
            language: Some(&assignment.language),
        };
        let stable = Stable::rubric_in(version, &task, &context.rubric)?;
        let stable_tokens = tokens::o200k(&stable.text) + tokens::o200k(stable.schema.get()) + tokens::FRAME;
        let brief = Brief::of(assignment);
        Ok(Self { stable, stable_tokens, brief, context })
    }

    /// The question for one piece of work.
    #[must_use]
    pub fn prompt(&self, work: &str) -> Prompt {
        self.stable.prompt(work)
    }

    /// The question for one piece of work whose answer may be longer than usual.
    #[must_use]
    pub fn request(&self, work: &str, max_output: i64) -> Prompt {
        let usual = self.stable.max_output_tokens;
        let max_output_tokens = u32::try_from(max_output).unwrap_or(usual).max(usual);
        Prompt { max_output_tokens, ..self.prompt(work) }
    }

    /// Tokens of a usual answer.
    #[must_use]
    pub fn usual_output(&self) -> u64 {
        u64::from(self.stable.max_output_tokens) * 2 / 3
    }

    /// Bytes of a request with this work.
    #[must_use]
    pub fn bytes(&self, work: &str) -> RequestBytes {
        let work = prompt::json_len(work);
        let request = self.stable.json_len() + work + AROUND;
        let [request, work] = [request, work].map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
        RequestBytes { request, work }
    }

    /// Input tokens of a request with this work, estimated.
    #[must_use]
    pub fn tokens(&self, work: &str) -> u64 {
        self.stable_tokens + tokens::o200k(work)
    }

    /// A person approves marks before they are released.
    #[must_use]
    pub fn held_for_approval(&self) -> bool {
        self.context.assignment.release == ReleasePolicy::OnApproval
    }

    /// The prompt's template and version.
    #[must_use]
    pub fn template(&self) -> String {
        self.stable.template.to_string()
    }
}

impl Entry {
    /// Sizes and times that its queue is cut by.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        let s = &self.settings;
        let longest = TimeDelta::seconds(i64::from(s.max_wait_s));
        let sizes = Sizes {
            min: i64::from(s.min_jobs),
            max: i64::from(s.max_jobs),
            slots: i64::from(s.max_batches),
            longest,
            longest_economy: longest.max(TimeDelta::hours(4)),
        };
        if self.gathers_longer() {
            let min = (sizes.min * LARGER).min(sizes.max);
            return Sizes { min, longest: sizes.longest_economy, ..sizes };
        }
        sizes
    }

    /// The hard limits of one batch: the provider's own, or narrower ones that were set.
    #[must_use]
    pub fn limits(&self) -> HardLimits {
        self.provider.capabilities().limits
    }

    /// Seconds between two looks at a batch: the least and the most.
    #[must_use]
    pub fn poll_bounds(&self) -> (i64, i64) {
        (i64::from(self.settings.poll_first_s), i64::from(self.settings.poll_max_s))
    }
}

impl Engine {
    /// A provider that is switched on.
    pub(crate) fn provider(&self, name: &str) -> Result<Arc<Entry>, EngineError> {
        self.registry().get(name).ok_or_else(|| EngineError::NoProvider(name.to_owned()))
    }

    /// All providers that are switched on, by name.
    pub(crate) fn providers(&self) -> Vec<Arc<Entry>> {
        self.registry().all()
    }

    /// The providers that are set up, with the models that people can name: in a rule, or for a dead letter.
    #[must_use]
    pub fn models_by_provider(&self) -> Vec<(String, Vec<String>)> {
        let models = |entry: &Entry| entry.settings.all_models().cloned().collect();
        self.providers().iter().map(|entry| (entry.name.clone(), models(entry))).collect()
    }

    /// Mean tokens of the prompts that work shares, over the assignments that are in use; zero where there are none.
    pub(crate) fn shared_tokens(&self) -> i64 {
        let markings = self.0.markings.lock().unwrap_or_else(PoisonError::into_inner);
        let sum: u64 = markings.values().map(|(_, marking)| marking.stable_tokens).sum();
        i64::try_from(sum / u64::try_from(markings.len().max(1)).unwrap_or(1)).unwrap_or(i64::MAX)
    }

    /// Assignments that work was handed in to lately.
    pub(crate) fn assignments_in_use(&self) -> u64 {
        let markings = self.0.markings.lock().unwrap_or_else(PoisonError::into_inner);
        u64::try_from(markings.len()).unwrap_or(u64::MAX)
    }

    /// All that marking an assignment needs.
    ///
    /// # Errors
    /// If there is no such assignment, or its prompt can't be made.
    pub async fn marking(&self, id: AssignmentId) -> Result<Arc<Marking>, EngineError> {
        let context = self.courses().context(id).await?;
        let context =
            context.ok_or_else(|| EngineError::Missing { what: "an assignment", id: id.to_string() })?;
        {
            let markings = self.0.markings.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((read, marking)) = markings.get(&id)
                && Arc::ptr_eq(read, &context)
            {
                return Ok(marking.clone());
            }
        }
        let mut markings = self.0.markings.lock().unwrap_or_else(PoisonError::into_inner);
        let marking = match markings.get(&id) {
            // Read anew, but nothing has changed.
            Some((_, marking)) if marking.context == context => marking.clone(),
            _ => Arc::new(Marking::new(context.clone())?),
        };
        markings.insert(id, (context, marking.clone()));
        Ok(marking)
    }
}
