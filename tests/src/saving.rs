//! The saving as it is measured: the reference workload once in batches and once in real time, both through a running
//! Quire, each summed by the usage figures that the provider reported, and held against what `quire plan` says.

use crate::{
    bench,
    essays::essay,
    load,
    school::{Database, Options, School},
};
use anyhow::{Context, ensure};
use quire_engine::store::Exec as _;
use serde_json::Value;
use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    /// Where Quire keeps its data.
    pub database: Database,
    /// Pieces of work on each route.
    pub jobs: usize,
    /// Pieces of work for each assignment.
    pub together: usize,
    /// The provider as it is set up, and the model.
    pub marker: (&'static str, &'static str),
    /// Share of the requests in batches that find in the provider's cache what is there.
    pub hits: f64,
    /// How long all of it may take.
    pub patience: Duration,
}

/// What a route came to, by the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Spent {
    /// Answers.
    pub answers: i64,
    /// What they cost, in nano-dollars.
    pub nano: i64,
    /// Tokens read, all together.
    pub input: i64,
    /// Of these, from the cache.
    pub cached: i64,
    /// Of these, written to the cache.
    pub written: i64,
    /// Tokens written.
    pub output: i64,
}

impl Spent {
    fn each(&self, sum: i64) -> f64 {
        sum as f64 / self.answers.max(1) as f64
    }
}

/// What was measured and what was planned.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The model.
    pub model: &'static str,
    /// The work in batches.
    pub batched: Spent,
    /// The same work in real time.
    pub realtime: Spent,
    /// What the work in real time would have cost without a cache, in nano-dollars.
    pub uncached: i64,
    /// What `quire plan --reference` says of the model.
    pub reference: Saving,
    /// What `quire plan` says in the end, of the work as it was, from what its ledger had measured.
    pub measured: Saving,
    /// What evidence by sentence number saved, as that plan measured it.
    pub evidence: Evidence,
    /// How long it took.
    pub took: Duration,
}

/// What evidence by sentence number saved.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
pub struct Evidence {
    /// How many answers were looked at.
    pub answers: i64,
    /// Output tokens that quotations would have had more.
    pub output_tokens_saved: i64,
    /// Input tokens of the sentences' numbers.
    pub input_tokens_added: i64,
    /// In percent of what the answers would have cost with quotations.
    pub saved_percent: f64,
}

/// A saving in percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Saving {
    /// Against real time with the provider's own caching.
    pub cached: f64,
    /// Against real time without.
    pub uncached: f64,
}

impl Saving {
    fn of(plan: &Value) -> anyhow::Result<Self> {
        let figure = |name: &str| plan[name].as_f64().with_context(|| format!("the plan has no {name}"));
        Ok(Self { cached: figure("saving_percent")?, uncached: figure("saving_percent_uncached")? })
    }

    /// The greater of the two differences, in points.
    #[must_use]
    pub fn differs(&self, other: &Self) -> f64 {
        (self.cached - other.cached).abs().max((self.uncached - other.uncached).abs())
    }
}

impl Outcome {
    /// The saving that was measured.
    #[must_use]
    pub fn saving(&self) -> Saving {
        let saved = |before: i64| 100.0 * (1.0 - self.batched.nano as f64 / before.max(1) as f64);
        Saving { cached: saved(self.realtime.nano), uncached: saved(self.uncached) }
    }

    /// Of a hundred tokens in batches that could be read from the cache, those that were.
    #[must_use]
    pub fn hits(&self) -> f64 {
        100.0 * self.batched.cached as f64 / (self.batched.cached + self.batched.written).max(1) as f64
    }

