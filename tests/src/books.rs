//! The books of both sides, held against each other: what Quire's database says of its work and money, and what the
//! simulator answered and so was paid for (SPEC 6.5, 7.1).

use quire_engine::store::{Db, DbError, Exec as _};
use quire_simulator::LedgerLine;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// One line of Quire's ledger.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Line {
    /// `reserve`, `settle`, `release` or `lost`.
    pub kind: String,
    /// The job.
    pub job_id: Uuid,
    /// The batch, where there was one.
    pub batch_id: Option<Uuid>,
    /// The call in real time, where there was one.
    pub call_id: Option<Uuid>,
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Moves the sum that is held, in nano-dollars.
    pub reserved_nano: i64,
    /// Moves the sum that is expected.
    pub expected_nano: i64,
    /// Moves the sum that is spent.
    pub spent_nano: i64,
    /// The provider's id of the answer.
    pub response_id: Option<String>,
    /// All tokens read.
    pub input_tokens: i64,
    /// Of these, from the cache.
    pub cached_tokens: i64,
    /// All tokens written.
    pub output_tokens: i64,
}

/// One job, its submission and what came of them.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Job {
    /// The job.
    pub id: Uuid,
    /// The submission's tracking id.
    pub tracking_id: String,
    /// Where the job stands.
    pub state: String,
    /// Where the submission stands.
    pub submission_state: String,
    /// `batch` or `realtime`.
    pub route: String,
    /// The provider that it was sent to last.
    pub provider: String,
    /// Assessments of it.
    pub assessments: i64,
}

/// Quire's side.
#[derive(Clone, Debug)]
pub struct Quire {
    /// All lines of the ledger.
    pub lines: Vec<Line>,
    /// All jobs.
    pub jobs: Vec<Job>,
}

impl Quire {
    /// Reads it from the database.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn read(db: &Db) -> Result<Self, DbError> {
        let mut db = db.clone();
        let lines = db
            .query(
                "SELECT kind, job_id, batch_id, call_id, provider, model, reserved_nano, expected_nano, spent_nano, \
                 response_id, input_tokens, cached_tokens, output_tokens FROM ledger ORDER BY at, id",
            )
            .all()
            .await?;
        let jobs = db
            .query(
                "SELECT j.id, s.tracking_id, j.state, s.state AS submission_state, j.route, j.provider, \
                 (SELECT count(*) FROM assessments a WHERE a.job_id = j.id) AS assessments \
                 FROM model_jobs j JOIN submissions s ON s.id = j.submission_id ORDER BY j.arrived_at, j.id",
            )
            .all()
            .await?;
        Ok(Self { lines, jobs })
    }

    /// Lines of a kind.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.kind == kind)
    }

    /// What was spent for answers, in nano-dollars.
    #[must_use]
    pub fn settled(&self) -> i64 {
        self.of_kind("settle").map(|line| line.spent_nano).sum()
    }
}

/// What the two sides together prove.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// Jobs with exactly one assessment.
    pub assessed: usize,
    /// Jobs in the dead letters or withdrawn.
    pub ended_otherwise: usize,
    /// Answers paid for in batches.
    pub in_batches: usize,
    /// Answers paid for in real time.
    pub in_real_time: usize,
    /// Answers in real time that never arrived, each with its line *spent without an answer*.
    pub lost_answers: usize,
    /// Lines *spent without an answer*; a call may be cut off before the provider has worked on it.
    pub lost_lines: usize,
    /// Answers paid for in a batch that a fault kept from arriving readable.
    pub spoiled: usize,
    /// What the simulator was paid, in nano-dollars.
    pub paid_nano: i64,
}

/// Holds Quire's books against the simulator's ledger.
///
/// # Errors
/// Says which promise was broken, and for which job or answer.
pub fn prove(quire: &Quire, simulator: &[LedgerLine]) -> Result<Proof, String> {
    let mut proof = Proof::default();
    every_job_ended_once(quire, &mut proof)?;
    nothing_is_held_any_more(quire)?;
    no_batched_request_was_paid_twice(simulator)?;
    every_answer_is_booked_at_its_price(quire, simulator, &mut proof)?;
    Ok(proof)
}

