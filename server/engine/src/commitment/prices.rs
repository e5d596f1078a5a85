//! When the price of a model changed. Pure.

use crate::{budget::day_of, provider::Listed};
use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;

/// The days on which what a model cost changed, of all prices that it has or had, in the order in which they win. Its first
/// price is no change, nor is one that another goes before.
#[must_use]
pub fn price_changes(listed: &[Listed], zone: Tz) -> Vec<NaiveDate> {
    let held = |at| listed.iter().find(|price| price.from <= at).map(|found| (&found.price, &found.deal));
    let changed = |price: &&Listed| {
        let before = held(price.from - TimeDelta::microseconds(1));
        before.is_some() && before != held(price.from)
    };
    let mut days: Vec<NaiveDate> =
        listed.iter().filter(changed).map(|price| day_of(price.from, zone)).collect();
    days.sort_unstable();
    days.dedup();
    days
}
