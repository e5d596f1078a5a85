//! Samples of budgets.

use super::admin;
use chrono::NaiveDate;
use quire_app::data::RefusedForm;
use quire_app::view::*;

fn usd(dollars: f64) -> NanoUsd {
    NanoUsd((dollars * 1e9) as i64)
}

fn standing(scope: &str, whose: (&str, Option<&str>), limit: Option<(f64, bool)>, spent: f64) -> Standing {
    let expected = spent / 20.0;
    let left = |limit: f64| usd((limit - spent - expected * 2.0).max(0.0));
    Standing {
        scope: scope.to_owned(),
        whose: (whose.0.to_owned(), whose.1.map(str::to_owned)),
        limit: limit.map(|(limit, hard_stop)| (usd(limit), hard_stop)),
        spent: usd(spent),
        expected: usd(expected),
        left: limit.map(|(limit, _)| left(limit)),
        used: limit.map(|(limit, _)| (spent + expected) / limit),
        likely: Some(usd(spent * 1.3)),
    }
}

fn way(model: (&str, &str), batched: bool, spent: f64, share: f64, cached: f64) -> WaySpend {
    WaySpend {
        provider: model.0.to_owned(),
        model: model.1.to_owned(),
        batched,
        spent: usd(spent),
        realtime: Some(usd(spent / share)),
        answers: (spent * 700.0) as u64,
        cached,
    }
}

/// This month, an earlier one, a refused form, or a Quire where nothing was spent yet.
pub fn budget(month: Option<&str>, set: Option<&str>, sent: Option<&RefusedForm>) -> Budget {
    let spend = admin::overview().spend;
    let projection =
        Projection { low: usd(548.0), likely: usd(561.2), high: usd(579.0), days: 55, weekly: true };
    let full = Budget {
        month: spend.month,
        until: spend.today,
        open: true,
        spend: Spend { ahead: Some((projection.low, projection.likely, projection.high)), ..spend.clone() },
        projection: Some(projection),
        standings: vec![
            Standing {
                likely: Some(projection.likely),
                ..standing("all", ("The institution", None), Some((900.0, true)), 412.4)
            },
            standing("c1", ("B200", Some("Introduction to botany")), Some((60.0, true)), 57.9),
            standing("c2", ("W101", Some("Writing and thinking")), Some((120.0, false)), 98.2),
            standing("c3", ("H310", Some("History of science")), Some((25.0, false)), 26.4),
        ],
        changes: vec![
            (super::ago(4_320), "The institution: $900 a month with a hard stop, by Remi Okafor.".to_owned()),
            (super::ago(9_000), "H310: no budget any more, by Ines Roth.".to_owned()),
        ],
        control: control(),
        advice: vec![
            Remark {
                sign: RemarkSign::Look,
                title: "The budget of B200 is used up.".to_owned(),
                detail: "Work waits in the queue. Raise the limit, or let it wait for the next month."
                    .to_owned(),
                link: None,
            },
            Remark {
                sign: RemarkSign::Look,
                title: "31 % of the spend went in real time.".to_owned(),
                detail:
                    "Batches cost half. Look at which rules send work at once, and replay a change to them."
                        .to_owned(),
                link: Some(Link { label: "The rules".to_owned(), href: "/admin/rules".to_owned() }),
            },
        ],
        courses: [("W101", "arts", 98.2), ("B200", "science", 57.9), ("H310", "arts", 26.4)]
            .map(|(code, cost_centre, spent)| CourseSpend {
                code: Some(code.to_owned()),
                cost_centre: cost_centre.to_owned(),
                spent: usd(spent),
                answers: (spent * 700.0) as u64,
            })
            .to_vec(),
        ways: vec![
            way(("openai", "gpt-6-luna"), true, 262.1, 0.31, 0.58),
            way(("openai", "gpt-6-luna"), false, 128.3, 0.72, 0.44),
            WaySpend { realtime: None, ..way(("anthropic", "claude-haiku-5-5"), true, 22.0, 0.4, 0.0) },
        ],
        plan: Some(plan()),
        scopes: [
            ("all", "The institution"),
            ("c1", "B200, Introduction to botany"),
            ("c2", "W101, Writing and thinking"),
            ("c3", "H310, History of science"),
        ]
        .map(|(value, text)| (value.to_owned(), text.to_owned()))
        .to_vec(),
        draft: match sent {
            Some(form) => BudgetDraft {
                scope: form.value("scope").unwrap_or_default().to_owned(),
                limit: form.value("limit").unwrap_or_default().to_owned(),
                hard_stop: form.value("hard_stop").is_some(),
            },
            None => BudgetDraft { scope: "all".to_owned(), limit: "900".to_owned(), hard_stop: true },
        },
    };
    let nothing = Spend { budget: None, ..admin::empty_overview().spend };
    match (month, set) {
        (Some("2026-10"), _) => past(full),
        (_, Some("new")) => Budget {
            month: nothing.month,
            until: nothing.today,
            spend: nothing,
            projection: None,
            standings: vec![Standing {
                likely: None,
                ..standing("all", ("The institution", None), None, 0.0)
            }],
            advice: vec![Remark {
                sign: RemarkSign::Look,
                title: "The institution has no budget.".to_owned(),
                detail: "Set one, and you are told before the money runs out.".to_owned(),
                link: None,
            }],
            control: untouched(),
            plan: Some(MonthPlan { measured: false, works: 50_000, ..plan() }),
            courses: Vec::new(),
            ways: Vec::new(),
            draft: BudgetDraft { scope: "all".to_owned(), limit: String::new(), hard_stop: true },
            ..full
        },
        _ => full,
    }
}

