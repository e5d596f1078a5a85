//! The decision: facts in, route with reasons out (SPEC 2.5). Pure, so that it can be replayed.

use super::{
    Action, Complexity, Facts, ProviderFacts, Rule, RuleSet, Standing, Urgency, Way, seen::Estimates,
    set::Asking,
};
use crate::{
    cost_control::{Measure, Step},
    queue::Lane,
    store::{Json, NanoUsd},
};
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
    /// What cost control changed, one step after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// A rule asks that a person approves the marks before they are released.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hold: bool,
    /// The facts seen.
    pub facts: Facts,
}

impl Decision {
    /// The steps as they are kept with the job, so that it can be told what they saved.
    pub(crate) fn kept_steps(&self) -> Option<Json<Vec<Step>>> {
        (!self.steps.is_empty()).then(|| Json(self.steps.clone()))
    }
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
    let mut asking = rules.ask(&facts);
    let chosen = choose(&mut asking, &facts)?;
    let (mut same, mut all) = (0, 0);
    for cost in VARIATIONS[0] {
        for load in VARIATIONS[2] {
            let estimates = Estimates {
                used: facts.budget.used * cost,
                waiting: scaled(facts.load.waiting, load),
                sent: scaled(facts.load.sent, load),
            };
            let (rule, _) = asking.first(estimates);
            for time in VARIATIONS[1] {
                all += 1;
                let route = route(rule, &facts, Variation { cost, time }).0;
                let way = on(&facts, rule, route)?;
                let way = delayed(&facts, rule).unwrap_or(way);
                same += i32::from(way.0 == chosen.route);
            }
        }
    }
    drop(asking);
    let provider = &facts.providers[chosen.provider];
    let most = match chosen.route {
        Route::Realtime => provider.realtime_most,
        Route::Batch => provider.batch_most,
    };
    let mut fallbacks: Vec<Fallback> = facts
        .usual()
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
            cost: p.cost(route),
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
        cost: provider.cost(chosen.route),
        most,
        realtime_cost: provider.realtime_cost,
        seconds: provider.seconds(chosen.route),
        fallbacks,
        steps: chosen.steps,
        hold: chosen.rule.is_some_and(|rule| rule.action.hold),
        facts,
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "estimates, varied roughly")]
fn scaled(n: i64, by: f64) -> i64 {
    (n as f64 * by) as i64
}

/// The factors by which costs and times may differ from their estimates.
#[derive(Clone, Copy)]
struct Variation {
    cost: f64,
    time: f64,
}

/// Where work goes.
pub(super) struct Chosen<'a> {
    pub(super) route: Route,
    pub(super) lane: Lane,
    /// The provider, by its place among the facts.
    pub(super) provider: usize,
    pub(super) rule: Option<&'a Rule>,
    reasoning: String,
    steps: Vec<Step>,
}

/// Where these facts lead, without how sure that is.
pub(super) fn choose_by<'a>(rules: &'a RuleSet, facts: &'a Facts) -> Result<Chosen<'a>, NoProvider> {
    choose(&mut rules.ask(facts), facts)
}

fn choose<'a>(asking: &mut Asking<'a>, facts: &Facts) -> Result<Chosen<'a>, NoProvider> {
    let (rule, wrong) = asking.first(facts.into());
    let mut why = match rule {
        Some(rule) => format!("Rule \"{}\" applies: {}.", rule.title, rule.condition),
        None => "No rule applies.".to_owned(),
    };
    for problem in wrong {
        why = format!("{why} Passed over: {problem}.");
    }
    let (route, too_late) = route(rule, facts, Variation { cost: 1.0, time: 1.0 });
    if too_late {
        why.push_str(" A batch would come back too late and the budget affords real time.");
    }
    why.push_str(&on_whom(facts, rule, route)?);
    let wanted = route;
    let (route, provider) = on(facts, rule, route)?;
    if route != wanted {
        why.push_str(" It takes no batches, so the work goes in real time.");
    }
    if rule.is_some_and(|rule| rule.action.hold) {
        why.push_str(" A person approves the marks before they are released.");
    }
    let lane = rule.and_then(|rule| rule.action.lane).unwrap_or(if facts.urgency == Urgency::High {
        Lane::Urgent
    } else {
        Lane::Standard
    });
    let mut chosen = Chosen { route, lane, provider, rule, reasoning: why, steps: Vec::new() };
    delay(&mut chosen, facts);
    economize(&mut chosen, facts);
    Ok(chosen)
}

