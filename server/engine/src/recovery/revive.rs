//! What is done about dead letters: tried again on schedule or by a person, sent another way, or closed.

use super::{
    dead_letter::{DeadLetter, Decided, Resolution},
    store::{self, Filter},
};
use crate::{
    engine::{Engine, EngineError},
    event::{self, EventKind},
    identity::{Act, Actor, IdentityError},
    jobs::{self, Task},
    queue::{self, Job},
    routing::Route,
    store::{DeadLetterId, Tx},
    submission::{self, Page, SubmissionState},
};

/// Dead letters that are recovered in one go.
const MOST_AT_ONCE: i64 = 200;

/// Dead letters that a person may decide about in one go.
pub const MOST_DECIDED: usize = 1_000;

/// The longest reason, in letters.
const LONGEST_REASON: usize = 1_000;

/// What a person decides about dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Try again, the same way.
    Retry,
    /// Try again another way.
    Reroute {
        /// Provider's name.
        provider: String,
        /// One of its models; none: its first.
        model: Option<String>,
        /// Real time or batch; none: as before.
        route: Option<Route>,
    },
    /// Close it without marks.
    Discard,
}

/// What came of one dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemedyOutcome {
    /// It was done.
    Done,
    /// Something had been done about it before.
    WasResolved,
    /// There is none of this id.
    NotFound,
}

/// A decision about dead letters that can't be carried out.
#[derive(Debug, thiserror::Error)]
pub enum RemedyError {
    /// None, or too many at once.
    #[error("Name 1 to {MOST_DECIDED} dead letters at once.")]
    Number,
    /// Closing needs a reason, and no reason is too long.
    #[error("Give a reason of 1 to {LONGEST_REASON} letters: it is kept with the dead letter.")]
    Reason,
    /// There is no such way.
    #[error("{0}")]
    Way(String),
    /// The person may not do this.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Our fault.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<crate::store::DbError> for RemedyError {
    fn from(error: crate::store::DbError) -> Self {
        Self::Engine(error.into())
    }
}

/// A way that a person named.
struct Named {
    provider: String,
    model: String,
    /// None: as before.
    route: Option<Route>,
}

impl Engine {
    /// Dead letters, the newest first.
    ///
    /// # Errors
    /// If they may not be seen.
    pub async fn dead_letters(
        &self,
        actor: &Actor,
        filter: Filter,
        page: i64,
        per_page: i64,
    ) -> Result<Page<DeadLetter>, RemedyError> {
        self.identity().check(actor, &Act::HandleFailures).await?;
        let (page, per_page) = (page.max(1), per_page.clamp(1, 1_000));
        let skip = (page - 1).saturating_mul(per_page);
        let (rows, total) = store::list(&mut self.db(), filter, skip, per_page).await?;
        Ok(Page { rows, page, per_page, total })
    }

    /// The providers to which dead letters can be sent, by name.
    #[must_use]
    pub fn ways(&self) -> Vec<String> {
        self.providers().iter().map(|entry| entry.name.clone()).collect()
    }

    /// Decides about dead letters; answers what came of each, in their order. All are done in one transaction.
    ///
    /// # Errors
    /// If the decision can't be carried out; then nothing was done.
    pub async fn decide_about(
        &self,
        actor: &Actor,
        ids: &[DeadLetterId],
        remedy: &Remedy,
        reason: Option<&str>,
    ) -> Result<Vec<RemedyOutcome>, RemedyError> {
        self.identity().check(actor, &Act::HandleFailures).await?;
        if ids.is_empty() || ids.len() > MOST_DECIDED {
            return Err(RemedyError::Number);
        }
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        let too_long = reason.is_some_and(|reason| reason.chars().count() > LONGEST_REASON);
        if too_long || (*remedy == Remedy::Discard && reason.is_none()) {
            return Err(RemedyError::Reason);
        }
        let resolution = match remedy {
            Remedy::Retry => Resolution::Retried,
            Remedy::Reroute { .. } => Resolution::Rerouted,
            Remedy::Discard => Resolution::Discarded,
        };
        let way = self.way(remedy)?;
        let decided = Decided { resolution, by: actor.person(), reason };
        let mut tx = self.db().begin().await?;
        let mut decisions = Vec::with_capacity(ids.len());
        for id in ids {
            decisions.push(self.carry_out(&mut tx, *id, &decided, way.as_ref()).await?);
        }
        tx.commit().await?;
        Ok(decisions)
    }

    /// Tries dead letters again whose time has come.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn recover_due(&self) -> Result<(), EngineError> {
        let due = store::due(&mut self.db(), self.now(), MOST_AT_ONCE).await?;
        if due.is_empty() {
            return Ok(());
        }
        let decided = Decided { resolution: Resolution::Recovered, by: None, reason: None };
        let mut tx = self.db().begin().await?;
        for id in due {
            self.carry_out(&mut tx, id, &decided, None).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The way that a remedy names.
    fn way(&self, remedy: &Remedy) -> Result<Option<Named>, RemedyError> {
        let Remedy::Reroute { provider, model, route } = remedy else { return Ok(None) };
        let entry = self.provider(provider).map_err(|error| RemedyError::Way(error.to_string()))?;
        let models = &entry.settings.models;
        let model = match model {
            None => models.first(),
            Some(model) => models.iter().find(|one| *one == model),
        };
        let Some(model) = model else {
            let there = models.join(", ");
            return Err(RemedyError::Way(format!("{provider} is not set up for this model; it has {there}")));
        };
        self.is_priced(provider, model).map_err(|error| RemedyError::Way(error.to_string()))?;
        if *route == Some(Route::Batch) && !entry.provider.capabilities().batch {
            return Err(RemedyError::Way(format!("{provider} takes no batches; send it in real time")));
        }
        Ok(Some(Named { provider: provider.clone(), model: model.clone(), route: *route }))
    }

    async fn carry_out(
        &self,
        tx: &mut Tx,
        id: DeadLetterId,
        decided: &Decided<'_>,
        way: Option<&Named>,
    ) -> Result<RemedyOutcome, EngineError> {
        let now = self.now();
        let Some(letter) = store::find(tx, id).await? else { return Ok(RemedyOutcome::NotFound) };
        if !store::resolve(tx, id, decided, now).await? {
            return Ok(RemedyOutcome::WasResolved);
        }
        if decided.resolution == Resolution::Discarded {
            return Ok(RemedyOutcome::Done);
        }
        let Some(mut job) = queue::store::find(tx, letter.job_id).await? else {
            return Ok(RemedyOutcome::NotFound);
        };
        if let Some(way) = way {
            self.redirect(&mut job, way)?;
        }
        job.ready_at = now;
        if !queue::store::revive(tx, &job).await? {
            return Ok(RemedyOutcome::WasResolved);
        }
        submission::store::set_state(tx, &[job.submission_id], SubmissionState::Queued).await?;
        event::record(tx, now, EventKind::Returned, &[job.submission_id.0]).await?;
        if job.route == Route::Realtime {
            jobs::push(tx, &[Task::Call(job.id)], None).await?;
        }
        Ok(RemedyOutcome::Done)
    }

    /// Points a job another way, at what it costs there.
    fn redirect(&self, job: &mut Job, way: &Named) -> Result<(), EngineError> {
        job.provider.clone_from(&way.provider);
        job.model.clone_from(&way.model);
        if let Some(route) = way.route {
            job.route = route;
        }
        // A provider without batches takes it in real time.
        if !self.provider(&job.provider)?.provider.capabilities().batch {
            job.route = Route::Realtime;
        }
        job.expected = self.expected(job)?;
        Ok(())
    }
}
