//! What a month of work costs: in real time, in batches and with Quire, with the share of each lever, what is assumed, and
//! the plan (SPEC 7.4 to 7.6). Pure but for [`facts`], which looks up what an installation knows.
//!
//! No lever is assumed. Prices are those of the price book. How often prompts in batches are read from the provider's cache
//! is taken from the ledger where enough was measured, else from the provider's documentation at the lower end of what it
//! names, else none are. Real time, which all is held against, gets the best that its provider documents: every prompt but
//! the first of its assignment is read from the cache.

mod advice;
mod cost;
mod evidence;
mod facts;
mod levers;
mod month;
mod offer;
mod prompts;
mod shares;
#[cfg(test)]
mod tests;
mod workload;

pub use advice::{Advice, Choice};
pub use cost::{Costs, Hits, Marking, Requests, TRIALS_A_MONTH};
pub use evidence::EvidenceSaving;
pub use facts::AskPlanError;
pub use levers::{Lever, Pulled, grouped, percent};
pub use offer::Offer;
pub use prompts::{OtherPrompt, TriedPrompt};
pub use shares::LoadShare;
pub use workload::{Share, Workload, WorkloadError};

use crate::{
    provider::{
        Keep,
        cache::{Marked, TRIAL},
    },
    store::NanoUsd,
};
use serde::Serialize;

/// What a month of work costs, and how it is best done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// What was planned for.
    pub workload: Workload,
    /// What it costs a month.
    pub monthly: Monthly,
    /// Saved against real time with the provider's own caching, at the same model and the same marks.
    pub saving_percent: f64,
    /// Saved against real time without caching, at the same model and the same marks.
    pub saving_percent_uncached: f64,
    /// The savings at the ends of what is documented of the provider's cache; none where it was measured or has no part.
    pub range: Option<Range>,
    /// The levers in the order in which they are pulled; their shares add up to the whole.
    pub levers: Vec<Pulled>,
    /// What is assumed, with where it comes from.
    pub assumptions: Vec<Assumption>,
    /// What the same work would cost at other models, the cheapest first. Their marks are other marks: what they save counts
    /// only where a trial judged them equal.
    pub other_models: Vec<Other>,
    /// What it would cost by other versions of the prompt that were tried, the cheapest first; likewise.
    pub other_prompts: Vec<OtherPrompt>,
    /// Who marks, how, and what that costs.
    pub advice: Advice,
    /// What it saved on the newest answers that evidence is named by sentence numbers; none where there are none.
    pub evidence: Option<EvidenceSaving>,
}

/// What a workload costs a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Monthly {
    /// In real time, every prompt read afresh.
    pub realtime_uncached_nano_usd: NanoUsd,
    /// In real time, prompts read from the provider's cache as well as can be.
    pub realtime_nano_usd: NanoUsd,
    /// In batches where it can wait, rubrics read afresh there.
    pub batch_nano_usd: NanoUsd,
    /// With Quire.
    pub quire_nano_usd: NanoUsd,
}

/// Savings at the ends of what may be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Range {
    /// Hits of a hundred requests in batches: at the least and at the most.
    pub hits: [u32; 2],
    /// Saved against real time with the provider's own caching.
    pub saving_percent: [f64; 2],
    /// Saved against real time without.
    pub saving_percent_uncached: [f64; 2],
}

/// Something that is assumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assumption {
    /// What it is about.
    pub what: &'static str,
    /// How it is taken to be.
    pub value: String,
    /// Where that comes from.
    pub source: String,
}

/// The same work at another model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Other {
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// What a month costs with Quire.
    pub monthly_nano_usd: NanoUsd,
    /// The same in percent of what it costs at the model that was planned for; below 100 it is cheaper.
    pub percent_of_plan: f64,
    /// Saved against real time at that model, with its provider's own caching.
    pub saving_percent: f64,
    /// Saved against real time at that model, without.
    pub saving_percent_uncached: f64,
    /// How far its marks agree with those of the model that was planned for, as a trial found: quadratic weighted kappa.
    /// None where none was made.
    pub agreement: Option<f64>,
    /// Its marks are judged equal, so that what it saves counts.
    pub counts: bool,
}

