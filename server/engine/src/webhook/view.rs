//! Deliveries as administrators see them, and posting one again.

use super::{
    State, Webhook,
    store::{self, Delivery},
};
use crate::{
    engine::{Engine, EngineError},
    identity::{Act, Actor, IdentityError},
    jobs::{self, Task},
    store::{Db, DbError, DeliveryId},
};
use chrono::{DateTime, Utc};

/// So many deliveries are listed.
const MOST: i64 = 120;

/// The deliveries, and whether there will be more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliveries {
    /// Scheme, host and port of the address; none: no address is set.
    pub origin: Option<String>,
    /// When the address said that it is gone: nothing is posted there since.
    pub gone_at: Option<DateTime<Utc>>,
    /// The latest month first.
    pub list: Vec<Delivery>,
}

/// Something can't be done with a delivery.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// There is none.
    #[error("There is no such delivery. /api/v1/billing/deliveries lists them.")]
    NotFound,
    /// No address is set.
    #[error("No address for bills is set (bill_webhook.url); set one and start Quire again.")]
    Off,
    /// It is being posted.
    #[error("The bill of {0} is being posted. Look again in a minute.")]
    Sending(String),
    /// The person may not.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Our fault.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<DbError> for DeliveryError {
    fn from(error: DbError) -> Self {
        Self::Engine(error.into())
    }
}

impl Webhook {
    /// The bills that were posted or are to be, and whether the address takes any.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn deliveries(&self, db: &Db) -> Result<Deliveries, DbError> {
        let mut db = db.clone();
        let gone_at = match self.fingerprint() {
            Some(target) => store::gone(&mut db, &target).await?,
            None => None,
        };
        Ok(Deliveries { origin: self.origin(), gone_at, list: store::list(&mut db, MOST).await? })
    }
}

impl Engine {
    /// The bills that were posted or are to be.
    ///
    /// # Errors
    /// If the person may not see them, or the database fails.
    pub async fn deliveries(&self, actor: &Actor) -> Result<Deliveries, DeliveryError> {
        self.identity().check(actor, &Act::SeeBilling).await?;
        Ok(self.webhook().deliveries(&self.db()).await?)
    }

    /// Posts a bill again at once, under its old id and with all its attempts anew, whatever came of it before. An address
    /// that said that it is gone is tried again.
    ///
    /// # Errors
    /// If the person may not, there is no such delivery, it is being posted, no address is set, or the database fails.
    pub async fn retry_delivery(&self, actor: &Actor, id: DeliveryId) -> Result<Delivery, DeliveryError> {
        self.identity().check(actor, &Act::ManageBilling).await?;
        let mut tx = self.db().begin().await?;
        let found = store::find(&mut tx, id).await?.ok_or(DeliveryError::NotFound)?;
        let target = self.webhook().fingerprint().ok_or(DeliveryError::Off)?;
        if !store::set_again(&mut tx, id, self.now()).await? {
            return Err(DeliveryError::Sending(found.month));
        }
        store::forget_gone(&mut tx, &target).await?;
        jobs::push(&mut tx, &[Task::PostBills], None).await?;
        let again = store::find(&mut tx, id).await?.ok_or(DeliveryError::NotFound)?;
        tx.commit().await?;
        let was: State = found.state;
        tracing::info!(month = again.month, was = was.name(), by = ?actor.person_id(), "a bill is to be posted again");
        Ok(again)
    }
}
