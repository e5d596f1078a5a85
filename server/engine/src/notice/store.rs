//! The table `notices`.

use super::{Channel, Kind};
use crate::{
    cost_control::Measure,
    identity::{Email, Zone},
    store::{DbError, Dialect, Exec, NanoUsd, NoticeId, PersonId, Rows, SubmissionId, Tx, World, in_chunks},
    submission::TrackingId,
    webhook,
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A notice to be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct New {
    /// To whom.
    pub person: PersonId,
    /// What it tells.
    pub kind: Kind,
    /// What it is about: the id of a submission, of a provider's outage, of a budget's threshold, of a change of cost
    /// control, or of a bill's delivery.
    pub subject: Uuid,
}

const INSERT: &str = "INSERT INTO notices (id, person_id, kind, subject_id, channel, state, created_at, send_at, sent_at, attempts)";

const ONCE: Rows = Rows { insert: INSERT, columns: 10, tail: "ON CONFLICT DO NOTHING" };

/// Kinds that are brought up to date in place are unread again.
const IN_PLACE: Rows = Rows {
    insert: INSERT,
    columns: 10,
    tail: "ON CONFLICT (subject_id, person_id, kind, channel) DO UPDATE SET created_at = excluded.created_at, \
           read_at = NULL",
};

/// Writes notices: one row for each channel of its kind, of those by e-mail only where that is sent. One that is there
/// already stays as it is.
///
/// # Errors
/// If the database fails.
pub async fn enqueue(x: &mut impl Exec, world: &World, new: &[New], by_email: bool) -> Result<(), DbError> {
    let now = world.now();
    for (rows, kept) in [(ONCE, true), (IN_PLACE, false)] {
        let mut items: Vec<(New, Channel)> = new
            .iter()
            .filter(|n| n.kind.is_in_place() != kept)
            .flat_map(|n| n.kind.channels().iter().map(|channel| (*n, *channel)))
            .filter(|(_, channel)| by_email || *channel != Channel::Email)
            .collect();
        if !kept {
            // PostgreSQL refuses to update a row twice in one statement.
            let mut seen = std::collections::HashSet::new();
            items.retain(|item| seen.insert(*item));
        }
        rows.insert(x, &items, |q, (new, channel)| {
            q.put(world.id::<NoticeId>());
            q.put(new.person);
            q.put(new.kind);
            q.put(new.subject);
            q.put(*channel);
            q.put(match channel {
                Channel::Platform => "sent",
                Channel::Email => "waiting",
            });
            q.put(now);
            q.put(now);
            q.put((*channel == Channel::Platform).then_some(now));
            q.put(0_i64);
        })
        .await?;
    }
    Ok(())
}

// Outbox --------------------------------------------------------------------------------------------------------------

/// Some e-mail was due at this time.
///
/// # Errors
/// If the database fails.
pub async fn any_due(x: &mut impl Exec, now: DateTime<Utc>) -> Result<bool, DbError> {
    Ok(next_due(x).await?.is_some_and(|due| due <= now))
}

/// When the next e-mail is due, or the lease of one ends that someone is sending.
///
/// # Errors
/// If the database fails.
pub async fn next_due(x: &mut impl Exec) -> Result<Option<DateTime<Utc>>, DbError> {
    let row: Option<(DateTime<Utc>,)> = x
        .query(
            "SELECT send_at FROM notices WHERE state IN ('waiting', 'sending') AND channel = 'email' \
             ORDER BY send_at LIMIT 1",
        )
        .opt()
        .await?;
    Ok(row.map(|(at,)| at))
}

/// A message that is being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Claim {
    /// The notice.
    pub id: NoticeId,
    /// How often it was tried, this time included.
    pub attempts: i64,
    /// When the lease ends.
    #[sqlx(rename = "send_at")]
    pub until: DateTime<Utc>,
}

/// Takes messages that are due, so that nobody else sends them before the lease ends.
///
/// # Errors
/// If the database fails.
pub async fn claim(
    tx: &mut Tx,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    most: i64,
) -> Result<Vec<Claim>, DbError> {
    let locked = match tx.dialect() {
        Dialect::Sqlite => "",
        Dialect::Postgres => "FOR UPDATE SKIP LOCKED",
    };
    tx.query(format!(
        "UPDATE notices SET state = 'sending', attempts = attempts + 1, send_at = $2 WHERE id IN \
         (SELECT id FROM notices WHERE state IN ('waiting', 'sending') AND channel = 'email' AND send_at <= $1 \
         ORDER BY send_at, id LIMIT $3 {locked}) RETURNING id, attempts, send_at"
    ))
    .bind(now)
    .bind(until)
    .bind(most)
    .all()
    .await
}

