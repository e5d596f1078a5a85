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
};
use chrono::Days;
use std::collections::BTreeMap;

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

/// How cost control stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostControl {
    /// The month that savings and changes are of.
    pub month: Month,
    /// What this month looks like now.
    pub outlook: Outlook,
    /// All measures, in the order in which they are taken.
    pub measures: Vec<Entry>,
    /// What was taken and given up in the month, the newest first.
    pub changes: Vec<Change>,
    /// Economy models that are set: provider and model.
    pub economy_models: Vec<(String, String)>,
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
        let economy = |entry: std::sync::Arc<crate::engine::Entry>| {
            Some((entry.name.clone(), entry.settings.economy_model.clone()?))
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
        let is_on = states.iter().any(|state| state.measure == measure && state.on_since.is_some());
        store::set_mode(&mut tx, measure, mode).await?;
        let change = match (mode, is_on) {
            (Mode::On, false) => Some((true, "an administrator holds it on")),
            (Mode::Off, true) => Some((false, "an administrator holds it off")),
            _ => None,
        };
        if let Some((taken, why)) = change {
            store::change(&mut tx, self.world(), (measure, taken), why, actor.person_id()).await?;
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
