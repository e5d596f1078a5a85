//! `quire plan`: what a month of work costs, and what each lever saves.

mod text;
mod types;

pub(super) use text::dollars;

use super::{General, Usage, print};
use crate::{boot, settings::Settings};
use clap::Args;
use quire_engine::{
    identity::Actor,
    plan::{self, AskPlanError, Offer, PlanError, Share, Workload, WorkloadError},
    provider::price::SEEDED_ON,
};
use serde::Serialize;
use std::path::Path;
use types::Types;

/// Says what a month of work costs in real time, in batches and with Quire, what each lever saves, what is assumed, and
/// how to do it. It uses the providers, prices and measurements of the configured database, where there is one, and the
/// built-in price list otherwise. Nothing is sent anywhere.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  quire plan --reference\n  quire plan --students 400 --assignments 6 --shared-tokens 1500 --types final_exam=10,practice=40\n\
                  JSON is described in docs/saving.md."
)]
pub(super) struct Plan {
    /// Plan for 50,000 pieces of work a month of 1,100 shared and 500 own tokens and 400 of the answer, by the built-in
    /// price list
    #[arg(
        long,
        conflicts_with_all = [
            "students", "assignments", "assessments", "works_per_assignment", "shared_tokens", "own_tokens",
            "output_tokens", "urgent_percent", "economy_percent", "types", "repeated_percent"
        ]
    )]
    reference: bool,
    /// Students who hand in for each assignment
    #[arg(long, value_name = "NUMBER", value_parser = above_zero, allow_hyphen_values = true, requires = "assignments")]
    students: Option<u64>,
    /// Assignments in a month
    #[arg(long, value_name = "NUMBER", value_parser = above_zero, allow_hyphen_values = true, requires = "students")]
    assignments: Option<u64>,
    /// Pieces of work in a month, instead of students and assignments
    #[arg(
        long,
        value_name = "NUMBER",
        value_parser = above_zero,
        allow_hyphen_values = true,
        conflicts_with_all = ["students", "assignments"]
    )]
    assessments: Option<u64>,
    /// Pieces of work that share one assignment's prompt [default: as many as there are students, else at most 250]
    #[arg(long, value_name = "NUMBER", value_parser = above_zero, allow_hyphen_values = true)]
    works_per_assignment: Option<u64>,
    /// Tokens of a prompt that all work of an assignment shares: instructions and rubric [default: 1100]
    #[arg(long, value_name = "NUMBER", value_parser = zero_or_more, allow_hyphen_values = true)]
    shared_tokens: Option<u64>,
    /// Tokens of a prompt that are the work's own [default: 500]
    #[arg(long, value_name = "NUMBER", value_parser = above_zero, allow_hyphen_values = true)]
    own_tokens: Option<u64>,
    /// Tokens of an answer [default: 400]
    #[arg(long, value_name = "NUMBER", value_parser = above_zero, allow_hyphen_values = true)]
    output_tokens: Option<u64>,
    /// Share of the work that can't wait for a batch [default: 0]
    #[arg(long, value_name = "PERCENT", value_parser = Share::parse_percent, allow_hyphen_values = true)]
    urgent_percent: Option<Share>,
    /// Share of the work that may wait in the economy lane [default: 0]
    #[arg(long, value_name = "PERCENT", value_parser = Share::parse_percent, allow_hyphen_values = true)]
    economy_percent: Option<Share>,
    /// Types of the work instead of the two shares, as the rules that Quire begins with route them; what is not named is
    /// graded course work
    #[arg(
        long,
        value_name = "TYPE=PERCENT,...",
        value_parser = Types::parse,
        allow_hyphen_values = true,
        conflicts_with_all = ["urgent_percent", "economy_percent"]
    )]
    types: Option<Types>,
    /// Share of the work that repeats other work of its assignment, to the letter, and is not paid for again [default: 0]
    #[arg(long, value_name = "PERCENT", value_parser = Share::parse_percent, allow_hyphen_values = true)]
    repeated_percent: Option<Share>,
    /// Provider that is to mark [default: the cheapest]
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Model that is to mark [default: the cheapest]
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Where prices and figures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Basis {
    /// The built-in price list and what providers document.
    PriceList,
    /// The price book, the settings and the ledger of an installation.
    Installation,
}

