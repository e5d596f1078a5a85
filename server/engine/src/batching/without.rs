//! Providers without batches: what waits there for a batch is asked for in real time.

use crate::{
    budget::{self, Line},
    engine::{Engine, EngineError},
    event::{self, EventKind},
    jobs::{self, Task},
    queue::{self, Job},
    routing::Route,
    store::{NanoUsd, Tx},
};

/// Jobs that change their route in one go.
const MOST_AT_ONCE: i64 = 1_000;

/// Why, for staff.
const WHY: &str = "the provider takes no batches; asked for in real time";

impl Engine {
    /// Sends jobs that wait for batches of these models on in real time: their provider took batches when they came, and
    /// does no longer. What they may cost that way is held before they are asked for.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) async fn without_batches(
        &self,
        tx: &mut Tx,
        provider: &str,
        models: &[String],
    ) -> Result<(), EngineError> {
        let now = self.now();
        let (mut lines, mut tasks, mut moved) = (Vec::new(), Vec::new(), Vec::new());
        for model in models {
            for job in queue::store::ready(tx, provider, model, now, MOST_AT_ONCE).await? {
                let mut next =
                    Job { route: Route::Realtime, reserved: NanoUsd::ZERO, ready_at: now, ..job.clone() };
                next.expected = self.expected(&next)?;
                if !queue::store::divert(tx, &job, &next, WHY).await? {
                    continue;
                }
                if job.reserved != NanoUsd::ZERO {
                    lines.push(Line::release(self.world(), self.zone(), job.account(), job.held(), WHY));
                }
                tasks.push(Task::Call(job.id));
                moved.push(job.submission_id.0);
            }
        }
        budget::record(tx, &lines).await?;
        event::record(tx, now, EventKind::Returned, &moved).await?;
        jobs::push(tx, &tasks, None).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::{
        batching,
        engine::testing::house,
        notice::Mailer,
        provider::registry::store::providers,
        queue::{self, JobState},
        routing::Route,
        store::{Exec as _, Json, NanoUsd, testing::each_db},
    };
    use chrono::TimeDelta;

    #[tokio::test]
    async fn what_waits_for_a_batch_goes_in_real_time_once_there_are_none() {
        each_db(async |mut db| {
            let house = house(db.clone(), Mailer::off()).await;
            let receipt = house.hand_in().await;
            let job = async || {
                let mut db = house.engine.db();
                queue::store::of_submission(&mut db, receipt.submission.id).await.unwrap().unwrap().0
            };
            let before = job().await;
            assert_eq!(before.route, Route::Batch);
            assert!(before.reserved > NanoUsd::ZERO);
            let row = providers(&mut db).await.unwrap().remove(0);
            let mut settings = row.settings.clone();
            settings.insert("batch".into(), false.into());
            db.query("UPDATE providers SET settings = $1, updated_at = $2")
                .bind(Json(settings))
                .bind(row.updated_at + TimeDelta::seconds(1))
                .exec()
                .await
                .unwrap();
            house.clock.advance(TimeDelta::hours(1));
            house.engine.refresh_load().await.unwrap();
            let now = house.engine.now();
            assert_eq!(house.engine.ready_to_cut(now).await.unwrap(), ["openai"]);
            assert!(house.engine.cut("openai", now).await.unwrap().is_empty());
            assert!(house.engine.ready_to_cut(now).await.unwrap().is_empty());
            let after = job().await;
            assert_eq!((after.route, after.state), (Route::Realtime, JobState::Queued));
            assert_eq!(after.reserved, NanoUsd::ZERO, "held anew before the call is made");
            assert!(after.expected > before.expected, "real time costs more");
            assert!(batching::store::in_flight(&mut db).await.unwrap().is_empty());
            house.engine.refresh_load().await.unwrap();
            let spending = house.engine.load().budgets.spending.clone();
            assert!(spending.iter().all(|s| s.reserved == NanoUsd::ZERO), "{spending:?}");
            // What is handed in now goes there at once.
            let next = house.hand_in().await;
            assert_eq!(next.decision.route, Route::Realtime);
            assert!(next.decision.reasoning.contains("takes no batches"), "{}", next.decision.reasoning);
        })
        .await;
    }
}
