//! Asking what equal models would have cost: who may, and looking up what is known.

use super::{Arbitrage, EqualGroup, EqualModel, Held, Work, compare, store};
use crate::{
    budget::{self, Paid},
    commitment::{CommitmentError, MOST_MONTHS, whole_months},
    engine::Engine,
    identity::{Act, Actor},
    trial::Findings,
};
use std::collections::BTreeMap;

impl Engine {
    /// What the work of the last whole months would have cost at models that are held equal.
    ///
    /// # Errors
    /// If the person may not, the number of months can't be used, or the database fails.
    pub async fn arbitrage(&self, actor: &Actor, months: u32) -> Result<Arbitrage, CommitmentError> {
        self.identity().check(actor, &Act::SeeBilling).await?;
        if !(1..=MOST_MONTHS).contains(&months) {
            return Err(CommitmentError::Months(months));
        }
        self.refresh_prices().await?;
        let mut db = self.db();
        let findings = self.trial_findings().await?;
        let mut groups = store::groups(&mut db).await?;
        groups.extend(judged(&findings, &groups));
        let mut works: BTreeMap<EqualModel, (Paid, Paid)> = BTreeMap::new();
        for month in whole_months(self.month(), months) {
            for (way, paid) in budget::by_way(&mut db, month).await? {
                let at = EqualModel { provider: way.provider, model: way.model };
                let (batch, realtime) = works.entry(at).or_default();
                if way.batched { batch.add(&paid) } else { realtime.add(&paid) }
            }
        }
        let works: Vec<Work> =
            works.into_iter().map(|(at, (batch, realtime))| Work { at, batch, realtime }).collect();
        let between = |one: &EqualModel, other: &EqualModel| {
            findings.between((&one.provider, &one.model), (&other.provider, &other.model))
        };
        Ok(compare(groups, &works, |model| self.held(model), between))
    }

    /// What is known of a model today, or why it can't be used.
    fn held(&self, EqualModel { provider, model }: &EqualModel) -> Result<Held, String> {
        let entry = self.providers().into_iter().find(|entry| entry.name == *provider);
        let entry = entry.ok_or_else(|| format!("{provider} is not set up, or is switched off"))?;
        let (terms, _) =
            self.list_terms(provider, model, self.now()).map_err(|_| "it has no price today".to_owned())?;
        Ok(Held { kind: entry.kind, terms, batches: entry.provider.capabilities().batch })
    }
}

/// Pairs of models whose marks a trial judged equal, but for those that are stated equal already.
fn judged(findings: &Findings, stated: &[EqualGroup]) -> Vec<EqualGroup> {
    let mut groups = Vec::new();
    for (models, judged) in findings.equal() {
        let models = models.map(|(provider, model)| EqualModel { provider, model });
        if stated.iter().any(|group| models.iter().all(|model| group.models.contains(model))) {
            continue;
        }
        groups.push(EqualGroup {
            name: format!("{} and {}, by a trial", models[0].model, models[1].model),
            evidence: format!(
                "a trial of {} works found a kappa of {:.2}",
                judged.agreement.works,
                judged.agreement.kappa.unwrap_or_default()
            ),
            models: models.to_vec(),
            by_trial: true,
            stated_by: None,
            stated_by_name: None,
            stated_at: judged.at,
        });
    }
    groups.sort_by(|one, other| one.name.cmp(&other.name));
    groups
}