/// What `--json` writes.
#[derive(Serialize)]
struct Output<'a> {
    basis: Basis,
    /// The day of the built-in price list.
    price_list: &'static str,
    #[serde(flatten)]
    plan: &'a plan::Plan,
}

impl Plan {
    pub(super) async fn run(&self, general: &General) -> anyhow::Result<()> {
        let workload = self.workload()?;
        workload.check().map_err(wrong)?;
        let (basis, plan) = self.plan(general, &workload).await?;
        if self.json {
            let output = Output { basis, price_list: SEEDED_ON, plan: &plan };
            return print(&format!("{}\n", serde_json::to_string_pretty(&output)?));
        }
        print(&text::text(&plan, basis))
    }

    async fn plan(&self, general: &General, workload: &Workload) -> anyhow::Result<(Basis, plan::Plan)> {
        let (provider, model) = (self.provider.as_deref(), self.model.as_deref());
        if !self.reference {
            let settings = general.begin(&[])?;
            if is_there(&settings) {
                let engine = boot::engine(&settings).await?;
                let basis =
                    if engine.registry().all().is_empty() { Basis::PriceList } else { Basis::Installation };
                let plan = engine.plan(&Actor::System, workload, provider, model).await;
                engine.db().close().await;
                return match plan {
                    Ok(plan) => Ok((basis, plan)),
                    Err(AskPlanError::Plan(error)) => Err(told(error)),
                    Err(error) => Err(error.into()),
                };
            }
        }
        let plan = plan::plan(workload, &Offer::listed(), provider, model).map_err(told)?;
        Ok((Basis::PriceList, plan))
    }

    /// The workload that the flags name.
    fn workload(&self) -> Result<Workload, Usage> {
        let reference = Workload::REFERENCE;
        if self.reference {
            return Ok(reference);
        }
        let assessments = match (self.assessments, self.students.zip(self.assignments)) {
            (Some(assessments), _) => assessments,
            (None, Some((students, assignments))) => students.checked_mul(assignments).ok_or_else(|| {
                Usage(format!(
                    "--students {students} times --assignments {assignments} is more than can be counted: lower one of them"
                ))
            })?,
            (None, None) => {
                return Err(Usage(
                    "say how much work there is in a month: --students and --assignments, or --assessments; or --reference"
                        .to_owned(),
                ));
            }
        };
        let (urgent, economy) = match self.types {
            Some(types) => (types.urgent, types.economy),
            None => (self.urgent_percent.unwrap_or_default(), self.economy_percent.unwrap_or_default()),
        };
        let together = self.works_per_assignment.or(self.students);
        Ok(Workload {
            assessments,
            works_per_assignment: together.unwrap_or_else(|| reference.works_per_assignment.min(assessments)),
            shared_tokens: self.shared_tokens.unwrap_or(reference.shared_tokens),
            own_tokens: self.own_tokens.unwrap_or(reference.own_tokens),
            output_tokens: self.output_tokens.unwrap_or(reference.output_tokens),
            urgent,
            economy,
            repeated: self.repeated_percent.unwrap_or_default(),
        })
    }
}

/// There is a database to ask: SQLite's file, or a server's address. A plan makes none.
fn is_there(settings: &Settings) -> bool {
    settings.database.strip_prefix("sqlite:").is_none_or(|path| {
        let file = path.trim_start_matches("//").split('?').next().unwrap_or_default();
        Path::new(file).is_file()
    })
}

/// A workload that can't be so, by the flag's name.
fn wrong(error: WorkloadError) -> Usage {
    let flag = match error.field {
        "assessments" => "--assessments (or --students times --assignments)".to_owned(),
        field => format!("--{}", field.replace('_', "-")),
    };
    Usage(format!("{flag} {}", error.reason))
}

fn told(error: PlanError) -> anyhow::Error {
    match error {
        PlanError::Workload(error) => wrong(error).into(),
        PlanError::NoModel { .. } => Usage(format!("--model and --provider: {error}")).into(),
        PlanError::TooLarge => {
            Usage(format!("{error} (--assessments, --shared-tokens, --own-tokens, --output-tokens)")).into()
        }
    }
}

