//! The part of the page of budgets that shows the plan.

use super::common::money;
use quire_app::{view, words};
use quire_engine::plan::{OtherPrompt, Plan};

pub(super) fn shown(plan: Plan, measured: bool) -> view::MonthPlan {
    let monthly = plan.monthly;
    let ways = [
        ("In real time, nothing cached", monthly.realtime_uncached_nano_usd),
        ("In real time, with the provider’s cache", monthly.realtime_nano_usd),
        ("In batches, nothing cached", monthly.batch_nano_usd),
        ("With Quire", monthly.quire_nano_usd),
    ];
    let levers = plan.levers.into_iter().map(|lever| view::PlanLever {
        name: lever.lever.text().to_owned(),
        saved: money(lever.saved_nano_usd),
        percent: lever.saved_percent,
        why: lever.why,
    });
    view::MonthPlan {
        model: format!("{} of {}", plan.model, plan.provider),
        works: plan.workload.assessments,
        measured,
        ways: ways.map(|(way, cost)| (way.to_owned(), money(cost))).to_vec(),
        saving: (plan.saving_percent, plan.saving_percent_uncached),
        levers: levers.collect(),
        others: plan
            .other_models
            .iter()
            .map(|other| view::OtherModel {
                model: format!("{} of {}", other.model, other.provider),
                cost: money(other.monthly_nano_usd),
                kappa: other.agreement,
                counts: other.counts,
            })
            .collect(),
        assumptions: plan
            .assumptions
            .into_iter()
            .map(|one| format!("{}: {} ({})", words::capital(one.what), one.value, one.source))
            .collect(),
        steps: plan
            .advice
            .steps
            .into_iter()
            .chain(plan.other_prompts.iter().map(OtherPrompt::text))
            .chain(plan.evidence.map(|saving| saving.text()))
            .collect(),
    }
}