/// The way of work that cost control delays: into a batch, where anyone takes one.
fn delayed(facts: &Facts, rule: Option<&Rule>) -> Option<(Route, usize)> {
    let delays = facts.measures.has(Measure::Delay) && facts.can_wait();
    delays.then(|| on(facts, rule, Route::Batch).ok()).flatten().filter(|(route, _)| *route == Route::Batch)
}

fn delay(chosen: &mut Chosen<'_>, facts: &Facts) {
    let Some((route, provider)) = delayed(facts, chosen.rule) else { return };
    if (chosen.route, chosen.lane) == (Route::Batch, Lane::Economy) {
        return;
    }
    chosen.reasoning.push_str(" Cost control delays it, as it is not urgent: a batch of the economy lane.");
    if chosen.route != route {
        chosen.step(Measure::Delay, facts);
    }
    (chosen.route, chosen.lane, chosen.provider) = (route, Lane::Economy, provider);
}

/// Gives work to the cheapest model that cost control allows for it: of the provider that a rule names, or of all. The
/// model that a rule names stands, and a long work with many criteria is left to the usual models.
fn economize(chosen: &mut Chosen<'_>, facts: &Facts) {
    let action = chosen.rule.map(|rule| &rule.action);
    if !facts.measures.has(Measure::Economy)
        || !facts.can_wait()
        || facts.complexity() == Complexity::High
        || action.is_some_and(|action| action.model.is_some())
    {
        return;
    }
    let only = action.and_then(|action| action.provider.as_deref());
    let route = chosen.route;
    let suits = |p: &ProviderFacts| {
        p.healthy
            && p.standing != Standing::Named
            && (route == Route::Realtime || p.batch)
            && only.is_none_or(|name| name == p.name)
    };
    let cheapest =
        facts.providers.iter().enumerate().filter(|(_, p)| suits(p)).min_by_key(|(_, p)| p.cost(route));
    let Some((place, cheapest)) = cheapest else { return };
    if cheapest.cost(route) >= facts.providers[chosen.provider].cost(route) {
        return;
    }
    let why = format!(" Cost control gives it to {} of {}, which costs less.", cheapest.model, cheapest.name);
    chosen.reasoning.push_str(&why);
    chosen.step(Measure::Economy, facts);
    chosen.provider = place;
}

impl Chosen<'_> {
    /// Notes where it would have gone without a measure.
    fn step(&mut self, measure: Measure, facts: &Facts) {
        let without = &facts.providers[self.provider];
        self.steps.push(Step {
            measure,
            route: self.route,
            provider: without.name.clone(),
            model: without.model.clone(),
            cost: without.cost(self.route),
        });
    }
}

/// The route that a rule asks for, and whether it is real time since a batch would come back too late.
fn route(rule: Option<&Rule>, facts: &Facts, vary: Variation) -> (Route, bool) {
    let affords = |p: &ProviderFacts| {
        facts.budget.left.is_none_or(|left| left.0 >= scaled(p.realtime_most.0, vary.cost))
    };
    let late = || {
        facts.assignment.minutes_to_deadline.is_some_and(|minutes| {
            let late = |p: &ProviderFacts| scaled(p.batch_p90, vary.time) > minutes * 60;
            facts.usual().map(|(_, p)| p).filter(|p| p.batch && p.healthy).all(late)
        })
    };
    match rule.map_or(Way::PreferBatch, |rule| rule.action.way) {
        Way::Realtime => (Route::Realtime, false),
        Way::Batch => (Route::Batch, false),
        Way::BatchUnlessUrgent if facts.urgency == Urgency::High => (Route::Realtime, false),
        Way::PreferBatch if late() && facts.usual().any(|(_, p)| affords(p)) => (Route::Realtime, true),
        Way::PreferBatch | Way::BatchUnlessUrgent => (Route::Batch, false),
    }
}

