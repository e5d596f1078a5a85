//! The tables `trials` and `trial_works`.

use super::Marker;
use crate::{
    budget::{Account, Held, Tokens},
    course::Course,
    prompt::Version,
    result::Marks,
    store::{
        AssessmentId, AssignmentId, CallId, DbError, Digest, Exec, JobId, Json, NanoUsd, PersonId, Rows,
        SubmissionId, TrialId, TrialWorkId, Tx, first_id_at, in_chunks,
    },
};
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use uuid::Uuid;

/// A trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Its id.
    pub id: TrialId,
    /// Whose works.
    pub assignment_id: AssignmentId,
    /// Who marks them.
    pub marker: Marker,
    /// Whose marks they are held against, beside those of people.
    pub against: Marker,
    /// When it was started.
    pub started_at: DateTime<Utc>,
    /// By whom; none: Quire itself.
    pub started_by: Option<PersonId>,
    /// When the last of its works ended; none: it goes on.
    pub ended_at: Option<DateTime<Utc>>,
    /// A person stopped it.
    pub stopped: bool,
}

impl Trial {
    /// Whom its lines in the ledger are charged to. A work of a trial stands where else a job does.
    pub(super) fn account(&self, course: &Course, work: TrialWorkId) -> Account {
        Account {
            job_id: JobId(work.0),
            provider: self.marker.provider.clone(),
            model: self.marker.model.clone(),
            course_id: course.id,
            cost_centre: course.cost_centre.clone(),
        }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: TrialId,
    assignment_id: AssignmentId,
    provider: String,
    model: String,
    prompt_version: i64,
    against_provider: String,
    against_model: String,
    against_prompt_version: i64,
    started_at: DateTime<Utc>,
    started_by: Option<PersonId>,
    ended_at: Option<DateTime<Utc>>,
    stopped: bool,
}

impl From<Row> for Trial {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            assignment_id: row.assignment_id,
            marker: Marker { provider: row.provider, model: row.model, prompt_version: row.prompt_version },
            against: Marker {
                provider: row.against_provider,
                model: row.against_model,
                prompt_version: row.against_prompt_version,
            },
            started_at: row.started_at,
            started_by: row.started_by,
            ended_at: row.ended_at,
            stopped: row.stopped,
        }
    }
}

const TRIAL: &str = "SELECT id, assignment_id, provider, model, prompt_version, against_provider, against_model, \
    against_prompt_version, started_at, started_by, ended_at, stopped FROM trials";

/// A trial by its id.
pub(super) async fn find(x: &mut impl Exec, id: TrialId) -> Result<Option<Trial>, DbError> {
    let row: Option<Row> = x.query(format!("{TRIAL} WHERE id = $1")).bind(id).opt().await?;
    Ok(row.map(Trial::from))
}

/// The newest trials.
pub(super) async fn newest(x: &mut impl Exec, most: i64) -> Result<Vec<Trial>, DbError> {
    let rows: Vec<Row> = x.query(format!("{TRIAL} ORDER BY id DESC LIMIT $1")).bind(most).all().await?;
    Ok(rows.into_iter().map(Trial::from).collect())
}

/// The trials of an assignment that go on.
pub(super) async fn open_of(x: &mut impl Exec, assignment: AssignmentId) -> Result<Vec<Trial>, DbError> {
    let rows: Vec<Row> = x
        .query(format!("{TRIAL} WHERE assignment_id = $1 AND ended_at IS NULL ORDER BY id"))
        .bind(assignment)
        .all()
        .await?;
    Ok(rows.into_iter().map(Trial::from).collect())
}

