//! Our own statements on the tables of apalis: what its crates lack, or have in a form that does not hold up.

use super::Kind;
use crate::store::{Db, DbError, Dialect, Exec, Tx};

/// How many rows one statement of the tidying deletes.
const CHUNK: i64 = 1_000;

/// How long a dead worker's row is kept, in seconds, for whoever looks.
const KEEP_WORKERS: i64 = 3_600;

/// Fills in what each database calls things. `{age}` is the number of seconds since worker `w` was last seen.
fn fill(dialect: Dialect, sql: &str) -> String {
    let words = match dialect {
        Dialect::Sqlite => [
            ("{jobs}", "Jobs"),
            ("{workers}", "Workers"),
            ("{now}", "CAST(strftime('%s', 'now') AS INTEGER)"),
            ("{age}", "(CAST(strftime('%s', 'now') AS INTEGER) - w.last_seen)"),
            ("{to_time}", ""),
            ("{json}", "TEXT"),
            // Otherwise SQLite begins with the workers and walks all tasks for each.
            ("{held by}", "CROSS JOIN"),
        ],
        Dialect::Postgres => [
            ("{jobs}", "apalis.jobs"),
            ("{workers}", "apalis.workers"),
            ("{now}", "now()"),
            ("{age}", "CAST(extract(epoch FROM now() - w.last_seen) AS BIGINT)"),
            ("{to_time}", "to_timestamp"),
            ("{json}", "JSONB"),
            ("{held by}", "JOIN"),
        ],
    };
    words.into_iter().fold(sql.to_owned(), |sql, (word, meaning)| sql.replace(word, meaning))
}

/// Puts down a worker, or says that it lives after its row was lost.
pub(super) async fn register(tx: &mut Tx, worker: &str, queue: &str, service: &str) -> Result<(), DbError> {
    let storage = match tx.dialect() {
        Dialect::Sqlite => "SqliteStorage",
        Dialect::Postgres => "PostgresStorage",
    };
    let sql = fill(
        tx.dialect(),
        "INSERT INTO {workers} (id, worker_type, storage_name, layers, last_seen, started_at)
         VALUES ($1, $2, $3, $4, {now}, {now}) ON CONFLICT (id) DO UPDATE SET last_seen = {now}",
    );
    let query = tx.query(sql).bind(worker.to_owned()).bind(queue.to_owned());
    query.bind(storage.to_owned()).bind(service.to_owned()).exec().await?;
    Ok(())
}

/// Says that a worker lives; false if its row is gone.
pub(super) async fn heartbeat(tx: &mut Tx, worker: &str) -> Result<bool, DbError> {
    let sql = fill(tx.dialect(), "UPDATE {workers} SET last_seen = {now} WHERE id = $1");
    Ok(tx.query(sql).bind(worker.to_owned()).exec().await? > 0)
}

/// A task to be looked at again.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Again {
    /// The task's id.
    pub(super) task: String,
    /// Not before this second since 1970.
    pub(super) at: i64,
    /// How many attempts went before, which spaces out those that panic.
    pub(super) attempts: i64,
    /// What came of it this time.
    pub(super) why: String,
}

/// Puts a task that this worker holds back into its queue.
pub(super) async fn again(tx: &mut Tx, worker: &str, again: &Again) -> Result<(), DbError> {
    let sql = fill(
        tx.dialect(),
        "UPDATE {jobs} SET status = 'Pending', run_at = {to_time}($2), attempts = CAST($3 AS INTEGER),
             last_result = CAST($4 AS {json}), lock_by = NULL, lock_at = NULL, done_at = NULL
         WHERE id = $1 AND lock_by = $5",
    );
    let result = serde_json::json!({ "Err": again.why }).to_string();
    let query = tx.query(sql).bind(again.task.clone()).bind(again.at).bind(again.attempts);
    query.bind(result).bind(worker.to_owned()).exec().await?;
    Ok(())
}

