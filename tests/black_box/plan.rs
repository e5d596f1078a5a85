//! What `quire plan` says: with nothing set up, by an installation, and beside what was measured.

use quire_tests::{
    on_both, programs,
    saving::{Trial, measure},
    school::{Database, School},
};
use serde_json::Value;
use std::{
    process::{Command, Output},
    time::Duration,
};

on_both!(an_installation_plans_by_its_own_prices_and_figures, what_is_measured_is_what_was_planned);

/// Runs the program where there is neither settings nor database; answers what it said and that it left nothing behind.
fn bare(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(programs::quire());
    command.arg("plan").args(arguments).current_dir(folder.path()).env_clear();
    let output = command.output().unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a plan leaves nothing behind");
    output
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The levers' shares are the whole difference, to the nano-dollar.
fn adds_up(plan: &Value) {
    let sum = |name: &str| -> i64 {
        plan["levers"].as_array().unwrap().iter().map(|lever| lever[name].as_i64().unwrap()).sum()
    };
    let cost = |name: &str| plan["monthly"][name].as_i64().unwrap();
    assert_eq!(cost("realtime_nano_usd") - sum("saved_nano_usd"), cost("quire_nano_usd"));
    assert_eq!(cost("realtime_uncached_nano_usd") - sum("saved_uncached_nano_usd"), cost("quire_nano_usd"));
}

#[test]
fn the_reference_needs_nothing() {
    let plan = json(&bare(&["--reference", "--json"]));
    assert_eq!((&plan["basis"], &plan["workload"]["assessments"]), (&"price_list".into(), &50_000.into()));
    adds_up(&plan);
    assert!(plan["saving_percent"].as_f64() < plan["saving_percent_uncached"].as_f64(), "{plan}");
    assert!(plan["other_models"].as_array().unwrap().iter().all(|model| model["counts"] == false));
    let text = String::from_utf8(bare(&["--reference"]).stdout).unwrap();
    for part in ["A month costs", "Levers", "prefix cache", "bundling", "Assumed", "Plan\n1.", "agreement"] {
        assert!(text.contains(part), "no \"{part}\" in:\n{text}");
    }
    // Without a database other workloads are planned by the price list, too.
    let plan =
        json(&bare(&["--students", "30", "--assignments", "4", "--model", "claude-haiku-5-5", "--json"]));
    assert_eq!((&plan["basis"], &plan["workload"]["assessments"]), (&"price_list".into(), &120.into()));
    assert_eq!(plan["saving_percent"], 50.0);
}

#[test]
fn wrong_flags_are_named() {
    for (arguments, parts) in [
        (&["--students", "-3", "--assignments", "2"][..], &["--students", "above 0"][..]),
        (&["--assessments", "0"], &["--assessments", "above 0"]),
        (&["--assessments", "10", "--urgent-percent", "130"], &["--urgent-percent", "from 0 to 100"]),
        (
            &["--reference", "--model", "gpt-2"],
            &["--model", "gpt-2", "gpt-6-luna (OpenAI)", "claude-haiku-5-5"],
        ),
        (&["--reference", "--provider", "acme"], &["--provider", "acme", "gpt-6-luna (OpenAI)"]),
        (&[], &["--students", "--assessments", "--reference"]),
        (
            &["--assessments", "9999999999", "--own-tokens", "9999999", "--model", "gpt-6-astra"],
            &["too large", "--own-tokens"],
        ),
    ] {
        let output = bare(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(parts.iter().all(|part| said.contains(part)), "{arguments:?}: {said}");
    }
}

async fn an_installation_plans_by_its_own_prices_and_figures(database: Database) {
    let school = School::open(database).await;
    let plan: Value = serde_json::from_str(&school.run_well(&[
        "plan",
        "--assessments",
        "1000",
        "--provider",
        "openai",
        "--json",
    ]))
    .unwrap();
    assert_eq!((&plan["basis"], &plan["provider"]), (&"installation".into(), &"openai".into()));
    adds_up(&plan);
    let known = plan["other_models"].as_array().unwrap();
    assert_eq!((known.len(), &known[0]["provider"]), (1, &"anthropic".into()), "only what is set up");
    let unknown = school.run(&["plan", "--assessments", "10", "--model", "gpt-6.1-sol"]);
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(!unknown.status.success() && said.contains("gpt-6-luna (openai)"), "{said}");
    school.close().await;
}

async fn what_is_measured_is_what_was_planned(database: Database) {
    let trial = Trial {
        database,
        jobs: 600,
        together: 100,
        marker: ("anthropic", "claude-sonnet-5-5"),
        hits: 0.3,
        patience: Duration::from_secs(240),
    };
    let outcome = measure(trial).await.unwrap();
    let report = outcome.report();
    let saving = outcome.saving();
    assert!(saving.differs(&outcome.reference) <= 5.0, "{report}");
    assert!(saving.differs(&outcome.measured) <= 1.0, "{report}");
    assert!((20.0..40.0).contains(&outcome.hits()), "{report}");
    let evidence = &outcome.evidence;
    assert!(evidence.answers == 100 && evidence.saved_percent.is_finite(), "{report}");
    assert!(evidence.output_tokens_saved > 0 && evidence.input_tokens_added > 0, "{report}");
    // What was planned for is what was sent.
    let near = |sum: i64, tokens: i64| (sum / outcome.realtime.answers - tokens).abs() <= tokens / 20;
    assert!(near(outcome.realtime.input, 1_600) && near(outcome.realtime.output, 400), "{report}");
}