/// Writes a trial.
pub(super) async fn insert(x: &mut impl Exec, trial: &Trial) -> Result<(), DbError> {
    x.query(
        "INSERT INTO trials (id, assignment_id, provider, model, prompt_version, against_provider, against_model, \
         against_prompt_version, started_at, started_by, stopped) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(trial.id)
    .bind(trial.assignment_id)
    .bind(trial.marker.provider.clone())
    .bind(trial.marker.model.clone())
    .bind(trial.marker.prompt_version)
    .bind(trial.against.provider.clone())
    .bind(trial.against.model.clone())
    .bind(trial.against.prompt_version)
    .bind(trial.started_at)
    .bind(trial.started_by)
    .bind(trial.stopped)
    .exec()
    .await?;
    Ok(())
}

/// Keeps a trial's row from being changed until the transaction ends, and tells whether it was stopped.
pub(super) async fn lock(tx: &mut Tx, id: TrialId) -> Result<bool, DbError> {
    let row: Option<(bool,)> = tx
        .query("UPDATE trials SET stopped = stopped WHERE id = $1 RETURNING stopped")
        .bind(id)
        .opt()
        .await?;
    Ok(row.is_none_or(|(stopped,)| stopped))
}

/// Notes that a person stopped a trial; false where it has ended.
pub(super) async fn set_stopped(x: &mut impl Exec, id: TrialId) -> Result<bool, DbError> {
    let rows = x
        .query("UPDATE trials SET stopped = $2 WHERE id = $1 AND ended_at IS NULL")
        .bind(id)
        .bind(true)
        .exec()
        .await?;
    Ok(rows == 1)
}

/// Ends a trial of which nothing waits or is asked any more.
pub(super) async fn end_if_done(x: &mut impl Exec, id: TrialId, now: DateTime<Utc>) -> Result<(), DbError> {
    x.query(
        "UPDATE trials SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL AND NOT EXISTS \
         (SELECT 1 FROM trial_works w WHERE w.trial_id = trials.id AND w.state IN ('waiting', 'asking'))",
    )
    .bind(id)
    .bind(now)
    .exec()
    .await?;
    Ok(())
}

// What a sample is drawn from ------------------------------------------------------------------------------------------

/// A work that has marks.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Sampled {
    pub(super) submission_id: SubmissionId,
    provider: String,
    model: String,
    template: Option<String>,
    /// Digest of the prompt without the work.
    pub(super) prompt: Option<Digest>,
    pub(super) by_person: bool,
}

impl Sampled {
    /// Who marked it; none where a person did, or a prompt that this program does not know.
    pub(super) fn marker(&self) -> Option<Marker> {
        let version = Version::of(self.template.as_deref()?)?;
        let (provider, model) = (self.provider.clone(), self.model.clone());
        Some(Marker { provider, model, prompt_version: version.number })
    }
}

/// The newest works of an assignment whose marks count to so many points in all, were not given again from another, and
/// are for the text as it was handed in.
pub(super) async fn marked(
    x: &mut impl Exec,
    assignment: AssignmentId,
    most_points: i64,
    most: i64,
) -> Result<Vec<Sampled>, DbError> {
    x.query(
        "SELECT a.submission_id, j.provider, j.model, a.template, a.prompt, a.decided_by IS NOT NULL AS by_person \
         FROM submissions s JOIN assessments a ON a.submission_id = s.id JOIN model_jobs j ON j.id = a.job_id \
         WHERE s.assignment_id = $1 AND a.most = $2 AND j.same_as IS NULL AND j.edit_id IS NULL \
         ORDER BY a.id DESC LIMIT $3",
    )
    .bind(assignment)
    .bind(most_points)
    .bind(most)
    .all()
    .await
}

/// The assignments of which works have marks, with the code of their course and their title.
pub(super) async fn with_marks(x: &mut impl Exec) -> Result<Vec<(AssignmentId, String, String)>, DbError> {
    x.query(
        "SELECT a.id, c.code, a.title FROM assignments a JOIN courses c ON c.id = a.course_id WHERE EXISTS \
         (SELECT 1 FROM submissions s JOIN assessments m ON m.submission_id = s.id WHERE s.assignment_id = a.id) \
         ORDER BY c.code, a.title, a.id",
    )
    .all()
    .await
}

// Works ----------------------------------------------------------------------------------------------------------------

