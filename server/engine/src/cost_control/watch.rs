//! Looking after the month's projection, and taking and giving up measures by it.

use super::{
    ladder::{Outlook, due},
    store,
};
use crate::{
    budget::{INSTITUTION, day_of},
    engine::{Engine, EngineError},
    notice,
    store::NanoUsd,
};
use chrono::TimeDelta;

/// The projection moves with whole days; this often is soon enough.
const EVERY: TimeDelta = TimeDelta::minutes(10);

impl Engine {
    /// Takes a measure or gives one up, where that is due.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn control_costs(&self) -> Result<(), EngineError> {
        let now = self.now();
        if !self.is_due_for_cost_control(now, EVERY) {
            return Ok(());
        }
        let outlook = self.outlook_of_month().await?;
        if due(&store::states(&mut self.db()).await?, outlook, now).is_none() {
            return Ok(());
        }
        let mut tx = self.db().begin().await?;
        // Another process may have been quicker.
        let states = store::states_for_update(&mut tx).await?;
        let Some(due) = due(&states, outlook, now) else { return Ok(()) };
        let change = store::change(&mut tx, self.world(), (due.measure, due.taken), &due.why, None).await?;
        self.tell_administrators(&mut tx, notice::Kind::CostControl, &[change.0]).await?;
        tx.commit().await?;
        tracing::info!(
            measure = due.measure.name(),
            taken = due.taken,
            why = due.why,
            "cost control changed"
        );
        self.refresh_load().await
    }

    /// What the institution's month looks like.
    pub(super) async fn outlook_of_month(&self) -> Result<Outlook, EngineError> {
        let load = self.load();
        let budget = load.budgets.budgets.iter().find(|budget| budget.scope == INSTITUTION);
        let Some(limit) = budget.map(|budget| budget.limit).filter(|limit| *limit > NanoUsd::ZERO) else {
            return Ok(Outlook::NoBudget);
        };
        let expected = load.budgets.of(INSTITUTION).expected;
        let projection = self.projection(None, day_of(self.now(), self.zone()), expected).await?;
        Ok(projection.map_or(Outlook::Unknown { limit }, |projection| Outlook::Projected {
            likely: projection.likely,
            limit,
        }))
    }
}