/// What a notice is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A submission.
    Submission {
        /// Its id.
        id: SubmissionId,
        /// What the student knows it by.
        tracking_id: TrackingId,
        /// When it was handed in.
        submitted_at: DateTime<Utc>,
        /// The assignment.
        assignment: String,
        /// The course.
        course: String,
        /// A teacher approves marks before they are released.
        held: bool,
    },
    /// An outage of a provider.
    Outage {
        /// Provider's name.
        provider: String,
        /// What was wrong, in words.
        reason: String,
        /// Since when.
        began_at: DateTime<Utc>,
        /// Until when; none: it goes on.
        ended_at: Option<DateTime<Utc>>,
    },
    /// A threshold of a budget that was passed.
    Budget {
        /// The course's title; none: the institution's budget.
        course: Option<String>,
        /// The month, such as `2026-11`.
        month: String,
        /// The threshold, in percent.
        percent: i64,
        /// What was spent or expected then.
        used: NanoUsd,
        /// The limit then.
        limit: NanoUsd,
        /// Work waits at the limit.
        hard_stop: bool,
    },
    /// A measure of cost control that was taken or given up.
    Measure {
        /// The measure.
        measure: Measure,
        /// Taken; else given up.
        taken: bool,
        /// Why.
        why: String,
    },
    /// A bill that the address for bills did not take.
    Bill {
        /// The month, such as `2026-11`.
        month: String,
        /// How it stands by now.
        state: webhook::State,
        /// Why it was not taken the last time.
        why: String,
    },
}

/// What a notice is about, as far as it is there.
#[derive(sqlx::FromRow)]
struct Subject {
    submission_id: Option<SubmissionId>,
    tracking_id: Option<TrackingId>,
    submitted_at: Option<DateTime<Utc>>,
    assignment: Option<String>,
    course: Option<String>,
    held: Option<bool>,
    provider: Option<String>,
    reason: Option<String>,
    began_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    percent: Option<i64>,
    budget_course: Option<String>,
    month: Option<String>,
    used_nano: Option<NanoUsd>,
    limit_nano: Option<NanoUsd>,
    hard_stop: Option<bool>,
    measure: Option<Measure>,
    taken: Option<bool>,
    measure_why: Option<String>,
    bill_month: Option<String>,
    bill_state: Option<webhook::State>,
    bill_why: Option<String>,
}

const SUBJECT: &str = "s.id AS submission_id, s.tracking_id, s.submitted_at, a.title AS assignment, \
    c.title AS course, (a.release = 'on_approval' OR COALESCE(mj.hold, FALSE)) AS held, o.provider, o.reason, o.began_at, o.ended_at, \
    g.percent, gc.title AS budget_course, g.month, g.used_nano, g.limit_nano, gb.hard_stop, \
    cc.measure, cc.taken, cc.why AS measure_why, wd.month AS bill_month, wd.state AS bill_state, wd.last_error AS bill_why";

const SUBJECTS: &str = "LEFT JOIN submissions s ON s.id = n.subject_id \
    LEFT JOIN model_jobs mj ON mj.submission_id = s.id \
    LEFT JOIN assignments a ON a.id = s.assignment_id LEFT JOIN courses c ON c.id = a.course_id \
    LEFT JOIN provider_outages o ON o.id = n.subject_id \
    LEFT JOIN budget_alerts g ON g.id = n.subject_id LEFT JOIN courses gc ON gc.id = g.course_id \
    LEFT JOIN budgets gb ON gb.scope = g.scope \
    LEFT JOIN cost_control_changes cc ON cc.id = n.subject_id \
    LEFT JOIN webhook_deliveries wd ON wd.id = n.subject_id";

/// What a notice is about is there.
const IS_THERE: &str = "COALESCE(s.id, o.id, g.id, cc.id, wd.id) IS NOT NULL";

