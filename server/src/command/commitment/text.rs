//! The report for people.

use crate::command::plan::dollars;
use quire_engine::{
    arbitrage::{Arbitrage, GroupComparison, Work, WorkComparison},
    commitment::{Commitment, CommitmentReport, Figures, Offer, Use},
    plan::grouped,
    store::NanoUsd,
    trial::{Agreement, Verdict},
};
use std::fmt::Write;

/// The report as text.
pub(super) fn text(report: &CommitmentReport, arbitrage: &Arbitrage) -> String {
    let mut out = String::new();
    // Writing to a string can't fail.
    let _ = write(&mut out, report).and_then(|()| equal(&mut out, arbitrage));
    out
}

fn write(out: &mut String, report: &CommitmentReport) -> std::fmt::Result {
    match report.months.as_slice() {
        [] => {}
        [one] => writeln!(out, "Measured: {one}, in US dollars")?,
        [first, .., last] => {
            writeln!(out, "Measured: {} months, {first} to {last}, in US dollars", report.months.len())?;
        }
    }
    list(out, &report.notes)?;
    for provider in &report.providers {
        if provider.models.len() > 1 {
            writeln!(out, "\n{}, all models", provider.provider)?;
            figures(out, report, &provider.all)?;
        }
        for model in &provider.models {
            writeln!(out, "\n{} of {}", model.model.as_deref().unwrap_or_default(), provider.provider)?;
            figures(out, report, model)?;
        }
    }
    if !report.assumptions.is_empty() {
        out.push_str("\nAssumed\n");
        list(out, &report.assumptions)?;
    }
    Ok(())
}

fn equal(out: &mut String, arbitrage: &Arbitrage) -> std::fmt::Result {
    out.push_str("\nThe same work at equal models\n");
    list(out, &arbitrage.notes)?;
    for GroupComparison { group, works } in &arbitrage.groups {
        let by = match &group.stated_by_name {
            _ if group.by_trial => "a trial",
            Some(name) => name,
            None => "the command line",
        };
        writeln!(
            out,
            "\n{}: held equal by {by} since {}: {}",
            group.name,
            group.stated_at.format("%Y-%m-%d"),
            group.evidence
        )?;
        works.iter().try_for_each(|work| compared(out, work))?;
    }
    if !arbitrage.assumptions.is_empty() {
        out.push_str("\nAssumed\n");
        list(out, &arbitrage.assumptions)?;
    }
    Ok(())
}

fn compared(out: &mut String, found: &WorkComparison) -> std::fmt::Result {
    let Work { at, batch, realtime } = &found.work;
    writeln!(
        out,
        "  work of {} of {}, {} booked (answers: {} in batches, {} in real time)",
        at.model,
        at.provider,
        dollars(batch.spent.saturating_add(realtime.spent)),
        count(batch.answers),
        count(realtime.answers)
    )?;
    writeln!(out, "    {:<36}{:>14}{:>14}{:>14}", "would have cost", "as it was", "real time", "batches")?;
    for other in &found.at {
        let name = format!("{} of {}", other.at.model, other.at.provider);
        match &other.costs {
            Ok((as_done, all_realtime, all_batch)) => writeln!(
                out,
                "    {name:<36}{:>14}{:>14}{:>14}{}",
                dollars(*as_done),
                dollars(*all_realtime),
                all_batch.map_or_else(|| "-".to_owned(), dollars),
                other.agreement.map(|found| agreement(&found)).unwrap_or_default()
            )?,
            Err(why) => writeln!(out, "    {name:<36}not known: {why}")?,
        }
    }
    match (found.saved.zip(found.saved_percent), found.at.first()) {
        (Some((saved, percent)), Some(least)) if saved > NanoUsd::ZERO => {
            let unsure =
                if found.within_error { ", which is less than the tokens can be told by" } else { "" };
            writeln!(
                out,
                "    cheapest: {} of {}, {} less ({percent:.1} %){unsure}",
                least.at.model,
                least.at.provider,
                dollars(saved)
            )
        }
        (Some(_), _) => writeln!(out, "    cheapest: the one that did the work"),
        (None, _) => Ok(()),
    }
}

fn list(out: &mut String, lines: &[String]) -> std::fmt::Result {
    lines.iter().try_for_each(|line| writeln!(out, "- {line}"))
}

