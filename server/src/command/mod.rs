//! The command line: one file per command.

mod billing;
mod commitment;
mod demo;
mod doctor;
mod export;
mod import;
mod migrate;
mod openapi;
mod plan;
mod serve;
mod setup;
mod simulator;
mod token;
mod worker;

use crate::{
    settings::{self, LogFormat, Settings, SettingsError, Source},
    telemetry,
};
use clap::{Args, Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};
use url::Url;

/// Quire marks student work with language models, batch first.
#[derive(Debug, Parser)]
#[command(
    name = "quire",
    version,
    propagate_version = true,
    after_help = "Settings come from a TOML file, environment variables (QUIRE_…) and flags, in that rising order; \
                  docs/operations.md lists them.\n\
                  Exit codes: 0 done, 1 failed, 2 wrong usage or settings."
)]
pub struct Cli {
    #[command(flatten)]
    general: General,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings")]
struct General {
    /// Settings file [default: quire.toml, where there is one]
    #[arg(long, short, global = true, env = "QUIRE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Database: sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME
    #[arg(long, global = true, value_name = "ADDRESS")]
    database: Option<String>,
    /// Least important level that is logged: error, warn, info, debug, trace
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<String>,
    /// How log lines are written
    #[arg(long, global = true, value_enum)]
    log_format: Option<LogFormat>,
    /// Any setting, such as --set sessions.idle=2h; may be given many times
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = key_and_value)]
    set: Vec<(String, String)>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve pages and the REST interface, and work on the queue
    Serve(serve::Serve),
    /// Work on the queue without serving pages
    Worker(worker::Worker),
    /// Hand in one submission for each row of a CSV file
    Import(import::Import),
    /// Write an assignment's submissions and marks as CSV
    Export(export::Export),
    /// Write what was spent in a month as CSV, by cost centre
    Billing(billing::Billing),
    /// Say what a commitment to spend so much a month with a provider would save
    Commitment(commitment::Commitment),
    /// Bring the database's schema up to date
    Migrate(migrate::Migrate),
    /// Make, list and revoke tokens of the API
    Token(token::Token),
    /// Print the description of the REST interface
    #[command(name = "openapi")]
    OpenApi(openapi::OpenApi),
    /// Say what a month of work costs in real time, in batches and with Quire, and what each lever saves
    Plan(plan::Plan),
    /// Check configuration, database, providers and mail, and say what to mend
    Doctor(doctor::Doctor),
    /// Run a small school on this machine, with simulated providers
    Demo(demo::Demo),
    /// Create or change people, courses, providers and budgets from a file
    Setup(setup::Setup),
    /// Run the local stand-in for the providers
    Simulator(simulator::Simulator),
    /// Read the text of a file, in a process of its own
    #[command(hide = true)]
    Extract,
}

/// Used wrongly: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Something failed that has been told already: exit code 1 and no more words.
#[derive(Debug, thiserror::Error)]
#[error("failed")]
struct Told;

impl Cli {
    /// Runs the command; errors go to standard error.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let outcome = match &self.command {
            Command::Extract => return quire_engine::submission::extract::child_main(),
            Command::Serve(serve) => on_runtime(serve.run(&self.general)),
            Command::Worker(worker) => on_runtime(worker.run(&self.general)),
            Command::Simulator(simulator) => on_runtime(simulator.run(&self.general)),
            Command::Plan(plan) => on_runtime(plan.run(&self.general)),
            Command::Doctor(doctor) => on_runtime(doctor.run(&self.general)),
            Command::Demo(demo) => on_runtime(demo.run(&self.general)),
            Command::Setup(setup) => on_runtime(setup.run(&self.general)),
            Command::OpenApi(openapi) => openapi.run(),
            Command::Import(import) => on_runtime(import.run(&self.general)),
            Command::Export(export) => on_runtime(export.run(&self.general)),
            Command::Billing(billing) => on_runtime(billing.run(&self.general)),
            Command::Commitment(commitment) => on_runtime(commitment.run(&self.general)),
            Command::Migrate(migrate) => on_runtime(migrate.run(&self.general)),
            Command::Token(token) => on_runtime(token.run(&self.general)),
        };
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) if error.is::<Told>() => ExitCode::FAILURE,
            Err(error) => {
                tell(&format!("error: {error:#}"));
                let usage = error.chain().any(|cause| cause.is::<Usage>() || cause.is::<SettingsError>());
                if usage { ExitCode::from(2) } else { ExitCode::FAILURE }
            }
        }
    }
}