    /// All of it, for people.
    #[must_use]
    pub fn report(&self) -> String {
        let mut out = String::new();
        let shape = &self.realtime;
        let line = |out: &mut String, what: &str, spent: &Spent| {
            let _ = writeln!(
                out,
                "  {what:<10} {} answers, ${:.6}; a request {:.0} tokens in ({:.0} read from the cache, {:.0} written to it), {:.0} out",
                spent.answers,
                spent.nano as f64 / 1e9,
                spent.each(spent.input),
                spent.each(spent.cached),
                spent.each(spent.written),
                spent.each(spent.output)
            );
        };
        let _ = writeln!(out, "{} ({:.0} s)", self.model, self.took.as_secs_f64());
        line(&mut out, "real time", shape);
        line(&mut out, "batches", &self.batched);
        let saving = self.saving();
        let _ = writeln!(
            out,
            "  measured   {:.1} % against real time with the provider's caching, {:.1} % without",
            saving.cached, saving.uncached
        );
        for (what, plan) in [("reference", &self.reference), ("from the ledger", &self.measured)] {
            let _ = writeln!(
                out,
                "  plan       {:.1} % and {:.1} % ({what}): {:.1} points away",
                plan.cached,
                plan.uncached,
                saving.differs(plan)
            );
        }
        let Evidence { answers, output_tokens_saved, input_tokens_added, saved_percent } = self.evidence;
        let _ = writeln!(
            out,
            "  evidence   by sentence number: {} output tokens fewer an answer, {} input tokens more; {saved_percent:.1} % \
             (of {answers} answers)",
            output_tokens_saved / answers.max(1),
            input_tokens_added / answers.max(1)
        );
        out
    }
}

/// Words of the brief: with them a prompt shares about 1,100 tokens.
const BRIEF: usize = 12;
/// Words of an essay: with its numbers and its fence it has about 500 tokens.
const WORDS: usize = 306;

/// Assignments of both routes, all work of one sharing a prompt of about 1,100 tokens whose answers have about 400.
fn assignments(count: usize) -> String {
    let mut out =
        String::from("[[rubrics]]\ncourse = \"W101\"\nkey = \"reference\"\ntitle = \"A letter\"\n\n");
    for (id, what) in [
        ("position", "Takes a position and keeps to it."),
        ("support", "Supports it with reasons."),
        ("order", "Leads the reader from point to point."),
        ("language", "Words and sentences fit the reader."),
        ("ending", "Ends where it wanted to go."),
    ] {
        let _ = write!(
            out,
            "[[rubrics.criteria]]\nid = \"{id}\"\ntitle = \"{id}\"\ndescription = \"{what}\"\nlevels = [\n\
             {{ id = \"l1\", title = \"Weak\", points = 0 }},\n\
             {{ id = \"l2\", title = \"Strong\", points = 5 }},\n]\n\n"
        );
    }
    for n in 0..count {
        let brief = essay(n as u64 + 1_000_000, BRIEF).replace('\n', " ");
        for (route, kind) in [("batch", "summative"), ("call", "final_exam")] {
            let _ = write!(
                out,
                "[[assignments]]\ncourse = \"W101\"\nkey = \"{route}-{n}\"\ntitle = \"Letter {n}\"\nkind = \"{kind}\"\n\
                 brief = {brief:?}\nlanguage = \"en\"\nrubric = \"reference\"\nmax_drafts = 1\nrelease = \"at_once\"\n\n"
            );
        }
    }
    out
}

/// Runs both routes and asks for the plans.
///
/// # Errors
/// If work is not marked in time, the books of both sides differ, or a plan can't be made.
pub async fn measure(trial: Trial) -> anyhow::Result<Outcome> {
    let begin = Instant::now();
    let (provider, model) = trial.marker;
    let simulator = quire_simulator::Settings {
        turnaround_seconds: 0.5,
        latency_ms: 0,
        batch_cache_hits: trial.hits,
        ..quire_simulator::Settings::instant()
    };
    let options = Options {
        simulator,
        providers: vec![provider],
        jobs: (u32::try_from(trial.together.min(250))?, 1_000),
        model: Some(model),
        more: assignments(trial.jobs.div_ceil(trial.together)),
        ..Options::default()
    };
    let school = School::open_with(trial.database, options).await;
    let reference = plan(&school, &["--reference", "--model", model])?;
    for route in ["call", "batch"] {
        bench::send(&school, hand_ins(&school, route, trial)).await?;
        school.wait_until_idle(trial.patience.saturating_sub(begin.elapsed())).await;
    }
    let proof = school.prove().await;
    ensure!(
        proof.assessed == 2 * trial.jobs && proof.lost_lines == 0,
        "not all was marked undisturbed: {proof:?}"
    );
    let [batched, realtime] = spent(&school).await?;
    let jobs = i64::try_from(trial.jobs)?;
    ensure!((batched.answers, realtime.answers) == (jobs, jobs), "{batched:?} {realtime:?}");
    let uncached = uncached(&school).await?;
    let shared = realtime.cached.max(batched.cached + batched.written) / jobs;
    let measured = plan(&school, &shape(trial, &realtime, shared))?;
    school.close().await;
    let evidence = serde_json::from_value(measured["evidence"].clone())
        .context("the plan says what evidence by sentence number saved")?;
    let reference = Saving::of(&reference)?;
    let measured = Saving::of(&measured)?;
    Ok(Outcome { model, batched, realtime, uncached, reference, measured, evidence, took: begin.elapsed() })
}

