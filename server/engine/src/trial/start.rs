//! Starting a trial, and stopping it.

use super::{
    FEWEST, Marker,
    store::{self, NewWork, Sampled, Trial},
};
use crate::{
    budget::{self, Held, Line},
    course::Course,
    engine::{Engine, EngineError, Marking},
    identity::{Act, Actor, IdentityError},
    jobs::{self, Task},
    prompt::{VERSIONS, Version},
    provider::Usage,
    routing::Route,
    store::{AssignmentId, DbError, NanoUsd, SubmissionId, TrialId, Tx},
    submission::{self, tokens::Calibration},
};
use std::{collections::HashMap, ops::RangeInclusive, sync::Arc};

/// Most works of a trial.
pub const MOST_WORKS: i64 = 200;
const WORKS: RangeInclusive<i64> = 1..=MOST_WORKS;

/// So many of the newest marked works a sample is drawn from.
const DRAWN_FROM: i64 = 2_000;

/// A trial that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTrial {
    /// Whose works.
    pub assignment: AssignmentId,
    /// Who is to mark them.
    pub marker: Marker,
    /// How many.
    pub works: i64,
}

/// Something can't be done with trials or versions of the prompt.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The number of works can't be used.
    #[error("A trial has 1 to {MOST_WORKS} works, and {0} were asked for; 30 are needed to judge by.")]
    Works(i64),
    /// There is no such version of the prompt.
    #[error("There is no version {0} of the prompt; there are 1 to {last}.", last = VERSIONS.len())]
    Version(i64),
    /// The model can't be asked here.
    #[error("{model} of {provider} can’t be asked here: {why}.")]
    Model {
        /// Provider's name.
        provider: String,
        /// The model.
        model: String,
        /// Why not.
        why: String,
    },
    /// There is no such assignment.
    #[error("There is no such assignment. Choose one from the list.")]
    NoAssignment,
    /// Nothing of it has marks.
    #[error("No work of this assignment has marks that a trial could be held against yet.")]
    NothingMarked,
    /// The same is under way.
    #[error("A trial of this assignment by {0} is under way already; wait for it, or stop it.")]
    UnderWay(Marker),
    /// The budget does not allow it.
    #[error("The budget stops it: {works} works may cost up to ${most}. Try fewer, or raise the budget.", most = .most.dollars())]
    NoMoney {
        /// How many works were asked for.
        works: usize,
        /// What they cost at most.
        most: NanoUsd,
    },
    /// Its marks were not judged equal to those of the version in use.
    #[error(
        "Version {version} has not been shown to mark like version {before}: {known}. Start such a trial, or say that it is to be used all the same."
    )]
    Untried {
        /// The version.
        version: i64,
        /// The one in use.
        before: i64,
        /// What is known.
        known: String,
    },
    /// There is no such trial.
    #[error("There is no such trial.")]
    NotFound,
    /// It has ended.
    #[error("The trial has ended; there is nothing to be stopped.")]
    Ended,
    /// The person may not.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Our fault.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<DbError> for TrialError {
    fn from(error: DbError) -> Self {
        Self::Engine(error.into())
    }
}

