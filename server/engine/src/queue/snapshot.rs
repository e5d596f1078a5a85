//! The places of all waiting jobs at one moment, shared by all who look (ARCHITECTURE, decision 8).

use super::{Job, Lane, Rank, store::Queued};
use crate::{routing::Route, store::JobId};
use chrono::{DateTime, Utc};
use std::{collections::HashMap, sync::Arc};

/// A job's place in its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The lane.
    pub lane: Lane,
    /// Place in it, from 1.
    pub position: usize,
    /// Jobs in it.
    pub of: usize,
}

/// One lane at one moment.
#[derive(Clone, Debug, Default)]
pub struct LaneView {
    /// Ranks of all jobs in it, in order.
    ranks: Vec<Rank>,
    /// When its oldest job came.
    pub oldest: Option<DateTime<Utc>>,
}

impl LaneView {
    /// Jobs in it.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ranks.len()
    }
    /// Nobody waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ranks.is_empty()
    }
}

/// What waits for one provider by one route, in order; economy work apart, since it goes in its own time.
#[derive(Clone, Debug)]
struct Line {
    provider: Arc<str>,
    route: Route,
    economy: bool,
    ranks: Vec<Rank>,
}

impl Line {
    fn is(&self, provider: &str, route: Route, economy: bool) -> bool {
        self.route == route && self.economy == economy && *self.provider == *provider
    }
}

/// All lanes at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When it was made.
    pub made_at: DateTime<Utc>,
    lanes: [LaneView; 3],
    places: HashMap<JobId, (Lane, u32)>,
    lines: Vec<Line>,
}

impl Snapshot {
    /// From all queued jobs.
    #[must_use]
    pub fn new(queued: &[Queued], now: DateTime<Utc>) -> Self {
        let mut order: Vec<(Rank, &Queued)> = queued.iter().map(|job| (job.place().rank(now), job)).collect();
        order.sort_unstable_by_key(|(rank, _)| *rank);
        let mut lanes: [LaneView; 3] = Default::default();
        let mut places = HashMap::with_capacity(queued.len());
        let mut lines: Vec<Line> = Vec::new();
        for (rank, job) in order {
            let lane = &mut lanes[index(job.lane)];
            lane.ranks.push(rank);
            lane.oldest = Some(lane.oldest.map_or(job.arrived_at, |oldest| oldest.min(job.arrived_at)));
            places.insert(job.id, (job.lane, u32::try_from(lane.ranks.len()).unwrap_or(u32::MAX)));
            let economy = job.lane == Lane::Economy;
            match lines.iter_mut().find(|line| line.is(&job.provider, job.route, economy)) {
                Some(line) => line.ranks.push(rank),
                None => {
                    let provider = job.provider.clone();
                    lines.push(Line { provider, route: job.route, economy, ranks: vec![rank] });
                }
            }
        }
        Self { made_at: now, lanes, places, lines }
    }

    /// One lane.
    #[must_use]
    pub const fn lane(&self, lane: Lane) -> &LaneView {
        &self.lanes[index(lane)]
    }

    /// Jobs that wait, in all lanes.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.places.len()
    }

    /// Every waiting job and its place in its lane, in no order.
    pub fn places(&self) -> impl Iterator<Item = (JobId, u32)> {
        self.places.iter().map(|(job, (_, place))| (*job, *place))
    }

    /// Where a job stands; `None` where it did not wait at that moment.
    #[must_use]
    pub fn spot(&self, job: JobId) -> Option<Spot> {
        let (lane, position) = self.places.get(&job)?;
        Some(Spot { lane: *lane, position: *position as usize, of: self.lane(*lane).len() })
    }

    /// Where a job would stand that came after the snapshot was made.
    #[must_use]
    pub fn would_stand(&self, lane: Lane, rank: Rank) -> Spot {
        let ranks = &self.lane(lane).ranks;
        let before = ranks.partition_point(|other| *other < rank);
        Spot { lane, position: before + 1, of: ranks.len() + 1 }
    }

    /// Jobs that go to the same provider by the same route before this one, wherever it came from: all that rank before it,
    /// and before economy work all that is in more of a hurry.
    #[must_use]
    pub fn ahead(&self, job: &Job) -> i64 {
        let rank = job.place().rank(self.made_at);
        let economy = job.lane == Lane::Economy;
        let before = |line: &Line| line.ranks.partition_point(|other| *other < rank);
        let line = |economy| self.lines.iter().find(move |line| line.is(&job.provider, job.route, economy));
        let ahead = match (economy, job.route) {
            (true, Route::Batch) => line(true).map_or(0, before) + line(false).map_or(0, |l| l.ranks.len()),
            (true, Route::Realtime) => line(true).map_or(0, before) + line(false).map_or(0, before),
            (false, Route::Realtime) => line(false).map_or(0, before) + line(true).map_or(0, before),
            (false, Route::Batch) => line(false).map_or(0, before),
        };
        i64::try_from(ahead).unwrap_or(i64::MAX)
    }
}

