//! Money: the append-only ledger, its running sums, budgets with their thresholds and hard stop, and what the month will
//! come to.

mod advice;
mod alerts;
mod days;
mod edit;
mod ledger;
mod limit;
mod monitor;
mod month;
mod projection;
mod store;
#[cfg(test)]
mod tests;

pub use advice::{Advice, advice};
pub use alerts::THRESHOLDS;
pub use days::{Paid, Way, by_day, by_way, by_way_until, summed};
pub use edit::BudgetError;
pub use ledger::{Account, Held, Kind, Line, Tokens};
pub use limit::{Budget, Budgets, INSTITUTION, NoScope, Scope, Spending};
pub use monitor::{Monitor, Standing};
pub use month::{Month, NoMonth, begin_of, day_of};
pub use projection::{Known, Projection, project};
pub use store::{
    BudgetChange, budgets, line_of_response, lines_of_job, marked, record, save_budget, spending,
    spending_for_update,
};
