//! Noticing tasks that this process did not push itself: one question for all queues, every fraction of a second, and
//! on PostgreSQL its notifications beside that.

use super::{Kind, bell, sql, work::Process};
use serde::Deserialize;
use sqlx::{PgPool, postgres::PgListener};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// The channel on which a trigger of apalis-postgres tells of each task that may run at once.
const CHANNEL: &str = "apalis::job::insert";

/// Rings for what is due, until it is dropped.
pub(super) async fn due(process: &Process) {
    let mut beat = tokio::time::interval(process.settings.poll.max(Duration::from_millis(1)));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        match sql::due(&process.db).await {
            Ok(kinds) => kinds.into_iter().for_each(bell::ring),
            Err(error) => {
                tracing::warn!(%error, "could not ask for tasks; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// What the trigger says.
#[derive(Deserialize)]
struct Inserted {
    job_type: String,
}

/// Rings for what other processes push, until it is dropped.
pub(super) async fn notifications(pool: &PgPool) {
    loop {
        let error = match listen(pool).await {
            Ok(never) => match never {},
            Err(error) => error,
        };
        tracing::warn!(%error, "could not listen for tasks; trying again");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn listen(pool: &PgPool) -> Result<std::convert::Infallible, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        let said = listener.recv().await?;
        if let Some(kind) = serde_json::from_str::<Inserted>(said.payload())
            .ok()
            .and_then(|task| Kind::of_queue(&task.job_type))
        {
            bell::ring(kind);
        }
    }
}
