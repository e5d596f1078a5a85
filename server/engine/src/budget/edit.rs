//! What administrators do with budgets.

use super::{Month, NoMonth, Scope, store};
use crate::{
    course,
    engine::{Engine, EngineError},
    identity::{Act, Actor, IdentityError},
    store::{CourseId, DbError, NanoUsd},
};

/// Something can't be done with a budget.
#[derive(Debug, thiserror::Error)]
pub enum BudgetError {
    /// The limit is below nothing.
    #[error(
        "A budget can’t be below $0. Write what may be spent in a month, such as 500; 0 stops all that costs money."
    )]
    Negative,
    /// There is no such course.
    #[error("There is no such course. Choose one from the list.")]
    NoCourse(CourseId),
    /// There is no such budget.
    #[error("There is no budget to be removed; someone else may have removed it.")]
    NoBudget,
    /// The text is no month.
    #[error(transparent)]
    NoMonth(#[from] NoMonth),
    /// The month has not begun.
    #[error("{0} has not begun: nothing was spent in it yet.")]
    Future(Month),
    /// The person may not do this.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Our fault.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<DbError> for BudgetError {
    fn from(error: DbError) -> Self {
        Self::Engine(error.into())
    }
}

impl Engine {
    /// Sets what a scope may spend in each month, from now on; with a hard stop, work waits in the queue at the limit.
    ///
    /// # Errors
    /// If the person may not, the limit is negative, or there is no such course.
    pub async fn set_budget(
        &self,
        actor: &Actor,
        scope: Scope,
        limit: NanoUsd,
        hard_stop: bool,
    ) -> Result<(), BudgetError> {
        self.identity().check(actor, &Act::ManageBudgets).await?;
        if limit < NanoUsd::ZERO {
            return Err(BudgetError::Negative);
        }
        let mut tx = self.db().begin().await?;
        if let Scope::Course(id) = scope
            && course::store::course(&mut tx, id).await?.is_none()
        {
            return Err(BudgetError::NoCourse(id));
        }
        store::save_budget(&mut tx, self.world(), &scope.to_string(), (limit, hard_stop), actor.person_id())
            .await?;
        tx.commit().await?;
        tracing::info!(%scope, limit_usd = limit.dollars(), hard_stop, by = ?actor.person_id(), "a budget was set");
        Ok(self.refresh_load().await?)
    }

    /// Removes the budget of a scope: nothing limits it from then on.
    ///
    /// # Errors
    /// If the person may not, or there is no such budget.
    pub async fn remove_budget(&self, actor: &Actor, scope: Scope) -> Result<(), BudgetError> {
        self.identity().check(actor, &Act::ManageBudgets).await?;
        let mut tx = self.db().begin().await?;
        if !store::remove_budget(&mut tx, self.world(), &scope.to_string(), actor.person_id()).await? {
            return Err(BudgetError::NoBudget);
        }
        tx.commit().await?;
        tracing::info!(%scope, by = ?actor.person_id(), "a budget was removed");
        Ok(self.refresh_load().await?)
    }
}
