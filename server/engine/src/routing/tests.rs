//! Decisions of the seeded rules, and how sure they are.
#![allow(clippy::unwrap_used)]

use super::{testing::facts, *};
use crate::{course::AssessmentType, queue::Lane, store::NanoUsd};

fn seeded_rules() -> RuleSet {
    RuleSet::compile(1, seeded()).unwrap()
}

fn one_rule(condition: &str, way: Way, provider: Option<&str>) -> RuleSet {
    acting(condition, Action { provider: provider.map(str::to_owned), ..Action::of(way) })
}

fn acting(condition: &str, action: Action) -> RuleSet {
    let rule = Rule {
        name: "mine".into(),
        title: "Mine".into(),
        condition: condition.into(),
        action,
        priority: 1,
        enabled: true,
    };
    RuleSet::compile(7, vec![rule]).unwrap()
}

#[test]
fn the_seeded_rules_decide_as_they_say() {
    let decide = |facts: Facts| {
        let decision = decide(&seeded_rules(), facts).unwrap();
        (decision.rule.unwrap_or_default(), decision.route, decision.lane)
    };
    assert_eq!(decide(facts()), (String::new(), Route::Batch, Lane::Standard));
    assert_eq!(
        decide(Facts { urgency: Urgency::High, ..facts() }),
        ("high_urgency_override".into(), Route::Realtime, Lane::Urgent)
    );
    let thrifty = Facts { budget: BudgetFacts { used: 0.81, left: None }, ..facts() };
    assert_eq!(decide(thrifty), ("budget_conservation".into(), Route::Batch, Lane::Standard));
    let peak = Facts { clock: ClockFacts { peak: true, hour: 10, weekday: 3 }, ..facts() };
    assert_eq!(decide(peak), ("peak_hours_optimization".into(), Route::Batch, Lane::Standard));
    let mut practice = facts();
    practice.assignment.kind = AssessmentType::Practice;
    assert_eq!(decide(practice), ("assessment_type_optimization".into(), Route::Batch, Lane::Economy));
}

#[test]
fn the_cheapest_that_suits_takes_it_and_the_emptiest_of_equals() {
    let chosen = |facts: Facts| decide(&seeded_rules(), facts).unwrap();
    let cheap = chosen(facts());
    assert_eq!((&*cheap.provider, cheap.cost, cheap.most), ("cheap", NanoUsd(1_000), NanoUsd(2_000)));
    assert_eq!(cheap.reasoning, "No rule applies. cheap is the cheapest that suits.");
    assert_eq!(cheap.fallbacks.len(), 3);
    assert!(cheap.fallbacks.is_sorted_by_key(|way| way.cost));
    let mut equals = facts();
    equals.providers[0].batch_cost = NanoUsd(1_000);
    equals.providers[1].free_jobs = 50;
    let emptiest = chosen(equals);
    assert_eq!(emptiest.provider, "dear");
    assert!(emptiest.reasoning.ends_with("Of 2 equally cheap providers dear has the most room."));
    let mut ill = facts();
    ill.providers[1].healthy = false;
    assert_eq!(chosen(ill).provider, "dear");
    let mut without_batches = facts();
    without_batches.providers.iter_mut().for_each(|p| p.batch = false);
    assert_eq!(chosen(without_batches).route, Route::Realtime);
    assert_eq!(decide(&seeded_rules(), Facts { providers: Vec::new(), ..facts() }), Err(NoProvider));
}

#[test]
fn a_rule_names_a_provider_as_long_as_it_answers() {
    let rules = one_rule("true", Way::Batch, Some("dear"));
    assert_eq!(decide(&rules, facts()).unwrap().provider, "dear");
    let mut ill = facts();
    ill.providers[0].healthy = false;
    let decision = decide(&rules, ill).unwrap();
    assert_eq!(decision.provider, "cheap");
    assert!(decision.reasoning.contains("dear does not answer now"), "{}", decision.reasoning);
    let mut none = facts();
    none.providers[0].batch = false;
    let decision = decide(&rules, none.clone()).unwrap();
    assert_eq!((decision.provider.as_str(), decision.route), ("dear", Route::Realtime));
    assert!(decision.reasoning.contains("It takes no batches"), "{}", decision.reasoning);
    let decision = decide(&seeded_rules(), none).unwrap();
    assert_eq!((decision.provider.as_str(), decision.route), ("cheap", Route::Batch));
    let to_dear: Vec<Route> =
        decision.fallbacks.iter().filter(|f| f.provider == "dear").map(|f| f.route).collect();
    assert_eq!(to_dear, [Route::Realtime]);
    let gone = decide(&one_rule("true", Way::Batch, Some("gone")), facts()).unwrap();
    assert!(gone.reasoning.contains("gone is not there"), "{}", gone.reasoning);
}