/// A plan that can't be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The workload can't be so.
    #[error(transparent)]
    Workload(#[from] WorkloadError),
    /// There is no such model.
    #[error("no price is known for {asked}; known are: {}", .known.join(", "))]
    NoModel {
        /// What was asked for.
        asked: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A sum is too large to be counted.
    #[error("the sum is more than 9 thousand million dollars, too large to be counted: plan for less work")]
    TooLarge,
}

/// The offers of a provider, or of all, for a model, or for all.
///
/// # Errors
/// If there is none, naming all that there are.
pub fn chosen<'a>(
    offers: &'a [Offer],
    provider: Option<&str>,
    model: Option<&str>,
) -> Result<Vec<&'a Offer>, PlanError> {
    let by = |offer: &&Offer| {
        // A kind's own name is taken in any case: OpenAI, openai.
        provider.is_none_or(|name| offer.provider.eq_ignore_ascii_case(name))
            && model.is_none_or(|name| offer.model == name)
    };
    let found: Vec<&Offer> = offers.iter().filter(by).collect();
    if found.is_empty() {
        let asked = match (provider, model) {
            (Some(provider), Some(model)) => format!("{model} of {provider}"),
            (Some(name), None) | (None, Some(name)) => name.to_owned(),
            (None, None) => "any model".to_owned(),
        };
        let known = offers.iter().map(|offer| format!("{} ({})", offer.model, offer.provider)).collect();
        return Err(PlanError::NoModel { asked, known });
    }
    Ok(found)
}

/// Makes the plan: at the provider and model that were asked for, else at the cheapest. Of those that cost the same within
/// a hundredth it is the one that costs least in real time, so that no saving is told against a real time that is dearer
/// than need be.
///
/// # Errors
/// If the workload can't be so, there is no such model, or a sum is too large.
pub fn plan(
    workload: &Workload,
    offers: &[Offer],
    provider: Option<&str>,
    model: Option<&str>,
) -> Result<Plan, PlanError> {
    workload.check()?;
    let mut reckoned = Vec::new();
    for offer in chosen(offers, provider, model)? {
        reckoned.push((reckon(workload, offer)?, offer));
    }
    let least = reckoned.iter().map(|((costs, ..), _)| costs.quire.0).min().unwrap_or(0);
    let near = |costs: &Costs| costs.quire.0 <= least.saturating_add(least / 100);
    let best = reckoned
        .into_iter()
        .filter(|((costs, ..), _)| near(costs))
        .min_by_key(|((costs, ..), _)| costs.realtime_cached);
    let Some(((costs, hits, marking), offer)) = best else {
        return Err(PlanError::NoModel { asked: "any model".to_owned(), known: Vec::new() });
    };
    let requests = Requests { workload, offer };
    let others = others(workload, offer, costs.quire, offers)?;
    Ok(Plan {
        provider: offer.provider.clone(),
        model: offer.model.clone(),
        workload: *workload,
        monthly: Monthly {
            realtime_uncached_nano_usd: costs.realtime_uncached,
            realtime_nano_usd: costs.realtime_cached,
            batch_nano_usd: costs.batch,
            quire_nano_usd: costs.quire,
        },
        saving_percent: saving(&costs),
        saving_percent_uncached: saving_uncached(&costs),
        range: range(&requests, hits, marking)?,
        levers: levers::pulled(&requests, &costs, hits, marking),
        assumptions: assumptions(&requests, hits),
        advice: advice::advise(&requests, &costs, (hits, marking), &others, offers),
        other_models: others,
        other_prompts: Vec::new(),
        evidence: None,
    })
}

/// What a workload costs at a model, and what is expected of the provider's cache.
fn reckon(workload: &Workload, offer: &Offer) -> Result<(Costs, Hits, Marking), PlanError> {
    let requests = Requests { workload, offer };
    let hits = Hits::expected(offer, workload);
    let marking = requests.marking(hits);
    Ok((requests.costs(hits, marking)?, hits, marking))
}

fn saving(costs: &Costs) -> f64 {
    percent(costs.realtime_cached - costs.quire, costs.realtime_cached)
}

fn saving_uncached(costs: &Costs) -> f64 {
    percent(costs.realtime_uncached - costs.quire, costs.realtime_uncached)
}

