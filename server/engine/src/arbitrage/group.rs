//! A group of models that are held equal. Pure.

use crate::store::PersonId;
use chrono::{DateTime, Utc};
use std::{collections::BTreeSet, ops::RangeInclusive};

/// How many models a group may have.
const MODELS: RangeInclusive<usize> = 2..=20;
/// Most characters of a group's name, and of the evidence.
const NAME: usize = 60;
const EVIDENCE: RangeInclusive<usize> = 10..=2_000;

/// A provider's model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EqualModel {
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
}

/// Models whose marks are held equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EqualGroup {
    /// Its name.
    pub name: String,
    /// The models, by provider and name.
    pub models: Vec<EqualModel>,
    /// Where the judgement comes from.
    pub evidence: String,
    /// A trial judged them so; nobody stated it.
    pub by_trial: bool,
    /// Who stated it; none: the command line.
    pub stated_by: Option<PersonId>,
    /// Their name.
    pub stated_by_name: Option<String>,
    /// When.
    pub stated_at: DateTime<Utc>,
}

/// A group to be stated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGroup {
    /// The models.
    pub models: Vec<EqualModel>,
    /// Where the judgement comes from.
    pub evidence: String,
}

/// What is wrong with a group.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongGroup {
    /// The name.
    #[error(
        "a group's name has 1 to {NAME} letters, digits, spaces, dots, hyphens and underscores, such as small-models"
    )]
    Name,
    /// Too few or too many models.
    #[error("{0} different models were given; give 2 to 20")]
    Models(usize),
    /// No evidence, or too much of it.
    #[error(
        "say in 10 to 2000 characters where it comes from that they are equal, such as: 200 essays marked by both and by two teachers, quadratic weighted kappa 0.81 and 0.80"
    )]
    Evidence,
}

/// The name without spaces around it, if it can be one.
pub(super) fn name(text: &str) -> Result<String, WrongGroup> {
    let text = text.trim();
    let fits = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_');
    if text.is_empty() || text.chars().count() > NAME || !text.chars().all(fits) {
        return Err(WrongGroup::Name);
    }
    Ok(text.to_owned())
}

impl NewGroup {
    /// The group with each model once, in order, if it can be one.
    pub(super) fn checked(&self) -> Result<Self, WrongGroup> {
        let models: BTreeSet<EqualModel> = self.models.iter().cloned().collect();
        if !MODELS.contains(&models.len()) {
            return Err(WrongGroup::Models(models.len()));
        }
        let evidence = self.evidence.trim().to_owned();
        if !EVIDENCE.contains(&evidence.chars().count()) {
            return Err(WrongGroup::Evidence);
        }
        Ok(Self { models: models.into_iter().collect(), evidence })
    }
}
