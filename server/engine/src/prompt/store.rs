//! The table `prompt_adoptions`.

use super::version::{FIRST, Version};
use crate::store::{AdoptionId, DbError, Exec, PersonId};
use chrono::{DateTime, Utc};

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
pub(crate) async fn all(x: &mut impl Exec) -> Result<Vec<Adoption>, DbError> {
    x.query(
        "SELECT a.prompt_version, a.adopted_at, a.adopted_by, p.name AS by_name, a.evidence FROM prompt_adoptions a \
         LEFT JOIN people p ON p.id = a.adopted_by ORDER BY a.id DESC LIMIT 50",
    )
    .all()
    .await
}

/// Notes that a version is in use for new assignments.
pub(crate) async fn add(x: &mut impl Exec, id: AdoptionId, new: &Adoption) -> Result<(), DbError> {
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
