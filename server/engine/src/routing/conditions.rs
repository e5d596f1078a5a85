//! Conditions at random, over facts at random: what the check takes can be asked.
#![allow(clippy::unwrap_used)]

use super::{testing::facts, *};
use crate::{queue::Lane, store::NanoUsd};
use proptest::prelude::*;

/// Facts of one kind, and other expressions that give it.
fn leaf(of: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    prop::sample::select(of).prop_map(str::to_owned)
}

fn whole() -> impl Strategy<Value = String> + Clone {
    const FACTS: &[&str] = &[
        "submission.words",
        "submission.formulas",
        "load.waiting",
        "providers.up",
        "clock.hour",
        "assignment.criteria",
        "7",
        "0",
        "-3",
        "9223372036854775807",
    ];
    leaf(FACTS).prop_recursive(2, 6, 2, |inner| {
        (inner.clone(), prop::sample::select(&["+", "-", "*", "/", "%"][..]), inner)
            .prop_map(|(a, sign, b)| format!("({a} {sign} {b})"))
    })
}

fn number() -> impl Strategy<Value = String> + Clone {
    const FACTS: &[&str] =
        &["budget.used", "cost.realtime_usd", "cost.saved_usd", "submission.code", "0.5", "0.0"];
    leaf(FACTS).prop_recursive(2, 6, 2, |inner| {
        (inner.clone(), prop::sample::select(&["+", "-", "*", "/"][..]), inner)
            .prop_map(|(a, sign, b)| format!("({a} {sign} {b})"))
    })
}

fn text() -> impl Strategy<Value = String> + Clone {
    leaf(&["assignment.course", "assignment.language", "submission.language", r#""en""#, r#""W101""#])
}

fn truth() -> impl Strategy<Value = String> {
    let order = || prop::sample::select(&["<", "<=", ">", ">=", "==", "!="][..]);
    let compared = |a: BoxedStrategy<String>, b: BoxedStrategy<String>| {
        (a, order(), b).prop_map(|(a, sign, b)| format!("{a} {sign} {b}")).boxed()
    };
    let leaf = prop_oneof![
        leaf(&[
            "clock.peak",
            "cost.affordable",
            "true",
            r#"urgency == "high""#,
            r#"student.tier != "premium""#,
            r#"submission.complexity == "low""#,
            "policy.approval"
        ]),
        compared(whole().boxed(), whole().boxed()),
        compared(number().boxed(), number().boxed()),
        compared(whole().boxed(), number().boxed()),
        compared(text().boxed(), text().boxed()),
        (text(), text(), text()).prop_map(|(a, b, c)| format!("{a} in [{b}, {c}]")),
        (whole(), whole(), whole()).prop_map(|(a, b, c)| format!("{a} in [{b}, {c}]")),
        whole().prop_map(|a| format!(
            "assignment.minutes_to_deadline != null && assignment.minutes_to_deadline < {a}"
        )),
        number().prop_map(|a| format!("budget.left_usd == null || budget.left_usd > {a}")),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            (inner.clone(), prop::sample::select(&["&&", "||"][..]), inner.clone())
                .prop_map(|(a, sign, b)| format!("({a}) {sign} ({b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("(({a}) ? ({b}) : ({c}))")),
        ]
    })
}

/// Anything beside anything.
fn untyped() -> impl Strategy<Value = String> {
    const ANYTHING: &[&str] = &[
        "submission.words",
        "submission",
        "budget.used",
        "budget.left_usd",
        "assignment.minutes_to_deadline",
        "assignment.course",
        "clock.peak",
        "urgency",
        "3",
        "2.5",
        r#""high""#,
        "null",
        "true",
        "[1, 2]",
        r#"["a"]"#,
    ];
    const SIGNS: &[&str] = &["+", "-", "*", "/", "%", "<", ">=", "==", "!=", "&&", "||", "in"];
    leaf(ANYTHING).prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), prop::sample::select(SIGNS), inner.clone())
                .prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            inner.prop_map(|a| format!("size({a})")),
        ]
    })
}

fn some_facts() -> impl Strategy<Value = Facts> {
    let work = (any::<i64>(), any::<i64>(), 0.0..=1.0);
    let money = (0.0..2.0, prop::option::of(any::<i64>()), any::<i64>());
    (work, money, prop::option::of(any::<i64>()), any::<bool>(), 0..24_i64).prop_map(
        |((words, formulas, code), (used, left, waiting), minutes, peak, hour)| {
            let mut facts = facts();
            (facts.submission.words, facts.submission.formulas) = (words, formulas);
            facts.submission.code = code;
            (facts.budget.used, facts.budget.left) = (used, left.map(NanoUsd));
            (facts.clock.peak, facts.clock.hour) = (peak, hour);
            facts.load.waiting = waiting;
            facts.assignment.minutes_to_deadline = minutes;
            facts
        },
    )
}

/// What asking it gives: nothing but true, false, or a calculation that can't be made.
fn asked(condition: &str, facts: &Facts) -> Result<(), String> {
    let rule = Rule {
        name: "mine".into(),
        title: "Mine".into(),
        condition: condition.into(),
        action: Action { lane: Some(Lane::Economy), ..Action::of(Way::Batch) },
        priority: 1,
        enabled: true,
    };
    let rules = RuleSet::compile(1, vec![rule]).map_err(|error| error.to_string())?;
    match rules.each(facts).remove(0).1 {
        Ok(_) => Ok(()),
        Err(RuleError::Outcome { problem, .. }) => {
            let lower = problem.to_lowercase();
            let calculation = ["zero", "overflow", "no number"].iter().any(|word| lower.contains(word));
            if calculation { Ok(()) } else { Err(problem) }
        }
        Err(error) => Err(error.to_string()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_right_is_taken_and_can_be_asked(condition in truth(), facts in some_facts()) {
        // Those that are nested deeply can be too long, which is a fault of its own.
        prop_assume!(condition.chars().count() <= LONGEST_CONDITION);
        prop_assert_eq!(check(&condition), Ok(()), "{}", condition);
        prop_assert_eq!(asked(&condition, &facts), Ok(()), "{}", condition);
    }

    #[test]
    fn what_is_taken_can_be_asked(condition in untyped(), facts in some_facts()) {
        if check(&condition).is_ok() {
            // A fact that is compared with null somewhere may be used elsewhere: there it can be missing.
            let guarded = ["left_usd", "minutes_to_deadline"].iter().any(|name| condition.contains(name));
            if let Err(problem) = asked(&condition, &facts) {
                prop_assert!(guarded, "{}: {}", condition, problem);
            }
        }
    }
}
