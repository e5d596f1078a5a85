//! Which version of the prompt new assignments are marked by, and putting another in its place.

use super::{Compared, FEWEST, Marker, Measured, TrialError, Verdict, store};
use crate::{
    course,
    engine::Engine,
    identity::{Act, Actor},
    prompt::{
        VERSIONS, Version,
        store::{self as adoptions, Adoption},
    },
};
use chrono::TimeDelta;

/// What answers took is told from so far back.
const LOOKED_BACK: TimeDelta = TimeDelta::days(30);
/// And from so many of the newest.
const LOOKED_AT: i64 = 5_000;

/// A version is not judged equal where more than one of so many answers to it could not be used.
const UNUSABLE: i64 = 20;

/// A version of the prompt, and how it is used.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionInUse {
    /// The version.
    pub version: &'static Version,
    /// New assignments are marked by it.
    pub in_use: bool,
    /// How many assignments are.
    pub assignments: i64,
    /// What its answers took by model: the newest 5,000 of the last 30 days.
    pub measured: Vec<(Marker, Measured)>,
}

/// The versions of the prompt, and who put which in use.
#[derive(Clone, Debug, PartialEq)]
pub struct InUse {
    /// All versions, by number.
    pub versions: Vec<VersionInUse>,
    /// Who put which in use, newest first.
    pub adoptions: Vec<Adoption>,
}

/// A version was put in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// The version.
    pub version: i64,
    /// How many assignments that nobody has handed in to are marked by it from now on.
    pub assignments: usize,
}

impl Engine {
    /// The versions of the prompt, and how each is used.
    ///
    /// # Errors
    /// If the person may not, or the database fails.
    pub async fn prompts(&self, actor: &Actor) -> Result<InUse, TrialError> {
        self.identity().check(actor, &Act::ManagePrompts).await?;
        let mut db = self.db();
        let in_use = adoptions::in_use(&mut db).await?;
        let counts = store::assignments_by_version(&mut db).await?;
        let counted = store::counted_since(&mut db, self.now() - LOOKED_BACK, LOOKED_AT).await?;
        let of = |version: &'static Version| {
            let answers = counted.iter().filter(|by| Version::of(&by.template) == Some(version));
            let measured = answers.map(|by| {
                let (provider, model) = (by.provider.clone(), by.model.clone());
                let marker = Marker { provider, model, prompt_version: version.number };
                let measured = self.mean_of(&marker, (by.answers, by.input_tokens, by.output_tokens));
                (marker, measured)
            });
            VersionInUse {
                version,
                in_use: version.number == in_use,
                assignments: counts.iter().find(|(of, _)| *of == version.number).map_or(0, |(_, n)| *n),
                measured: measured.collect(),
            }
        };
        Ok(InUse { versions: VERSIONS.iter().map(of).collect(), adoptions: adoptions::all(&mut db).await? })
    }

    /// Has new assignments, and those that nobody has handed in to yet, marked by a version of the prompt. All work of an
    /// assignment is marked by one version: what was begun goes on as it was.
    ///
    /// # Errors
    /// If the person may not, there is no such version, or no trial has judged its marks equal to those of the version in
    /// use and it is not taken `untried`.
    pub async fn use_prompt(&self, actor: &Actor, number: i64, untried: bool) -> Result<Adopted, TrialError> {
        self.identity().check(actor, &Act::ManagePrompts).await?;
        if Version::find(number).is_none() {
            return Err(TrialError::Version(number));
        }
        let trials = self.newest_trials().await?;
        let mut tx = self.db().begin().await?;
        let before = adoptions::in_use(&mut tx).await?;
        let (evidence, judged) = evidence(&trials, before, number);
        if number != before && !judged && !untried {
            return Err(TrialError::Untried { version: number, before, known: evidence });
        }
        let changed = course::store::set_prompt_version(&mut tx, number).await?;
        if number != before {
            let adoption =
                Adoption { version: number, at: self.now(), by: actor.person_id(), by_name: None, evidence };
            adoptions::add(&mut tx, self.world().id(), &adoption).await?;
        }
        tx.commit().await?;
        for id in &changed {
            self.courses().forget(*id).await;
        }
        tracing::info!(version = number, before, untried, assignments = changed.len(), by = ?actor.person_id(), "a version of the prompt was put in use");
        Ok(Adopted { version: number, assignments: changed.len() })
    }
}

/// What trials say of a version against the one in use, and whether they judge it equal: the newest of enough works at
/// one and the same model.
fn evidence(trials: &[Compared], before: i64, number: i64) -> (String, bool) {
    let holds = |trial: &&Compared| {
        let (own, other) = (&trial.trial.marker, &trial.trial.against);
        trial.trial.ended_at.is_some()
            && !trial.trial.stopped
            && trial.agreement.works >= FEWEST
            && (own.prompt_version, other.prompt_version) == (number, before)
            && (&own.provider, &own.model) == (&other.provider, &other.model)
    };
    match trials.iter().find(holds) {
        None => {
            let none = format!(
                "no trial of at least {FEWEST} works that was let end held it against version {before} at the same model"
            );
            (none, false)
        }
        Some(found) => {
            let usable = found.unusable * UNUSABLE <= found.works;
            let verdict = if usable { found.agreement.verdict() } else { Verdict::Different };
            let kappa =
                found.agreement.kappa.map_or_else(|| "unknown".to_owned(), |kappa| format!("{kappa:.2}"));
            let judged = match verdict {
                Verdict::Equal => "judged equal",
                Verdict::Different => "not judged equal",
                Verdict::Open => "not to be told",
            };
            let text = format!(
                "a trial of {} works at {} found a kappa of {kappa}, with {} answers that could not be used: {judged}",
                found.agreement.works, found.trial.marker.model, found.unusable
            );
            (text, verdict == Verdict::Equal)
        }
    }
}