#[test]
fn a_rule_names_a_model_of_a_provider_or_of_whoever_has_it() {
    let mut facts = facts();
    let model = |name: &str, model: &str, cost| ProviderFacts {
        model: model.into(),
        standing: Standing::Named,
        ..testing::provider(name, cost)
    };
    // The facts of the usual models stand for the providers, whatever others cost.
    facts.providers.extend([
        model("dear", "large", 9_000),
        model("cheap", "large", 8_000),
        model("dear", "tiny", 1),
    ]);
    let usual = decide(&seeded_rules(), facts.clone()).unwrap();
    assert_eq!((&*usual.model, usual.fallbacks.len()), ("cheap-model", 3));
    let decided = |provider: Option<&str>, model: &str, facts: &Facts| {
        let action = Action {
            provider: provider.map(str::to_owned),
            model: Some(model.to_owned()),
            hold: true,
            ..Action::of(Way::Batch)
        };
        let decision = decide(&acting("true", action), facts.clone()).unwrap();
        assert!(decision.hold, "whoever takes it");
        let reasoning = decision.reasoning.strip_prefix("Rule \"Mine\" applies: true.").unwrap().to_owned();
        (format!("{} of {}", decision.model, decision.provider), decision.cost.0, reasoning)
    };
    let held = " A person approves the marks before they are released.";
    assert_eq!(decided(Some("dear"), "large", &facts), ("large of dear".into(), 9_000, held.to_owned()));
    assert_eq!(
        decided(None, "large", &facts),
        ("large of cheap".into(), 8_000, format!(" Of those with large cheap suits best.{held}"))
    );
    assert_eq!(decided(None, "tiny", &facts), ("tiny of dear".into(), 1, held.to_owned()));
    let none = decided(Some("cheap"), "tiny", &facts);
    assert_eq!(none.0, "cheap-model of cheap");
    assert!(none.2.starts_with(" tiny of cheap is not there; another takes its place."), "{}", none.2);
    // Whoever has it and answers; who takes no batches, last.
    facts.providers[3].batch = false;
    assert_eq!(decided(None, "large", &facts).0, "large of dear");
    facts.providers[2].healthy = false;
    assert_eq!(decided(None, "large", &facts).0, "large of cheap");
    facts.providers[3].healthy = false;
    assert!(decided(None, "large", &facts).2.contains("large does not answer now"));
    // Cost control leaves the model that a rule names, and gives nothing to models that only rules name.
    facts.measures = [crate::cost_control::Measure::Economy].into_iter().collect();
    assert_eq!(decided(Some("dear"), "tiny", &facts).0, "tiny of dear");
    assert_eq!(decide(&seeded_rules(), facts).unwrap().model, "cheap-model");
}

#[test]
fn what_would_come_too_late_is_marked_in_real_time_if_the_budget_affords_it() {
    let mut late = facts();
    late.assignment.minutes_to_deadline = Some(60);
    let decision = decide(&seeded_rules(), late.clone()).unwrap();
    assert_eq!(decision.route, Route::Realtime);
    // Batches that take half as long as thought are still too late by a bit: 60 minutes for 60 are not.
    assert!((decision.confidence - 0.5).abs() < 1e-9, "{}", decision.confidence);
    late.budget.left = Some(NanoUsd(3_000));
    assert_eq!(decide(&seeded_rules(), late).unwrap().route, Route::Batch);
}

#[test]
fn a_decision_is_as_sure_as_the_estimates_that_it_hangs_on() {
    let sure = |condition: &str| {
        let decision = decide(&one_rule(condition, Way::Realtime, None), facts()).unwrap();
        (decision.route, decision.confidence)
    };
    assert_eq!(sure("submission.words > 300"), (Route::Realtime, 1.0));
    assert_eq!(sure("budget.used > 0.05"), (Route::Realtime, 1.0));
    // 10 jobs wait: half as many would not be enough.
    assert_eq!(sure("load.waiting >= 10"), (Route::Realtime, 0.5));
    assert_eq!(sure("load.waiting >= 10 && budget.used > 0.08"), (Route::Realtime, 0.25));
    assert_eq!(sure("budget.used > 0.12"), (Route::Batch, 0.5));
}

