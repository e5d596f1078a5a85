//! How cost control stands, and what administrators do with it.

use super::{
    Measure, Mode, Outlook, Saved, State,
    saved::saved_by,
    store::{self, Change},
};
use crate::{
    budget::{BudgetError, Month, begin_of},
    engine::{Engine, EngineError},
    identity::{Act, Actor},
    trial::{Agreement, Verdict},
};
use chrono::Days;
use std::{collections::BTreeMap, sync::Arc};

/// Changes that are shown, at most.
const MOST_CHANGES: i64 = 50;

/// Answers of so many days before a month are what its own are held against.
const BEFORE: Days = Days::new(30);

/// One measure, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its state now.
    pub state: State,
    /// What it saved in the month; none: it can't be told (yet).
    pub saved: Option<Saved>,
}

/// A provider's economy model, which that measure sends work to.
#[derive(Clone, Debug, PartialEq)]
pub struct EconomyModel {
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The provider's usual model, which would do the work otherwise.
    pub usual: String,
    /// How far the marks of both agree, as a trial found; none where none was made.
    pub agreement: Option<Agreement>,
}

impl EconomyModel {
    /// What is known of its marks, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { provider, model, usual, agreement } = self;
        let known = match agreement {
            None => format!("not tried against {usual}"),
            Some(found) => {
                let kappa = found.kappa.map_or_else(String::new, |kappa| format!(", kappa {kappa:.2}"));
                let judged = match found.verdict() {
                    Verdict::Equal => "judged equal to",
                    Verdict::Different => "not judged equal to",
                    Verdict::Open => "tried on too few works against",
                };
                format!("{judged} {usual}{kappa} over {} works", found.works)
            }
        };
        format!("{model} of {provider} ({known})")
    }
}

/// How cost control stands.
#[derive(Clone, Debug, PartialEq)]
pub struct CostControl {
    /// The month that savings and changes are of.
    pub month: Month,
    /// What this month looks like now.
    pub outlook: Outlook,
    /// All measures, in the order in which they are taken.
    pub measures: Vec<Entry>,
    /// What was taken and given up in the month, the newest first.
    pub changes: Vec<Change>,
    /// Economy models that are set.
    pub economy_models: Vec<EconomyModel>,
}

impl Engine {
    /// How cost control stands, with what it saved in a month; with none, in this one.
    ///
    /// # Errors
    /// If the person may not see it, the month has not begun, or the database fails.
    pub async fn cost_control(
        &self,
        actor: &Actor,
        month: Option<Month>,
    ) -> Result<CostControl, BudgetError> {
        self.identity().check(actor, &Act::ManageBudgets).await?;
        let month = month.unwrap_or_else(|| self.month());
        if month > self.month() {
            return Err(BudgetError::Future(month));
        }
        let mut db = self.db();
        let states = store::states(&mut db).await?;
        let saved = self.saved_in(month).await?;
        let measures = states
            .into_iter()
            .map(|state| Entry { saved: saved.get(&state.measure).copied(), state })
            .collect();
        let span = (begin_of(month.first(), self.zone()), begin_of(month.next().first(), self.zone()));
        let changes = store::changes(&mut db, span, MOST_CHANGES).await?;
        let findings = self.trial_findings().await?;
        let economy = |entry: Arc<crate::engine::Entry>| {
            let (provider, model) = (entry.name.clone(), entry.settings.economy_model.clone()?);
            let usual = entry.settings.models.first()?.clone();
            let agreement = findings.between((&provider, &usual), (&provider, &model));
            Some(EconomyModel { provider, model, usual, agreement })
        };
        let economy_models = self.providers().into_iter().filter_map(economy).collect();
        let outlook = self.outlook_of_month().await?;
        Ok(CostControl { month, outlook, measures, changes, economy_models })
    }

    /// Sets who decides about a measure: the projection, or that it stays on or off.
    ///
    /// # Errors
    /// If the person may not, or the database fails.
    pub async fn set_cost_control(
        &self,
        actor: &Actor,
        measure: Measure,
        mode: Mode,
    ) -> Result<(), BudgetError> {
        self.identity().check(actor, &Act::ManageBudgets).await?;
        let mut tx = self.db().begin().await?;
        let states = store::states_for_update(&mut tx).await?;
        let state = states.into_iter().find(|state| state.measure == measure);
        let (is_on, before) = state.map_or((false, None), |s| (s.on_since.is_some(), Some(s.mode)));
        store::set_mode(&mut tx, measure, mode).await?;
        let (taken, why) = match mode {
            Mode::On => (true, "an administrator holds it on"),
            Mode::Off => (false, "an administrator holds it off"),
            Mode::Automatic => (is_on, "an administrator leaves it to the projection"),
        };
        let by = actor.person_id();
        if taken != is_on {
            store::change(&mut tx, self.world(), (measure, taken), why, by).await?;
        } else if before != Some(mode) {
            store::note(&mut tx, self.world(), (measure, taken), why, by).await?;
        }
        tx.commit().await?;
        tracing::info!(measure = measure.name(), mode = mode.name(), by = ?actor.person_id(), "cost control was set");
        Ok(self.refresh_load().await?)
    }

    /// What each measure saved in a month.
    async fn saved_in(&self, month: Month) -> Result<BTreeMap<Measure, Saved>, EngineError> {
        let mut db = self.db();
        let now = self.now();
        let from = month.first() - BEFORE;
        let rows = store::by_measures(&mut db, from, month).await?;
        let mut saved = saved_by(&rows, |way, paid| {
            let terms = self.price(&way.provider, &way.model, now).ok()?;
            let answers = u64::try_from(paid.answers).ok()?;
            let cost = terms.cost_of_many(&paid.read(), answers, way.batched);
            #[expect(clippy::cast_precision_loss, reason = "tokens of some months are far below 2^52")]
            let tokens = paid.input_tokens as f64;
            (paid.input_tokens > 0).then(|| cost.dollars() / tokens)
        });
        for (measure, answers, amount) in store::by_route(&mut db, month).await? {
            saved.insert(measure, Saved { answers, saved: amount });
        }
        Ok(saved)
    }
}