fn figures(out: &mut String, report: &CommitmentReport, found: &Figures) -> std::fmt::Result {
    writeln!(
        out,
        "  {:<10}{:>14}{:>16}{:>16}{:>14}",
        "month", "spent", "tokens in", "tokens out", "in batches"
    )?;
    for (month, used) in report.months.iter().zip(&found.months) {
        let sum =
            |tokens: fn(&quire_engine::budget::Paid) -> i64| tokens(&used.batch) + tokens(&used.realtime);
        writeln!(
            out,
            "  {:<10}{:>14}{:>16}{:>16}{:>14}",
            month.to_string(),
            dollars(used.spent()),
            count(sum(|paid| paid.input_tokens)),
            count(sum(|paid| paid.output_tokens)),
            batched(used)
        )?;
    }
    writeln!(
        out,
        "  a month: least {}, mean {}, highest {}",
        dollars(found.least),
        dollars(found.mean),
        dollars(found.highest)
    )?;
    for offer in &found.offers {
        discount(out, offer, report.months.len())?;
    }
    list(out, &found.notes)
}

fn discount(out: &mut String, offer: &Offer, months: usize) -> std::fmt::Result {
    writeln!(
        out,
        "  at {} % off (worth it from {} % of use on)",
        offer.discount.percent(),
        offer.break_even_percent
    )?;
    let rows = [
        ("recommended: none unused", offer.safe.as_ref()),
        ("recommended: saves most", offer.best.as_ref()),
        ("as the mean month", Some(&offer.mean)),
        ("as the highest month", Some(&offer.highest)),
    ];
    for (name, held) in rows {
        match held {
            Some(held) => writeln!(out, "    {name:<26}{}", words(held, months))?,
            None => writeln!(out, "    {name:<26}none")?,
        }
    }
    Ok(())
}

fn words(held: &Commitment, months: usize) -> String {
    let saved = if held.saved < NanoUsd::ZERO {
        format!("costs {} more", dollars(-held.saved))
    } else {
        format!("saves {}", dollars(held.saved))
    };
    let over = if months == 1 { "in the month".to_owned() } else { format!("over {months} months") };
    let unused = if held.unused > NanoUsd::ZERO {
        format!(
            "; leaves {} unused in the leanest month, for {}",
            dollars(held.unused),
            dollars(held.unused_cost)
        )
    } else {
        String::new()
    };
    format!("{} a month, for {}: {saved} {over}{unused}", dollars(held.covers), dollars(held.pays))
}

/// What a trial found of the model, beside what it would have cost.
fn agreement(found: &Agreement) -> String {
    let verdict = match found.verdict() {
        Verdict::Equal => "equal",
        Verdict::Different => "not equal",
        Verdict::Open => "open",
    };
    let kappa = found.kappa.map_or_else(|| "-".to_owned(), |kappa| format!("{kappa:.2}"));
    format!("   kappa {kappa} over {} works: {verdict}", found.works)
}

fn count(tokens: i64) -> String {
    grouped(u64::try_from(tokens).unwrap_or(0))
}

