//! Replaying past decisions under other rules (SPEC 2.6): what would have changed in routes, cost and waiting. Pure: the
//! facts that a decision saw were kept with it.

use super::{Facts, Route, RuleSet, decide::choose_by};
use crate::{
    queue::Lane,
    store::{JobId, NanoUsd},
};
use serde::Deserialize;

/// What is read of a decision to replay it.
#[derive(Debug, Deserialize)]
pub(super) struct Past {
    route: Route,
    lane: Lane,
    provider: String,
    model: String,
    #[serde(default)]
    hold: bool,
    #[serde(default)]
    rule: Option<String>,
    cost: NanoUsd,
    seconds: (i64, i64),
    facts: Facts,
}

/// One way of deciding about the same work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// Works marked in real time.
    pub realtime: u64,
    /// Works marked in batches.
    pub batch: u64,
    /// Works whose marks a rule holds for approval.
    pub held: u64,
    /// What all of them are expected to cost.
    pub cost: NanoUsd,
    /// Seconds within which half of the works are expected back: the median of their expected waits.
    pub half_within: i64,
    /// The longest wait: within this nine of ten works like the slowest are expected back.
    pub longest: i64,
}

/// Where a work went, or would go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Went {
    /// The route.
    pub route: Route,
    /// The lane.
    pub lane: Lane,
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// A rule holds the marks for approval.
    pub held: bool,
    /// Name of the rule; none where nothing applied.
    pub rule: Option<String>,
    /// Expected cost.
    pub cost: NanoUsd,
}

/// A work that would go another way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The job.
    pub job: JobId,
    /// Where it went.
    pub was: Went,
    /// Where it would go.
    pub would_be: Went,
}

/// What would have changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// Works whose decisions were replayed.
    pub replayed: u64,
    /// Works whose decisions can't be replayed: written by another version of Quire, or no provider suits.
    pub left_out: u64,
    /// As it was decided.
    pub was: Side,
    /// As it would be decided.
    pub would_be: Side,
    /// Works that would go another way.
    pub changed: u64,
    /// Some of these, the newest first.
    pub changes: Vec<Change>,
}

/// So many works that would go another way are named.
pub const MOST_NAMED: usize = 1_000;

/// A replay under way: a part of the past after the other.
#[derive(Debug, Default)]
pub struct Tally {
    replay: Replay,
    /// Expected waits, as they were and as they would be.
    waits: [Vec<(i64, i64)>; 2],
}

impl Tally {
    /// Decides again about one work.
    pub fn add(&mut self, rules: &RuleSet, job: JobId, decision: &str, gather: impl Fn(Lane) -> i64) {
        let Ok(past) = serde_json::from_str::<Past>(decision) else {
            self.replay.left_out += 1;
            return;
        };
        let Ok(now) = choose_by(rules, &past.facts) else {
            self.replay.left_out += 1;
            return;
        };
        let provider = &past.facts.providers[now.provider];
        let was = Went {
            route: past.route,
            lane: past.lane,
            provider: past.provider,
            model: past.model,
            held: past.hold,
            rule: past.rule,
            cost: past.cost,
        };
        let would_be = Went {
            route: now.route,
            lane: now.lane,
            provider: provider.name.clone(),
            model: provider.model.clone(),
            held: now.rule.is_some_and(|rule| rule.action.hold),
            rule: now.rule.map(|rule| rule.name.clone()),
            cost: provider.cost(now.route),
        };
        let wait = |went: &Went, (half, most): (i64, i64)| {
            let gathers = if went.route == Route::Batch { gather(went.lane) } else { 0 };
            (gathers + half, gathers + most)
        };
        self.waits[0].push(wait(&was, past.seconds));
        self.waits[1].push(wait(&would_be, provider.seconds(now.route)));
        self.replay.replayed += 1;
        self.replay.was.add(&was);
        self.replay.would_be.add(&would_be);
        if !was.is_like(&would_be) {
            self.replay.changed += 1;
            self.replay.changes.push(Change { job, was, would_be });
        }
    }

    /// Takes up what was counted elsewhere of later work.
    pub fn join(&mut self, later: Self) {
        let Self { replay, waits } = later;
        for (side, other) in
            [(&mut self.replay.was, replay.was), (&mut self.replay.would_be, replay.would_be)]
        {
            side.realtime += other.realtime;
            side.batch += other.batch;
            side.held += other.held;
            side.cost += other.cost;
        }
        self.replay.replayed += replay.replayed;
        self.replay.left_out += replay.left_out;
        self.replay.changed += replay.changed;
        self.replay.changes.extend(replay.changes);
        let too_many = self.replay.changes.len().saturating_sub(MOST_NAMED);
        self.replay.changes.drain(..too_many);
        for (mine, other) in self.waits.iter_mut().zip(waits) {
            mine.extend(other);
        }
    }

    /// The outcome.
    #[must_use]
    pub fn outcome(mut self) -> Replay {
        let [was, would_be] = &mut self.waits;
        for (waits, side) in [(was, &mut self.replay.was), (would_be, &mut self.replay.would_be)] {
            side.longest = waits.iter().map(|(_, most)| *most).max().unwrap_or(0);
            let middle = waits.len() / 2;
            if !waits.is_empty() {
                side.half_within = waits.select_nth_unstable(middle).1.0;
            }
        }
        self.replay.changes.reverse();
        self.replay.changes.truncate(MOST_NAMED);
        self.replay
    }
}

impl Went {
    /// The same comes of it, whatever rule asks for it.
    fn is_like(&self, other: &Self) -> bool {
        let way = |went: &Self| (went.route, went.lane, went.held);
        way(self) == way(other) && self.provider == other.provider && self.model == other.model
    }
}

impl Side {
    fn add(&mut self, went: &Went) {
        match went.route {
            Route::Realtime => self.realtime += 1,
            Route::Batch => self.batch += 1,
        }
        self.held += u64::from(went.held);
        self.cost += went.cost;
    }
}