#[test]
fn a_rule_that_can_not_be_asked_is_passed_over_and_told_of() {
    for (condition, problem) in [
        ("submission.pages > 3", "pages"),
        ("submission.words", "not true or false"),
        ("load.waiting", "not true or false"),
    ] {
        let decision = decide(&one_rule(condition, Way::Realtime, None), facts()).unwrap();
        assert_eq!((decision.route, decision.rule), (Route::Batch, None));
        assert!(decision.reasoning.contains(problem), "{}", decision.reasoning);
        assert_eq!(decision.reasoning.matches("Passed over").count(), 1);
    }
    assert!(matches!(
        RuleSet::compile(1, vec![Rule { condition: "1 +".into(), ..seeded().remove(0) }]),
        Err(RuleError::Syntax { .. })
    ));
}

/// What cost control changes of a decision: the route, the lane, the model, and what it would have cost.
#[test]
fn cost_control_delays_what_can_wait_and_gives_it_to_an_economy_model() {
    use crate::cost_control::{Measure, Measures};
    let at_once = one_rule("true", Way::Realtime, None);
    let mini =
        ProviderFacts { model: "mini".into(), standing: Standing::Economy, ..testing::provider("dear", 100) };
    let mut facts = facts();
    facts.providers.insert(1, mini);
    let decided = |measures: &[Measure], facts: &Facts, rules: &RuleSet| {
        let measures: Measures = measures.iter().copied().collect();
        decide(rules, Facts { measures, ..facts.clone() }).unwrap()
    };
    let way = |d: &Decision| (d.route, d.lane, d.model.clone(), d.cost.0);
    let usual = decided(&[], &facts, &at_once);
    assert_eq!(way(&usual), (Route::Realtime, Lane::Standard, "cheap-model".into(), 2_000));
    assert!(usual.steps.is_empty() && usual.fallbacks.iter().all(|f| f.model != "mini"));
    let late = decided(&[Measure::Delay], &facts, &at_once);
    assert_eq!(way(&late), (Route::Batch, Lane::Economy, "cheap-model".into(), 1_000));
    assert!(late.confidence >= 1.0, "it goes this way whatever the estimates are");
    assert!(late.reasoning.contains("Cost control delays it"), "{}", late.reasoning);
    let steps: Vec<_> = late.steps.iter().map(|s| (s.measure, s.route, s.cost.0)).collect();
    assert_eq!(steps, [(Measure::Delay, Route::Realtime, 2_000)]);
    let both = decided(&[Measure::Delay, Measure::Economy], &facts, &at_once);
    assert_eq!(way(&both), (Route::Batch, Lane::Economy, "mini".into(), 100));
    let steps: Vec<_> = both.steps.iter().map(|s| (s.measure, s.route, s.cost.0)).collect();
    assert_eq!(steps, [(Measure::Delay, Route::Realtime, 2_000), (Measure::Economy, Route::Batch, 1_000)]);
    // A rule's provider stands; only its own economy model may take the work.
    let named = |name| one_rule("true", Way::Batch, Some(name));
    assert_eq!(decided(&[Measure::Economy], &facts, &named("cheap")).model, "cheap-model");
    assert_eq!(decided(&[Measure::Economy], &facts, &named("dear")).model, "mini");
    // A long work by many criteria is not for an economy model.
    let mut complex = facts.clone();
    (complex.submission.words, complex.assignment.criteria) = (2_500, 6);
    assert_eq!(decided(&[Measure::Economy], &complex, &at_once).model, "cheap-model");
    // What somebody needs soon is left alone.
    let all = &[Measure::Delay, Measure::Economy];
    let urgent = Facts { urgency: Urgency::High, ..facts.clone() };
    assert_eq!(way(&decided(all, &urgent, &at_once)).2, "cheap-model");
    let mut soon = facts.clone();
    soon.assignment.minutes_to_deadline = Some(24 * 60);
    assert_eq!(
        way(&decided(all, &soon, &at_once)),
        (Route::Realtime, Lane::Standard, "cheap-model".into(), 2_000)
    );
    // Where nobody takes batches nothing can be delayed.
    for provider in &mut facts.providers {
        provider.batch = false;
    }
    assert_eq!(decided(&[Measure::Delay], &facts, &at_once).route, Route::Realtime);
    // It is kept with the job, and read back as it was.
    let kept = serde_json::to_string(&both).unwrap();
    assert_eq!(serde_json::from_str::<Decision>(&kept).unwrap(), both);
    assert!(!serde_json::to_string(&usual).unwrap().contains("measures"));
}
