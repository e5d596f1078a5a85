//! What the same work would have cost at models that are held equal. Pure.

use super::{EqualGroup, EqualModel};
use crate::{
    budget::Paid,
    plan::percent,
    provider::{ProviderKind, Usage, price::Terms},
    store::NanoUsd,
    submission::tokens::Calibration,
    trial::Agreement,
};

/// What a model did in the measured months.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// The model.
    pub at: EqualModel,
    /// In batches.
    pub batch: Paid,
    /// By calls in real time.
    pub realtime: Paid,
}

/// What is known of a model today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which interface its provider speaks, by which its tokens are estimated.
    pub kind: ProviderKind,
    /// Its price, without what depends on the month's volume.
    pub terms: Terms,
    /// Its provider takes batches.
    pub batches: bool,
}

/// What work would have cost at a model.
#[derive(Clone, Debug, PartialEq)]
pub struct At {
    /// The model.
    pub at: EqualModel,
    /// It is the one that did the work.
    pub is_own: bool,
    /// What it would have cost: each part by the route that it took, all in real time, and all in batches where its
    /// provider takes them. None, with the reason, where it can't be said.
    pub costs: Result<(NanoUsd, NanoUsd, Option<NanoUsd>), String>,
    /// How far its marks agree with those of the model that did the work; none where no trial was made, and for that model.
    pub agreement: Option<Agreement>,
}

impl At {
    /// What the work would have cost, each part by the route that it took.
    #[must_use]
    pub fn as_done(&self) -> Option<NanoUsd> {
        self.costs.as_ref().ok().map(|(as_done, ..)| *as_done)
    }
}

/// The work of one model, held against the models that are equal to it.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkComparison {
    /// The model that did it, and what was booked.
    pub work: Work,
    /// What it would have cost, the cheapest first; what can't be said is last.
    pub at: Vec<At>,
    /// What the cheapest would have saved against the model that did the work, at the same prices; zero where that is the
    /// cheapest. None where either can't be said.
    pub saved: Option<NanoUsd>,
    /// The same in percent.
    pub saved_percent: Option<f64>,
    /// What is saved is less than the estimate of tokens may be wrong by.
    pub within_error: bool,
}

/// A group of equal models, and what they did.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupComparison {
    /// The group, with who states it and why.
    pub group: EqualGroup,
    /// The work of each of its models that did any.
    pub works: Vec<WorkComparison>,
}

/// What equal models would have cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Arbitrage {
    /// By group.
    pub groups: Vec<GroupComparison>,
    /// What is assumed.
    pub assumptions: Vec<String>,
    /// What to know about it.
    pub notes: Vec<String>,
}

/// Holds the work of each model against the models of its group. `held` says what is known of a model today, or why it can't
/// be used; `agreement` how far the marks of two models agree.
#[must_use]
pub fn compare(
    groups: Vec<EqualGroup>,
    works: &[Work],
    held: impl Fn(&EqualModel) -> Result<Held, String>,
    agreement: impl Fn(&EqualModel, &EqualModel) -> Option<Agreement>,
) -> Arbitrage {
    let mut notes = Vec::new();
    if groups.is_empty() {
        notes.push(
            "No models are stated to be equal, and no trial judged any so: none are compared. Start a trial on the page of \
             prompts, or state them, with the evidence, by PUT /api/v1/billing/equal-models/NAME."
                .to_owned(),
        );
    }
    let assumptions = if groups.is_empty() { Vec::new() } else { assumptions() };
    let groups: Vec<GroupComparison> = groups
        .into_iter()
        .map(|group| {
            let known: Vec<_> = group.models.iter().map(|model| (model, held(model))).collect();
            let of_group = works.iter().filter(|work| group.models.contains(&work.at));
            let works: Vec<_> = of_group.map(|work| compare_work(work, &known, &agreement)).collect();
            if works.is_empty() {
                notes.push(format!("No model of \"{}\" did any work in these months.", group.name));
            }
            GroupComparison { works, group }
        })
        .collect();
    Arbitrage { groups, assumptions, notes }
}

type Known<'a> = (&'a EqualModel, Result<Held, String>);

