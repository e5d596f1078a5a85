//! A job to try things on, for tests.

use super::{Job, JobState, Lane, no_hurry};
use crate::{
    routing::Route,
    store::{CourseId, JobId, NanoUsd, SubmissionId},
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A job that came now and waits in the standard lane for a batch of `openai`; it asks for nothing special.
pub(crate) fn job(id: JobId, now: DateTime<Utc>) -> Job {
    Job {
        id,
        submission_id: SubmissionId(Uuid::nil()),
        state: JobState::Queued,
        lane: Lane::Standard,
        route: Route::Batch,
        provider: "openai".to_owned(),
        model: "m".to_owned(),
        priority: 0,
        deadline: no_hurry(),
        arrived_at: now,
        joined: 1,
        ready_at: now,
        input_tokens: 900,
        output_tokens: 300,
        max_output: 900,
        bytes: 4_000,
        work_bytes: 2_000,
        attempt: 0,
        failures: 0,
        kills: 0,
        diverted: 0,
        batch_id: None,
        reserved: NanoUsd::ZERO,
        expected: NanoUsd::ZERO,
        course_id: CourseId(Uuid::nil()),
        cost_centre: String::new(),
        steps: None,
        hold: false,
    }
}