impl Subject {
    /// None where it is gone.
    fn about(self) -> Option<About> {
        if let (Some(provider), Some(reason), Some(began_at)) = (self.provider, self.reason, self.began_at) {
            return Some(About::Outage { provider, reason, began_at, ended_at: self.ended_at });
        }
        if let (Some(percent), Some(month), Some(used), Some(limit)) =
            (self.percent, self.month, self.used_nano, self.limit_nano)
        {
            let hard_stop = self.hard_stop.unwrap_or(false);
            return Some(About::Budget {
                course: self.budget_course,
                month,
                percent,
                used,
                limit,
                hard_stop,
            });
        }
        if let (Some(measure), Some(taken), Some(why)) = (self.measure, self.taken, self.measure_why) {
            return Some(About::Measure { measure, taken, why });
        }
        if let (Some(month), Some(state)) = (self.bill_month, self.bill_state) {
            return Some(About::Bill { month, state, why: self.bill_why.unwrap_or_default() });
        }
        Some(About::Submission {
            id: self.submission_id?,
            tracking_id: self.tracking_id?,
            submitted_at: self.submitted_at?,
            assignment: self.assignment?,
            course: self.course?,
            held: self.held?,
        })
    }
}

/// All that a message tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The notice.
    pub id: NoticeId,
    /// What it tells.
    pub kind: Kind,
    /// The reader's address.
    pub email: Email,
    /// The reader's name.
    pub name: String,
    /// The zone in which they read times.
    pub time_zone: Zone,
    /// Since when the reader's account is closed.
    pub disabled_at: Option<DateTime<Utc>>,
    /// What it is about.
    pub about: About,
}

/// What the messages of these notices tell. A notice whose subject is gone is not among them.
///
/// # Errors
/// If the database fails.
pub async fn facts(x: &mut impl Exec, ids: &[NoticeId]) -> Result<Vec<Facts>, DbError> {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: NoticeId,
        kind: Kind,
        email: Email,
        name: String,
        time_zone: Zone,
        disabled_at: Option<DateTime<Utc>>,
        #[sqlx(flatten)]
        subject: Subject,
    }
    let mut facts = Vec::with_capacity(ids.len());
    for (places, chunk) in in_chunks(ids) {
        let mut query = x.query_in_order(format!(
            "SELECT n.id, n.kind, p.email, p.name, p.time_zone, p.disabled_at, {SUBJECT} \
             FROM notices n JOIN people p ON p.id = n.person_id {SUBJECTS} WHERE n.id IN ({places})"
        ));
        for id in chunk {
            query.put(*id);
        }
        facts.extend(query.all::<Row>().await?.into_iter().filter_map(|row| {
            let Row { id, kind, email, name, time_zone, disabled_at, subject } = row;
            Some(Facts { id, kind, email, name, time_zone, disabled_at, about: subject.about()? })
        }));
    }
    Ok(facts)
}

/// To whom a message goes that is about no one submission.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Reader {
    /// The notice.
    pub id: NoticeId,
    /// The reader's address.
    pub email: Email,
    /// The reader's name.
    pub name: String,
    /// The zone in which they read times.
    pub time_zone: Zone,
    /// Since when the reader's account is closed.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// To whom summaries go.
///
/// # Errors
/// If the database fails.
pub async fn readers(x: &mut impl Exec, ids: &[NoticeId]) -> Result<Vec<Reader>, DbError> {
    let mut readers = Vec::new();
    for (places, chunk) in in_chunks(ids) {
        let mut query = x.query_in_order(format!(
            "SELECT n.id, p.email, p.name, p.time_zone, p.disabled_at FROM notices n \
             JOIN people p ON p.id = n.person_id WHERE n.kind = 'dead_letters' AND n.id IN ({places})"
        ));
        for id in chunk {
            query.put(*id);
        }
        readers.extend(query.all::<Reader>().await?);
    }
    Ok(readers)
}

/// Takes a message out of the outbox that has nothing to tell any more.
///
/// # Errors
/// If the database fails.
pub async fn withdraw(x: &mut impl Exec, claim: &Claim) -> Result<bool, DbError> {
    let gone = x
        .query("DELETE FROM notices WHERE id = $1 AND state = 'sending' AND send_at = $2")
        .bind(claim.id)
        .bind(claim.until)
        .exec()
        .await?;
    Ok(gone == 1)
}

/// Notes that a message was sent; false where the lease had ended and someone else took it.
///
/// # Errors
/// If the database fails.
pub async fn set_sent(x: &mut impl Exec, claim: &Claim, now: DateTime<Utc>) -> Result<bool, DbError> {
    let written = x
        .query(
            "UPDATE notices SET state = 'sent', sent_at = $3, error = NULL \
             WHERE id = $1 AND state = 'sending' AND send_at = $2",
        )
        .bind(claim.id)
        .bind(claim.until)
        .bind(now)
        .exec()
        .await?;
    Ok(written == 1)
}