/// A work of a trial that is to be written.
pub(super) struct NewWork {
    pub(super) id: TrialWorkId,
    pub(super) submission: SubmissionId,
    pub(super) held: Held,
    /// Estimated.
    pub(super) input_tokens: i64,
}

const WORKS: Rows = Rows {
    insert: "INSERT INTO trial_works (id, trial_id, submission_id, state, ready_at, failures, reserved_nano, \
             expected_nano, asked_tokens)",
    columns: 9,
    tail: "",
};

/// Writes the works of a trial.
pub(super) async fn insert_works(
    x: &mut impl Exec,
    trial: TrialId,
    works: &[NewWork],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    WORKS
        .insert(x, works, |q, work| {
            q.put(work.id);
            q.put(trial);
            q.put(work.submission);
            q.put("waiting".to_owned());
            q.put(now);
            q.put(0_i64);
            q.put(work.held.reserved);
            q.put(work.held.expected);
            q.put(work.input_tokens);
        })
        .await
}

/// A work of a trial that is not done.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct OpenWork {
    pub(super) id: TrialWorkId,
    pub(super) trial_id: TrialId,
    pub(super) submission_id: SubmissionId,
    pub(super) ready_at: DateTime<Utc>,
    pub(super) failures: i64,
    #[sqlx(rename = "reserved_nano")]
    reserved: NanoUsd,
    #[sqlx(rename = "expected_nano")]
    expected: NanoUsd,
    pub(super) asked_tokens: i64,
}

impl OpenWork {
    /// What is held for it.
    pub(super) const fn held(&self) -> Held {
        Held { reserved: self.reserved, expected: self.expected }
    }

    /// Its call in the ledger.
    pub(super) const fn call(&self) -> CallId {
        CallId(self.id.0)
    }
}

const WORK: &str =
    "id, trial_id, submission_id, ready_at, failures, reserved_nano, expected_nano, asked_tokens";

/// A work that waits; none where it does not any more.
pub(super) async fn waiting(x: &mut impl Exec, id: TrialWorkId) -> Result<Option<OpenWork>, DbError> {
    x.query(format!("SELECT {WORK} FROM trial_works WHERE id = $1 AND state = 'waiting'"))
        .bind(id)
        .opt()
        .await
}

/// Has a work wait until a time.
pub(super) async fn postpone(
    x: &mut impl Exec,
    id: TrialWorkId,
    until: DateTime<Utc>,
) -> Result<(), DbError> {
    x.query("UPDATE trial_works SET ready_at = $2 WHERE id = $1 AND state = 'waiting'")
        .bind(id)
        .bind(until)
        .exec()
        .await?;
    Ok(())
}

/// Takes a work to be asked about; false where another process has, or it was stopped.
pub(super) async fn take(
    x: &mut impl Exec,
    id: TrialWorkId,
    owner: &str,
    lease_until: DateTime<Utc>,
) -> Result<bool, DbError> {
    let rows = x
        .query(
            "UPDATE trial_works SET state = 'asking', owner = $2, lease_until = $3 WHERE id = $1 AND state = 'waiting' \
             AND NOT EXISTS (SELECT 1 FROM trials t WHERE t.id = trial_works.trial_id AND t.stopped)",
        )
        .bind(id)
        .bind(owner.to_owned())
        .bind(lease_until)
        .exec()
        .await?;
    Ok(rows == 1)
}

/// Hands back a work that could not be asked about, to be asked later.
pub(super) async fn put_back(
    x: &mut impl Exec,
    id: TrialWorkId,
    failures: i64,
    ready_at: DateTime<Utc>,
    error: &str,
) -> Result<bool, DbError> {
    let rows = x
        .query(
            "UPDATE trial_works SET state = 'waiting', owner = NULL, lease_until = NULL, failures = $2, ready_at = $3, \
             error = $4 WHERE id = $1 AND state = 'asking'",
        )
        .bind(id)
        .bind(failures)
        .bind(ready_at)
        .bind(error.to_owned())
        .exec()
        .await?;
    Ok(rows == 1)
}

/// How a work stood before it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stood {
    /// Nothing was asked.
    Waiting,
    /// It was asked about.
    Asking,
}