fn compare_work(
    work: &Work,
    known: &[Known<'_>],
    agreement: &impl Fn(&EqualModel, &EqualModel) -> Option<Agreement>,
) -> WorkComparison {
    let own = known.iter().find(|(model, _)| **model == work.at).map(|(_, held)| held);
    // Without it, how its tokens were counted is not known.
    let own = own.cloned().unwrap_or_else(|| Err("it is not in the group".to_owned()));
    let mut at: Vec<At> = known
        .iter()
        .map(|(model, held)| {
            let costs = match (held, &own) {
                (Err(why), _) => Err(why.clone()),
                (Ok(_), Err(_)) => Err(format!(
                    "how {} of {} counts tokens is not known any more",
                    work.at.model, work.at.provider
                )),
                (Ok(held), Ok(own)) => Ok(costs(work, own.kind, held)),
            };
            let is_own = **model == work.at;
            let agreement = if is_own { None } else { agreement(&work.at, model) };
            At { at: (*model).clone(), is_own, costs, agreement }
        })
        .collect();
    at.sort_by_key(|at| (at.as_done().is_none(), at.as_done(), !at.is_own));
    let own_cost = at.iter().find(|at| at.is_own).and_then(At::as_done);
    let least = at.first().and_then(|at| at.as_done().map(|cost| (cost, &at.at)));
    let saved = own_cost.zip(least).map(|(own, (least, _))| own - least);
    let saved_percent = own_cost.zip(saved).map(|(own, saved)| percent(saved, own));
    let error = least.map_or(0.0, |(_, model)| {
        let other = known.iter().find(|(known, _)| *known == model).and_then(|(_, held)| held.as_ref().ok());
        other.zip(own.as_ref().ok()).map_or(0.0, |(other, own)| error(own.kind, other.kind))
    });
    WorkComparison {
        work: work.clone(),
        within_error: saved_percent.is_some_and(|percent| percent > 0.0 && percent < error * 100.0),
        at,
        saved,
        saved_percent,
    }
}

/// By how much the tokens of a provider may be wrong when they are estimated from another's, as a share.
fn error(from: ProviderKind, to: ProviderKind) -> f64 {
    if from == to { 0.0 } else { Calibration::prior(from).error + Calibration::prior(to).error }
}

fn costs(work: &Work, from: ProviderKind, held: &Held) -> (NanoUsd, NanoUsd, Option<NanoUsd>) {
    let cost = |paid: &Paid, batch: bool| {
        let answers = u64::try_from(paid.answers).unwrap_or(0);
        held.terms.cost_of_many(&converted(paid, from, held.kind), answers, batch && held.batches)
    };
    let both = |batch: bool| cost(&work.batch, batch).saturating_add(cost(&work.realtime, batch));
    let as_done = cost(&work.batch, true).saturating_add(cost(&work.realtime, false));
    (as_done, both(false), held.batches.then(|| both(true)))
}

/// The tokens as another provider would have counted them, every prompt read afresh.
fn converted(paid: &Paid, from: ProviderKind, to: ProviderKind) -> Usage {
    let mut usage = paid.uncached();
    if from != to {
        let ratio = Calibration::prior(to).ratio / Calibration::prior(from).ratio;
        let by = Calibration { ratio, error: 0.0, seen: 0 };
        usage.input_tokens = by.apply(usage.input_tokens);
        usage.output_tokens = by.apply(usage.output_tokens);
    }
    usage
}

fn assumptions() -> Vec<String> {
    [
        "That models are equal is the word of who stated it, with the evidence given. Where a trial held their marks against \
         each other here, what it found stands beside them.",
        "Costs are at today's prices, for the tokens that were measured, every prompt read afresh: what a provider's cache \
         would take off, and discounts by the month's volume, are left out for all alike. So what was booked may be less.",
        "Another provider counts the same text in other tokens: Anthropic about 1.2, Gemini about 1.05 and other servers \
         about 1.1 for each of OpenAI's, give or take a fifth. Answers are taken to be as long.",
        "Requests are priced by their mean length. Answers without the provider's figures and calls that were cut off are \
         not in it.",
    ]
    .map(str::to_owned)
    .to_vec()
}
