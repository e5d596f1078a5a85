//! How far a submission is, as its page and its live connection show it.

use super::common::{lane, range, small, status};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use quire_app::{view, when::Clock, words};
use quire_engine::{course::ReleasePolicy, queue::JobState, routing::Route, submission::SubmissionView};

/// How far a submission is.
#[must_use]
pub fn progress(s: &SubmissionView) -> view::Progress {
    let waits = s.job.state == JobState::Queued;
    let held = s.marking.context.assignment.release == ReleasePolicy::OnApproval;
    view::Progress {
        status: status(s.submission.state),
        lane: lane(s.job.lane),
        estimate: s.estimate.map(range),
        approval_follows: held,
        place: s.spot.filter(|_| waits).map(|spot| {
            let position = u32::try_from(spot.position).unwrap_or(u32::MAX);
            let joined_at = small(s.job.joined).max(1);
            view::Place {
                position,
                of: u32::try_from(spot.of).unwrap_or(u32::MAX).max(position),
                joined_at,
                moved_back_because: (position > joined_at).then(|| {
                    "Work that is needed sooner, or that was here before, has come back into the line."
                        .to_owned()
                }),
            }
        }),
        submitted_at: s.submission.submitted_at,
        queued_at: Some(s.job.arrived_at),
        processing_at: s.started_at.filter(|_| !waits),
        processing_expected: waits.then_some(s.job.ready_at).filter(|_| s.job.route == Route::Batch),
        marked_at: s.finished_at.filter(|_| s.job.state == JobState::Done),
        released_at: s.assessment.as_ref().and_then(|a| a.released_at),
        fraction: s.progress,
        interim_ready: s.interim.is_some(),
    }
}

/// One snapshot in words, for the live connection.
#[must_use]
pub fn live(s: &SubmissionView, now: DateTime<Utc>, zone: Tz) -> view::Live {
    words::live(&progress(s), &super::common::noun(&s.marking.context.assignment), Clock { now, zone })
}
