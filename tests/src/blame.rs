//! What went wrong with dead letters, held against what was made to go wrong: each failure in the history of a job that
//! ended without marks must come from a fault that struck, and there must be enough of them to have used up its remedies.

use quire_engine::store::{Db, DbError, Exec as _};
use quire_simulator::{Fault, Scope, StruckFault};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use uuid::Uuid;

/// An open dead letter.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Letter {
    /// The job.
    pub job_id: Uuid,
    /// What it died of.
    pub cause: String,
    /// Why, in words.
    pub why: String,
    /// Scheduled recoveries that it had.
    pub recoveries: i64,
}

/// A request of a dead job that came to nothing.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Miss {
    /// The job.
    pub job_id: Uuid,
    /// How it ended: `unusable` or `failed` in a batch; `failed`, `lost` or `answered` for a call.
    pub outcome: String,
    /// Provider's name.
    pub provider: String,
    /// The batch at the provider, or the answer to a call.
    pub remote_id: Option<String>,
    /// It was a call in real time.
    pub call: bool,
}

/// What Quire says of its dead letters.
#[derive(Clone, Debug)]
pub struct History {
    /// The open dead letters that wait for a person.
    pub letters: Vec<Letter>,
    /// All their jobs' requests that came to nothing.
    pub misses: Vec<Miss>,
}

impl History {
    /// Reads it from the database.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn read(db: &Db) -> Result<Self, DbError> {
        let mut db = db.clone();
        let letters = db
            .query("SELECT job_id, cause, why, recoveries FROM dead_letters WHERE resolution IS NULL ORDER BY died_at")
            .all()
            .await?;
        let mut misses: Vec<Miss> = db
            .query(
                "SELECT i.job_id, i.outcome, b.provider, b.remote_id, FALSE AS call FROM batch_items i \
                 JOIN batches b ON b.id = i.batch_id JOIN dead_letters d ON d.job_id = i.job_id \
                 WHERE d.resolution IS NULL AND i.outcome IN ('unusable', 'failed') ORDER BY i.job_id, b.created_at",
            )
            .all()
            .await?;
        let calls: Vec<Miss> = db
            .query(
                "SELECT c.job_id, c.state AS outcome, c.provider, c.response_id AS remote_id, TRUE AS call FROM calls c \
                 JOIN dead_letters d ON d.job_id = c.job_id WHERE d.resolution IS NULL ORDER BY c.job_id, c.started_at",
            )
            .all()
            .await?;
        misses.extend(calls);
        Ok(Self { letters, misses })
    }
}

/// The dead letters of one cause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dead {
    /// How many.
    pub letters: usize,
    /// Batches in which one of them missed last: many letters of few batches are few misfortunes.
    pub batches: BTreeSet<String>,
    /// How often each reason was given.
    pub whys: BTreeMap<String, usize>,
}

impl Dead {
    fn add(&mut self, letter: &Letter, misses: &[&Miss]) {
        self.letters += 1;
        self.batches.extend(misses.last().filter(|miss| !miss.call).and_then(|miss| miss.remote_id.clone()));
        *self.whys.entry(letter.why.clone()).or_default() += 1;
    }
}

impl fmt::Display for Dead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, last in {} batches", self.letters, self.batches.len())?;
        match self.whys.iter().max_by_key(|(_, times)| **times) {
            Some((why, times)) => write!(f, "; {times} times: {}", why.chars().take(160).collect::<String>()),
            None => Ok(()),
        }
    }
}

/// Finds the fault behind each miss. `kills` were made meanwhile: a process that ends loses its call.
///
/// # Errors
/// Names the dead letter, and what about it has no cause.
pub fn explain(
    history: &History,
    struck: &[StruckFault],
    kills: usize,
) -> Result<BTreeMap<String, Dead>, String> {
    let faults = Index::new(struck);
    let mut by_cause: BTreeMap<String, Dead> = BTreeMap::new();
    for letter in &history.letters {
        let misses: Vec<&Miss> = history.misses.iter().filter(|miss| miss.job_id == letter.job_id).collect();
        for miss in &misses {
            if !faults.explain(miss, kills) {
                return Err(format!(
                    "job {} ({}): nothing was made to go wrong with {miss:?}",
                    letter.job_id, letter.why
                ));
            }
        }
        // At least one miss for each death: what it had at first, and what each recovery came to.
        let deaths = usize::try_from(letter.recoveries).unwrap_or(0) + 1;
        if misses.len() < deaths {
            return Err(format!(
                "job {} died of {} ({}) {deaths} times with {} misses in all",
                letter.job_id,
                letter.cause,
                letter.why,
                misses.len()
            ));
        }
        by_cause.entry(letter.cause.clone()).or_default().add(letter, &misses);
    }
    Ok(by_cause)
}