impl Engine {
    /// Starts a trial: works of an assignment that have marks, by people and by its usual marker, are drawn by lot and
    /// marked once more. They are held against those of the model and prompt that gave most of the marks, and of people.
    ///
    /// # Errors
    /// If the person may not, it can't be done, or the budget has not enough left for all of it.
    pub async fn start_trial(&self, actor: &Actor, new: &NewTrial) -> Result<Trial, TrialError> {
        self.identity().check(actor, &Act::ManagePrompts).await?;
        let NewTrial { assignment, marker, works } = new;
        if !WORKS.contains(works) {
            return Err(TrialError::Works(*works));
        }
        let marking = self.trial_marking(*assignment, marker.prompt_version).await?;
        self.may_be_asked(marker)?;
        // What takes long is done before the transaction: on SQLite nobody else writes during one.
        let mut db = self.db();
        let marked = store::marked(&mut db, *assignment, marking.context.rubric.most().0, DRAWN_FROM).await?;
        let marked = as_marked_today(marked, &marking)?;
        let (against, sample) =
            self.draw(marked, usize::try_from(*works).unwrap_or(0)).ok_or(TrialError::NothingMarked)?;
        let works = self.reckon_works(marker, &marking, &sample).await?;
        let mut tx = self.db().begin().await?;
        if let Some(other) =
            store::open_of(&mut tx, *assignment).await?.into_iter().find(|t| t.marker == *marker)
        {
            return Err(TrialError::UnderWay(other.marker));
        }
        let trial = Trial {
            id: self.world().id(),
            assignment_id: *assignment,
            marker: marker.clone(),
            against,
            started_at: self.now(),
            started_by: actor.person_id(),
            ended_at: None,
            stopped: false,
        };
        match store::insert(&mut tx, &trial).await {
            // Another process began the same in this moment.
            Err(error) if error.is_unique_violation() => return Err(TrialError::UnderWay(trial.marker)),
            other => other?,
        }
        self.hold_and_write(&mut tx, &trial, &marking.context.course, &works).await?;
        tx.commit().await?;
        tracing::info!(trial.id = %trial.id, by = ?actor.person_id(), marker = %trial.marker, works = works.len(), "a trial began");
        Ok(trial)
    }

    /// The assignments that can be tried on, each with the code of its course and its title.
    ///
    /// # Errors
    /// If the person may not, or the database fails.
    pub async fn trial_assignments(
        &self,
        actor: &Actor,
    ) -> Result<Vec<(AssignmentId, String, String)>, TrialError> {
        self.identity().check(actor, &Act::ManagePrompts).await?;
        Ok(store::with_marks(&mut self.db()).await?)
    }

    /// Stops a trial: what is not asked yet never is, and the money held for it is given back. What it has found is kept.
    ///
    /// # Errors
    /// If the person may not, there is no such trial, or it has ended.
    pub async fn stop_trial(&self, actor: &Actor, id: TrialId) -> Result<(), TrialError> {
        self.identity().check(actor, &Act::ManagePrompts).await?;
        let mut tx = self.db().begin().await?;
        let trial = store::find(&mut tx, id).await?.ok_or(TrialError::NotFound)?;
        if trial.ended_at.is_some() || !store::set_stopped(&mut tx, id).await? {
            return Err(TrialError::Ended);
        }
        let context = self.trial_context(&trial).await?;
        self.stop_waiting_tries(&mut tx, &trial, &context.course).await?;
        tx.commit().await?;
        tracing::info!(trial.id = %id, by = ?actor.person_id(), "a trial was stopped");
        Ok(())
    }

    /// What marking an assignment by a version of the prompt needs.
    pub(super) async fn trial_marking(
        &self,
        assignment: AssignmentId,
        version: i64,
    ) -> Result<Arc<Marking>, TrialError> {
        if Version::find(version).is_none() {
            return Err(TrialError::Version(version));
        }
        let context = self.courses().context(assignment).await?.ok_or(TrialError::NoAssignment)?;
        if context.assignment.prompt_version == version {
            return Ok(self.marking(assignment).await?);
        }
        Ok(Arc::new(Marking::in_version(context, version)?))
    }

    fn may_be_asked(&self, marker: &Marker) -> Result<(), TrialError> {
        let Marker { provider, model, .. } = marker;
        let no = |why: String| TrialError::Model { provider: provider.clone(), model: model.clone(), why };
        let models = self.models_by_provider();
        let known = models.into_iter().find(|(name, _)| name == provider);
        let (_, known) =
            known.ok_or_else(|| no("the provider is not set up, or is switched off".to_owned()))?;
        if !known.contains(model) {
            return Err(no(format!("the provider is set up with {}", known.join(", "))));
        }
        self.is_priced(provider, model).map_err(|error| no(error.to_string()))
    }