/// The provider that takes the work, and the route on which it does: one without batches still marks it.
fn on(facts: &Facts, rule: Option<&Rule>, route: Route) -> Result<(Route, usize), NoProvider> {
    let provider = pick(facts, rule, route).ok_or(NoProvider)?;
    let takes = route == Route::Realtime || facts.providers[provider].batch;
    Ok((if takes { route } else { Route::Realtime }, provider))
}

/// The action of a rule that names a provider or a model.
fn named_by(rule: Option<&Rule>) -> Option<&Action> {
    rule.map(|rule| &rule.action).filter(|action| action.provider.is_some() || action.model.is_some())
}

/// What an action names: a provider with the model that it marks with, one of its models, or a model of whoever has it.
fn is_named(action: &Action, p: &ProviderFacts) -> bool {
    match (&action.provider, &action.model) {
        (None, None) => false,
        (Some(name), None) => p.name == *name && p.standing == Standing::Usual,
        (name, Some(model)) => p.model == *model && name.as_ref().is_none_or(|name| p.name == *name),
    }
}

/// How well somebody suits: by taking the route, by the price, and by the share of its slots that is free, so that equals
/// get work by their capacity. The least is best.
fn fit(p: &ProviderFacts, route: Route) -> (bool, NanoUsd, i64) {
    (route == Route::Batch && !p.batch, p.cost(route), -p.free_share())
}

/// What a rule names, of those who answer the one that suits best; else the cheapest that suits.
fn pick(facts: &Facts, rule: Option<&Rule>, route: Route) -> Option<usize> {
    let best = |all: &mut dyn Iterator<Item = (usize, &ProviderFacts)>| {
        all.min_by_key(|(_, p)| fit(p, route)).map(|(place, _)| place)
    };
    let named = named_by(rule).and_then(|action| {
        let offers = facts.providers.iter().enumerate();
        best(&mut offers.filter(|(_, p)| p.healthy && is_named(action, p)))
    });
    named
        .or_else(|| best(&mut suiting(facts, route, true)))
        .or_else(|| best(&mut suiting(facts, route, false)))
        .or_else(|| {
            let all = facts.usual();
            all.min_by_key(|(_, p)| (!p.healthy, p.realtime_cost)).map(|(place, _)| place)
        })
}

/// Those who suit a route and take what nothing sends elsewhere.
fn suiting(facts: &Facts, route: Route, healthy: bool) -> impl Iterator<Item = (usize, &ProviderFacts)> {
    let suits = move |p: &ProviderFacts| (route == Route::Realtime || p.batch) && (p.healthy || !healthy);
    facts.usual().filter(move |(_, p)| suits(p))
}

/// Why [`pick`] picks whom it picks, in plain words.
fn on_whom(facts: &Facts, rule: Option<&Rule>, route: Route) -> Result<String, NoProvider> {
    let chosen = pick(facts, rule, route).ok_or(NoProvider)?;
    let p = &facts.providers[chosen];
    let mut why = String::new();
    if let Some(action) = named_by(rule) {
        let named = || facts.providers.iter().filter(|p| is_named(action, p));
        if p.healthy && is_named(action, p) {
            return Ok(match (&action.provider, named().count()) {
                (Some(_), _) | (None, 1) => why,
                (None, _) => format!(" Of those with {} {} suits best.", p.model, p.name),
            });
        }
        let what = match (&action.provider, &action.model) {
            (Some(name), Some(model)) => format!("{model} of {name}"),
            (Some(name), None) | (None, Some(name)) => name.clone(),
            (None, None) => String::new(),
        };
        let lacks = if named().next().is_some() { "does not answer now" } else { "is not there" };
        why = format!(" {what} {lacks}; another takes its place.");
    }
    let as_cheap = |(i, other): &(usize, &ProviderFacts)| *i != chosen && other.cost(route) == p.cost(route);
    let equals = suiting(facts, route, true).filter(as_cheap).count();
    why.push_str(&if equals > 0 {
        format!(" Of {} equally cheap providers {} has the most room.", equals + 1, p.name)
    } else {
        format!(" {} is the cheapest that suits.", p.name)
    });
    Ok(why)
}
