//! `quire export`.

use super::{General, Usage, tell};
use crate::{
    api::{
        convert,
        model::{Page, SubmissionItem},
    },
    boot,
};
use anyhow::Context;
use clap::Args;
use quire_engine::{identity::Actor, store::AssignmentId};
use std::{
    collections::HashSet,
    fs::File,
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};
use url::Url;
use uuid::Uuid;

/// Submissions asked for at once.
const AT_ONCE: i64 = 500;

/// Writes an assignment's submissions and their marks as CSV: one row for each submission, two columns for each
/// criterion.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: quire export --assignment 0197… --url https://quire.example.edu --token qt_… > marks.csv"
)]
pub(super) struct Export {
    /// The assignment's id
    #[arg(long, value_name = "ID")]
    assignment: Uuid,
    /// A running Quire to ask, instead of the configured database
    #[arg(long, requires = "token")]
    url: Option<Url>,
    /// Token of an instructor or administrator there
    #[arg(long, env = "QUIRE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// File to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Export {
    pub(super) async fn run(&self, general: &General) -> anyhow::Result<()> {
        let submissions = match (&self.url, &self.token) {
            (Some(url), Some(token)) => self.fetch(url, token).await?,
            (Some(_), None) => return Err(Usage("--url needs --token".to_owned()).into()),
            (None, _) => self.read(general).await?,
        };
        match &self.output {
            Some(path) => {
                let file =
                    File::create(path).with_context(|| format!("{} can't be written", path.display()))?;
                write(io::BufWriter::new(file), &submissions)?;
                tell(&format!("{} submissions written to {}", submissions.len(), path.display()));
            }
            None => write(io::stdout().lock(), &submissions)?,
        }
        Ok(())
    }

    /// From the database of the settings.
    async fn read(&self, general: &General) -> anyhow::Result<Vec<SubmissionItem>> {
        let engine = boot::engine(&general.begin(&[])?).await?;
        let assignment = AssignmentId(self.assignment);
        let submissions = all(async |page| {
            let found = engine.submissions_of(&Actor::System, assignment, None, page, AT_ONCE).await?;
            let marking = engine.marking(assignment).await?;
            let items = found.rows.iter().map(|row| convert::item(row, &marking.context.rubric)).collect();
            Ok(Page { items, page: found.page, per_page: found.per_page, total: found.total })
        })
        .await;
        engine.db().close().await;
        submissions
    }

    /// From a running Quire.
    async fn fetch(&self, url: &Url, token: &str) -> anyhow::Result<Vec<SubmissionItem>> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build()?;
        let assignment = self.assignment.to_string();
        let address = super::api_address(url, &["assignments", &assignment, "submissions"])?;
        all(async |page| {
            let query = [("page", page), ("per_page", AT_ONCE)];
            let asked = client.get(address.clone()).bearer_auth(token).query(&query);
            let answer = asked.send().await.context("the server can't be reached")?;
            let status = answer.status();
            let body = answer.bytes().await.context("the server's answer broke off")?;
            if !status.is_success() {
                let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
                let detail = problem.get("detail").and_then(serde_json::Value::as_str);
                anyhow::bail!(
                    "{}",
                    detail.map_or_else(|| format!("the server answered {status}"), str::to_owned)
                );
            }
            serde_json::from_slice(&body).context("the server's answer can't be read; is it a Quire?")
        })
        .await
    }
}

/// All items, a page after the other.
async fn all(
    mut page: impl AsyncFnMut(i64) -> anyhow::Result<Page<SubmissionItem>>,
) -> anyhow::Result<Vec<SubmissionItem>> {
    let mut submissions: Vec<SubmissionItem> = Vec::new();
    let mut seen = HashSet::new();
    for number in 1_i64.. {
        let page = page(number).await?;
        let last = page.page.saturating_mul(page.per_page) >= page.total || page.items.is_empty();
        // Work handed in meanwhile moves the rest on, so that some come again.
        submissions.extend(page.items.into_iter().filter(|item| seen.insert(item.tracking_id.clone())));
        if last {
            break;
        }
    }
    Ok(submissions)
}

