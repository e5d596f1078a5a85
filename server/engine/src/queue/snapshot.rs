//! The places of all waiting jobs at one moment, shared by all who look (ARCHITECTURE, decision 8).

use super::{Lane, Rank, store::Queued};
use crate::store::JobId;
use chrono::{DateTime, Utc};
use std::collections::HashMap;

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

/// All lanes at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When it was made.
    pub made_at: DateTime<Utc>,
    lanes: [LaneView; 3],
    places: HashMap<JobId, (Lane, u32)>,
}

impl Snapshot {
    /// From all queued jobs.
    #[must_use]
    pub fn new(queued: &[Queued], now: DateTime<Utc>) -> Self {
        let mut lanes: [LaneView; 3] = Default::default();
        for job in queued {
            let lane = &mut lanes[index(job.lane)];
            lane.ranks.push(job.place().rank(now));
            lane.oldest = Some(lane.oldest.map_or(job.arrived_at, |oldest| oldest.min(job.arrived_at)));
        }
        let mut places = HashMap::with_capacity(queued.len());
        for (lane, view) in Lane::ALL.into_iter().zip(&mut lanes) {
            view.ranks.sort_unstable();
            for (place, rank) in (1_u32..).zip(&view.ranks) {
                places.insert(rank.3, (lane, place));
            }
        }
        Self { made_at: now, lanes, places }
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
}

const fn index(lane: Lane) -> usize {
    match lane {
        Lane::Urgent => 0,
        Lane::Standard => 1,
        Lane::Economy => 2,
    }
}
