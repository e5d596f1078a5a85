//! The size that is recommended now, for administrators.

use super::{Recommendation, Shares};
use crate::{
    batching::{BatchViewError, Readiness},
    engine::{Engine, Entry},
    identity::{Act, Actor},
};
use chrono::{DateTime, TimeDelta, Utc};

/// What is recommended for the next batch of one model of a provider.
#[derive(Clone, Debug)]
pub struct SizeAdvice {
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Fewest and most jobs, as they are set.
    pub bounds: (i64, i64),
    /// Jobs that may be sent now, without those of the economy lane.
    pub waiting: i64,
    /// Why it is cut now, or what it waits for; in words.
    pub standing: String,
    /// Until when it may wait for more; none where it does not, or no promise limits it.
    pub until: Option<DateTime<Utc>>,
    /// The size, and why.
    pub recommendation: Recommendation,
}

impl Engine {
    /// The sizes that are recommended now: for each provider that takes batches, or for one, of each model for which
    /// work waits, else of its first.
    ///
    /// # Errors
    /// If the person may not, or there is no such provider.
    pub async fn size_advice(
        &self,
        actor: &Actor,
        provider: Option<&str>,
    ) -> Result<Vec<SizeAdvice>, BatchViewError> {
        self.identity().check(actor, &Act::SeeBatches).await?;
        let entries = match provider {
            None => self.providers(),
            Some(name) => vec![self.registry().get(name).ok_or(BatchViewError::NotFound)?],
        };
        let batch = |entry: &std::sync::Arc<Entry>| entry.provider.capabilities().batch;
        Ok(entries.iter().filter(|entry| batch(entry)).flat_map(|entry| self.advice_for(entry)).collect())
    }

    fn advice_for(&self, entry: &Entry) -> Vec<SizeAdvice> {
        let load = self.load();
        let now = self.now();
        let mut models: Vec<&str> = load
            .backlog
            .iter()
            .filter(|b| b.provider == entry.name && b.ready > 0)
            .map(|b| b.model.as_str())
            .collect();
        models.sort_unstable();
        models.dedup();
        if models.is_empty() {
            models.extend(entry.settings.models.first().map(String::as_str));
        }
        let advice = |model: &str| {
            let queue = Shares::new(entry, model, &load.backlog, &load.in_flight, now);
            let facts = queue.queue(now);
            let sizes = entry.sizes();
            let recommendation = self.recommended(&queue, None);
            let readiness = self.readiness_of(&queue, now);
            let until = match readiness {
                Readiness::Wait(super::super::Waits::ForMore { until, .. }) => until,
                _ => None,
            };
            SizeAdvice {
                provider: entry.name.clone(),
                model: model.to_owned(),
                bounds: (sizes.min, sizes.max),
                waiting: facts.urgent + facts.standard,
                standing: match readiness {
                    Readiness::Cut(reason) => format!("It is cut now: {}.", reason.text()),
                    Readiness::Wait(waits) => format!("It waits: {}.", waits.text()),
                },
                until: until.filter(|at| *at - now < TimeDelta::days(30)),
                recommendation,
            }
        };
        models.into_iter().map(advice).collect()
    }
}
