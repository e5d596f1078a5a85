//! The bill: what was spent in a month, by cost centre, in the columns of FOCUS, the FinOps Foundation's open
//! specification of cost and usage data, version 1.2.
//!
//! The ledger says what was spent; the price book says which price that was ([`explain`]); lines that are alike are
//! summed by day ([`Day`]), and each sum becomes a row for each kind of token ([`Charge`]). Amounts that are billed add
//! up to the ledger's to the nano-dollar.

mod charge;
mod day;
mod decimal;
mod error;
mod explain;
mod export;
mod focus;
mod month;
mod share;
mod store;
#[cfg(test)]
mod tests;

pub use charge::{Charge, Quantity};
pub(crate) use decimal::decimal;
pub(crate) use store::first_day;

pub use day::{Account, Booking, Day, Sums};
pub use error::BillingError;
pub use explain::{Booked, explain};
pub use export::Bill;
pub use focus::COLUMNS;
pub use month::{Month, Period};
pub use share::share;
