//! Thresholds of budgets: administrators are told once of each that was passed (SPEC 7.2).

use super::{Budget, Month, store};
use crate::{
    engine::{Engine, EngineError},
    notice,
    store::NanoUsd,
};

/// Shares of a budget of which administrators are told, in percent, the smallest first.
pub const THRESHOLDS: [i64; 3] = [80, 90, 100];

/// The thresholds that a use has reached; of a budget of nothing none is, as nothing is sent.
pub(super) fn reached(used: NanoUsd, limit: NanoUsd) -> impl Iterator<Item = i64> {
    let reached = move |percent: &i64| {
        limit > NanoUsd::ZERO && i128::from(used.0) * 100 >= i128::from(limit.0) * i128::from(*percent)
    };
    THRESHOLDS.into_iter().filter(reached)
}

impl Engine {
    /// Tells administrators of thresholds that were passed.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn tell_of_budgets(&self) -> Result<(), EngineError> {
        let load = self.load();
        let month = Month::at(load.at, self.zone());
        let over: Vec<(&Budget, NanoUsd, Vec<i64>)> = load
            .budgets
            .budgets
            .iter()
            .map(|budget| {
                let used = load.budgets.of(&budget.scope).used();
                (budget, used, reached(used, budget.limit).collect())
            })
            .filter(|(_, _, reached): &(_, _, Vec<i64>)| !reached.is_empty())
            .collect();
        if over.is_empty() {
            return Ok(());
        }
        let told = store::told(&mut self.db(), month).await?;
        let is_new =
            |budget: &Budget, percent: i64| !told.contains(&(budget.scope.clone(), percent, budget.limit));
        if !over.iter().any(|(budget, _, reached)| reached.iter().any(|percent| is_new(budget, *percent))) {
            return Ok(());
        }
        let mut tx = self.db().begin().await?;
        let mut news = Vec::new();
        for (budget, used, reached) in over {
            let mut highest = None;
            for percent in reached.into_iter().filter(|percent| is_new(budget, *percent)) {
                // Another process may have been quicker.
                highest =
                    store::note_alert(&mut tx, self.world(), month, budget, percent, used).await?.or(highest);
            }
            news.extend(highest);
        }
        let alerts: Vec<uuid::Uuid> = news.iter().map(|alert| alert.0).collect();
        self.tell_administrators(&mut tx, notice::Kind::BudgetThreshold, &alerts).await?;
        tx.commit().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_reached_to_the_nano_dollar() {
        let of = |used, limit| reached(NanoUsd(used), NanoUsd(limit)).collect::<Vec<_>>();
        assert_eq!(of(799_999_999, 1_000_000_000), Vec::<i64>::new());
        assert_eq!(of(800_000_000, 1_000_000_000), [80]);
        assert_eq!(of(1_000_000_000, 1_000_000_000), THRESHOLDS);
        assert_eq!(of(i64::MAX, i64::MAX), THRESHOLDS);
        assert_eq!(of(5, 0), Vec::<i64>::new());
    }
}