    /// Draws a sample of what people and the usual marker did, and tells who that is.
    fn draw(&self, marked: Vec<Sampled>, works: usize) -> Option<(Marker, Vec<SubmissionId>)> {
        let mut counts: HashMap<Marker, usize> = HashMap::new();
        for marker in marked.iter().filter_map(Sampled::marker) {
            *counts.entry(marker).or_default() += 1;
        }
        let against = counts.into_iter().max_by(|one, other| (one.1, &other.0).cmp(&(other.1, &one.0)))?.0;
        let (mut people, mut rest): (Vec<Sampled>, Vec<Sampled>) = marked
            .into_iter()
            .filter(|one| one.by_person || one.marker().as_ref() == Some(&against))
            .partition(|one| one.by_person);
        self.shuffle(&mut people);
        self.shuffle(&mut rest);
        // As many of the usual marker's as are needed to judge by are never given up for marks by people.
        people.truncate(works - rest.len().min(FEWEST).min(works));
        let sample = people.into_iter().chain(rest).take(works).map(|one| one.submission_id);
        Some((against, sample.collect()))
    }

    fn shuffle<T>(&self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a fraction below 1 of a length of some thousands"
            )]
            let other = (self.world().fraction() * (last + 1) as f64) as usize;
            all.swap(last, other.min(last));
        }
    }

    /// What each work of a sample takes, and what is to be held for it.
    async fn reckon_works(
        &self,
        marker: &Marker,
        marking: &Arc<Marking>,
        sample: &[SubmissionId],
    ) -> Result<Vec<NewWork>, TrialError> {
        let Marker { provider, model, .. } = marker;
        let calibration = Calibration::prior(self.provider(provider)?.kind);
        let texts = submission::store::works(&mut self.db(), sample).await?;
        let counting = Arc::clone(marking);
        // Counting the tokens of long works takes a while.
        let counted = tokio::task::spawn_blocking(move || {
            texts.into_iter().map(|work| (work.id, counting.tokens(&work.text))).collect::<Vec<_>>()
        });
        let counted = counted.await.map_err(|error| EngineError::Busy(error.to_string()))?;
        let terms = self.price(provider, model, self.now())?;
        let (usual, most) = (marking.usual_output(), i64::from(marking.stable.max_output_tokens));
        let mut works = Vec::with_capacity(counted.len());
        for (submission, tokens) in counted {
            let input_tokens = calibration.apply(tokens);
            let usage = Usage { input_tokens, output_tokens: usual, ..Usage::default() };
            works.push(NewWork {
                id: self.world().id(),
                submission,
                held: Held {
                    reserved: self.most_for(provider, model, (input_tokens, most), Route::Realtime)?,
                    expected: terms.cost(&usage, false),
                },
                input_tokens: i64::try_from(input_tokens).unwrap_or(i64::MAX),
            });
        }
        Ok(works)
    }

    /// Holds the money for all works of a trial, writes them down, and has them asked for.
    async fn hold_and_write(
        &self,
        tx: &mut Tx,
        trial: &Trial,
        course: &Course,
        works: &[NewWork],
    ) -> Result<(), TrialError> {
        let most = works.iter().map(|work| work.held.reserved).sum();
        let mut budgets = self.budgets_for_update(tx).await?;
        if !budgets.take(course.id, most) {
            return Err(TrialError::NoMoney { works: works.len(), most });
        }
        let line = |work: &NewWork| {
            Line::reserve(self.world(), self.zone(), trial.account(course, work.id), work.held)
        };
        let lines: Vec<Line> = works.iter().map(line).collect();
        store::insert_works(tx, trial.id, works, self.now()).await?;
        budget::record(tx, &lines).await?;
        let tasks: Vec<Task> = works.iter().map(|work| Task::Try(work.id)).collect();
        jobs::push(tx, &tasks, None).await?;
        Ok(())
    }
}

/// Without those that were marked by a rubric, or words of the assignment, of another day.
fn as_marked_today(marked: Vec<Sampled>, marking: &Marking) -> Result<Vec<Sampled>, TrialError> {
    let mut digests = HashMap::new();
    for version in &VERSIONS {
        let marking = Marking::in_version(marking.context.clone(), version.number)?;
        digests.insert(version.number, marking.stable.digest);
    }
    let today = |one: &Sampled| {
        one.by_person || one.marker().is_some_and(|by| digests.get(&by.prompt_version) == one.prompt.as_ref())
    };
    Ok(marked.into_iter().filter(today).collect())
}
