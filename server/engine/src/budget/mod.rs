//! Money: the append-only ledger, its running sums by month, and budgets with their hard stop.

mod ledger;
mod limit;
mod store;

pub use ledger::{Account, Held, Kind, Line, Tokens, month_of};
pub use limit::{Budget, Budgets, INSTITUTION, Spending};
pub use store::{
    PaidTokens, budgets, line_of_response, lines_of_job, record, save_budget, spending, spending_for_update,
    spent_by_hour, tokens_of_month,
};
