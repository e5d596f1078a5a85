//! What is done about dead letters: tried again on schedule or by a person, sent another way, or closed.

use super::{
    Filter,
    dead_letter::{DeadLetter, Decided, Resolution},
    edit::{self, Before, Edit, Prepared},
    remedy::{Decisions, MOST_DECIDED, Remedy, RemedyError, RemedyOutcome, checked},
    store,
};
use crate::{
    engine::{Engine, EngineError},
    event::{self, EventKind},
    identity::{Act, Actor, Denied, IdentityError},
    jobs::{self, Task},
    notice,
    queue::{self, Job},
    routing::Route,
    store::{AssignmentId, DeadLetterId, EditId, SubmissionId, Tx},
    submission::{self, Page, SubmissionState},
};
use chrono::{DateTime, Utc};

/// Dead letters that are recovered in one go.
const MOST_AT_ONCE: i64 = 200;

/// A way that a person named.
struct Named {
    provider: String,
    model: String,
    /// None: as before.
    route: Option<Route>,
}

/// What is changed in a job before it is sent again.
#[derive(Default)]
struct Change {
    way: Option<Named>,
    edit: Option<Prepared>,
}

impl Engine {
    /// Dead letters, the newest first.
    ///
    /// # Errors
    /// If they may not be seen.
    pub async fn dead_letters(
        &self,
        actor: &Actor,
        filter: &Filter,
        page: i64,
        per_page: i64,
    ) -> Result<Page<DeadLetter>, RemedyError> {
        self.identity().check(actor, &Act::HandleFailures).await?;
        let (page, per_page) = (page.max(1), per_page.clamp(1, 1_000));
        let skip = (page - 1).saturating_mul(per_page);
        let mut db = self.db();
        let total = store::count(&mut db, filter).await?;
        let rows = store::list(&mut db, filter, skip, per_page).await?;
        Ok(Page { rows, page, per_page, total })
    }

    /// The providers and assignments of dead letters: what a list can be narrowed to.
    ///
    /// # Errors
    /// If they may not be seen.
    pub async fn dead_letter_choices(
        &self,
        actor: &Actor,
    ) -> Result<(Vec<String>, Vec<(AssignmentId, String)>), RemedyError> {
        self.identity().check(actor, &Act::HandleFailures).await?;
        Ok(store::choices(&mut self.db()).await?)
    }