fn above_zero(text: &str) -> Result<u64, String> {
    match zero_or_more(text) {
        Ok(0) | Err(_) => Err("must be a whole number above 0".to_owned()),
        number => number,
    }
}

fn zero_or_more(text: &str) -> Result<u64, String> {
    // A sign is no digit, and separators are left to people.
    let digits: String = text.chars().filter(|c| !matches!(c, ',' | '_')).collect();
    digits
        .parse()
        .ok()
        .filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .ok_or_else(|| "must be a whole number, 0 or more".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::command::{Cli, Command};
    use clap::Parser;

    fn parsed(flags: &[&str]) -> Result<Plan, String> {
        let all = ["quire", "plan"].iter().chain(flags);
        match Cli::try_parse_from(all).map_err(|error| error.to_string())?.command {
            Command::Plan(plan) => Ok(plan),
            other => panic!("{other:?}"),
        }
    }

    fn workload(flags: &[&str]) -> Result<Workload, String> {
        let workload = parsed(flags)?.workload().map_err(|error| error.to_string())?;
        workload.check().map_err(|error| wrong(error).to_string())?;
        Ok(workload)
    }

    #[test]
    fn flags_make_the_workload() {
        assert_eq!(workload(&["--reference", "--model", "gpt-6-luna"]).unwrap(), Workload::REFERENCE);
        let made = workload(&[
            "--students",
            "400",
            "--assignments",
            "6",
            "--own-tokens",
            "1,200",
            "--types",
            "final_exam=10,practice=30,quiz=5.5",
        ])
        .unwrap();
        assert_eq!((made.assessments, made.works_per_assignment, made.own_tokens), (2_400, 400, 1_200));
        assert_eq!((made.urgent.percent(), made.economy.percent()), (10.0, 30.0));
        assert_eq!((made.shared_tokens, made.output_tokens), (1_100, 400));
        let few = workload(&["--assessments", "40", "--urgent-percent", "2.5"]).unwrap();
        assert_eq!((few.works_per_assignment, few.urgent.of(40)), (40, 1));
    }

    #[test]
    fn wrong_flags_are_named_with_what_to_do() {
        for (flags, parts) in [
            (&["--students", "-5", "--assignments", "1"][..], &["--students", "whole number above 0"][..]),
            (&["--students", "0", "--assignments", "1"], &["--students", "above 0"]),
            (&["--students", "5"], &["--assignments"]),
            (&[], &["--students", "--assessments", "--reference"]),
            (&["--assessments", "1.5"], &["--assessments", "whole number"]),
            (&["--assessments", "99999999999"], &["--assessments", "10000000000"]),
            (
                &["--students", "9999999999999999", "--assignments", "9999999999999999"],
                &["--students", "--assignments", "lower one"],
            ),
            (
                &["--assessments", "5", "--works-per-assignment", "6"],
                &["--works-per-assignment", "from 1 to 5"],
            ),
            (&["--assessments", "5", "--own-tokens", "0"], &["--own-tokens", "above 0"]),
            (&["--assessments", "5", "--shared-tokens", "-1"], &["--shared-tokens", "0 or more"]),
            (&["--assessments", "5", "--output-tokens", "99999999"], &["--output-tokens", "10000000"]),
            (&["--assessments", "5", "--urgent-percent", "101"], &["--urgent-percent", "from 0 to 100"]),
            (
                &["--assessments", "5", "--urgent-percent", "60", "--economy-percent", "60"],
                &["--economy-percent", "more than 100"],
            ),
            (&["--assessments", "5", "--repeated-percent", "-1"], &["--repeated-percent", "from 0 to 100"]),
            (&["--assessments", "5", "--types", "essay=5"], &["--types", "final_exam"]),
            (&["--reference", "--students", "5"], &["--reference"]),
        ] {
            let said = workload(flags).unwrap_err();
            assert!(parts.iter().all(|part| said.contains(part)), "{flags:?}: {said}");
        }
    }
}
