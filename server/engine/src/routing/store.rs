//! The table `rule_sets`: every version of the rules, of which the last is in force.

use super::{Rule, RuleSet, seeded};
use crate::{
    engine::EngineError,
    store::{DbError, Exec, Json, PersonId, RuleSetId, World},
};
use chrono::{DateTime, Utc};

/// One version of the rules.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct RuleVersion {
    /// Its number, from 1.
    pub version: i64,
    /// Since when it was in force.
    pub created_at: DateTime<Utc>,
    /// Who put it in force; none: Quire itself, or someone who is gone.
    pub author: Option<String>,
    /// The rules.
    #[sqlx(json)]
    pub rules: Vec<Rule>,
}

const VERSIONS: &str = "SELECT r.version, r.created_at, p.name AS author, r.rules FROM rule_sets r \
     LEFT JOIN people p ON p.id = r.created_by";

/// The rules in force; the seeded ones are stored at the first start.
///
/// # Errors
/// If the database fails, or a stored condition can't be read.
pub async fn current_rules(x: &mut impl Exec, world: &World) -> Result<RuleSet, EngineError> {
    if let Some(last) = last(x).await? {
        return Ok(RuleSet::compile(last.version, last.rules)?);
    }
    let rules = seeded();
    match insert(x, world, 1, &rules, None).await {
        Ok(()) => {}
        // Another process was first.
        Err(error) if error.is_unique_violation() => {}
        Err(error) => return Err(error.into()),
    }
    Ok(RuleSet::compile(1, rules)?)
}

/// The number of the version in force.
///
/// # Errors
/// If the database fails.
pub(crate) async fn last_version(x: &mut impl Exec) -> Result<Option<i64>, DbError> {
    let (version,): (Option<i64>,) = x.query("SELECT MAX(version) FROM rule_sets").one().await?;
    Ok(version)
}

/// The version in force.
///
/// # Errors
/// If the database fails.
pub(crate) async fn last(x: &mut impl Exec) -> Result<Option<RuleVersion>, DbError> {
    x.query(format!("{VERSIONS} ORDER BY r.version DESC LIMIT 1")).opt().await
}

/// One version.
///
/// # Errors
/// If the database fails.
pub(crate) async fn find(x: &mut impl Exec, version: i64) -> Result<Option<RuleVersion>, DbError> {
    x.query(format!("{VERSIONS} WHERE r.version = $1")).bind(version).opt().await
}

/// Versions up to this one, the newest first; at most so many.
///
/// # Errors
/// If the database fails.
pub(crate) async fn versions(x: &mut impl Exec, up_to: i64, most: i64) -> Result<Vec<RuleVersion>, DbError> {
    x.query(format!("{VERSIONS} WHERE r.version <= $1 ORDER BY r.version DESC LIMIT $2"))
        .bind(up_to)
        .bind(most)
        .all()
        .await
}

/// Puts a version in force.
///
/// # Errors
/// If the database fails, or there is one of this number.
pub(crate) async fn insert(
    x: &mut impl Exec,
    world: &World,
    version: i64,
    rules: &[Rule],
    by: Option<PersonId>,
) -> Result<(), DbError> {
    x.query("INSERT INTO rule_sets (id, version, rules, created_at, created_by) VALUES ($1, $2, $3, $4, $5)")
        .bind(world.id::<RuleSetId>())
        .bind(version)
        .bind(Json(rules.to_vec()))
        .bind(world.now())
        .bind(by)
        .exec()
        .await?;
    Ok(())
}
