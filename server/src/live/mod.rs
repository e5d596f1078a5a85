//! Live streams: a submission as it stands, again whenever something changes, as server-sent events.
//!
//! A watcher costs a task that sleeps: it wakes when an event about its submission was recorded, and once a second
//! while it waits in a lane, when places are read from the snapshot that all share.

use crate::http::app::App;
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header::CACHE_CONTROL},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, stream};
use quire_engine::{
    engine::Engine, event::Watch, identity::Actor, queue::JobState, store::PersonId,
    submission::SubmissionView,
};
use std::{
    collections::{HashMap, hash_map::Entry},
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// How often a watcher looks at places, and how many looks pass between two at the estimate of what is being marked.
const LOOK: Duration = Duration::from_secs(1);
const SELDOM: u32 = 10;

/// How often a stream on which nothing happens shows that it lives; proxies cut off silent ones.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What someone with too many streams is told, and when to come back.
pub(crate) const TOO_MANY: &str = "You have too many live pages open. Close some and try again.";
pub(crate) const RETRY_SECONDS: u32 = 30;

/// Counts the open streams of each person.
#[derive(Clone, Debug)]
pub struct Streams {
    most: usize,
    open: Arc<Mutex<HashMap<PersonId, usize>>>,
}

/// The right to one stream, for as long as it lives.
#[derive(Debug)]
struct Permit {
    person: PersonId,
    open: Arc<Mutex<HashMap<PersonId, usize>>>,
}

impl Streams {
    /// With so many streams for each person.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, open: Arc::default() }
    }

    fn open(&self, person: PersonId) -> Option<Permit> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(person).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        metrics::gauge!("quire_http_streams").increment(1.0);
        Some(Permit { person, open: Arc::clone(&self.open) })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        metrics::gauge!("quire_http_streams").decrement(1.0);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut entry) = open.entry(self.person) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

struct Follower<R> {
    engine: Engine,
    actor: Actor,
    view: SubmissionView,
    watch: Watch,
    render: R,
    /// What was last sent.
    sent: String,
    number: i64,
    looks: u32,
    begun: bool,
    ended: bool,
    stop: CancellationToken,
    _permit: Option<Permit>,
}

/// Follows a submission that was just read. None: the person has too many streams open.
pub(crate) fn follow<R>(
    app: &App,
    actor: Actor,
    view: SubmissionView,
    headers: &HeaderMap,
    render: R,
) -> Option<Response>
where
    R: Fn(&SubmissionView) -> String + Send + 'static,
{
    if view.submission.state.is_final() && headers.contains_key("last-event-id") {
        // It has seen the end: a browser that is told so does not come again.
        return Some(StatusCode::NO_CONTENT.into_response());
    }
    let permit = match actor.person_id() {
        Some(person) => Some(app.streams.open(person)?),
        None => None,
    };
    let number = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok())
        .and_then(|id| id.parse::<i64>().ok())
        .unwrap_or(0)
        .max(0);
    let follower = Follower {
        engine: app.engine.clone(),
        watch: app.engine.tail().watch(view.submission.id.0),
        actor,
        view,
        render,
        sent: String::new(),
        number,
        looks: 0,
        begun: false,
        ended: false,
        stop: app.stop.clone(),
        _permit: permit,
    };
    let mut response =
        Sse::new(events(follower)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Some(response)
}

fn events<R>(follower: Follower<R>) -> impl Stream<Item = Result<Event, Infallible>>
where
    R: Fn(&SubmissionView) -> String + Send + 'static,
{
    stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    })
}

impl<R: Fn(&SubmissionView) -> String> Follower<R> {
    /// The next event; none: nothing more will happen, or the process stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.ended {
                return None;
            }
            if self.begun {
                tokio::select! {
                    () = self.stop.cancelled() => return None,
                    _ = self.watch.changed() => self.read().await?,
                    () = tokio::time::sleep(LOOK) => self.look().await,
                }
            } else {
                self.begun = true;
                // What happened between the first reading and the beginning of the watch.
                self.read().await?;
            }
            self.ended = self.view.submission.state.is_final();
            let snapshot = (self.render)(&self.view);
            if snapshot != self.sent {
                self.number += 1;
                let event = Event::default().id(self.number.to_string()).data(&snapshot);
                self.sent = snapshot;
                return Some(event);
            }
        }
    }

    /// Reads the submission anew; none where it is no longer there for this person.
    async fn read(&mut self) -> Option<()> {
        match self.engine.submission(&self.actor, &self.view.submission.tracking_id).await {
            Ok(view) => self.view = view,
            Err(quire_engine::submission::ViewError::Engine(error)) => {
                tracing::warn!(%error, "a followed submission can't be read; trying again");
            }
            Err(_) => return None,
        }
        Some(())
    }

    /// Brings place and estimate up to date.
    async fn look(&mut self) {
        self.looks += 1;
        let due = match self.view.job.state {
            JobState::Queued => true,
            JobState::Batched | JobState::Calling => self.looks.is_multiple_of(SELDOM),
            JobState::Done | JobState::Dead | JobState::Withdrawn => false,
        };
        if due && let Err(error) = self.engine.refresh(&mut self.view).await {
            tracing::warn!(%error, "a followed submission can't be looked at; trying again");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use quire_engine::store::World;

    #[test]
    fn streams_are_bounded_by_person() {
        let streams = Streams::new(2);
        let world = World::system();
        let (ada, ben) = (world.id(), world.id());
        let one = streams.open(ada).unwrap();
        let two = streams.open(ada).unwrap();
        assert!(streams.open(ada).is_none());
        assert!(streams.open(ben).is_some());
        drop(one);
        let three = streams.open(ada).unwrap();
        drop((two, three));
        assert!(streams.open.lock().unwrap().is_empty(), "nothing is kept of who has left");
    }
}
