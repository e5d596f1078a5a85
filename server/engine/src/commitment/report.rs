//! The report: measured months, commitments, and what they rest on, in words. Pure.

use super::{
    Measured, Offer, ProviderUse, Use,
    commit::{mean, offer},
    measured,
};
use crate::{
    budget::{Month, Paid, Way},
    plan::Share,
    store::NanoUsd,
};
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// What is known beside the sums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The first day on which anything was paid for, in any month; none: nothing ever was.
    pub first_day: Option<NaiveDate>,
    /// Days within the measured months on which a price of a provider's model changed, by provider and model.
    pub price_changes: BTreeMap<(String, String), Vec<NaiveDate>>,
}

/// What commitments would have saved.
#[derive(Clone, Debug, PartialEq)]
pub struct CommitmentReport {
    /// The months that were measured, the first first; none: there is nothing to go by yet.
    pub months: Vec<Month>,
    /// What is assumed.
    pub assumptions: Vec<String>,
    /// What to know about the figures as a whole.
    pub notes: Vec<String>,
    /// By provider.
    pub providers: Vec<ProviderFigures>,
}

/// Figures of a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderFigures {
    /// Provider's name.
    pub provider: String,
    /// All its models together: what a commitment to the provider is about.
    pub all: Figures,
    /// Each model: what a commitment to that model alone is about.
    pub models: Vec<Figures>,
}

/// Figures of a model, or of all of a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// The model; none: all of the provider's.
    pub model: Option<String>,
    /// What was used in each measured month.
    pub months: Vec<Use>,
    /// Spent in the leanest month.
    pub least: NanoUsd,
    /// Spent in a month on average.
    pub mean: NanoUsd,
    /// Spent in the highest month.
    pub highest: NanoUsd,
    /// What a commitment would save, by discount; none where nothing was spent.
    pub offers: Vec<Offer>,
    /// What to know about these figures.
    pub notes: Vec<String>,
}

/// Makes the report of the last whole months: what was paid for in each, the first first, and the discounts to ask for.
/// Months before the first one in which anything was paid for are left out.
#[must_use]
pub fn report(
    months: Vec<(Month, Vec<(Way, Paid)>)>,
    discounts: &[Share],
    facts: &Facts,
) -> CommitmentReport {
    let began = |month: &Month| facts.first_day.is_some_and(|day| month.last() >= day);
    let (months, early): (Vec<_>, Vec<_>) = months.into_iter().partition(|(month, _)| began(month));
    let (months, ways): (Vec<Month>, Vec<_>) = months.into_iter().unzip();
    let early: Vec<Month> = early.into_iter().map(|(month, _)| month).collect();
    let figures = |provider: &str, measured: Measured| figures(provider, measured, &months, discounts, facts);
    let providers: Vec<ProviderFigures> = measured(&ways)
        .into_iter()
        .map(|ProviderUse { provider, all, models }| ProviderFigures {
            all: figures(&provider, all),
            models: models.into_iter().map(|model| figures(&provider, model)).collect(),
            provider,
        })
        .collect();
    CommitmentReport {
        notes: notes(&months, &early, &providers, facts),
        assumptions: if providers.is_empty() { Vec::new() } else { assumptions() },
        months,
        providers,
    }
}

fn figures(
    provider: &str,
    measured: Measured,
    months: &[Month],
    discounts: &[Share],
    facts: &Facts,
) -> Figures {
    let Measured { model, months: uses } = measured;
    let spent: Vec<NanoUsd> = uses.iter().map(Use::spent).collect();
    let mut notes = Vec::new();
    let idle: Vec<String> = months
        .iter()
        .zip(&spent)
        .filter(|(_, spent)| **spent == NanoUsd::ZERO)
        .map(|(month, _)| month.to_string())
        .collect();
    if idle.len() == months.len() {
        notes.push("Nothing was spent: what costs nothing needs no commitment.".to_owned());
    } else if !idle.is_empty() {
        notes.push(format!(
            "Nothing was spent in {}: any commitment would have been unused then.",
            idle.join(", ")
        ));
    }
    for ((_, changed), days) in facts
        .price_changes
        .iter()
        .filter(|((whose, of), _)| whose == provider && model.as_ref().is_none_or(|model| model == of))
    {
        let days: Vec<String> = days.iter().map(NaiveDate::to_string).collect();
        notes.push(format!(
            "The price of {changed} changed on {}. Spend is counted as it was booked; at today's price the same work \
             comes to another sum.",
            days.join(", ")
        ));
    }
    Figures {
        least: spent.iter().min().copied().unwrap_or_default(),
        mean: mean(&spent),
        highest: spent.iter().max().copied().unwrap_or_default(),
        offers: discounts.iter().filter_map(|discount| offer(&spent, *discount)).collect(),
        notes,
        model,
        months: uses,
    }
}

fn notes(months: &[Month], early: &[Month], providers: &[ProviderFigures], facts: &Facts) -> Vec<String> {
    let mut notes = Vec::new();
    match (facts.first_day, months) {
        (None, _) => {
            notes.push("Nothing was paid for yet. Ask again when a month with work has ended.".to_owned())
        }
        (Some(day), []) => notes.push(format!(
            "The first work was paid for on {day}. Ask again when {} has ended.",
            Month::of(day)
        )),
        (Some(day), [first, ..]) => {
            if !early.is_empty() {
                let early: Vec<String> = early.iter().map(Month::to_string).collect();
                notes.push(format!(
                    "{} left out: the first work was paid for on {day}.",
                    match early.as_slice() {
                        [one] => format!("{one} is"),
                        several => format!("{} are", several.join(", ")),
                    }
                ));
            }
            if *first == Month::of(day) && day != first.first() {
                notes.push(format!(
                    "{first} counts as a whole month, though the first work was paid for on {day}: the leanest month may \
                     be higher than it looks."
                ));
            }
            if let [one] = months {
                notes.push(format!(
                    "Only {one} was measured. One month does not tell how months differ: ask again when there are three."
                ));
            }
            if providers.is_empty() {
                notes.push("Nothing was paid for in these months.".to_owned());
            }
        }
    }
    notes
}

fn assumptions() -> Vec<String> {
    [
        "A commitment is to pay in each month for work worth so much at the prices that were booked, less the discount, \
         whether it is used or not. Work beyond it costs what was booked. What a month leaves unused is lost.",
        "Months to come are taken to be like those that were measured: no growth and no other prices.",
        "Discounts and tiers that hold already are in the prices that were booked; the discount here comes on top.",
        "Spend holds all that was booked: also calls that were cut off without an answer.",
        "That a provider gives such a discount, and on which terms, is not known here: it is what to ask for.",
    ]
    .map(str::to_owned)
    .to_vec()
}