impl Stood {
    const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Asking => "asking",
        }
    }
}

/// How a work of a trial ended.
#[derive(Clone, Debug, Default)]
pub(super) struct End {
    /// `marked`, `unusable`, `failed` or `lost`.
    pub(super) state: &'static str,
    /// What was spent.
    pub(super) spent: NanoUsd,
    /// What was counted.
    pub(super) tokens: Tokens,
    /// All points and the marks.
    pub(super) marks: Option<(i64, Box<RawValue>)>,
    /// What went wrong.
    pub(super) error: Option<String>,
}

/// Ends a work that is asked about, or waits and can't be; false where another process has.
pub(super) async fn end(
    x: &mut impl Exec,
    id: TrialWorkId,
    from: Stood,
    end: &End,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let (total, marks) = end.marks.clone().unzip();
    let rows = x
        .query(
            "UPDATE trial_works SET state = $2, ended_at = $3, owner = NULL, lease_until = NULL, spent_nano = $4, \
             input_tokens = $5, output_tokens = $6, total = $7, marks = $8, error = $9 \
             WHERE id = $1 AND state = $10",
        )
        .bind(id)
        .bind(end.state.to_owned())
        .bind(now)
        .bind(end.spent)
        .bind(end.tokens.input_tokens)
        .bind(end.tokens.output_tokens)
        .bind(total)
        .bind(marks.map(Json))
        .bind(end.error.clone())
        .bind(from.name().to_owned())
        .exec()
        .await?;
    Ok(rows == 1)
}

/// Stops what waits of a trial, and answers it.
pub(super) async fn stop_waiting(
    x: &mut impl Exec,
    trial: TrialId,
    now: DateTime<Utc>,
) -> Result<Vec<OpenWork>, DbError> {
    x.query(format!(
        "UPDATE trial_works SET state = 'stopped', ended_at = $2 WHERE trial_id = $1 AND state = 'waiting' \
         RETURNING {WORK}"
    ))
    .bind(trial)
    .bind(now)
    .all()
    .await
}

/// Works that wait and may be asked about, those that have waited longest first.
pub(crate) async fn due(
    x: &mut impl Exec,
    now: DateTime<Utc>,
    most: i64,
) -> Result<Vec<TrialWorkId>, DbError> {
    let rows: Vec<(TrialWorkId,)> = x
        .query("SELECT id FROM trial_works WHERE state = 'waiting' AND ready_at <= $1 ORDER BY ready_at LIMIT $2")
        .bind(now)
        .bind(most)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Works whose process gave no sign of life in time.
pub(super) async fn orphaned(
    x: &mut impl Exec,
    now: DateTime<Utc>,
    most: i64,
) -> Result<Vec<OpenWork>, DbError> {
    x.query(format!(
        "SELECT {WORK} FROM trial_works WHERE state = 'asking' AND lease_until <= $1 ORDER BY lease_until LIMIT $2"
    ))
    .bind(now)
    .bind(most)
    .all()
    .await
}

/// Prolongs the leases of those works that a process is asking about.
///
/// # Errors
/// If the database fails.
pub(crate) async fn renew(
    x: &mut impl Exec,
    owner: &str,
    ids: &[Uuid],
    until: DateTime<Utc>,
) -> Result<(), DbError> {
    for id in ids {
        x.query("UPDATE trial_works SET lease_until = $3 WHERE id = $1 AND owner = $2 AND state = 'asking'")
            .bind(*id)
            .bind(owner.to_owned())
            .bind(until)
            .exec()
            .await?;
    }
    Ok(())
}

// What was found -------------------------------------------------------------------------------------------------------

/// A work of a trial beside the marks that it has.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Found {
    pub(super) trial_id: TrialId,
    pub(super) state: String,
    #[sqlx(rename = "spent_nano")]
    pub(super) spent: NanoUsd,
    pub(super) input_tokens: i64,
    pub(super) output_tokens: i64,
    /// All points, where it was marked.
    pub(super) total: Option<i64>,
    /// All points of the marks that it has.
    pub(super) other_total: i64,
    pub(super) other_by_person: bool,
    /// What the other answer was counted at, where a model gave it and its provider counted.
    pub(super) other_input_tokens: Option<i64>,
    pub(super) other_output_tokens: Option<i64>,
    pub(super) error: Option<String>,
}

