//! The report for people.

use crate::command::plan::dollars;
use quire_engine::{
    commitment::{Commitment, CommitmentReport, Figures, Offer, Use},
    plan::grouped,
    store::NanoUsd,
};
use std::fmt::Write;

/// The report as text.
pub(super) fn text(report: &CommitmentReport) -> String {
    let mut out = String::new();
    // Writing to a string can't fail.
    let _ = write(&mut out, report);
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
        budget::{Paid, Way},
        commitment::{Facts, report},
        plan::Share,
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
        (way, Paid { spent, answers: 1, input_tokens: 1_234_567, cached_tokens: 0, output_tokens: 10 })
    }

    #[test]
    fn the_text_tells_all_that_the_report_holds() {
        let months = vec![
            ("2026-09".parse().unwrap(), vec![used("m", true, 60), used("m", false, 40), used("n", true, 1)]),
            ("2026-10".parse().unwrap(), vec![used("m", true, 2_000)]),
        ];
        let first_day = Some("2026-09-03".parse().unwrap());
        let facts = Facts { first_day, ..Facts::default() };
        let text = text(&report(months, &[Share::parse_percent("12.5").unwrap()], &facts));
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
        let text = text(&report(vec![], &[], &Facts::default()));
        assert_eq!(text, "- Nothing was paid for yet. Ask again when a month with work has ended.\n");
    }
}