const fn index(lane: Lane) -> usize {
    match lane {
        Lane::Urgent => 0,
        Lane::Standard => 1,
        Lane::Economy => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn queued(n: u128, lane: Lane, provider: &str, priority: i64) -> Queued {
        Queued {
            id: JobId(uuid::Uuid::from_u128(n)),
            lane,
            route: Route::Batch,
            provider: provider.into(),
            priority,
            deadline: at(1_000_000),
            arrived_at: at(i64::try_from(n % 1_000).unwrap_or(0)),
        }
    }

    fn job(lane: Lane, provider: &str, priority: i64) -> Job {
        let like = queued(999, lane, provider, priority);
        Job {
            lane,
            provider: like.provider.to_string(),
            priority,
            deadline: like.deadline,
            ..super::super::testing::job(like.id, like.arrived_at)
        }
    }

    #[test]
    fn places_are_by_lane_and_the_line_by_provider() {
        let all = [
            queued(1, Lane::Standard, "openai", 10),
            queued(2, Lane::Standard, "anthropic", 10),
            queued(3, Lane::Urgent, "openai", 0),
            queued(4, Lane::Economy, "openai", 20),
            queued(5, Lane::Standard, "openai", 20),
        ];
        let snapshot = Snapshot::new(&all, at(10));
        let spot = |n| snapshot.spot(JobId(uuid::Uuid::from_u128(n)));
        assert_eq!(spot(2), Some(Spot { lane: Lane::Standard, position: 2, of: 3 }));
        assert_eq!(spot(5).map(|s| s.position), Some(3));
        assert_eq!((snapshot.waiting(), spot(9)), (5, None));
        assert_eq!(snapshot.lane(Lane::Standard).oldest, Some(at(1)));
        // Of the same provider, in whichever lane; not economy work, which goes in its own time.
        assert_eq!(snapshot.ahead(&job(Lane::Standard, "openai", 10)), 2);
        assert_eq!(snapshot.ahead(&job(Lane::Standard, "anthropic", 10)), 1);
        assert_eq!(snapshot.ahead(&job(Lane::Standard, "nobody", 10)), 0);
        assert_eq!(snapshot.ahead(&job(Lane::Economy, "openai", 20)), 4);
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "the figures are of interest")]
    fn a_hundred_thousand_are_put_in_order_quickly() {
        let took = |n: u128| {
            let provider = |n| if n % 2 == 0 { "openai" } else { "anthropic" };
            let lane = |n: u128| Lane::ALL[usize::try_from(n * 7 % 3).unwrap_or(0)];
            let priority = |n: u128| i64::try_from(n % 3).unwrap_or(0) * 10;
            let all: Vec<Queued> = (0..n).map(|n| queued(n, lane(n), provider(n), priority(n))).collect();
            let began = std::time::Instant::now();
            let snapshot = Snapshot::new(&all, at(2_000));
            let took = began.elapsed();
            assert_eq!(snapshot.waiting(), all.len());
            assert!(snapshot.ahead(&job(Lane::Standard, "openai", 10)) > 0);
            took
        };
        // Against each other, since machines differ: no more than sorting costs, with much to spare.
        let (few, many) = (took(10_000), took(100_000));
        eprintln!("10,000 places in {few:?}, 100,000 in {many:?}");
        assert!(many < few * 60, "{few:?} {many:?}");
    }
}