    /// The open dead letter of a submission, where it has one; whoever asks has been checked.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn open_dead_letter(&self, id: SubmissionId) -> Result<Option<DeadLetterId>, EngineError> {
        Ok(store::open_of(&mut self.db(), id).await?)
    }

    /// Why and when a submission was closed without marks, where it was; whoever asks has been checked.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn closing(&self, id: SubmissionId) -> Result<Option<(String, DateTime<Utc>)>, EngineError> {
        Ok(store::closing_of(&mut self.db(), id).await?)
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
        let reason = checked(reason, *remedy == Remedy::Discard)?;
        let resolution = match remedy {
            Remedy::Retry => Resolution::Retried,
            Remedy::Reroute { .. } => Resolution::Rerouted,
            Remedy::Discard => Resolution::Discarded,
        };
        let change = Change { way: self.way(remedy)?, edit: None };
        let decided = Decided { resolution, by: actor.person(), reason };
        let mut tx = self.db().begin().await?;
        let mut decisions = Vec::with_capacity(ids.len());
        for id in ids {
            decisions.push(self.carry_out(&mut tx, *id, &decided, &change).await?);
        }
        tx.commit().await?;
        Ok(decisions)
    }

    /// Decides about the open dead letters that match, the oldest first and at most [`MOST_DECIDED`] of them; answers how
    /// many matched, and what came of each. With `preview` nothing is done.
    ///
    /// # Errors
    /// If the decision can't be carried out; then nothing was done.
    pub async fn decide_about_matching(
        &self,
        actor: &Actor,
        filter: &Filter,
        remedy: &Remedy,
        reason: Option<&str>,
        preview: bool,
    ) -> Result<Decisions, RemedyError> {
        self.identity().check(actor, &Act::HandleFailures).await?;
        let filter = Filter { open: Some(true), ..filter.clone() };
        let mut db = self.db();
        let matching = store::count(&mut db, &filter).await?;
        let most = i64::try_from(MOST_DECIDED).unwrap_or(i64::MAX);
        let ids = if preview { Vec::new() } else { store::ids(&mut db, &filter, most).await? };
        if ids.is_empty() {
            // What is asked for is checked all the same.
            self.way(remedy)?;
            checked(reason, *remedy == Remedy::Discard && !preview)?;
            return Ok(Decisions { matching, outcomes: Vec::new() });
        }
        let outcomes = self.decide_about(actor, &ids, remedy, reason).await?;
        Ok(Decisions { matching, outcomes: ids.into_iter().zip(outcomes).collect() })
    }

    /// Changes what made a request fail and has it sent again. The change is kept with its reason; the work as it was
    /// handed in stays as it is.
    ///
    /// # Errors
    /// If there is no such dead letter for this person, or a field is wrong; then nothing was done.
    pub async fn edit_dead_letter(
        &self,
        actor: &Actor,
        id: DeadLetterId,
        edit: &Edit,
        reason: Option<&str>,
    ) -> Result<RemedyOutcome, RemedyError> {
        self.identity().check(actor, &Act::HandleFailures).await?;
        let none = || RemedyError::Identity(IdentityError::Denied(Denied::NotFound));
        let mut db = self.db();
        let letter = store::find(&mut db, id).await?.ok_or_else(none)?;
        if letter.resolution.is_some() {
            return Ok(RemedyOutcome::WasResolved);
        }
        let job = queue::store::find(&mut db, letter.job_id).await?.ok_or_else(none)?;
        let sent =
            submission::store::as_sent(&mut db, &[letter.submission_id]).await?.pop().ok_or_else(none)?;
        let marking = self.marking(letter.assignment_id).await?;
        let before = Before {
            work: sent.handed_in.as_deref().unwrap_or(&sent.text),
            sent: sent.handed_in.is_some().then_some(&*sent.text),
            max_output: job.max_output,
        };
        let prepared = edit::prepare(edit, before, &marking).map_err(RemedyError::Wrong)?;
        let reason = checked(reason, true)?;
        let as_it_is = edit.provider.is_none() && edit.model.is_none() && edit.route.is_none();
        let way = if as_it_is {
            None
        } else {
            let provider = edit.provider.clone().unwrap_or_else(|| job.provider.clone());
            let model = match (&edit.model, &edit.provider) {
                (None, None) => Some(job.model.clone()),
                (model, _) => model.clone(),
            };
            self.way(&Remedy::Reroute { provider, model, route: edit.route })?
        };
        let decided = Decided { resolution: Resolution::Edited, by: actor.person(), reason };
        let mut tx = self.db().begin().await?;
        let change = Change { way, edit: Some(prepared) };
        let outcome = self.carry_out(&mut tx, id, &decided, &change).await?;
        tx.commit().await?;
        Ok(outcome)
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
            self.carry_out(&mut tx, id, &decided, &Change::default()).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The way that a remedy names.
    fn way(&self, remedy: &Remedy) -> Result<Option<Named>, RemedyError> {
        let Remedy::Reroute { provider, model, route } = remedy else { return Ok(None) };
        let entry = self.provider(provider).map_err(|error| RemedyError::Way(error.to_string()))?;
        let mut models = entry.settings.all_models();
        let model = match model {
            None => models.next(),
            Some(model) => models.find(|one| *one == model),
        };
        let Some(model) = model else {
            let there = entry.settings.all_models().cloned().collect::<Vec<_>>().join(", ");
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
        change: &Change,
    ) -> Result<RemedyOutcome, EngineError> {
        let now = self.now();
        let Some(letter) = store::find(tx, id).await? else { return Ok(RemedyOutcome::NotFound) };
        if !store::resolve(tx, id, decided, now).await? {
            return Ok(RemedyOutcome::WasResolved);
        }
        if decided.resolution == Resolution::Discarded {
            self.close(tx, &letter).await?;
            return Ok(RemedyOutcome::Done);
        }
        let Some(mut job) = queue::store::find(tx, letter.job_id).await? else {
            return Ok(RemedyOutcome::NotFound);
        };
        if let Some(edit) = &change.edit {
            let id: EditId = self.world().id();
            store::insert_edit(tx, id, &letter, edit, decided, now).await?;
            queue::store::set_edit(tx, job.id, id).await?;
            (job.max_output, job.input_tokens) = (edit.max_output, edit.input_tokens);
            (job.bytes, job.work_bytes) = (edit.bytes.request, edit.bytes.work);
            if self.is_priced(&job.provider, &job.model).is_ok() {
                job.expected = self.expected(&job)?;
            }
        }
        if let Some(way) = &change.way {
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

    /// Closes a submission without marks, and tells its student.
    async fn close(&self, tx: &mut Tx, letter: &DeadLetter) -> Result<(), EngineError> {
        let subject = letter.submission_id.0;
        submission::store::set_state(tx, &[letter.submission_id], SubmissionState::Closed).await?;
        event::record(tx, self.now(), EventKind::Closed, &[subject]).await?;
        let closed = notice::New { person: letter.student_id, kind: notice::Kind::Closed, subject };
        let task = self.tell(tx, &[closed]).await?;
        jobs::push(tx, task.as_slice(), None).await?;
        Ok(())
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