/// The savings if the provider's cache does as little and as much as may be.
fn range(requests: &Requests<'_>, hits: Hits, marking: Marking) -> Result<Option<Range>, PlanError> {
    let (low, high) = match (hits, marking) {
        (_, Marking::None) | (Hits::Measured(..) | Hits::Never, _) => return Ok(None),
        (Hits::Documented(_), _) => match requests.offer.documented().batch_hits {
            Some(range) => (range.low, range.high),
            None => return Ok(None),
        },
        (Hits::Unknown, _) => (0, 100),
    };
    if requests.workload.routes().1 == 0 {
        return Ok(None);
    }
    let least = requests.costs(hits, marking)?;
    let hit = requests.costs(Hits::Documented(high), Marking::All(Keep::Short))?;
    // Where even that does not pay, prompts are not marked.
    let most = if hit.quire < least.quire { hit } else { least };
    Ok(Some(Range {
        hits: [low, high],
        saving_percent: [saving(&least), saving(&most)],
        saving_percent_uncached: [saving_uncached(&least), saving_uncached(&most)],
    }))
}

fn others(
    workload: &Workload,
    chosen: &Offer,
    monthly: NanoUsd,
    offers: &[Offer],
) -> Result<Vec<Other>, PlanError> {
    let mut others = Vec::new();
    for offer in offers.iter().filter(|o| (&o.provider, &o.model) != (&chosen.provider, &chosen.model)) {
        let (costs, ..) = reckon(workload, offer)?;
        others.push(Other {
            provider: offer.provider.clone(),
            model: offer.model.clone(),
            monthly_nano_usd: costs.quire,
            percent_of_plan: percent(costs.quire, monthly),
            saving_percent: saving(&costs),
            saving_percent_uncached: saving_uncached(&costs),
            agreement: None,
            counts: false,
        });
    }
    others.sort_by_key(|other| other.monthly_nano_usd);
    Ok(others)
}

fn assumptions(requests: &Requests<'_>, hits: Hits) -> Vec<Assumption> {
    let Requests { workload, offer } = requests;
    let given = || "given, or the reference workload".to_owned();
    let documented = offer.documented();
    let mut all = vec![
        Assumption {
            what: "work that shares a prompt",
            value: format!("{} pieces for each assignment", workload.works_per_assignment),
            source: given(),
        },
        Assumption {
            what: "repeated work",
            value: format!("{} % is the same as other work", workload.repeated.percent()),
            source: given(),
        },
        Assumption {
            what: "the provider's cache in real time",
            value: match offer.caches(workload) {
                true => "every prompt but the first of its assignment is read from it, where that is cheaper"
                    .to_owned(),
                false => "none".to_owned(),
            },
            source: "the most that documentation allows, so that no saving is overstated".to_owned(),
        },
        Assumption {
            what: "the provider's cache in batches",
            value: format!("{} of 100 prompts are read from it", hits.of_hundred()),
            source: match hits {
                Hits::Measured(_, answers) => {
                    format!(
                        "measured: {answers} answers of this installation in its ledger ({TRIAL} are enough)"
                    )
                }
                Hits::Documented(_) => format!("{}; the lower end", documented.source),
                Hits::Unknown => format!("{}, and none was measured", documented.source),
                Hits::Never => match documented.least_tokens {
                    Some(least) => format!("prompts that share less than {least} tokens are not kept"),
                    None => documented.source.to_owned(),
                },
            },
        },
        Assumption {
            what: "answers",
            value: "none is asked for twice, and none reasons at length".to_owned(),
            source: "unusable answers and reasoning come on top; the ledger shows them".to_owned(),
        },
    ];
    if let Some(Marked { answers, .. }) = offer.measured.filter(|marked| !marked.is_enough()) {
        all.push(Assumption {
            what: "measurements that are left out",
            value: format!("{answers} answers to marked prompts"),
            source: format!("fewer than {} say nothing", TRIAL),
        });
    }
    if offer.has_tiers {
        all.push(Assumption {
            what: "discounts by the month's volume",
            value: "none".to_owned(),
            source: "the price book has some; they come off what is told here".to_owned(),
        });
    }
    all
}