fn plan() -> MonthPlan {
    let lever = |name: &str, saved: f64, percent: f64, why: &str| PlanLever {
        name: name.to_owned(),
        saved: usd(saved),
        percent,
        why: why.to_owned(),
    };
    MonthPlan {
        model: "gpt-6-luna of openai".to_owned(),
        works: 31_400,
        measured: true,
        ways: [
            ("In real time, nothing cached", 702.5),
            ("In real time, with the provider’s cache", 511.9),
            ("In batches, nothing cached", 371.0),
            ("With Quire", 352.8),
        ]
        .map(|(way, cost)| (way.to_owned(), usd(cost)))
        .to_vec(),
        saving: (31.1, 49.8),
        levers: vec![
            lever("batch", 140.9, 27.5, "28,200 pieces of work go in batches, at half the price."),
            lever("prefix cache", 18.2, 3.6, "30 of 100 prompts in batches are read from it."),
            lever("bundling", 0.0, 0.0, "Not used: each piece of work is marked by itself."),
        ],
        others: vec![
            OtherModel {
                model: "claude-haiku-5-5 of anthropic".to_owned(),
                cost: usd(201.6),
                kappa: Some(0.84),
                counts: true,
            },
            OtherModel {
                model: "gemini-3.5-flash-lite of gemini".to_owned(),
                cost: usd(828.0),
                kappa: None,
                counts: false,
            },
        ],
        assumptions: vec![
            "Work that shares a prompt: 250 pieces for each assignment (given, or the reference workload)".to_owned(),
            "Answers: none is asked for twice, and none reasons at length (unusable answers and reasoning come on top; the ledger shows them)".to_owned(),
        ],
        steps: vec![
            "Send to gpt-6-luna of openai; fall back to claude-haiku-5-5 of anthropic.".to_owned(),
            "Cut batches of about 250.".to_owned(),
        ],
    }
}

/// Two measures taken, one of them by an administrator.
fn control() -> CostControl {
    let at = |day: u32, hour: u32| {
        let day = NaiveDate::from_ymd_opt(2026, 11, day).unwrap_or_default();
        day.and_hms_opt(hour, 10, 0).unwrap_or_default().and_utc()
    };
    let mut control = untouched();
    let saved = [Some((usd(3.12), 8_412)), Some((usd(-0.41), 1_204)), None, None];
    for (measure, saved) in control.measures.iter_mut().zip(saved) {
        measure.saved = saved;
        measure.on_since = saved.map(|_| at(20, 6));
    }
    control.measures[1].mode = "on".to_owned();
    control.measures[3].mode = "off".to_owned();
    let change = |at, title: &str, taken, why: &str, by: Option<&str>| CostChange {
        at,
        title: title.to_owned(),
        taken,
        why: why.to_owned(),
        by: by.map(str::to_owned),
    };
    let likely = "the month will likely come to $829.10 of $900.00, 92 %";
    CostControl {
        changes: vec![
            change(at(20, 6), "Larger batches", true, "an administrator holds it on", Some("Ines Aalto")),
            change(at(19, 1), "More caching", true, likely, None),
        ],
        economy_models: vec![
            "gpt-6-luna of openai (judged equal to gpt-6.1-terra, kappa 0.81 over 40 works)".to_owned(),
        ],
        ..control
    }
}

fn untouched() -> CostControl {
    let measures = [
        ("caching", "More caching", "Batches are put together by cost alone."),
        ("larger_batches", "Larger batches", "Batches gather until they are four times as large."),
        ("delay", "Delay what is not urgent", "Work that is not urgent goes in a batch of the economy lane."),
        ("economy", "Economy models", "Work that is not urgent goes to the cheapest model."),
    ];
    let measure = |(name, title, what): (&str, &str, &str)| CostMeasure {
        name: name.to_owned(),
        title: title.to_owned(),
        what: what.to_owned(),
        mode: "automatic".to_owned(),
        on_since: None,
        saved: None,
    };
    CostControl { measures: measures.map(measure).to_vec(), ..CostControl::default() }
}

fn past(full: Budget) -> Budget {
    let first = NaiveDate::from_ymd_opt(2026, 10, 1).unwrap_or_default();
    let last = NaiveDate::from_ymd_opt(2026, 10, 31).unwrap_or_default();
    let by_day =
        first.iter_days().take(31).zip(1..).map(|(day, n)| (day, usd(11.3 * f64::from(n)))).collect();
    Budget {
        month: first,
        until: last,
        open: false,
        spend: Spend {
            month: first,
            today: last,
            spent: usd(350.3),
            reserved: usd(0.0),
            by_day,
            ahead: None,
            open: false,
            ..full.spend
        },
        projection: None,
        advice: Vec::new(),
        ..full
    }
}
