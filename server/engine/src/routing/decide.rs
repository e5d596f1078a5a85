//! The decision: facts in, route with reasons out (SPEC 2.5). Pure, so that it can be replayed.

use super::{Facts, ProviderFacts, Rule, RuleSet, Urgency, Way};
use crate::{queue::Lane, store::NanoUsd};
use serde::{Deserialize, Serialize};

/// How work reaches a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Route {
    /// A call of its own, answered in seconds.
    Realtime,
    /// A provider's batch, at half the price.
    Batch,
}

impl Route {
    /// The name in rules, settings and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Realtime => "realtime",
            Self::Batch => "batch",
        }
    }
}

/// A way that could be taken instead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fallback {
    /// The route.
    pub route: Route,
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Expected cost.
    pub cost: NanoUsd,
}

/// Where the work goes, and why. Kept with the job, with the facts that were seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The route.
    pub route: Route,
    /// The lane.
    pub lane: Lane,
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Name of the rule that decided; none where nothing applied.
    pub rule: Option<String>,
    /// Version of the rules.
    pub rules_version: i64,
    /// Why, in plain words, for staff.
    pub reasoning: String,
    /// Share of the variations of the estimates (P10 and P90 of cost, time and load) that give the same route.
    pub confidence: f64,
    /// Expected cost.
    pub cost: NanoUsd,
    /// Most that it can cost: what is reserved.
    pub most: NanoUsd,
    /// What the same would cost in real time.
    pub realtime_cost: NanoUsd,
    /// Seconds within which half of such work is back, and nine of ten.
    pub seconds: (i64, i64),
    /// Other ways, the cheapest first.
    pub fallbacks: Vec<Fallback>,
    /// The facts seen.
    pub facts: Facts,
}

/// No provider can take the work.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("no provider that is switched on can mark this work; an administrator must add or enable one")]
pub struct NoProvider;

/// Seconds within which half of calls in real time are answered, and nine of ten.
pub const REALTIME_SECONDS: (i64, i64) = (5, 20);

/// The factors by which P10 and P90 of an estimate differ from it: cost, time and load.
const VARIATIONS: [[f64; 2]; 3] = [[0.7, 1.4], [0.5, 2.0], [0.5, 2.0]];

/// Decides.
///
/// # Errors
/// If no provider can take the work.
pub fn decide(rules: &RuleSet, facts: Facts) -> Result<Decision, NoProvider> {
    let chosen = choose(rules, &facts)?;
    let mut same = 0;
    let mut all = 0;
    for cost in VARIATIONS[0] {
        for time in VARIATIONS[1] {
            for load in VARIATIONS[2] {
                all += 1;
                let varied = choose(rules, &vary(&facts, cost, time, load))?;
                same += i32::from(varied.route == chosen.route);
            }
        }
    }
    let provider = &facts.providers[chosen.provider];
    let by_route = |p: &ProviderFacts, route| match route {
        Route::Realtime => (p.realtime_cost, p.realtime_most),
        Route::Batch => (p.batch_cost, p.batch_most),
    };
    let (cost, most) = by_route(provider, chosen.route);
    let mut fallbacks: Vec<Fallback> = facts
        .providers
        .iter()
        .enumerate()
        .filter(|(_, p)| p.healthy)
        .flat_map(|(i, p)| {
            [Route::Batch, Route::Realtime]
                .into_iter()
                .filter(move |route| *route == Route::Realtime || p.batch)
                .map(move |route| (i, p, route))
        })
        .filter(|(i, _, route)| (*i, *route) != (chosen.provider, chosen.route))
        .map(|(_, p, route)| Fallback {
            route,
            provider: p.name.clone(),
            model: p.model.clone(),
            cost: by_route(p, route).0,
        })
        .collect();
    fallbacks.sort_by_key(|f| f.cost);
    Ok(Decision {
        route: chosen.route,
        lane: chosen.lane,
        provider: provider.name.clone(),
        model: provider.model.clone(),
        rule: chosen.rule.map(|rule| rule.name.clone()),
        rules_version: rules.version,
        reasoning: chosen.reasoning,
        confidence: f64::from(same) / f64::from(all),
        cost,
        most,
        realtime_cost: provider.realtime_cost,
        seconds: match chosen.route {
            Route::Realtime => REALTIME_SECONDS,
            Route::Batch => (provider.batch_p50, provider.batch_p90),
        },
        fallbacks,
        facts,
    })
}

