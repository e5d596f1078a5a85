//! Before a call in real time: the answer to an earlier request for the same work is given again.

use crate::{
    answer::Next,
    engine::{Engine, EngineError},
    jobs::Verdict,
    queue::{self, Job},
    store::Tx,
};
use chrono::TimeDelta;
use std::slice;

/// How soon it is looked again whether a call with the same request has ended.
const LOOK: TimeDelta = TimeDelta::seconds(2);

impl Engine {
    /// What is done with a job instead of calling; none: its call is to be made, and its request is noted as asked.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn instead_of_call(
        &self,
        tx: &mut Tx,
        job: &Job,
    ) -> Result<Option<Verdict>, EngineError> {
        let now = self.now();
        let at = match self.next_of(tx, slice::from_ref(job), true).await?.first() {
            None | Some(Next::Ask) => return Ok(None),
            Some(Next::Wait(_)) => now + LOOK,
            Some(Next::Give(first)) => {
                // It takes as long as a call would: nobody can tell from the time that it was answered before.
                let due = job.arrived_at + self.call_takes(&job.provider);
                if due <= now {
                    self.give(tx, &[(job.id, *first)]).await?;
                    return Ok(Some(Verdict::Done));
                }
                due
            }
        };
        queue::store::postpone(tx, job.id, at).await?;
        Ok(Some(Verdict::LookAgain(at)))
    }
}