/// The work of one route, each piece that of a student of its own; the same texts on both routes.
fn hand_ins(school: &School, route: &str, trial: Trial) -> Vec<bytes::Bytes> {
    let request = |n: usize| {
        let assignment = school.assignment(&format!("{route}-{}", n / trial.together));
        let body = serde_json::json!({
            "assignment": assignment,
            "text": essay(n as u64, WORDS),
            "student": format!("student{n}@example.edu"),
        });
        load::post("/api/v1/submissions", school.token("berg"), &format!("{route}-{n}"), &body.to_string())
    };
    (0..trial.jobs).map(request).collect()
}

/// A plan, as JSON.
fn plan(school: &School, flags: &[impl AsRef<str>]) -> anyhow::Result<Value> {
    let mut arguments = vec!["plan", "--json"];
    arguments.extend(flags.iter().map(AsRef::as_ref));
    serde_json::from_str(&school.run_well(&arguments)).context("the plan is JSON")
}

/// The flags that describe the work as it was: 50,000 pieces of it a month.
fn shape(trial: Trial, spent: &Spent, shared: i64) -> Vec<String> {
    let each = |sum: i64| sum / spent.answers.max(1);
    [
        ("--assessments", 50_000),
        ("--works-per-assignment", i64::try_from(trial.together).unwrap_or(1)),
        ("--shared-tokens", shared),
        ("--own-tokens", each(spent.input) - shared),
        ("--output-tokens", each(spent.output)),
    ]
    .iter()
    .flat_map(|(flag, value)| [(*flag).to_owned(), value.to_string()])
    .collect()
}

/// What batches and calls came to, by Quire's own ledger.
async fn spent(school: &School) -> anyhow::Result<[Spent; 2]> {
    let mut db = school.db();
    let mut sums = [Spent::default(); 2];
    for (sum, route) in sums.iter_mut().zip(["batch_id IS NOT NULL", "batch_id IS NULL"]) {
        *sum = db
            .query(format!(
                "SELECT COUNT(*) AS answers, CAST(COALESCE(SUM(spent_nano), 0) AS BIGINT) AS nano, \
                 CAST(COALESCE(SUM(input_tokens), 0) AS BIGINT) AS input, \
                 CAST(COALESCE(SUM(cached_tokens), 0) AS BIGINT) AS cached, \
                 CAST(COALESCE(SUM(cache_write_tokens + cache_write_long_tokens), 0) AS BIGINT) AS written, \
                 CAST(COALESCE(SUM(output_tokens), 0) AS BIGINT) AS output FROM ledger \
                 WHERE kind = 'settle' AND {route}"
            ))
            .one()
            .await?;
    }
    Ok(sums)
}

/// What the calls would have cost if every prompt had been read afresh: each by the price list, by the figures that the
/// provider reported of it.
async fn uncached(school: &School) -> anyhow::Result<i64> {
    use quire_engine::provider::{Usage, price};
    let calls = school.ledger().await.into_iter().filter(|line| line.batch_id.is_none());
    let mut sum = 0;
    for line in calls {
        let row = price::seed_prices().iter().find(|row| row.model == line.model);
        let row = row.with_context(|| format!("{} has a price", line.model))?;
        let usage = Usage {
            input_tokens: line.input_tokens.unsigned_abs(),
            output_tokens: line.output_tokens.unsigned_abs(),
            ..Usage::default()
        };
        sum += price::cost(&row.price, &usage, false).0;
    }
    Ok(sum)
}
