//! Administrators are told by e-mail of what needs a person: in one summary of all that is open, at most once an hour
//! (SPEC 9.1).

use super::store;
use crate::{
    engine::{Engine, EngineError},
    notice,
    store::NoticeId,
};
use chrono::{DateTime, TimeDelta, Utc};

/// The time between two summaries.
const EVERY: TimeDelta = TimeDelta::hours(1);

/// Whether it is time for a summary.
fn is_time(last: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    last.is_none_or(|last| now - last >= EVERY)
}

impl Engine {
    /// Gives administrators a summary of the dead letters that need a person, where one has not been counted in any and
    /// the last is an hour old. What it says is read when it is sent.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn sum_up_deaths(&self) -> Result<(), EngineError> {
        let mut db = self.db();
        let now = self.now();
        if !store::any_untold(&mut db).await? || !is_time(store::last_told(&mut db, None).await?, now) {
            return Ok(());
        }
        let mut tx = db.begin().await?;
        // Another process that sums up the same waits here for this one, or this one for it; whoever was second finds
        // nothing left to tell, or that it was done a moment ago.
        let told = store::set_told(&mut tx, now).await?;
        if told == 0 || !is_time(store::last_told(&mut tx, Some(now)).await?, now) {
            tx.rollback().await?;
            return Ok(());
        }
        let subject = self.world().id::<NoticeId>().0;
        self.tell_administrators(&mut tx, notice::Kind::DeadLetters, &[subject]).await?;
        tx.commit().await?;
        Ok(())
    }
}
