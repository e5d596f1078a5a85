//! Which ready jobs are asked for in a cut: those whose request was answered before, or is asked already, leave the line.

use super::{Room, line_up};
use crate::{
    answer::Next,
    engine::{Engine, EngineError},
    queue::{self, Job},
    store::{JobId, Tx},
};
use chrono::{DateTime, Utc};

/// Jobs looked at in one cut: more than any provider's slots hold.
const MOST_CANDIDATES: i64 = 200_000;

/// So often others step up to the places of those that left the line.
const ROUNDS: usize = 3;

impl Engine {
    /// The jobs that are asked for, in the queue's order and no more than there can be room for; and those that fit into no
    /// batch. Jobs whose request was answered before are given that answer, and those with the same request as one before
    /// them wait for its answer.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) async fn line_to_ask(
        &self,
        tx: &mut Tx,
        (provider, model): (&str, &str),
        with_economy: bool,
        room: &Room,
        now: DateTime<Utc>,
    ) -> Result<(Vec<Job>, Vec<JobId>), EngineError> {
        let mut round = 0;
        loop {
            round += 1;
            let ready = queue::store::ready(tx, provider, model, now, MOST_CANDIDATES).await?;
            let ready = self.with_money(tx, ready).await?;
            let (line, too_large) = line_up(ready, with_economy, room, now);
            let decided = self.next_of(tx, &line, true).await?;
            let mut asks = Vec::with_capacity(line.len());
            let (mut waits, mut given) = (Vec::new(), Vec::new());
            for (job, next) in line.into_iter().zip(decided) {
                match next {
                    Next::Ask => asks.push(job),
                    Next::Wait(first) => waits.push((job.id, first)),
                    Next::Give(first) => given.push((job.id, first)),
                }
            }
            queue::store::same_as(tx, &waits, None).await?;
            self.give(tx, &given).await?;
            if round == ROUNDS || (waits.is_empty() && given.is_empty()) {
                return Ok((asks, too_large));
            }
        }
    }
}
