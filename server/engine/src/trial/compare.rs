//! What a trial has found: the agreement, and what both markers take in tokens and money.

use super::{
    Agreement, Levels, Marker, Trial, TrialError,
    store::{self, Found},
};
use crate::{
    course::{AssignmentContext, Rubric},
    engine::{Engine, EngineError},
    identity::{Act, Actor},
    provider::Usage,
    result::Marks,
    store::{NanoUsd, TrialId},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// So many of the newest trials are shown, and looked through for what is known of a model.
const SHOWN: i64 = 50;

/// What answers take, on average.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Answers that their provider counted.
    pub answers: i64,
    /// Mean tokens read.
    pub input_tokens: i64,
    /// Mean tokens written.
    pub output_tokens: i64,
    /// What a thousand such answers cost at today's prices, every prompt read afresh: in batches where the provider takes
    /// them. None where nothing was counted, or there is no price today.
    pub thousand: Option<NanoUsd>,
}

/// A trial with what it has found.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// The trial.
    pub trial: Trial,
    /// The code of the course, and the title of the assignment.
    pub assignment: (String, String),
    /// Works of it.
    pub works: i64,
    /// Of these, marked.
    pub marked: i64,
    /// Answered in a way that can't be used.
    pub unusable: i64,
    /// Not answered: refused, cut off, or stopped.
    pub unanswered: i64,
    /// What was spent on it.
    pub spent: NanoUsd,
    /// With the marks of the model that it is held against.
    pub agreement: Agreement,
    /// With marks by people.
    pub people: Agreement,
    /// What its answers take, where both were counted.
    pub own: Measured,
    /// What those that it is held against took, for the same works.
    pub other: Measured,
}

/// How far both agree about one criterion.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedCriterion {
    /// Its title.
    pub title: String,
    /// With all marks that the works have.
    pub levels: Levels,
}

/// A trial with all that it has found.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialDetail {
    /// The trial.
    pub compared: Compared,
    /// By criterion, in the order of the rubric.
    pub criteria: Vec<ComparedCriterion>,
    /// What went wrong, and how often.
    pub errors: Vec<(String, usize)>,
}

impl Compared {
    /// Works that are not done yet.
    #[must_use]
    pub const fn open(&self) -> i64 {
        self.works - self.marked - self.unusable - self.unanswered
    }

    /// By how much a thousand answers cost less than those that it is held against, in percent; below 0 they cost more.
    #[must_use]
    pub fn saves(&self) -> Option<f64> {
        let (own, other) = self.own.thousand.zip(self.other.thousand)?;
        (other > NanoUsd::ZERO).then(|| crate::plan::percent(other - own, other))
    }
}

impl Engine {
    /// The newest trials with what they have found.
    ///
    /// # Errors
    /// If the person may not, or the database fails.
    pub async fn trials(&self, actor: &Actor) -> Result<Vec<Compared>, TrialError> {
        self.identity().check(actor, &Act::ManagePrompts).await?;
        Ok(self.newest_trials().await?)
    }

    /// A trial with all that it has found.
    ///
    /// # Errors
    /// If the person may not, there is no such trial, or the database fails.
    pub async fn trial(&self, actor: &Actor, id: TrialId) -> Result<TrialDetail, TrialError> {
        self.identity().check(actor, &Act::ManagePrompts).await?;
        let mut db = self.db();
        let trial = store::find(&mut db, id).await?.ok_or(TrialError::NotFound)?;
        let context = self.trial_context(&trial).await?;
        let found = store::found(&mut db, &[id]).await?;
        let both: Vec<(Marks, Marks)> =
            store::both_marks(&mut db, id).await?.into_iter().map(|(other, own)| (other.0, own.0)).collect();
        Ok(TrialDetail {
            criteria: by_criterion(&context.rubric, &both),
            errors: errors(&found),
            compared: self.compared(trial, &found).await?,
        })
    }

    pub(super) async fn newest_trials(&self) -> Result<Vec<Compared>, EngineError> {
        let trials = store::newest(&mut self.db(), SHOWN).await?;
        let ids: Vec<TrialId> = trials.iter().map(|trial| trial.id).collect();
        let mut found: HashMap<TrialId, Vec<Found>> = HashMap::new();
        for one in store::found(&mut self.db(), &ids).await? {
            found.entry(one.trial_id).or_default().push(one);
        }
        let mut all = Vec::with_capacity(trials.len());
        for trial in trials {
            let found = found.remove(&trial.id).unwrap_or_default();
            all.push(self.compared(trial, &found).await?);
        }
        Ok(all)
    }