/// Notes that a message could not be sent: to be tried again at a time, or never.
///
/// # Errors
/// If the database fails.
pub async fn set_unsent(
    x: &mut impl Exec,
    claim: &Claim,
    error: &str,
    again: Option<DateTime<Utc>>,
) -> Result<bool, DbError> {
    let written = x
        .query(
            "UPDATE notices SET state = $3, send_at = coalesce($4, send_at), error = $5 \
             WHERE id = $1 AND state = 'sending' AND send_at = $2",
        )
        .bind(claim.id)
        .bind(claim.until)
        .bind(if again.is_some() { "waiting" } else { "failed" })
        .bind(again)
        .bind(error.to_owned())
        .exec()
        .await?;
    Ok(written == 1)
}

/// Gives up on all messages that are due: no mail server is set up.
///
/// # Errors
/// If the database fails.
pub async fn give_up_due(x: &mut impl Exec, now: DateTime<Utc>, error: &str) -> Result<u64, DbError> {
    x.query(
        "UPDATE notices SET state = 'failed', error = $2 \
         WHERE state IN ('waiting', 'sending') AND channel = 'email' AND send_at <= $1",
    )
    .bind(now)
    .bind(error.to_owned())
    .exec()
    .await
}

/// How many e-mails are in each state.
///
/// # Errors
/// If the database fails.
pub async fn outbox(x: &mut impl Exec) -> Result<Vec<(String, i64)>, DbError> {
    x.query("SELECT state, count(*) FROM notices WHERE channel = 'email' GROUP BY state ORDER BY state")
        .all()
        .await
}

// Platform ------------------------------------------------------------------------------------------------------------

/// A notice on the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its id.
    pub id: NoticeId,
    /// What it tells.
    pub kind: Kind,
    /// When it was given or last brought up to date.
    pub created_at: DateTime<Utc>,
    /// When it was read.
    pub read_at: Option<DateTime<Utc>>,
    /// What it is about.
    pub about: About,
}

/// A person's notices, newest first.
///
/// # Errors
/// If the database fails.
pub async fn list(
    x: &mut impl Exec,
    person: PersonId,
    unread_only: bool,
    skip: i64,
    most: i64,
) -> Result<Vec<Shown>, DbError> {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: NoticeId,
        kind: Kind,
        created_at: DateTime<Utc>,
        read_at: Option<DateTime<Utc>>,
        #[sqlx(flatten)]
        subject: Subject,
    }
    let rows: Vec<Row> = x
        .query(format!(
            "SELECT n.id, n.kind, n.created_at, n.read_at, {SUBJECT} FROM notices n {SUBJECTS} \
             WHERE n.person_id = $1 AND n.channel = 'platform' AND {IS_THERE} \
             AND (n.read_at IS NULL OR NOT $2) ORDER BY n.created_at DESC, n.id DESC LIMIT $3 OFFSET $4"
        ))
        .bind(person)
        .bind(unread_only)
        .bind(most)
        .bind(skip)
        .all()
        .await?;
    let shown = |row: Row| {
        let Row { id, kind, created_at, read_at, subject } = row;
        Some(Shown { id, kind, created_at, read_at, about: subject.about()? })
    };
    Ok(rows.into_iter().filter_map(shown).collect())
}

/// How many notices a person has, and how many of them are unread.
///
/// # Errors
/// If the database fails.
pub async fn count(x: &mut impl Exec, person: PersonId) -> Result<(i64, i64), DbError> {
    x.query(
        "SELECT count(*), count(*) - count(read_at) FROM notices WHERE person_id = $1 AND channel = 'platform'",
    )
    .bind(person)
    .one()
    .await
}

/// Marks a person's notice as read; false where there is no such notice of theirs.
///
/// # Errors
/// If the database fails.
pub async fn set_read(
    x: &mut impl Exec,
    person: PersonId,
    id: NoticeId,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let written = x
        .query(
            "UPDATE notices SET read_at = coalesce(read_at, $3) \
             WHERE id = $2 AND person_id = $1 AND channel = 'platform'",
        )
        .bind(person)
        .bind(id)
        .bind(now)
        .exec()
        .await?;
    Ok(written == 1)
}

/// Marks all of a person's notices as read, or all about one subject; answers how many were not.
///
/// # Errors
/// If the database fails.
pub async fn set_all_read(
    x: &mut impl Exec,
    person: PersonId,
    subject: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<u64, DbError> {
    x.query(
        "UPDATE notices SET read_at = $2 WHERE person_id = $1 AND channel = 'platform' AND read_at IS NULL \
         AND ($3 IS NULL OR subject_id = $3)",
    )
    .bind(person)
    .bind(now)
    .bind(subject)
    .exec()
    .await
}
