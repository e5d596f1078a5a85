//! The table `rule_sets`.

use super::{Rule, RuleError, RuleSet, seeded};
use crate::{
    engine::EngineError,
    store::{DbError, Exec, Json, PersonId, RuleSetId, World},
};

/// The rules in force; the seeded ones are stored at the first start.
///
/// # Errors
/// If the database fails, or a stored condition can't be read.
pub async fn current_rules(x: &mut impl Exec, world: &World) -> Result<RuleSet, EngineError> {
    if let Some((version, rules)) = last(x).await? {
        return Ok(RuleSet::compile(version, rules)?);
    }
    let rules = seeded();
    let stored = save(x, world, 1, &rules, None).await;
    match stored {
        Ok(()) => {}
        // Another process was first.
        Err(error) if error.is_unique_violation() => {}
        Err(error) => return Err(error.into()),
    }
    Ok(RuleSet::compile(1, rules).map_err(|error: RuleError| error)?)
}

async fn last(x: &mut impl Exec) -> Result<Option<(i64, Vec<Rule>)>, DbError> {
    let row: Option<(i64, Json<Vec<Rule>>)> =
        x.query("SELECT version, rules FROM rule_sets ORDER BY version DESC LIMIT 1").opt().await?;
    Ok(row.map(|(version, rules)| (version, rules.0)))
}

async fn save(
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