/// The facts with other estimates.
fn vary(facts: &Facts, cost: f64, time: f64, load: f64) -> Facts {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "estimates, varied roughly"
    )]
    let scale = |n: i64, by: f64| (n as f64 * by) as i64;
    let mut facts = facts.clone();
    facts.budget.used *= cost;
    facts.load.waiting = scale(facts.load.waiting, load);
    facts.load.sent = scale(facts.load.sent, load);
    for p in &mut facts.providers {
        for amount in [&mut p.realtime_cost, &mut p.realtime_most, &mut p.batch_cost, &mut p.batch_most] {
            amount.0 = scale(amount.0, cost);
        }
        p.batch_p50 = scale(p.batch_p50, time);
        p.batch_p90 = scale(p.batch_p90, time);
    }
    facts
}

struct Chosen<'a> {
    route: Route,
    lane: Lane,
    provider: usize,
    rule: Option<&'a Rule>,
    reasoning: String,
}

fn choose<'a>(rules: &'a RuleSet, facts: &Facts) -> Result<Chosen<'a>, NoProvider> {
    let (rule, wrong) = rules.first(facts);
    let mut why = match rule {
        Some(rule) => format!("Rule \"{}\" applies: {}.", rule.title, rule.condition),
        None => "No rule applies.".to_owned(),
    };
    for problem in wrong {
        why = format!("{why} Passed over: {problem}.");
    }
    let way = rule.map_or(Way::PreferBatch, |rule| rule.action.way);
    let affords = |p: &ProviderFacts| facts.budget.left.is_none_or(|left| left >= p.realtime_most);
    let late = facts.assignment.minutes_to_deadline.is_some_and(|minutes| {
        facts.providers.iter().filter(|p| p.batch && p.healthy).all(|p| p.batch_p90 > minutes * 60)
    });
    let route = match way {
        Way::Realtime => Route::Realtime,
        Way::Batch => Route::Batch,
        Way::BatchUnlessUrgent if facts.urgency == Urgency::High => Route::Realtime,
        Way::PreferBatch if late && facts.providers.iter().any(affords) => {
            why.push_str(" A batch would come back too late and the budget affords real time.");
            Route::Realtime
        }
        Way::PreferBatch | Way::BatchUnlessUrgent => Route::Batch,
    };
    let named = rule.and_then(|rule| rule.action.provider.as_deref());
    let provider = pick(facts, route, named, &mut why).ok_or(NoProvider)?;
    // A provider without batches still marks the work.
    let route =
        if route == Route::Batch && !facts.providers[provider].batch { Route::Realtime } else { route };
    let lane = rule.and_then(|rule| rule.action.lane).unwrap_or(if facts.urgency == Urgency::High {
        Lane::Urgent
    } else {
        Lane::Standard
    });
    Ok(Chosen { route, lane, provider, rule, reasoning: why })
}

/// The cheapest provider that suits; of equally cheap ones the one with the greatest share of its slots free, so that
/// each gets work by its capacity.
fn pick(facts: &Facts, route: Route, named: Option<&str>, why: &mut String) -> Option<usize> {
    let cost = |p: &ProviderFacts| match route {
        Route::Realtime => p.realtime_cost,
        Route::Batch => p.batch_cost,
    };
    if let Some(named) = named {
        match facts.providers.iter().position(|p| p.name == named) {
            Some(i) if facts.providers[i].healthy => return Some(i),
            Some(_) => why.push_str(&format!(" {named} does not answer now; another takes its place.")),
            None => why.push_str(&format!(" {named} is not there; another takes its place.")),
        }
    }
    let suits = |p: &ProviderFacts| route == Route::Realtime || p.batch;
    let candidates = |healthy: bool| {
        facts.providers.iter().enumerate().filter(move |(_, p)| suits(p) && (p.healthy || !healthy))
    };
    let best =
        |healthy: bool| candidates(healthy).min_by_key(|(_, p)| (cost(p), -p.free_share())).map(|(i, _)| i);
    let chosen = best(true).or_else(|| best(false)).or_else(|| {
        (0..facts.providers.len())
            .min_by_key(|i| (!facts.providers[*i].healthy, facts.providers[*i].realtime_cost))
    })?;
    let p = &facts.providers[chosen];
    let equals = candidates(true).filter(|(i, other)| *i != chosen && cost(other) == cost(p)).count();
    why.push_str(&if equals > 0 {
        format!(" Of {} equally cheap providers {} has the most room.", equals + 1, p.name)
    } else {
        format!(" {} is the cheapest that suits.", p.name)
    });
    Some(chosen)
}
