//! The table `equal_models`.

use super::{EqualGroup, EqualModel, NewGroup};
use crate::store::{DbError, Exec, PersonId, Rows, Tx};
use chrono::{DateTime, Utc};

const ROWS: Rows = Rows {
    insert: "INSERT INTO equal_models (provider, model, group_name, evidence, stated_by, stated_at)",
    columns: 6,
    tail: "",
};

#[derive(sqlx::FromRow)]
struct Row {
    group_name: String,
    provider: String,
    model: String,
    evidence: String,
    stated_by: Option<PersonId>,
    stated_by_name: Option<String>,
    stated_at: DateTime<Utc>,
}

/// All groups, by name.
pub(super) async fn groups(x: &mut impl Exec) -> Result<Vec<EqualGroup>, DbError> {
    let rows: Vec<Row> = x
        .query(
            "SELECT e.group_name, e.provider, e.model, e.evidence, e.stated_by, p.name AS stated_by_name, e.stated_at \
             FROM equal_models e LEFT JOIN people p ON p.id = e.stated_by \
             ORDER BY e.group_name, e.provider, e.model",
        )
        .all()
        .await?;
    let mut groups: Vec<EqualGroup> = Vec::new();
    for row in rows {
        let model = EqualModel { provider: row.provider, model: row.model };
        match groups.last_mut().filter(|group| group.name == row.group_name) {
            Some(group) => group.models.push(model),
            None => groups.push(EqualGroup {
                name: row.group_name,
                models: vec![model],
                evidence: row.evidence,
                by_trial: false,
                stated_by: row.stated_by,
                stated_by_name: row.stated_by_name,
                stated_at: row.stated_at,
            }),
        }
    }
    Ok(groups)
}

/// Writes a group down in place of the one of its name; to be called in a transaction.
pub(super) async fn put(
    tx: &mut Tx,
    name: &str,
    group: &NewGroup,
    by: Option<PersonId>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    remove(tx, name).await?;
    ROWS.insert(tx, &group.models, |q, model| {
        q.put(model.provider.clone());
        q.put(model.model.clone());
        q.put(name.to_owned());
        q.put(group.evidence.clone());
        q.put(by);
        q.put(now);
    })
    .await
}

/// Removes a group; false where there was none.
pub(super) async fn remove(x: &mut impl Exec, name: &str) -> Result<bool, DbError> {
    Ok(x.query("DELETE FROM equal_models WHERE group_name = $1").bind(name.to_owned()).exec().await? > 0)
}