/// The faults by what they struck.
struct Index<'a> {
    /// Of requests and lines: by batch and job.
    requests: HashSet<(&'a str, &'a str)>,
    /// Of answers to calls.
    answers: HashSet<&'a str>,
    /// Of whole batches.
    batches: HashSet<&'a str>,
    /// Of calls, by provider.
    calls: HashMap<&'a str, usize>,
}

impl<'a> Index<'a> {
    fn new(struck: &'a [StruckFault]) -> Self {
        let mut index = Self {
            requests: HashSet::new(),
            answers: HashSet::new(),
            batches: HashSet::new(),
            calls: HashMap::new(),
        };
        for one in struck {
            match one.fault.scope() {
                Scope::Request | Scope::Line if one.custom_id.is_empty() => {
                    _ = index.answers.insert(&one.subject)
                }
                Scope::Request | Scope::Line => {
                    _ = index.requests.insert((&one.subject, job_of(&one.custom_id)));
                }
                // What ends early is asked again without counting; the others fail all that is in the batch.
                Scope::Batch if matches!(one.fault, Fault::BadLine | Fault::TokenLimit) => {
                    _ = index.batches.insert(&one.subject);
                }
                Scope::Batch => {}
                Scope::Call | Scope::Download => {
                    let provider = one.occasion.split('.').next().unwrap_or_default();
                    *index.calls.entry(provider).or_default() += 1;
                }
            }
        }
        index
    }

    fn explain(&self, miss: &Miss, kills: usize) -> bool {
        let calls = self.calls.get(&*miss.provider).copied().unwrap_or(0);
        let job = miss.job_id.to_string();
        match (&miss.remote_id, miss.call) {
            (Some(answer), true) => self.answers.contains(&**answer),
            (None, true) => calls + kills > 0,
            (Some(batch), false) => {
                self.requests.contains(&(&**batch, &*job)) || self.batches.contains(&**batch)
            }
            // The batch never came to the provider: calls about it failed.
            (None, false) => calls > 0,
        }
    }
}

/// Whatever stands before it, the job's id ends the custom id.
fn job_of(custom_id: &str) -> &str {
    custom_id.get(custom_id.len().saturating_sub(36)..).unwrap_or(custom_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: Uuid = Uuid::from_u128(7);

    fn history(recoveries: i64, misses: &[(&str, Option<&str>, bool)]) -> History {
        let letter = Letter { job_id: JOB, cause: "unusable".into(), why: "no".into(), recoveries };
        let miss = |(outcome, remote_id, call): &(&str, Option<&str>, bool)| Miss {
            job_id: JOB,
            outcome: (*outcome).into(),
            provider: "openai".into(),
            remote_id: remote_id.map(str::to_owned),
            call: *call,
        };
        History { letters: vec![letter], misses: misses.iter().map(miss).collect() }
    }

    fn struck(fault: Fault, occasion: &str, subject: &str, custom_id: String) -> StruckFault {
        StruckFault { fault, occasion: occasion.into(), subject: subject.into(), custom_id, at_ms: 0 }
    }

    #[test]
    fn a_miss_is_explained_by_what_struck_it_and_by_nothing_else() {
        let line = struck(Fault::WrongLevel, "openai", "b1", format!("x-{JOB}"));
        let one = history(0, &[("unusable", Some("b1"), false)]);
        let dead = explain(&one, std::slice::from_ref(&line), 0).expect("it is explained");
        assert_eq!(dead["unusable"].to_string(), "1, last in 1 batches; 1 times: no");
        let elsewhere = StruckFault { subject: "b2".into(), ..line.clone() };
        let told = explain(&one, &[elsewhere], 9).expect_err("another batch's fault");
        assert!(told.contains("nothing was made to go wrong"), "{told}");
        let told = explain(&history(1, &[("unusable", Some("b1"), false)]), &[line], 0)
            .expect_err("one miss, two deaths");
        assert!(told.contains("2 times with 1 misses"), "{told}");
    }

    #[test]
    fn whole_batches_and_calls_have_faults_of_their_own() {
        let batch = struck(Fault::BadLine, "openai", "b1", String::new());
        assert!(explain(&history(0, &[("failed", Some("b1"), false)]), &[batch], 0).is_ok());
        let early = struck(Fault::BatchExpired, "openai", "b1", String::new());
        assert!(explain(&history(0, &[("failed", Some("b1"), false)]), &[early], 0).is_err());
        let lost = history(0, &[("lost", None, true)]);
        assert!(explain(&lost, &[], 0).is_err());
        assert!(explain(&lost, &[], 1).is_ok());
        assert!(explain(&lost, &[struck(Fault::Stall, "openai.chat", "", String::new())], 0).is_ok());
        assert!(explain(&lost, &[struck(Fault::Stall, "anthropic.messages", "", String::new())], 0).is_err());
        let answered = history(0, &[("answered", Some("r1"), true)]);
        assert!(explain(&answered, &[struck(Fault::Refusal, "openai", "r1", String::new())], 0).is_ok());
        assert!(explain(&answered, &[], 1).is_err());
    }
}
