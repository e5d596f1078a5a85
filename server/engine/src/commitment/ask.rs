//! Asking for the report: who may, what can be asked, and looking up what it is made of.

use super::{CommitmentReport, Facts, prices::price_changes, report};
use crate::{
    billing,
    budget::{self, Month},
    engine::{Engine, EngineError},
    identity::{Act, Actor, IdentityError},
    plan::Share,
    store::DbError,
};

/// The most months that are looked at.
pub const MOST_MONTHS: u32 = 36;

/// The most discounts that are reckoned with at once.
pub const MOST_DISCOUNTS: usize = 10;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// How many of the last whole months are measured.
    pub months: u32,
    /// Discounts that a provider could be asked for.
    pub discounts: Vec<Share>,
}

impl Default for Asked {
    /// The last three months, and 5, 10, 15 and 20 percent.
    fn default() -> Self {
        let discounts = ["5", "10", "15", "20"].into_iter();
        Self { months: 3, discounts: discounts.filter_map(|text| Share::parse_percent(text).ok()).collect() }
    }
}

/// The report can't be given.
#[derive(Debug, thiserror::Error)]
pub enum CommitmentError {
    /// No months, or too many.
    #[error("{0} is not a number of months from 1 to {MOST_MONTHS}")]
    Months(u32),
    /// A discount that is none, or all.
    #[error(
        "a discount of {0} percent is none to ask for; write more than 0 and less than 100, such as 10 or 12.5"
    )]
    Discount(f64),
    /// No discounts, or too many.
    #[error("{0} discounts were given; give 1 to {MOST_DISCOUNTS}")]
    Discounts(usize),
    /// The person may not.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Our fault.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<DbError> for CommitmentError {
    fn from(error: DbError) -> Self {
        Self::Engine(error.into())
    }
}

impl Asked {
    /// The discounts in order, each once, if all that is asked for can be answered.
    fn checked(&self) -> Result<Vec<Share>, CommitmentError> {
        if !(1..=MOST_MONTHS).contains(&self.months) {
            return Err(CommitmentError::Months(self.months));
        }
        let mut discounts = self.discounts.clone();
        discounts.sort_unstable();
        discounts.dedup();
        if !(1..=MOST_DISCOUNTS).contains(&discounts.len()) {
            return Err(CommitmentError::Discounts(discounts.len()));
        }
        let wrong = discounts
            .iter()
            .map(|share| share.percent())
            .find(|percent| !(*percent > 0.0 && *percent < 100.0));
        wrong.map_or(Ok(discounts), |percent| Err(CommitmentError::Discount(percent)))
    }
}

impl Engine {
    /// What commitments would have saved in the last whole months.
    ///
    /// # Errors
    /// If the person may not, what is asked for can't be answered, or the database fails.
    pub async fn commitment(
        &self,
        actor: &Actor,
        asked: &Asked,
    ) -> Result<CommitmentReport, CommitmentError> {
        self.identity().check(actor, &Act::SeeBilling).await?;
        let discounts = asked.checked()?;
        // Another process may have been told of new prices.
        self.refresh_prices().await?;
        let mut db = self.db();
        let mut months = Vec::new();
        for month in whole_months(self.month(), asked.months) {
            months.push((month, budget::by_way(&mut db, month).await?));
        }
        let facts = Facts { first_day: billing::first_day(&mut db).await?, ..Facts::default() };
        let facts = self.with_price_changes(facts, &months);
        Ok(report(months, &discounts, &facts))
    }

    /// Looks up when prices of what was used changed within the months.
    fn with_price_changes(
        &self,
        mut facts: Facts,
        months: &[(Month, Vec<(budget::Way, budget::Paid)>)],
    ) -> Facts {
        let (Some((first, _)), Some((last, _))) = (months.first(), months.last()) else { return facts };
        let began = facts.first_day.unwrap_or_default().max(first.first());
        for (way, _) in months.iter().flat_map(|(_, ways)| ways) {
            let key = (way.provider.clone(), way.model.clone());
            if facts.price_changes.contains_key(&key) {
                continue;
            }
            let listed = self.every_price(&way.provider, &way.model);
            let days = price_changes(&listed, self.zone());
            let days = days.into_iter().filter(|day| *day > began && *day <= last.last()).collect();
            facts.price_changes.insert(key, days);
        }
        facts.price_changes.retain(|_, days| !days.is_empty());
        facts
    }
}

/// The last months that have ended, the first first.
pub(crate) fn whole_months(this: Month, number: u32) -> Vec<Month> {
    let mut months: Vec<Month> = std::iter::successors(Some(this.before()), |month| Some(month.before()))
        .take(number as usize)
        .collect();
    months.reverse();
    months
}
