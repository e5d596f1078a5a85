//! A plan for people.

use super::Basis;
use quire_engine::{
    plan::{Plan, grouped},
    provider::price::SEEDED_ON,
    store::NanoUsd,
};
use std::fmt::Write;

/// The plan as text.
pub(super) fn text(plan: &Plan, basis: Basis) -> String {
    let mut out = String::new();
    // Writing to a string can't fail.
    let _ = write(&mut out, plan, basis);
    out
}

fn write(out: &mut String, plan: &Plan, basis: Basis) -> std::fmt::Result {
    let w = &plan.workload;
    writeln!(
        out,
        "{} pieces of work a month, {} tokens in ({} of them shared) and {} out, marked by {} of {}",
        grouped(w.assessments),
        grouped(w.input_tokens()),
        grouped(w.shared_tokens),
        grouped(w.output_tokens),
        plan.model,
        plan.provider
    )?;
    match basis {
        Basis::PriceList => writeln!(out, "Prices: the built-in list of {SEEDED_ON}, in US dollars")?,
        Basis::Installation => writeln!(out, "Prices: this installation's price book, in US dollars")?,
    }
    let monthly = &plan.monthly;
    out.push_str("\nA month costs\n");
    for (what, cost) in [
        ("in real time, without caching", monthly.realtime_uncached_nano_usd),
        ("in real time, with the provider's own caching", monthly.realtime_nano_usd),
        ("in batches", monthly.batch_nano_usd),
        ("with Quire", monthly.quire_nano_usd),
    ] {
        writeln!(out, "  {what:<46}{:>14}", dollars(cost))?;
    }
    writeln!(
        out,
        "\nQuire saves {:.1} % against real time with the provider's own caching, and {:.1} % against real time without.",
        plan.saving_percent, plan.saving_percent_uncached
    )?;
    if let Some(range) = plan.range {
        writeln!(
            out,
            "If {} to {} of 100 prompts in batches are read from the provider's cache, that is {:.1} to {:.1} %, and {:.1} to {:.1} %.",
            range.hits[0],
            range.hits[1],
            range.saving_percent[0],
            range.saving_percent[1],
            range.saving_percent_uncached[0],
            range.saving_percent_uncached[1]
        )?;
    }
    writeln!(out, "\n{:<16}{:>24}{:>26}", "Levers", "against real time with", "and without caching")?;
    for lever in &plan.levers {
        writeln!(
            out,
            "  {:<14}{:>14}{:>8.1} %{:>16}{:>8.1} %",
            lever.lever.text(),
            dollars(lever.saved_nano_usd),
            lever.saved_percent,
            dollars(lever.saved_uncached_nano_usd),
            lever.saved_uncached_percent
        )?;
    }
    writeln!(
        out,
        "  {:<14}{:>14}{:>8.1} %{:>16}{:>8.1} %",
        "together",
        dollars(monthly.realtime_nano_usd - monthly.quire_nano_usd),
        plan.saving_percent,
        dollars(monthly.realtime_uncached_nano_usd - monthly.quire_nano_usd),
        plan.saving_percent_uncached
    )?;
    out.push('\n');
    for lever in &plan.levers {
        writeln!(out, "- {}: {}", lever.lever.text(), lever.why)?;
    }
    out.push_str("\nAssumed\n");
    for assumption in &plan.assumptions {
        writeln!(out, "- {}: {} ({})", assumption.what, assumption.value, assumption.source)?;
    }
    out.push_str("\nPlan\n");
    for (n, step) in (1..).zip(&plan.advice.steps) {
        writeln!(out, "{n}. {step}")?;
    }
    for other in &plan.other_prompts {
        writeln!(out, "\n{}", other.text())?;
    }
    if let Some(evidence) = plan.evidence {
        writeln!(out, "\n{}", evidence.text())?;
    }
    others(out, plan)
}

fn others(out: &mut String, plan: &Plan) -> std::fmt::Result {
    if plan.other_models.is_empty() {
        return Ok(());
    }
    out.push_str(
        "\nThe same work by other models. Their marks are others: what they save counts only where agreement judges them equal.\n",
    );
    writeln!(
        out,
        "  {:<24}{:<12}{:>12}{:>12}{:>12}  agreement",
        "model", "provider", "a month", "of the plan", "saves there"
    )?;
    for other in &plan.other_models {
        let agreement = match (other.agreement, other.counts) {
            (None, _) => "not measured".to_owned(),
            (Some(agreement), true) => format!("{agreement:.2}: equal"),
            (Some(agreement), false) => format!("{agreement:.2}: not equal"),
        };
        writeln!(
            out,
            "  {:<24}{:<12}{:>12}{:>10.1} %{:>10.1} %  {agreement}",
            other.model,
            other.provider,
            dollars(other.monthly_nano_usd),
            other.percent_of_plan,
            other.saving_percent
        )?;
    }
    Ok(())
}

/// A sum with two digits after the point and its thousands apart; small ones with as many digits as count.
pub(in crate::command) fn dollars(amount: NanoUsd) -> String {
    let text = amount.to_string();
    let sign = if text.starts_with('-') { "-" } else { "" };
    match text.trim_start_matches('-').trim_start_matches('$').split_once('.') {
        Some((whole, cents)) => {
            format!("{sign}${}.{cents}", whole.parse().map_or_else(|_| whole.to_owned(), grouped))
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use quire_engine::plan::{Offer, Workload, plan};

    #[test]
    fn sums_are_grouped_and_small_ones_kept_exact() {
        assert_eq!(dollars(NanoUsd(-1_234_567_890_000)), "-$1,234.57");
        assert_eq!(dollars(NanoUsd(-34_375_000)), "-$0.034");
        assert_eq!(dollars(NanoUsd::ZERO), "$0.00");
    }

    #[test]
    fn the_text_tells_all_that_the_plan_holds() {
        let plan = plan(&Workload::REFERENCE, &Offer::listed(), None, Some("gpt-6-luna")).unwrap();
        let text = text(&plan, Basis::PriceList);
        for part in [
            "50,000 pieces of work a month, 1,600 tokens in (1,100 of them shared) and 400 out",
            "$13.08",
            "Quire saves 30.9 % against real time with the provider's own caching, and 49.8 % against real time without.",
            "0 to 100 of 100 prompts",
            "bundling",
            "OpenAI documents no rate of hits in batches",
            "claude-haiku-5-5",
            "not measured",
        ] {
            assert!(text.contains(part), "no \"{part}\" in:\n{text}");
        }
        assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
    }
}
