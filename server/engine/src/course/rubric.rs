//! Rubrics: what work is judged by. Criteria with levels, each level worth points.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Points in hundredths, so that halves and quarters are exact.
#[derive(
    Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, sqlx::Type,
)]
#[serde(try_from = "f64", into = "f64")]
#[sqlx(transparent)]
pub struct Points(pub i64);

impl TryFrom<f64> for Points {
    type Error = String;
    /// Points as people write them (`4`, `2.5`), at most two digits after the point.
    fn try_from(points: f64) -> Result<Self, String> {
        let hundredths = points * 100.0;
        let whole = hundredths.round();
        if !points.is_finite() || (hundredths - whole).abs() > 1e-6 || whole.abs() > 1e9 {
            return Err(format!(
                "{points} is not a number of points with at most two digits after the point"
            ));
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked to be within 1e9 just above")]
        Ok(Self(whole as i64))
    }
}

impl From<Points> for f64 {
    #[expect(clippy::cast_precision_loss, reason = "points are far below 2^52 hundredths")]
    fn from(points: Points) -> Self {
        points.0 as Self / 100.0
    }
}

impl fmt::Display for Points {
    /// `4`, `2.5`, `0.25`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f64::from(*self).fmt(f)
    }
}

impl std::iter::Sum for Points {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        Self(items.map(|p| p.0).sum())
    }
}

/// One level of a criterion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Id within the criterion: letters, digits, `_`, `-`; what a model answers.
    pub id: String,
    /// A word or two, such as `Strong`.
    pub title: String,
    /// What work at this level shows.
    #[serde(default)]
    pub description: String,
    /// What the level is worth.
    pub points: Points,
}

/// One thing that work is judged by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// Id within the rubric: letters, digits, `_`, `-`.
    pub id: String,
    /// A word or two, such as `Position`.
    pub title: String,
    /// What is looked at.
    #[serde(default)]
    pub description: String,
    /// From the least to the most points.
    pub levels: Vec<Level>,
}

impl Criterion {
    /// The most points that the criterion gives.
    #[must_use]
    pub fn most(&self) -> Points {
        self.levels.iter().map(|l| l.points).max().unwrap_or_default()
    }
    /// The level of this id, with its place from 1.
    #[must_use]
    pub fn level(&self, id: &str) -> Option<(usize, &Level)> {
        self.levels.iter().position(|l| l.id == id).map(|i| (i + 1, &self.levels[i]))
    }
}

/// A rubric as one version holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rubric {
    /// The rubric's name.
    pub title: String,
    /// What is judged, in the order in which it is shown.
    pub criteria: Vec<Criterion>,
    /// Guidelines for the marker that students don't see.
    #[serde(default)]
    pub guidelines: String,
    /// Example work with the marks it deserves, for the marker; students don't see it.
    #[serde(default)]
    pub exemplars: Vec<Exemplar>,
}

/// A piece of example work and what it deserves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exemplar {
    /// The work, or the telling part of it.
    pub text: String,
    /// Why it deserves what it gets, naming levels.
    pub remark: String,
}

impl Rubric {
    /// The most points that the rubric gives.
    #[must_use]
    pub fn most(&self) -> Points {
        self.criteria.iter().map(Criterion::most).sum()
    }
    /// The criterion of this id.
    #[must_use]
    pub fn criterion(&self, id: &str) -> Option<&Criterion> {
        self.criteria.iter().find(|c| c.id == id)
    }
    /// Checks that the rubric can be marked by.
    ///
    /// # Errors
    /// Each thing that is wrong, in words that name it.
    pub fn check(&self) -> Result<(), Vec<String>> {
        let good_id = |id: &str| {
            !id.is_empty()
                && id.len() <= 40
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        };
        let mut wrong = Vec::new();
        if self.title.trim().is_empty() {
            wrong.push("the rubric has no title".to_owned());
        }
        if self.criteria.is_empty() || self.criteria.len() > 40 {
            wrong.push(format!("a rubric has 1 to 40 criteria, this one {}", self.criteria.len()));
        }
        for (i, criterion) in self.criteria.iter().enumerate() {
            let name = &criterion.id;
            if !good_id(name) {
                wrong.push(format!(
                    "criterion {}: the id \"{name}\" must have 1 to 40 letters, digits, _ or -",
                    i + 1
                ));
            }
            if self.criteria[..i].iter().any(|c| c.id == *name) {
                wrong.push(format!("criterion \"{name}\" is there twice"));
            }
            if criterion.title.trim().is_empty() {
                wrong.push(format!("criterion \"{name}\" has no title"));
            }
            if criterion.levels.len() < 2 || criterion.levels.len() > 20 {
                wrong.push(format!(
                    "criterion \"{name}\" has {} levels; 2 to 20 are possible",
                    criterion.levels.len()
                ));
            }
            for (j, level) in criterion.levels.iter().enumerate() {
                if !good_id(&level.id) {
                    wrong.push(format!(
                        "criterion \"{name}\", level {}: the id \"{}\" must have 1 to 40 letters, digits, _ or -",
                        j + 1,
                        level.id
                    ));
                }
                if criterion.levels[..j].iter().any(|l| l.id == level.id) {
                    wrong.push(format!("criterion \"{name}\": level \"{}\" is there twice", level.id));
                }
                if j > 0 && level.points < criterion.levels[j - 1].points {
                    wrong.push(format!(
                        "criterion \"{name}\": level \"{}\" gives fewer points than the one before it; list levels from least to most",
                        level.id
                    ));
                }
                if level.points.0 < 0 {
                    wrong.push(format!(
                        "criterion \"{name}\": level \"{}\" gives fewer than 0 points",
                        level.id
                    ));
                }
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}
