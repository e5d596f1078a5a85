//! The versions of the template for marks by a rubric.

use super::Template;
use crate::store::{AdoptionId, DbError, Exec, PersonId};
use chrono::{DateTime, Utc};

/// A version of the template, and what its answers take in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number, from 1.
    pub number: i64,
    /// What sets it apart, for administrators.
    pub about: &'static str,
    /// The frame of a criterion in a usual answer, with its evidence and its comment.
    criterion: u32,
    /// The feedback of a usual answer, with the next step.
    whole: u32,
    pub(super) stable: &'static str,
    pub(super) work: &'static str,
}

/// All versions, by number. What was sent by one must be shown for as long as its marks are: a version is never changed
/// or taken away, another is added. All of them ask for the same form of answer.
pub const VERSIONS: [Version; 2] = [
    Version {
        number: 1,
        about: "A comment of one or two sentences on each criterion, and feedback of two or three",
        criterion: 80,
        whole: 150,
        stable: include_str!("templates/rubric_v1/stable.jinja"),
        work: include_str!("templates/rubric_v1/work.jinja"),
    },
    Version {
        number: 2,
        about: "Shorter answers: one sentence of at most 20 words on each criterion, and feedback of two short ones",
        criterion: 55,
        whole: 95,
        stable: include_str!("templates/rubric_v2/stable.jinja"),
        work: include_str!("templates/rubric_v2/work.jinja"),
    },
];

/// The version that an installation begins with.
pub const FIRST: i64 = 1;

/// A version was put in use for new assignments.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Adoption {
    /// The version.
    #[sqlx(rename = "prompt_version")]
    pub version: i64,
    /// When.
    #[sqlx(rename = "adopted_at")]
    pub at: DateTime<Utc>,
    /// By whom; none: Quire itself.
    #[sqlx(rename = "adopted_by")]
    pub by: Option<PersonId>,
    /// The person's name.
    pub by_name: Option<String>,
    /// What was known of its marks then.
    pub evidence: String,
}

impl Version {
    /// The version of a number; none where there is no such.
    #[must_use]
    pub fn find(number: i64) -> Option<&'static Self> {
        VERSIONS.iter().find(|version| version.number == number)
    }

    /// The version that a template is of, as it is kept with an assessment: `rubric_v2`.
    #[must_use]
    pub fn of(template: &str) -> Option<&'static Self> {
        VERSIONS.iter().find(|version| version.template().to_string() == template)
    }

    /// Its template.
    #[must_use]
    pub fn template(&self) -> Template {
        Template { name: "rubric".to_owned(), version: u32::try_from(self.number).unwrap_or(u32::MAX) }
    }

    /// Half as much again as a usual answer has: a safe bound for the model, and what is reserved in money.
    pub(super) const fn max_output_tokens(&self, criteria: u32) -> u32 {
        (self.whole + criteria * self.criterion) * 3 / 2
    }
}

/// The version that new assignments are marked by.
///
/// # Errors
/// If the database fails.
pub async fn in_use(x: &mut impl Exec) -> Result<i64, DbError> {
    let row: Option<(i64,)> =
        x.query("SELECT prompt_version FROM prompt_adoptions ORDER BY id DESC LIMIT 1").opt().await?;
    // One that a newer program put in use is unknown to an older one.
    Ok(row.map(|(number,)| number).filter(|number| Version::find(*number).is_some()).unwrap_or(FIRST))
}

/// Who put which version in use, newest first.
pub(crate) async fn adoptions(x: &mut impl Exec) -> Result<Vec<Adoption>, DbError> {
    x.query(
        "SELECT a.prompt_version, a.adopted_at, a.adopted_by, p.name AS by_name, a.evidence FROM prompt_adoptions a \
         LEFT JOIN people p ON p.id = a.adopted_by ORDER BY a.id DESC LIMIT 50",
    )
    .all()
    .await
}

/// Notes that a version is in use for new assignments.
pub(crate) async fn adopt(x: &mut impl Exec, id: AdoptionId, new: &Adoption) -> Result<(), DbError> {
    x.query(
        "INSERT INTO prompt_adoptions (id, prompt_version, adopted_at, adopted_by, evidence) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(id)
    .bind(new.version)
    .bind(new.at)
    .bind(new.by)
    .bind(new.evidence.clone())
    .exec()
    .await?;
    Ok(())
}
