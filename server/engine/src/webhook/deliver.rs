//! Posting deliveries that are due, and trying again.
//!
//! A delivery is claimed for a while, posted, and what came of it is noted; a process that ends in between leaves a claim
//! that runs out, and the bill is posted again under the same id.

use super::{
    Posted,
    store::{self, Claim},
};
use crate::{
    engine::{Engine, EngineError},
    jobs::Verdict,
    notice,
};
use chrono::{DateTime, TimeDelta, Utc};

/// How long a claim holds: well beyond the longest wait for an answer.
const LEASE: TimeDelta = TimeDelta::seconds(60);

/// Waits after the first, second, … failure, as Standard Webhooks names them; after the last there is no more.
pub(super) const WAITS: [TimeDelta; 9] = [
    TimeDelta::seconds(5),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(5),
    TimeDelta::hours(10),
    TimeDelta::hours(14),
    TimeDelta::hours(20),
    TimeDelta::hours(24),
];

/// Deliveries of one task, so that others get their turn.
const AT_MOST: usize = 16;

impl Engine {
    /// Posts what is due. What is due later is noticed when it is.
    pub(crate) async fn post_bills(&self) -> Result<Verdict, EngineError> {
        for _ in 0..AT_MOST {
            if !self.post_due_bill().await? {
                return Ok(Verdict::Done);
            }
        }
        Ok(Verdict::LookAgain(self.now()))
    }

    /// Some bill was due at this time, and may be posted.
    pub(crate) async fn bills_due(&self, now: DateTime<Utc>) -> Result<bool, EngineError> {
        Ok(self.may_post().await? && store::any_due(&mut self.db(), now).await?)
    }

    /// Posts the first delivery that is due; false where none is.
    ///
    /// # Errors
    /// If the database fails. A delivery that is not taken is no error.
    pub async fn post_due_bill(&self) -> Result<bool, EngineError> {
        let now = self.now();
        if !self.bills_due(now).await? {
            return Ok(false);
        }
        let mut tx = self.db().begin().await?;
        let claim = store::claim(&mut tx, now, now + LEASE).await?;
        tx.commit().await?;
        let Some(claim) = claim else { return Ok(false) };
        let Some(posted) = self.webhook().post(&message_id(&claim), now, &claim.body).await else {
            return Ok(false);
        };
        self.note_posted(&claim, posted).await?;
        Ok(true)
    }

    /// An address is set, and it did not say that it is gone.
    async fn may_post(&self) -> Result<bool, EngineError> {
        let Some(target) = self.webhook().fingerprint() else { return Ok(false) };
        Ok(store::gone(&mut self.db(), &target).await?.is_none())
    }

    async fn note_posted(&self, claim: &Claim, posted: Posted) -> Result<(), EngineError> {
        let mut db = self.db();
        let (now, month) = (self.now(), claim.month.as_str());
        match posted {
            Posted::Taken(status) => {
                if store::set_delivered(&mut db, claim, status, now).await? {
                    tracing::info!(
                        month,
                        attempts = claim.attempts,
                        status,
                        "the bill of a month was posted"
                    );
                } else {
                    tracing::warn!(month, "a bill took longer than its lease and may be posted twice");
                }
            }
            Posted::Gone => {
                let mut tx = db.begin().await?;
                if let Some(target) = self.webhook().fingerprint() {
                    store::set_gone(&mut tx, &target, now).await?;
                }
                let why = "it answered 410 Gone: nothing more is posted there";
                if store::set_failed(&mut tx, claim, Some(410), why, None).await? {
                    self.tell_administrators(&mut tx, notice::Kind::BillGivenUp, &[claim.id.0]).await?;
                }
                tx.commit().await?;
                tracing::error!(
                    month,
                    "the address for bills says that it is gone; nothing more is posted there"
                );
            }
            Posted::Refused { status, why } => {
                let wait = usize::try_from(claim.attempts - 1).ok().and_then(|number| WAITS.get(number));
                let again = wait.map(|wait| now + *wait);
                let mut tx = db.begin().await?;
                let noted = store::set_failed(&mut tx, claim, status, &why, again).await?;
                if noted && again.is_none() {
                    self.tell_administrators(&mut tx, notice::Kind::BillGivenUp, &[claim.id.0]).await?;
                }
                tx.commit().await?;
                let attempt = claim.attempts;
                match again {
                    Some(again) => {
                        tracing::warn!(month, attempt, why, %again, "a bill was not taken; it is posted again");
                    }
                    None => tracing::error!(month, attempt, why, "a bill was not taken and is given up"),
                }
            }
        }
        Ok(())
    }
}

/// The id under which a delivery is posted, the same each time.
pub(super) fn message_id(claim: &Claim) -> String {
    format!("msg_{}", claim.id)
}
