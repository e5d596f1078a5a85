//! Samples of routing rules.

use super::ago;
use quire_app::data::RefusedForm;
use quire_app::view::*;

fn rule(name: &str, title: &str, condition: &str, action: &str, share: f64) -> Rule {
    Rule {
        name: name.to_owned(),
        title: title.to_owned(),
        condition: condition.to_owned(),
        action: action.to_owned(),
        enabled: true,
        share: Some(share),
        names_nobody: false,
    }
}

/// The rules in force, one of them off, one with a provider that is gone.
pub fn rules() -> Rules {
    Rules {
        version: 7,
        since: ago(10_000),
        author: Some("Remi Okafor".to_owned()),
        rules: vec![
            rule(
                "high_urgency_override",
                "Urgent work at once",
                "urgency == \"high\"",
                "mark in real time",
                0.04,
            ),
            rule("budget_conservation", "Budget conservation", "budget.used > 0.8", "prefer batch", 0.0),
            rule("peak_hours_optimization", "Peak hours", "clock.peak", "batch unless urgent", 0.31),
            rule(
                "assessment_type_optimization",
                "Practice and drafts",
                "assignment.type in [\"practice\", \"draft\", \"formative\"]",
                "batch, economy lane",
                0.58,
            ),
            Rule {
                enabled: false,
                names_nobody: true,
                ..rule(
                    "long_essays",
                    "Long essays to Anthropic",
                    "submission.words > 4000",
                    "batch, with anthropic-old",
                    0.0,
                )
            },
        ],
        nothing_applied: Some(0.07),
    }
}

/// One rule, or a new one; `tried` shows what trying and replaying it came to.
pub fn edit(name: Option<&str>, sent: Option<&RefusedForm>) -> Option<RuleEdit> {
    let fact = |name: &str, holds: &str, about: &str| RuleFact {
        name: name.to_owned(),
        holds: holds.to_owned(),
        about: about.to_owned(),
    };
    let wrong = sent.is_some_and(|form| !form.errors.is_empty());
    let draft = RuleDraft {
        name: name.unwrap_or_default().to_owned(),
        title: "Budget conservation".to_owned(),
        condition: if wrong { "budget.usd > 0.7" } else { "budget.used > 0.7" }.to_owned(),
        way: "prefer_batch".to_owned(),
        enabled: true,
        days: "30".to_owned(),
        tracking_id: if name == Some("tried") { "QR-7F3K-92MD" } else { "" }.to_owned(),
        ..RuleDraft::default()
    };
    if name.is_some_and(|name| !["budget_conservation", "tried"].contains(&name)) {
        return None;
    }
    let side = |realtime, batch, cents: i64, half_within, longest| ReplaySide {
        realtime,
        batch,
        held: if realtime < 1_000 { batch } else { 0 },
        cost: NanoUsd(cents * 10_000_000),
        half_within,
        longest,
    };
    let way = |route, model: &str, held| ReplayWay {
        route,
        lane: Lane::Standard,
        provider: "openai".to_owned(),
        model: model.to_owned(),
        held,
    };
    let change = |tracking_id: &str| ReplayChange {
        tracking_id: Some(tracking_id.to_owned()),
        was: way(Route::Realtime, "gpt-5-mini", false),
        would_be: way(Route::Batch, "gpt-5-nano", true),
        cost: (NanoUsd(610_000), NanoUsd(305_000)),
    };
    let shown = name == Some("tried");
    Some(RuleEdit {
        version: 7,
        place: name.map(|_| 2),
        draft,
        providers: vec![
            ("anthropic".to_owned(), vec!["claude-haiku".to_owned()]),
            ("openai".to_owned(), vec!["gpt-5-mini".to_owned(), "gpt-5-nano".to_owned()]),
        ],
        facts: vec![
            fact("urgency", "one of high, medium, low", "how soon marks are needed"),
            fact(
                "assignment.minutes_to_deadline",
                "a whole number, or null",
                "minutes until marks are needed; null: no hurry",
            ),
            fact(
                "budget.used",
                "a number with decimals",
                "share that is spent or expected, from 0; 0 without a budget",
            ),
        ],
        errors: vec![],
        tried: shown.then(|| RuleTried {
            tracking_id: "QR-7F3K-92MD".to_owned(),
            was: "real time, standard lane, openai by gpt-5-mini".to_owned(),
            would_be: "batch, standard lane, openai by gpt-5-nano, marks held for approval".to_owned(),
            same: false,
            reasoning:
                "Rule \"Budget conservation\" applies: budget.used > 0.7. openai is the cheapest that suits."
                    .to_owned(),
        }),
        replay: shown.then(|| RuleReplay {
            days: 30,
            replayed: 48_150,
            left_out: 12,
            milliseconds: 2_140,
            was: side(1_940, 46_210, 41_200, 3_120, 22_200),
            would_be: side(610, 47_540, 37_100, 3_300, 22_200),
            changed: 1_330,
            changes: vec![change("QR-7F3K-92MD"), change("QR-DONE")],
        }),
    })
}

/// Three versions.
pub fn versions() -> RuleVersions {
    let version = |version, days: i64, author: Option<&str>, changes: Option<&[&str]>| RuleVersion {
        version,
        since: ago(days * 1_440),
        author: author.map(str::to_owned),
        changes: changes.map(|changes| changes.iter().map(|&change| change.to_owned()).collect()),
        rules: vec![
            "Urgent work at once: when urgency == \"high\", mark in real time".to_owned(),
            "Budget conservation: when budget.used > 0.8, prefer batch".to_owned(),
        ],
    };
    RuleVersions {
        in_force: 3,
        versions: vec![
            version(
                3,
                7,
                Some("Remi Okafor"),
                Some(&["“Budget conservation” applies when budget.used > 0.8 (before: budget.used > 0.7)"]),
            ),
            version(
                2,
                9,
                Some("Remi Okafor"),
                Some(&[
                    "“Long essays to Anthropic” added: when submission.words > 4000, batch, with anthropic",
                    "“Peak hours” switched off",
                ]),
            ),
            version(1, 40, None, None),
        ],
        older: None,
    }
}