    async fn compared(&self, trial: Trial, found: &[Found]) -> Result<Compared, EngineError> {
        let context = self.trial_context(&trial).await?;
        let count = |states: &[&str]| {
            let of = found.iter().filter(|one| states.contains(&one.state.as_str())).count();
            i64::try_from(of).unwrap_or(i64::MAX)
        };
        let pairs = |by_person: bool| -> Vec<(i64, i64)> {
            let of = found.iter().filter(|one| one.other_by_person == by_person);
            of.filter_map(|one| Some((one.other_total, one.total?))).collect()
        };
        // The same works on both sides.
        let both: Vec<((i64, i64), (i64, i64))> = found
            .iter()
            .filter(|one| !one.other_by_person && one.total.is_some() && one.input_tokens > 0)
            .filter_map(|one| {
                let other = (one.other_input_tokens?, one.other_output_tokens?);
                Some(((one.input_tokens, one.output_tokens), other))
            })
            .collect();
        Ok(Compared {
            assignment: (context.course.code.clone(), context.assignment.title.clone()),
            works: i64::try_from(found.len()).unwrap_or(i64::MAX),
            marked: count(&["marked"]),
            unusable: count(&["unusable"]),
            unanswered: count(&["failed", "lost", "stopped"]),
            spent: found.iter().map(|one| one.spent).sum(),
            agreement: Agreement::of(&pairs(false)),
            people: Agreement::of(&pairs(true)),
            own: self.measured(&trial.marker, both.iter().map(|(own, _)| *own)),
            other: self.measured(&trial.against, both.iter().map(|(_, other)| *other)),
            trial,
        })
    }

    /// The assignment of a trial, with its course and rubric.
    pub(super) async fn trial_context(&self, trial: &Trial) -> Result<Arc<AssignmentContext>, EngineError> {
        let id = trial.assignment_id;
        let context = self.courses().context(id).await?;
        context.ok_or_else(|| EngineError::Missing { what: "an assignment", id: id.to_string() })
    }

    /// What answers of so many tokens take on average.
    pub(super) fn measured(&self, marker: &Marker, answers: impl Iterator<Item = (i64, i64)>) -> Measured {
        let mut sums = (0, 0, 0);
        for (input, output) in answers {
            sums = (sums.0 + 1, sums.1 + input, sums.2 + output);
        }
        self.mean_of(marker, sums)
    }

    /// The means of so many answers with so many tokens in all, and what a thousand like them cost.
    pub(super) fn mean_of(&self, marker: &Marker, (answers, input, output): (i64, i64, i64)) -> Measured {
        if answers <= 0 {
            return Measured::default();
        }
        let (input_tokens, output_tokens) = (input / answers, output / answers);
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        let usage = Usage {
            input_tokens: count(input_tokens) * 1_000,
            output_tokens: count(output_tokens) * 1_000,
            ..Usage::default()
        };
        let batches = self.provider(&marker.provider).is_ok_and(|entry| entry.provider.capabilities().batch);
        let terms = self.list_terms(&marker.provider, &marker.model, self.now());
        let thousand = terms.ok().map(|(terms, _)| terms.cost_of_many(&usage, 1_000, batches));
        Measured { answers, input_tokens, output_tokens, thousand }
    }
}

/// How far both agree about each criterion. Levels that the rubric has no more are left out.
fn by_criterion(rubric: &Rubric, both: &[(Marks, Marks)]) -> Vec<ComparedCriterion> {
    let of = |criterion: &crate::course::Criterion| {
        let place = |marks: &Marks| {
            let mark = marks.criteria.iter().find(|mark| mark.criterion == criterion.id)?;
            let place = criterion.levels.iter().position(|level| level.id == mark.level)?;
            i64::try_from(place).ok()
        };
        let pairs: Vec<(i64, i64)> =
            both.iter().filter_map(|(other, own)| Some((place(other)?, place(own)?))).collect();
        ComparedCriterion { title: criterion.title.clone(), levels: Levels::of(&pairs) }
    };
    rubric.criteria.iter().map(of).collect()
}

fn errors(found: &[Found]) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    // What went wrong on the way to an answer is past.
    for error in found.iter().filter(|one| one.state != "marked").filter_map(|one| one.error.as_deref()) {
        *counts.entry(error).or_default() += 1;
    }
    let mut all: Vec<(String, usize)> = counts.into_iter().map(|(error, n)| (error.to_owned(), n)).collect();
    all.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    all
}
