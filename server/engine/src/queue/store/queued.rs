//! All that waits, as places are made from it. It is read anew every few seconds, however many wait.

use crate::{
    queue::{Lane, Place},
    routing::Route,
    store::{DbError, Dialect, Exec, JobId},
};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use uuid::Uuid;

/// A queued job's place and lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// The job.
    pub id: JobId,
    /// Its lane.
    pub lane: Lane,
    /// Its route.
    pub route: Route,
    /// Provider's name.
    pub provider: Arc<str>,
    /// Its priority.
    pub priority: i64,
    /// When marks are needed.
    pub deadline: DateTime<Utc>,
    /// When it came.
    pub arrived_at: DateTime<Utc>,
}

impl Queued {
    /// Its place in the order.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place { priority: self.priority, deadline: self.deadline, arrived_at: self.arrived_at, job: self.id }
    }
}

/// All queued jobs, in no order.
///
/// # Errors
/// If the database fails or holds what is no time.
pub async fn queued(x: &mut impl Exec) -> Result<Vec<Queued>, DbError> {
    // A row and its columns cost far more on their way from the database than what they hold: so one row has all jobs that
    // are alike but for their arrival, as a text of times, each with a blank and the id without dashes, parted by commas.
    let jobs = match x.dialect() {
        Dialect::Sqlite => "group_concat(arrived_at || ' ' || hex(id))",
        Dialect::Postgres => {
            "string_agg(to_char(arrived_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') || ' ' || \
             replace(CAST(id AS TEXT), '-', ''), ',')"
        }
    };
    type Row = (Lane, Route, String, i64, DateTime<Utc>, String);
    let rows: Vec<Row> = x
        .query(format!(
            "SELECT lane, route, provider, priority, deadline, {jobs} FROM model_jobs WHERE state = 'queued' \
             GROUP BY lane, route, provider, priority, deadline"
        ))
        .all()
        .await?;
    let mut queued = Vec::new();
    for (lane, route, provider, priority, deadline, jobs) in rows {
        let provider: Arc<str> = provider.into();
        for job in jobs.split(',') {
            let (arrived_at, id) = read(job).ok_or_else(|| unreadable(job))?;
            queued.push(Queued {
                id,
                lane,
                route,
                provider: provider.clone(),
                priority,
                deadline,
                arrived_at,
            });
        }
    }
    Ok(queued)
}

fn read(job: &str) -> Option<(DateTime<Utc>, JobId)> {
    let (at, id) = job.split_once(' ')?;
    Some((DateTime::parse_from_rfc3339(at).ok()?.to_utc(), JobId(Uuid::try_parse(id).ok()?)))
}

fn unreadable(job: &str) -> DbError {
    DbError::Sql(sqlx::Error::Decode(format!("\"{job}\" is no time of arrival with a job's id").into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        engine::testing::{house, person},
        identity::{self, Role},
        notice::Mailer,
        queue,
        store::testing::each_db,
        submission::HandIn,
    };
    use chrono::TimeDelta;

    #[tokio::test]
    async fn all_that_waits_is_read_as_it_was_written() {
        each_db(async |mut db| {
            let house = house(db.clone(), Mailer::off()).await;
            assert_eq!(queued(&mut db).await.unwrap(), []);
            let (engine, assignment) = (&house.engine, &house.assignment);
            let mut written = Vec::new();
            for n in 0..5 {
                // Times with and without parts of a second.
                house.clock.advance(TimeDelta::microseconds([0, 1, 999_999, 2_000, 998_000][n]));
                let student = format!("student{n}@example.edu");
                let student = person(&mut db, &engine.world().clone(), &student, false).await;
                identity::store::set_role(&mut db, assignment.course_id, student, Role::Student)
                    .await
                    .unwrap();
                let actor = engine.identity().actor(student).await.unwrap();
                let input = HandIn {
                    assignment: assignment.id,
                    student: None,
                    text: "I hold that computers help us.".into(),
                    file_name: None,
                    idempotency: None,
                };
                let submission = engine.hand_in(&actor, input).await.unwrap().submission.id;
                let (job, ..) = queue::store::of_submission(&mut db, submission).await.unwrap().unwrap();
                written.push(Queued {
                    id: job.id,
                    lane: job.lane,
                    route: job.route,
                    provider: job.provider.as_str().into(),
                    priority: job.priority,
                    deadline: job.deadline,
                    arrived_at: job.arrived_at,
                });
            }
            let mut read = queued(&mut db).await.unwrap();
            read.sort_by_key(|job| job.arrived_at);
            assert_eq!(read, written);
        })
        .await;
    }

    #[test]
    fn what_is_no_time_with_an_id_is_named() {
        assert!(read("2026-11-28T16:28:14.123456+00:00 0192F3B1C0DE7000800000000000000A").is_some());
        assert_eq!((read("yesterday 01"), read("")), (None, None));
        assert!(unreadable("yesterday 01").to_string().contains("yesterday 01"));
    }
}