fn every_job_ended_once(quire: &Quire, proof: &mut Proof) -> Result<(), String> {
    for job in &quire.jobs {
        let name = format!("{} (job {})", job.tracking_id, job.id);
        match (&*job.state, job.assessments) {
            ("done", 1) => proof.assessed += 1,
            ("dead" | "withdrawn", 0) => proof.ended_otherwise += 1,
            (state, n) => return Err(format!("{name} is {state} with {n} assessments")),
        }
        if job.state == "done" && !["completed", "in_review"].contains(&&*job.submission_state) {
            return Err(format!("{name} is done, but its submission is {}", job.submission_state));
        }
    }
    Ok(())
}

fn nothing_is_held_any_more(quire: &Quire) -> Result<(), String> {
    let mut held: HashMap<Uuid, (i64, i64)> = HashMap::new();
    for line in &quire.lines {
        let sums = held.entry(line.job_id).or_default();
        sums.0 += line.reserved_nano;
        sums.1 += line.expected_nano;
    }
    match held.iter().find(|(_, sums)| **sums != (0, 0)) {
        Some((job, (reserved, expected))) => {
            Err(format!("{reserved} nano-dollars are still held and {expected} expected for job {job}"))
        }
        None => Ok(()),
    }
}

fn no_batched_request_was_paid_twice(simulator: &[LedgerLine]) -> Result<(), String> {
    let mut jobs = HashMap::new();
    for line in simulator.iter().filter(|line| line.usable) {
        let Some(custom_id) = &line.custom_id else { continue };
        // Whatever stands before it, the job's id ends the custom id.
        let job = custom_id.get(custom_id.len().saturating_sub(36)..).unwrap_or(custom_id);
        if let Some(first) = jobs.insert(job.to_owned(), line) {
            return Err(format!(
                "job {job} was answered twice in batches: {} in {:?} and {} in {:?}",
                first.response_id, first.batch_id, line.response_id, line.batch_id
            ));
        }
    }
    Ok(())
}

fn every_answer_is_booked_at_its_price(
    quire: &Quire,
    simulator: &[LedgerLine],
    proof: &mut Proof,
) -> Result<(), String> {
    let mut settled: HashMap<&str, &Line> = HashMap::new();
    for line in quire.of_kind("settle") {
        let id = line.response_id.as_deref().ok_or_else(|| {
            format!("job {} was settled at {} without an answer's id", line.job_id, line.spent_nano)
        })?;
        if settled.insert(id, line).is_some() {
            return Err(format!("the answer {id} was booked twice"));
        }
    }
    proof.lost_lines = quire.of_kind("lost").count();
    let mut known = HashSet::new();
    for line in simulator {
        known.insert(&*line.response_id);
        proof.paid_nano += line.price_nano_usd;
        let batched = line.batch_id.is_some();
        *(if batched { &mut proof.in_batches } else { &mut proof.in_real_time }) += 1;
        match settled.get(&*line.response_id) {
            Some(booked) => same_figures(line, booked)?,
            None if batched && !line.usable => proof.spoiled += 1,
            None if batched => {
                return Err(format!(
                    "the answer {} was paid for in a batch but never booked",
                    line.response_id
                ));
            }
            None => proof.lost_answers += 1,
        }
    }
    if let Some(id) = settled.keys().find(|id| !known.contains(**id)) {
        return Err(format!("the answer {id} was booked, but the simulator never gave it"));
    }
    if proof.lost_answers > proof.lost_lines {
        return Err(format!(
            "{} answers in real time never arrived, but only {} are booked as spent without an answer",
            proof.lost_answers, proof.lost_lines
        ));
    }
    Ok(())
}