/// The kinds that have a task to be looked at now.
pub(super) async fn due(db: &Db) -> Result<Vec<Kind>, DbError> {
    let queues = Kind::ALL.map(|kind| format!("('{}')", kind.queue())).join(", ");
    let sql = fill(
        db.dialect(),
        "WITH queues (name) AS (VALUES {queues})
         SELECT name FROM queues WHERE EXISTS (
             SELECT 1 FROM {jobs} WHERE job_type = queues.name AND status = 'Pending' AND run_at <= {now})",
    );
    let found: Vec<(String,)> = db.clone().query(sql.replace("{queues}", &queues)).all().await?;
    Ok(found.iter().filter_map(|(name,)| Kind::of_queue(name)).collect())
}

/// Gives out again the tasks of workers that were not seen for some seconds, except those of process `ours`. Answers
/// how many.
pub(super) async fn resume_orphans(db: &Db, silent: i64, ours: &str) -> Result<u64, DbError> {
    let ours = format!("%{ours}%");
    let orphans = "j.status IN ('Queued', 'Running') AND {age} >= $1 AND w.id NOT LIKE $2";
    let any = format!(
        "SELECT 1 FROM {{jobs}} j {{held by}} {{workers}} w ON w.id = j.lock_by WHERE {orphans} LIMIT 1"
    );
    // Most often there is none, and then nobody's writing is in the way.
    let found: Option<(i32,)> =
        db.clone().query(fill(db.dialect(), &any)).bind(silent).bind(ours.clone()).opt().await?;
    if found.is_none() {
        return Ok(0);
    }
    let resume = format!(
        "UPDATE {{jobs}} AS j SET status = 'Pending', lock_by = NULL, lock_at = NULL, done_at = NULL,
             attempts = attempts + 1, last_result = CAST($3 AS {{json}})
         FROM {{workers}} w WHERE w.id = j.lock_by AND {orphans}"
    );
    let why = r#"{"Err":"its worker was not seen any more"}"#;
    let mut tx = db.begin().await?;
    let resumed =
        tx.query(fill(db.dialect(), &resume)).bind(silent).bind(ours).bind(why.to_owned()).exec().await?;
    tx.commit().await?;
    Ok(resumed)
}

/// Deletes a chunk of a queue's finished tasks of one status, all but the latest `keep`; answers how many.
pub(super) async fn forget(db: &Db, kind: Kind, status: &str, keep: u32) -> Result<u64, DbError> {
    let sql = match db.dialect() {
        Dialect::Sqlite => {
            "DELETE FROM Jobs WHERE rowid IN (
                 SELECT rowid FROM Jobs WHERE job_type = $1 AND status = $2
                 ORDER BY run_at DESC, rowid DESC LIMIT $3 OFFSET $4)"
        }
        Dialect::Postgres => {
            "DELETE FROM apalis.jobs WHERE id IN (
                 SELECT id FROM apalis.jobs WHERE job_type = $1 AND status = $2 AND done_at IS NOT NULL
                 ORDER BY done_at DESC LIMIT $3 OFFSET $4)"
        }
    };
    let mut tx = db.begin().await?;
    let query = tx.query(sql).bind(kind.queue().to_owned()).bind(status.to_owned());
    let gone = query.bind(CHUNK).bind(i64::from(keep)).exec().await?;
    tx.commit().await?;
    Ok(gone)
}

/// Whether a chunk was full, so that there may be more.
pub(super) fn was_full(gone: u64) -> bool {
    gone >= CHUNK.unsigned_abs()
}

/// Deletes the rows of some workers that are long dead and that no task mentions; answers how many.
pub(super) async fn forget_workers(db: &Db) -> Result<u64, DbError> {
    let dead = "SELECT w.id FROM {workers} w WHERE {age} > $1
         AND w.id NOT IN (SELECT lock_by FROM {jobs} WHERE lock_by IS NOT NULL) LIMIT 14";
    let dead: Vec<(String,)> = db.clone().query(fill(db.dialect(), dead)).bind(KEEP_WORKERS).all().await?;
    let mut gone = 0;
    for (id,) in dead {
        let mut tx = db.begin().await?;
        let sql = fill(tx.dialect(), "DELETE FROM {workers} AS w WHERE id = $1 AND {age} > $2");
        gone += tx.query(sql).bind(id).bind(KEEP_WORKERS).exec().await?;
        tx.commit().await?;
    }
    Ok(gone)
}
