//! What processes tell each other of the providers, and what administrators are told.

use super::{Fault, Figures, Pause, figures, store};
use crate::{
    engine::{Engine, EngineError, WeakEngine},
    notice,
};
use chrono::TimeDelta;
use std::{collections::BTreeMap, time::Duration};

/// How often a process writes down what it knows, and reads what others know.
const EVERY: Duration = Duration::from_secs(3);

/// Prices, and the month's volume, are read anew after so many of these.
const PRICES: u64 = 20;

/// What processes that are gone wrote is kept for so long.
const KEPT: TimeDelta = TimeDelta::hours(1);

/// Keeps what is known of the providers and their prices fresh, until the engine ends.
pub(crate) async fn keep_health(engine: WeakEngine) {
    for round in 1_u64.. {
        tokio::time::sleep(EVERY).await;
        let Some(engine) = engine.upgrade() else { return };
        if round % PRICES == 0
            && let Err(error) = engine.refresh_prices().await
        {
            tracing::warn!(%error, "the prices can't be read anew; trying again");
        }
        if let Err(error) = engine.share_health().await {
            tracing::warn!(%error, "how the providers are can't be written down or read; trying again");
        }
    }
}

impl Pause {
    /// Why nothing is sent, in a few words.
    #[must_use]
    pub fn reason(&self) -> String {
        match (self.fault, self.failures) {
            (Fault::Key, _) => format!("the key was refused: {}", self.why),
            (Fault::Quota, _) => format!("the account has no money left: {}", self.why),
            (Fault::Down, Some(1)) => format!("it failed: {}", self.why),
            (Fault::Down, Some(n)) => format!("it failed {n} times in a row, the last time: {}", self.why),
            (Fault::Down, None) => format!("it mostly failed, the last time: {}", self.why),
        }
    }
}

impl Engine {
    /// Writes down what this process knows of the providers, and reads what all know.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn share_health(&self) -> Result<(), EngineError> {
        let now = self.now();
        let own = self.health().figures();
        if !own.is_empty() {
            let mut tx = self.db().begin().await?;
            store::write(&mut tx, self.owner(), &own, now, now - KEPT).await?;
            tx.commit().await?;
        }
        self.health().keep(&store::rows(&mut self.db()).await?);
        Ok(())
    }

    /// How a provider is, as far as all processes know.
    #[must_use]
    pub fn figures_of(&self, provider: &str) -> Figures {
        self.health().together().get(provider).cloned().unwrap_or_default()
    }

    /// Tells administrators of providers that have failed for some minutes, and when they work again.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn tell_of_outages(&self) -> Result<(), EngineError> {
        let now = self.now();
        let told_after = TimeDelta::seconds(i64::from(self.health().settings().notice_seconds));
        let mut pauses: BTreeMap<String, Pause> = self.health().pauses().into_iter().collect();
        let open = store::open_outages(&mut self.db()).await?;
        if open.is_empty() && pauses.values().all(|pause| now - pause.since < told_after) {
            return Ok(());
        }
        // Read anew: whether others still see it fail must not be a few seconds old.
        let rows = store::rows(&mut self.db()).await?;
        for chunk in rows.chunk_by(|a, b| a.provider == b.provider) {
            if let Some(pause) = figures::together(chunk, now).pause {
                pauses.entry(chunk[0].provider.clone()).or_insert(pause);
            }
        }
        let mut tx = self.db().begin().await?;
        let mut news = Vec::new();
        for (provider, pause) in &pauses {
            let is_open = open.iter().any(|outage| outage.provider == *provider);
            if !is_open && now - pause.since >= told_after {
                let reason = pause.reason();
                let begun =
                    store::begin_outage(&mut tx, self.world(), provider, pause.since, &reason).await?;
                news.extend(begun);
            }
        }
        for outage in open.iter().filter(|outage| !pauses.contains_key(&outage.provider)) {
            if store::end_outage(&mut tx, outage.id, now).await? {
                news.push(outage.id);
            }
        }
        let outages: Vec<uuid::Uuid> = news.iter().map(|outage| outage.0).collect();
        self.tell_administrators(&mut tx, notice::Kind::ProviderOutage, &outages).await?;
        tx.commit().await?;
        Ok(())
    }
}