fn same_figures(paid: &LedgerLine, booked: &Line) -> Result<(), String> {
    let theirs = (paid.price_nano_usd, paid.input_tokens, paid.cached_tokens, paid.output_tokens);
    let ours = (booked.spent_nano, booked.input_tokens, booked.cached_tokens, booked.output_tokens);
    if theirs == ours {
        return Ok(());
    }
    Err(format!(
        "the answer {} cost (nano-dollars, input, cached, output) {theirs:?}, but was booked as {ours:?}",
        paid.response_id
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paid(response: &str, job: Option<u128>, price: i64) -> LedgerLine {
        LedgerLine {
            provider: "openai".into(),
            batch_id: job.map(|_| "b".into()),
            custom_id: job.map(|job| format!("x-{}", Uuid::from_u128(job))),
            model: "m".into(),
            prompt_digest: String::new(),
            input_tokens: 10,
            cached_tokens: 0,
            cache_write_tokens: 0,
            cache_write_long_tokens: 0,
            output_tokens: 5,
            price_nano_usd: price,
            response_id: response.into(),
            usable: true,
            answered_at_ms: 0,
        }
    }

    fn line(kind: &str, job: u128, reserved: i64, spent: i64, response: Option<&str>) -> Line {
        Line {
            kind: kind.into(),
            job_id: Uuid::from_u128(job),
            batch_id: None,
            call_id: None,
            provider: "openai".into(),
            model: "m".into(),
            reserved_nano: reserved,
            expected_nano: 0,
            spent_nano: spent,
            response_id: response.map(str::to_owned),
            input_tokens: 10,
            cached_tokens: 0,
            output_tokens: 5,
        }
    }

    fn job(id: u128, state: &str, assessments: i64) -> Job {
        Job {
            id: Uuid::from_u128(id),
            tracking_id: format!("t{id}"),
            state: state.into(),
            submission_state: "completed".into(),
            route: "batch".into(),
            provider: "openai".into(),
            assessments,
        }
    }

    fn good() -> Quire {
        let settle = line("settle", 1, -9, 7, Some("r1"));
        Quire { lines: vec![line("reserve", 1, 9, 0, None), settle], jobs: vec![job(1, "done", 1)] }
    }

    #[test]
    fn good_books_prove_themselves() {
        let proof = prove(&good(), &[paid("r1", Some(1), 7)]).expect("the books agree");
        assert_eq!((proof.assessed, proof.in_batches, proof.paid_nano), (1, 1, 7));
    }

    #[test]
    fn each_broken_promise_is_found() {
        let broken = |quire: &Quire, simulator: &[LedgerLine], word: &str| {
            let told = prove(quire, simulator).expect_err("a promise is broken");
            assert!(told.contains(word), "{told}");
        };
        let paid_once = [paid("r1", Some(1), 7)];
        broken(&Quire { jobs: vec![job(1, "done", 0)], ..good() }, &paid_once, "0 assessments");
        broken(&Quire { jobs: vec![job(1, "queued", 0)], ..good() }, &paid_once, "queued");
        broken(&good(), &[paid("r1", Some(1), 8)], "cost");
        broken(&good(), &[paid("r1", Some(1), 7), paid("r2", Some(1), 7)], "twice in batches");
        broken(&good(), &[paid("r1", Some(1), 7), paid("r2", Some(2), 7)], "never booked");
        broken(&good(), &[], "never gave it");
        broken(&good(), &[paid("r1", Some(1), 7), paid("r2", None, 7)], "only 0");
        let mut held = good();
        held.lines.push(line("reserve", 1, 9, 0, None));
        broken(&held, &paid_once, "still held");
        let mut lost = good();
        lost.lines.extend([line("reserve", 1, 9, 0, None), line("lost", 1, -9, 9, None)]);
        let proof = prove(&lost, &[paid("r1", Some(1), 7), paid("r2", None, 7)]).expect("booked as lost");
        assert_eq!((proof.lost_answers, proof.lost_lines), (1, 1));
    }
}