/// Writes the rows. Criteria are those of all submissions, in the order in which they first appear.
fn write(out: impl Write, submissions: &[SubmissionItem]) -> anyhow::Result<()> {
    let mut criteria: Vec<&str> = Vec::new();
    for mark in submissions.iter().filter_map(|s| s.assessment.as_ref()).flat_map(|a| &a.criteria) {
        if !criteria.contains(&mark.id.as_str()) {
            criteria.push(&mark.id);
        }
    }
    let mut csv = csv::Writer::from_writer(out);
    let fixed = [
        "tracking_id",
        "student",
        "student_name",
        "draft",
        "status",
        "submitted_at",
        "words",
        "total",
        "out_of",
        "confidence",
        "provider",
        "model",
        "released_at",
        "feedback",
    ];
    for name in fixed {
        csv.write_field(name)?;
    }
    for id in &criteria {
        csv.write_field(format!("{id}_points"))?;
        csv.write_field(format!("{id}_level"))?;
    }
    csv.write_record(None::<&[u8]>)?;
    for submission in submissions {
        let status = serde_json::to_value(submission.status)?;
        csv.write_field(&submission.tracking_id)?;
        csv.write_field(cell(&submission.student))?;
        csv.write_field(cell(&submission.student_name))?;
        csv.write_field(submission.draft.to_string())?;
        csv.write_field(status.as_str().unwrap_or_default())?;
        csv.write_field(submission.submitted_at.to_rfc3339())?;
        csv.write_field(submission.words.to_string())?;
        let marks = submission.assessment.as_ref();
        let text = |value: Option<String>| value.unwrap_or_default();
        csv.write_field(text(marks.map(|m| m.total.to_string())))?;
        csv.write_field(text(marks.map(|m| m.out_of.to_string())))?;
        csv.write_field(text(marks.and_then(|m| m.confidence).map(|c| c.to_string())))?;
        csv.write_field(text(marks.and_then(|m| m.provider.clone())))?;
        csv.write_field(text(marks.and_then(|m| m.model.clone())))?;
        csv.write_field(text(marks.and_then(|m| m.released_at).map(|at| at.to_rfc3339())))?;
        csv.write_field(cell(&text(marks.map(|m| m.feedback.clone()))))?;
        for id in &criteria {
            let mark = marks.and_then(|m| m.criteria.iter().find(|c| c.id == *id));
            csv.write_field(text(mark.map(|m| m.points.to_string())))?;
            csv.write_field(text(mark.map(|m| m.level.clone())))?;
        }
        csv.write_record(None::<&[u8]>)?;
    }
    csv.flush()?;
    Ok(())
}

/// A text that a spreadsheet does not take for a formula: names and feedback come from strangers and models.
fn cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::api::model::{Assessment, CriterionMark, Status};
    use chrono::DateTime;

    #[test]
    fn one_row_each_with_all_criteria() {
        let mark = |id: &str, points: f64| CriterionMark {
            id: id.to_owned(),
            title: id.to_owned(),
            level: "good".to_owned(),
            level_title: "Good".to_owned(),
            points,
            out_of: 4.0,
            comment: String::new(),
            evidence: Vec::new(),
        };
        let marked = |criteria| Assessment {
            total: 5.5,
            out_of: 8.0,
            criteria,
            feedback: "=HYPERLINK(\"x\"), well".to_owned(),
            next_step: String::new(),
            confidence: Some(0.75),
            decided_by: "model".to_owned(),
            marker: None,
            provider: Some("openai".to_owned()),
            model: Some("m".to_owned()),
            released_at: Some(DateTime::UNIX_EPOCH),
        };
        let item = |assessment| SubmissionItem {
            tracking_id: "QR-7F3K-92MD".to_owned(),
            student: "ada@x".to_owned(),
            student_name: "Ada, L.".to_owned(),
            draft: 1,
            status: Status::InReview,
            submitted_at: DateTime::UNIX_EPOCH,
            words: 300,
            assessment,
        };
        let items = [
            item(None),
            item(Some(marked(vec![mark("a", 2.5), mark("b", 3.0)]))),
            item(Some(marked(vec![mark("c", 1.0)]))),
        ];
        let mut out = Vec::new();
        write(&mut out, &items).unwrap();
        let mut csv = csv::Reader::from_reader(out.as_slice());
        let names: Vec<_> = csv.headers().unwrap().iter().skip(14).map(str::to_owned).collect();
        assert_eq!(names, ["a_points", "a_level", "b_points", "b_level", "c_points", "c_level"]);
        let rows: Vec<_> = csv.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 3);
        assert_eq!((&rows[0][4], &rows[0][7], &rows[0][2]), ("in_review", "", "Ada, L."));
        assert_eq!((&rows[1][7], &rows[1][14], &rows[1][18]), ("5.5", "2.5", ""));
        assert_eq!(&rows[1][13], "'=HYPERLINK(\"x\"), well");
        assert_eq!(&rows[2][18], "1");
    }
}
