//! `quire import`.

mod rows;
mod target;

use super::{General, Told, Usage, print, tell};
use anyhow::Context;
use clap::Args;
use futures::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use rows::{BadRow, Columns, FileError, Row, Rows};
use serde::Serialize;
use std::{fs::File, path::PathBuf, time::Duration};
use target::{Local, Outcome, Remote, Target, Trouble};
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

/// How often a row is tried while the server can't take it, and the first wait; each wait is twice the last.
const TRIES: u32 = 9;
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Hands in one submission for each row of a CSV file.
///
/// Good rows go in; bad ones are listed at the end with their line and the reason, and the exit code is 1. Run it
/// again after an interruption, or after mending rows: rows that are in already are known by their ids and not handed
/// in twice.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: quire import essays.csv --assignment 0197… --url https://quire.example.edu --token qt_…"
)]
pub(super) struct Import {
    /// The file: CSV (RFC 4180) in UTF-8 with column names in its first row
    file: PathBuf,
    /// The assignment's id
    #[arg(long, value_name = "ID")]
    assignment: Uuid,
    /// A running Quire to hand in to, instead of the configured database
    #[arg(long, requires = "token")]
    url: Option<Url>,
    /// Token of an instructor or administrator there
    #[arg(long, env = "QUIRE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Column that holds the work's text
    #[arg(long, value_name = "NAME", default_value = "text")]
    text_column: String,
    /// Column that holds each row's own id [default: id, else the first whose name ends in "id"]
    #[arg(long, value_name = "NAME")]
    id_column: Option<String>,
    /// Column that holds the student's e-mail address [default: each row is its own student]
    #[arg(long, value_name = "NAME")]
    student_column: Option<String>,
    /// What stands between two fields
    #[arg(long, value_name = "SIGN", default_value = ",", value_parser = delimiter)]
    delimiter: u8,
    /// Rows handed in at the same time
    #[arg(long, value_name = "NUMBER", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=512))]
    concurrency: u16,
    /// Print the outcome as one line of JSON
    #[arg(long)]
    json: bool,
}

/// What became of all rows.
#[derive(Debug, Default, Serialize)]
struct Summary {
    rows: u64,
    handed_in: u64,
    already: u64,
    bad: Vec<BadRow>,
    /// Why not all rows were looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
}

impl Import {
    pub(super) async fn run(&self, general: &General) -> anyhow::Result<()> {
        let file =
            File::open(&self.file).with_context(|| format!("{} can't be opened", self.file.display()))?;
        let size = file.metadata()?.len();
        let columns = Columns {
            text: self.text_column.clone(),
            id: self.id_column.clone(),
            student: self.student_column.clone(),
        };
        let in_file = || format!("{}", self.file.display());
        let rows = Rows::new(file, &columns, self.delimiter).with_context(in_file)?;
        let stop = crate::shutdown::on_signal()?;
        let target = match (&self.url, &self.token) {
            (Some(url), Some(token)) => Target::Remote(Remote::new(url, token.clone(), self.assignment)?),
            (Some(_), None) => return Err(Usage("--url needs --token".to_owned()).into()),
            (None, _) => Target::Local(Box::new(Local::open(general.begin(&[])?, self.assignment).await?)),
        };
        let progress = bar(size);
        let summary = self.hand_in_all(rows, &target, &progress, &stop).await.with_context(in_file);
        progress.finish_and_clear();
        target.close().await;
        let summary = summary?;
        if self.json {
            print(&format!("{}\n", serde_json::to_string(&summary)?))?;
        } else {
            summary.tell();
        }
        if summary.bad.is_empty() && summary.stopped.is_none() { Ok(()) } else { Err(Told.into()) }
    }