fn on_runtime<F: Future<Output = anyhow::Result<()>>>(work: F) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

impl General {
    /// The settings of file, environment and flags, with flags of the command itself on top of all.
    fn settings(&self, of_command: &[(&str, Option<String>)]) -> Result<Settings, SettingsError> {
        let mut flags = self.set.clone();
        let own = [
            ("database", self.database.clone()),
            ("log.level", self.log_level.clone()),
            ("log.format", self.log_format.and_then(word)),
        ];
        for (key, value) in own.iter().chain(of_command) {
            if let Some(value) = value {
                flags.push(((*key).to_owned(), value.clone()));
            }
        }
        let source = Source {
            file: settings::file_to_read(self.config.as_deref()),
            environment: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            flags,
        };
        settings::load(&source)
    }

    /// The settings, with logging begun as they say.
    fn begin(&self, of_command: &[(&str, Option<String>)]) -> anyhow::Result<Settings> {
        let settings = self.settings(of_command)?;
        telemetry::start(&settings.log)?;
        Ok(settings)
    }
}

/// An address of the REST interface below the address of a Quire.
fn api_address(url: &Url, path: &[&str]) -> Result<Url, Usage> {
    let mut address = url.clone();
    address.set_query(None);
    address.set_fragment(None);
    match address.path_segments_mut() {
        Ok(mut segments) if matches!(url.scheme(), "http" | "https") => {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        _ => {
            return Err(Usage(format!(
                "\"{url}\" is not the address of a Quire; write https://quire.example.edu"
            )));
        }
    }
    Ok(address)
}

/// The word of a choice, as settings write it.
fn word(choice: impl clap::ValueEnum) -> Option<String> {
    choice.to_possible_value().map(|value| value.get_name().to_owned())
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE, such as log.level=debug".to_owned()),
    }
}

/// A line for people, on standard error.
fn tell(line: &str) {
    use std::io::Write;
    // A closed standard error is no reason to fail.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// What the command was asked for, on standard output.
///
/// # Errors
/// If standard output is closed.
fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_of_a_command_win() {
        let general = General {
            database: Some("sqlite:flag.db".to_owned()),
            set: vec![
                ("database".to_owned(), "sqlite:set.db".to_owned()),
                ("log.level".to_owned(), "warn".to_owned()),
            ],
            ..General::default()
        };
        let settings =
            general.settings(&[("listen", Some("127.0.0.1:9".to_owned())), ("data_dir", None)]).unwrap();
        assert_eq!(settings.database, "sqlite:flag.db");
        assert_eq!(settings.log.level, "warn");
        assert_eq!(settings.listen.port(), 9);
    }

    #[test]
    fn addresses_of_the_interface() {
        let at = |url: &str| api_address(&Url::parse(url).unwrap(), &["submissions"]).map(String::from);
        assert_eq!(at("https://q.example").unwrap(), "https://q.example/api/v1/submissions");
        assert_eq!(at("http://127.0.0.1:8/").unwrap(), "http://127.0.0.1:8/api/v1/submissions");
        assert_eq!(at("https://q.example/quire/?x#y").unwrap(), "https://q.example/quire/api/v1/submissions");
        assert!(at("mailto:a@b").is_err() && at("ftp://x").is_err());
    }

    #[test]
    fn keys_and_values() {
        assert_eq!(key_and_value("a.b=c=d").unwrap(), ("a.b".to_owned(), "c=d".to_owned()));
        assert!(key_and_value("a.b").is_err() && key_and_value("=x").is_err());
    }
}