/// The share of the spend that was in batches.
fn batched(used: &Use) -> String {
    let spent = used.spent();
    if spent <= NanoUsd::ZERO {
        return "-".to_owned();
    }
    format!("{:.0} %", used.batch.spent.dollars() / spent.dollars() * 100.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use quire_engine::{
        arbitrage::{EqualGroup, EqualModel, Held, compare},
        budget::{Paid, Way},
        commitment::{Facts, report},
        plan::Share,
        provider::{
            ProviderKind,
            price::{Deal, Terms, seed_prices},
        },
        store::{CourseId, Id as _},
    };

    fn used(model: &str, batched: bool, dollars: i64) -> (Way, Paid) {
        let course_id = CourseId::from_uuid(uuid::Uuid::nil());
        let way = Way {
            course_id,
            cost_centre: "c".into(),
            provider: "openai".into(),
            model: model.into(),
            batched,
        };
        let spent = NanoUsd::from_dollars(dollars);
        (way, Paid { spent, answers: 1, input_tokens: 1_234_567, output_tokens: 10, ..Paid::default() })
    }

    #[test]
    fn the_text_tells_all_that_the_report_holds() {
        let months = vec![
            ("2026-09".parse().unwrap(), vec![used("m", true, 60), used("m", false, 40), used("n", true, 1)]),
            ("2026-10".parse().unwrap(), vec![used("m", true, 2_000)]),
        ];
        let first_day = Some("2026-09-03".parse().unwrap());
        let facts = Facts { first_day, ..Facts::default() };
        let text = text(&report(months, &[Share::parse_percent("12.5").unwrap()], &facts), &none());
        for part in [
            "Measured: 2 months, 2026-09 to 2026-10, in US dollars\n",
            "- 2026-09 counts as a whole month, though",
            "openai, all models\n",
            "m of openai\n",
            "  2026-09          $100.00       2,469,134              20          60 %\n",
            "  a month: least $100.00, mean $1,050.00, highest $2,000.00\n",
            "  at 12.5 % off (worth it from 87.5 % of use on)\n",
            "    recommended: none unused  $100.00 a month, for $87.50: saves $25.00 over 2 months\n",
            "    as the highest month      $2,000.00 a month, for $1,750.00: costs $1,400.00 more over 2 months; \
             leaves $1,900.00 unused in the leanest month, for $1,662.50\n",
            "    recommended: none unused  none\n",
            "- Nothing was spent in 2026-10: any commitment would have been unused then.\n",
            "\nAssumed\n- A commitment is to pay",
        ] {
            assert!(text.contains(part), "no \"{part}\" in:\n{text}");
        }
        assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
    }

    #[test]
    fn where_there_is_nothing_it_says_so() {
        let text = text(&report(vec![], &[], &Facts::default()), &none());
        assert_eq!(
            text,
            "- Nothing was paid for yet. Ask again when a month with work has ended.\n\n\
             The same work at equal models\n\
             - No models are stated to be equal, and no trial judged any so: none are compared. Start a trial on the page of \
             prompts, or state them, with the evidence, by PUT /api/v1/billing/equal-models/NAME.\n"
        );
    }

    fn none() -> Arbitrage {
        compare(vec![], &[], |_| Err(String::new()), |_, _| None)
    }

    #[test]
    fn equal_models_stand_side_by_side() {
        let model = |provider: &str, name: &str| EqualModel { provider: provider.into(), model: name.into() };
        let group = EqualGroup {
            name: "small".into(),
            models: vec![model("openai", "luna"), model("second", "luna"), model("gone", "g")],
            evidence: "200 essays, kappa 0.8".into(),
            by_trial: false,
            stated_by: None,
            stated_by_name: Some("Ada Lind".into()),
            stated_at: "2026-10-05T10:00:00Z".parse().unwrap(),
        };
        let (_, paid) = used("luna", true, 3);
        let work = Work {
            at: model("openai", "luna"),
            batch: Paid { answers: 100, ..paid },
            realtime: Paid::default(),
        };
        let price = seed_prices().iter().find(|row| row.model == "gpt-6-luna").unwrap().price;
        let held = |one: &EqualModel| match one.provider.as_str() {
            "gone" => Err("gone is not set up, or is switched off".to_owned()),
            name => {
                let discount = if name == "second" { 5_000 } else { 0 };
                let terms = Terms::new(price, &Deal { discount, tiers: vec![] }, 0);
                Ok(Held { kind: ProviderKind::Openai, terms, batches: name == "openai" })
            }
        };
        let agreement =
            Agreement { works: 34, kappa: Some(0.857), shift: Some(0.02), ..Agreement::default() };
        let tried = |_: &EqualModel, other: &EqualModel| (other.provider == "second").then_some(agreement);
        let found = compare(vec![group], &[work], held, tried);
        let text = text(&report(vec![], &[], &Facts::default()), &found);
        for part in [
            "\nsmall: held equal by Ada Lind since 2026-10-05: 200 essays, kappa 0.8\n",
            "  work of luna of openai, $3.00 booked (answers: 100 in batches, 0 in real time)\n",
            &format!("    {:<36}{:>14}{:>14}{:>14}\n", "luna of openai", "$0.061", "$0.12", "$0.061"),
            &format!(
                "    {:<36}{:>14}{:>14}{:>14}   kappa 0.86 over 34 works: equal\n",
                "luna of second", "$0.061", "$0.061", "-"
            ),
            "    g of gone                           not known: gone is not set up, or is switched off\n",
            "    cheapest: the one that did the work\n",
            "\nAssumed\n- That models are equal is the word of who stated it",
        ] {
            assert!(text.contains(part), "no \"{part}\" in:\n{text}");
        }
        assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
    }
}