    async fn hand_in_all(
        &self,
        rows: Rows<File>,
        target: &Target,
        progress: &ProgressBar,
        stop: &CancellationToken,
    ) -> Result<Summary, FileError> {
        let mut summary = Summary::default();
        let mut broken = None;
        let rows = stream::unfold((rows, stop.clone()), |(mut rows, stop)| async move {
            if stop.is_cancelled() {
                return None;
            }
            rows.next().transpose().map(|row| (row, (rows, stop)))
        });
        let judged = rows.map(|row| async move {
            match row? {
                Ok(row) => {
                    let outcome = hand_in(target, &row, stop).await;
                    Ok::<_, FileError>((row.end, Ok((row, outcome))))
                }
                Err(bad) => Ok((0, Err(bad))),
            }
        });
        let mut judged = std::pin::pin!(judged.buffer_unordered(usize::from(self.concurrency)));
        let mut furthest = 0;
        while let Some(row) = judged.next().await {
            let (end, row) = match row {
                Ok(row) => row,
                Err(error) => {
                    broken = Some(error);
                    stop.cancel();
                    continue;
                }
            };
            match row {
                Ok((row, Ok(outcome))) => {
                    summary.rows += 1;
                    match outcome {
                        Outcome::HandedIn => summary.handed_in += 1,
                        Outcome::Already => summary.already += 1,
                        Outcome::Refused(reason) => {
                            summary.bad.push(BadRow { line: row.line, id: Some(row.id), reason });
                        }
                    }
                }
                Ok((row, Err(reason))) => {
                    if summary.stopped.is_none() && !stop.is_cancelled() {
                        summary.stopped = Some(format!("line {}: {reason}", row.line));
                    }
                    stop.cancel();
                }
                Err(bad) => {
                    summary.rows += 1;
                    summary.bad.push(bad);
                }
            }
            furthest = furthest.max(end);
            progress.set_position(furthest);
            progress.set_message(format!(
                "{} in, {} not",
                summary.handed_in + summary.already,
                summary.bad.len()
            ));
        }
        if let Some(error) = broken {
            return Err(error);
        }
        if summary.stopped.is_none() && stop.is_cancelled() {
            summary.stopped = Some("interrupted".to_owned());
        }
        summary.bad.sort_by_key(|bad| bad.line);
        Ok(summary)
    }
}

/// Hands in one row, again and again while the trouble may pass.
async fn hand_in(target: &Target, row: &Row, stop: &CancellationToken) -> Result<Outcome, String> {
    let mut wait = FIRST_WAIT;
    for attempt in 1.. {
        match target.hand_in(row).await {
            Ok(outcome) => return Ok(outcome),
            Err(Trouble::Lasting(reason)) => return Err(reason),
            Err(Trouble::Passing { reason, .. }) if attempt >= TRIES || stop.is_cancelled() => {
                return Err(reason);
            }
            Err(Trouble::Passing { after, .. }) => {
                tokio::select! {
                    () = tokio::time::sleep(after.unwrap_or(wait).min(LONGEST_WAIT * 4)) => {}
                    () = stop.cancelled() => {}
                }
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }
    Err("tried too often".to_owned())
}

impl Summary {
    /// Tells what became of the rows.
    fn tell(&self) {
        for bad in &self.bad {
            let id = bad.id.as_ref().map(|id| format!(" (id {id})")).unwrap_or_default();
            tell(&format!("line {}{id}: {}", bad.line, bad.reason));
        }
        let already = match self.already {
            0 => String::new(),
            n => format!(", {n} in already"),
        };
        tell(&format!(
            "{} rows: {} handed in{already}, {} not taken",
            self.rows,
            self.handed_in,
            self.bad.len()
        ));
        if let Some(reason) = &self.stopped {
            tell(&format!("Stopped before the end: {reason}"));
            tell("Run the same command again to go on; rows that are in are not handed in twice.");
        }
    }
}

/// A bar over the file's bytes; nothing is drawn where standard error is no terminal.
fn bar(size: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}  {elapsed_precise}, {eta_precise} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(size).with_style(style)
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text {
        "tab" | "\\t" => Ok(b'\t'),
        _ => match text.as_bytes() {
            [sign] if sign.is_ascii_graphic() || *sign == b'\t' => Ok(*sign),
            _ => Err("write one sign, such as , or ; or tab".to_owned()),
        },
    }
}