/// The works of several trials, beside the marks that they have.
pub(super) async fn found(x: &mut impl Exec, trials: &[TrialId]) -> Result<Vec<Found>, DbError> {
    let mut all = Vec::new();
    for (places, chunk) in in_chunks(trials) {
        let mut query = x.query_in_order(format!(
            "SELECT w.trial_id, w.state, w.spent_nano, w.input_tokens, w.output_tokens, w.total, \
             a.total AS other_total, a.decided_by IS NOT NULL AS other_by_person, \
             l.input_tokens AS other_input_tokens, l.output_tokens AS other_output_tokens, w.error \
             FROM trial_works w JOIN assessments a ON a.submission_id = w.submission_id \
             LEFT JOIN ledger l ON l.job_id = a.job_id AND l.kind = 'settle' AND l.response_id = a.response_id \
             AND l.input_tokens > 0 \
             WHERE w.trial_id IN ({places})"
        ));
        for id in chunk {
            query.put(*id);
        }
        all.extend(query.all().await?);
    }
    Ok(all)
}

/// The marks of a trial, each beside those that the work has.
pub(super) async fn both_marks(
    x: &mut impl Exec,
    trial: TrialId,
) -> Result<Vec<(Json<Marks>, Json<Marks>)>, DbError> {
    x.query(
        "SELECT a.marks, w.marks FROM trial_works w JOIN assessments a ON a.submission_id = w.submission_id \
         WHERE w.trial_id = $1 AND w.state = 'marked' AND w.marks IS NOT NULL ORDER BY w.id",
    )
    .bind(trial)
    .all()
    .await
}

/// How many assignments are marked by each version of the prompt.
pub(super) async fn assignments_by_version(x: &mut impl Exec) -> Result<Vec<(i64, i64)>, DbError> {
    x.query("SELECT prompt_version, COUNT(*) FROM assignments GROUP BY prompt_version").all().await
}

/// Answers of models since a time, by prompt, provider and model.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct ByPrompt {
    pub(super) template: String,
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) answers: i64,
    pub(super) input_tokens: i64,
    pub(super) output_tokens: i64,
}

/// What the newest answers since a time were counted at, at most so many.
pub(super) async fn counted_since(
    x: &mut impl Exec,
    since: DateTime<Utc>,
    most: i64,
) -> Result<Vec<ByPrompt>, DbError> {
    x.query(
        "SELECT a.template, l.provider, l.model, COUNT(*) AS answers, \
         CAST(SUM(l.input_tokens) AS BIGINT) AS input_tokens, CAST(SUM(l.output_tokens) AS BIGINT) AS output_tokens \
         FROM (SELECT job_id, template, response_id FROM assessments WHERE id >= $1 AND template IS NOT NULL \
         ORDER BY id DESC LIMIT $2) a \
         JOIN ledger l ON l.job_id = a.job_id AND l.kind = 'settle' AND l.response_id = a.response_id \
         WHERE l.input_tokens > 0 GROUP BY a.template, l.provider, l.model ORDER BY a.template, answers DESC, l.provider, l.model",
    )
    .bind(first_id_at::<AssessmentId>(since))
    .bind(most)
    .all()
    .await
}

/// How many calls of trials were spent without an answer, and what they were booked at, since a time.
pub(crate) async fn lost_since(x: &mut impl Exec, since: DateTime<Utc>) -> Result<(i64, NanoUsd), DbError> {
    x.query(
        "SELECT COUNT(*), CAST(COALESCE(SUM(spent_nano), 0) AS BIGINT) FROM trial_works \
         WHERE state = 'lost' AND ended_at >= $1",
    )
    .bind(since)
    .one()
    .await
}
