//! What an installation knows for a plan: its providers with their settings, its prices, and what was measured.

use super::{Offer, Plan, PlanError, Workload, plan, prompts};
use crate::{
    batching,
    engine::{Engine, EngineError},
    identity::{Act, Actor, IdentityError},
    store::DbError,
    trial::Verdict,
};
use chrono::TimeDelta;

/// A plan that an installation can't make.
#[derive(Debug, thiserror::Error)]
pub enum AskPlanError {
    /// The person may not.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// It can't be made.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// What is known can't be looked up.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<DbError> for AskPlanError {
    fn from(error: DbError) -> Self {
        Self::Engine(error.into())
    }
}

/// How far back it is looked how many batches came back.
const LOOKED_BACK: TimeDelta = TimeDelta::days(30);

impl Engine {
    /// Makes a plan from what this installation knows; from the built-in price list where it has no provider yet.
    ///
    /// # Errors
    /// If the person may not, the plan can't be made, or the database fails.
    pub async fn plan(
        &self,
        actor: &Actor,
        workload: &Workload,
        provider: Option<&str>,
        model: Option<&str>,
    ) -> Result<Plan, AskPlanError> {
        self.identity().check(actor, &Act::SeeOverview).await?;
        let offers = self.offers().await?;
        let offers = if offers.is_empty() { Offer::listed() } else { offers };
        let mut plan = plan(workload, &offers, provider, model)?;
        let findings = self.trial_findings().await?;
        for other in &mut plan.other_models {
            let own = (plan.provider.as_str(), plan.model.as_str());
            if let Some(agreement) = findings.between(own, (&other.provider, &other.model)) {
                other.agreement = agreement.kappa;
                other.counts = agreement.verdict() == Verdict::Equal;
            }
        }
        let offer = offers.iter().find(|o| (&o.provider, &o.model) == (&plan.provider, &plan.model));
        if let Some(offer) = offer {
            let tried = findings.prompts(&plan.provider, &plan.model);
            plan.other_prompts = prompts::others(workload, &plan.monthly, offer, &tried)?;
        }
        Ok(Plan { evidence: self.evidence_saving().await?, ..plan })
    }

    /// The models of all providers that are switched on.
    async fn offers(&self) -> Result<Vec<Offer>, AskPlanError> {
        let now = self.now();
        let kept = batching::kept_since(&mut self.db(), now - LOOKED_BACK).await?;
        let load = self.load();
        let mut offers = Vec::new();
        for entry in self.providers() {
            for model in &entry.settings.models {
                let Ok((terms, has_tiers)) = self.list_terms(&entry.name, model, now) else { continue };
                let offer = Offer::new(&entry.name, entry.kind, model, terms, &entry.settings);
                offers.push(Offer {
                    has_tiers,
                    reuses: self.settings().reuse_answers,
                    measured: load.marked(&entry.name, model).copied(),
                    limits: entry.limits(),
                    turnaround: load.turnaround(&entry.name).unwrap_or(self.settings().turnaround_prior),
                    kept: kept.get(&entry.name).copied(),
                    // A compatible server's address may have no batches whatever its settings say.
                    batches: entry.provider.capabilities().batch,
                    ..offer
                });
            }
        }
        Ok(offers)
    }
}
