//! A simulated week in virtual time: do nine of ten really come back before the end of their estimate?
//!
//! Arrivals follow a daily rhythm with a rush before two deadlines; each provider's turnaround depends on hour, size and
//! chance, and its slots are few. What is tried is the real thing: the queue's order, readiness, composition, and the
//! estimates with their models fitted, and corrected, anew each hour. Only the providers and the clock are made up.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation
)]

use super::{
    CallOutlook, Correction, Forecast, Outcome, Outlook, Pending, QueueFacts, Sample,
    correction::{CORRECTION_DAYS, MOST_OUTCOMES},
    history::hour_of,
    model::{
        calls,
        tests::{PRIOR, bell},
    },
};
use crate::{
    batching::{self, InLine, Readiness, Room, Sizes, Target, candidates, line_up, readiness},
    provider::{
        HardLimits,
        registry::{Schedule, parse_schedule},
    },
    queue::{
        Job, Lane, Lanes, PRIORITY_HIGH, PRIORITY_LOW, PRIORITY_MEDIUM, Promise, Snapshot, Turnaround,
        no_hurry, store::Queued,
    },
    routing::Route,
    store::{JobId, ManualClock, SeededChance, World},
};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::{Europe::Stockholm, Tz};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    sync::Arc,
};

const ZONE: Tz = Stockholm;
const TICK: i64 = 10;
const DAY: i64 = 86_400;

/// A provider that is made up.
struct Provider {
    name: &'static str,
    sizes: Sizes,
    schedule: Schedule,
    economy: Schedule,
    /// Seconds that a batch of forty takes at night.
    base: f64,
    /// The share of jobs that go to it.
    share: f64,
    samples: Vec<Sample>,
    forecast: Arc<Forecast>,
    away: Vec<Away>,
    cuts: Vec<(DateTime<Utc>, i64)>,
    fires: Vec<DateTime<Utc>>,
    economy_fires: Vec<DateTime<Utc>>,
}

struct Away {
    cut_at: DateTime<Utc>,
    back_at: DateTime<Utc>,
    jobs: Vec<JobId>,
}

impl Provider {
    fn new(
        name: &'static str,
        (min, max, slots): (i64, i64, i64),
        every: i64,
        base: f64,
        share: f64,
    ) -> Self {
        let schedule = |text: &str| parse_schedule(text).unwrap().in_zone(ZONE);
        let longest = TimeDelta::minutes(every);
        Self {
            name,
            sizes: Sizes { min, max, slots, longest, longest_economy: TimeDelta::hours(4) },
            schedule: schedule(&format!("*/{every} * * * *")),
            economy: schedule("0 */2 * * *"),
            base,
            share,
            samples: Vec::new(),
            forecast: Arc::new(Forecast::new(&[], PRIOR, 2)),
            away: Vec::new(),
            cuts: Vec::new(),
            fires: Vec::new(),
            economy_fires: Vec::new(),
        }
    }

    /// What nature does: slow afternoons, a root of the size, chance, and now and then a batch that hangs.
    fn takes(&self, world: &World, at: DateTime<Utc>, jobs: usize) -> TimeDelta {
        let hour = hour_of(at, ZONE);
        let day = 1.0 + 1.4 * (-((hour - 15.0) / 3.0).powi(2)).exp();
        let hang = if world.fraction() < 0.02 { 2.5 } else { 1.0 };
        let seconds = self.base * day * (jobs as f64 / 40.0).powf(0.35) * (0.35 * bell(world)).exp() * hang;
        TimeDelta::seconds(seconds as i64)
    }

    /// Fires of both schedules in this tick; keeps the next ones known.
    fn tick(&mut self, now: DateTime<Utc>) -> (bool, bool) {
        let renew = |schedule: &Schedule, known: &mut Vec<DateTime<Utc>>| {
            let fired = known.first().is_some_and(|at| *at <= now);
            known.retain(|at| *at > now);
            while known.len() < 16 {
                let last = known.last().copied().unwrap_or(now);
                known.push(schedule.next_after(last).unwrap());
            }
            fired
        };
        (renew(&self.schedule, &mut self.fires), renew(&self.economy, &mut self.economy_fires))
    }

    fn outlook(&self, queue: &[Job], now: DateTime<Utc>) -> Outlook {
        let own = || queue.iter().filter(|job| job.provider == self.name);
        let economy = own().filter(|job| job.lane == Lane::Economy).count() as i64;
        let waiting = own().count() as i64;
        let hour_ago = now - TimeDelta::hours(1);
        let came: i64 = self.cuts.iter().rev().take_while(|(at, _)| *at >= hour_ago).map(|(_, n)| n).sum();
        let ready = |job: &&Job| job.lane != Lane::Economy && job.ready_at <= now;
        let facts = QueueFacts {
            now,
            zone: ZONE,
            sizes: self.sizes,
            away: self.away.iter().map(|batch| (batch.cut_at, batch.jobs.len() as i64)).collect(),
            hurried: waiting - economy,
            economy,
            oldest: own().filter(ready).map(|job| job.arrived_at).min(),
            per_second: (came + waiting) as f64 / 3600.0,
            fires: self.fires.clone(),
            economy_fires: self.economy_fires.clone(),
        };
        Outlook::new(facts, self.forecast.clone())
    }
}

/// Jobs that come each hour.
fn arrivals_per_hour(now: DateTime<Utc>, day: i64) -> f64 {
    let hour = hour_of(now, ZONE);
    if (day == 2 || day == 4) && (20.0..22.0).contains(&hour) {
        return 700.0;
    }
    let weekday = match hour {
        h if h < 7.0 => 4.0,
        h if h < 13.0 => 40.0,
        h if h < 19.0 => 90.0,
        _ => 30.0,
    };
    if day >= 5 { weekday * 0.4 } else { weekday }
}

/// How estimates were kept, of one kind of job.
#[derive(Clone, Copy, Default)]
struct Kept {
    jobs: u32,
    p50: u32,
    p90: u32,
}

impl Kept {
    fn share(&self) -> f64 {
        f64::from(self.p90) / f64::from(self.jobs.max(1))
    }
}

struct Week {
    world: World,
    clock: Arc<ManualClock>,
    start: DateTime<Utc>,
    providers: Vec<Provider>,
    queue: Vec<Job>,
    promised: HashMap<JobId, (Job, Promise)>,
    outcomes: Vec<Outcome>,
    correction: Correction,
    calls: Vec<(DateTime<Utc>, JobId, f64)>,
    call_seconds: Vec<f64>,
    call_outlook: CallOutlook,
    kept: BTreeMap<(i64, &'static str, &'static str), Kept>,
}

impl Week {
    fn new(seed: u64) -> Self {
        // A Monday, at midnight in Stockholm.
        let start: DateTime<Utc> = "2026-11-22T23:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock::new(start));
        Self {
            world: World::new(clock.clone(), Arc::new(SeededChance::new(seed))),
            clock,
            start,
            providers: vec![
                Provider::new("openai", (10, 200, 3), 10, 1_500.0, 0.6),
                Provider::new("anthropic", (5, 100, 2), 15, 1_100.0, 0.4),
            ],
            queue: Vec::new(),
            promised: HashMap::new(),
            outcomes: Vec::new(),
            correction: Correction::default(),
            calls: Vec::new(),
            call_seconds: Vec::new(),
            call_outlook: CallOutlook { turnaround: Turnaround { p50: 5, p90: 20 }, width: 16 },
            kept: BTreeMap::new(),
        }
    }

    fn run(mut self) -> BTreeMap<(i64, &'static str, &'static str), Kept> {
        let mut second = 0;
        while second < 7 * DAY || !self.promised.is_empty() {
            let now = self.world.now();
            self.come_back(now);
            let fired: Vec<(bool, bool)> = self.providers.iter_mut().map(|p| p.tick(now)).collect();
            if second % 3600 == 0 {
                self.fit();
            }
            if second < 7 * DAY {
                self.arrive(now, second / DAY);
            }
            for (place, fired) in fired.into_iter().enumerate() {
                self.cut(place, fired, now);
            }
            second += TICK;
            self.clock.advance(TimeDelta::seconds(TICK));
            assert!(second < 12 * DAY, "{} never came back", self.promised.len());
        }
        self.kept
    }

    fn fit(&mut self) {
        for provider in &mut self.providers {
            provider.samples.sort_by_key(|sample| sample.sent_at);
            let newest = provider.samples.len().saturating_sub(400);
            provider.forecast =
                Arc::new(Forecast::new(&provider.samples[newest..], PRIOR, provider.sizes.slots));
        }
        let old = self.world.now() - TimeDelta::days(CORRECTION_DAYS);
        let newest = self.outcomes.len().saturating_sub(MOST_OUTCOMES as usize);
        self.outcomes.drain(..newest);
        self.outcomes.retain(|outcome| outcome.finished_at >= old);
        self.correction = Correction::new(&self.outcomes);
        let newest = self.call_seconds.len().saturating_sub(400);
        let (turnaround, _) = calls(self.call_seconds[newest..].to_vec(), Turnaround { p50: 5, p90: 20 });
        self.call_outlook.turnaround = turnaround;
    }

    fn come_back(&mut self, now: DateTime<Utc>) {
        let mut done: Vec<(JobId, DateTime<Utc>)> = Vec::new();
        for provider in &mut self.providers {
            let (back, away) = std::mem::take(&mut provider.away).into_iter().partition(|b| b.back_at <= now);
            provider.away = away;
            for batch in back {
                let jobs = batch.jobs.len() as i64;
                provider.samples.push(Sample::new(batch.cut_at, batch.back_at, jobs, jobs * 900, ZONE));
                done.extend(batch.jobs.iter().map(|job| (*job, batch.back_at)));
            }
        }
        let (ended, open) = std::mem::take(&mut self.calls).into_iter().partition(|(at, ..)| *at <= now);
        self.calls = open;
        for (at, job, seconds) in ended {
            self.call_seconds.push(seconds);
            done.push((job, at));
        }
        for (id, at) in done {
            let (job, Promise { estimate, reckoned }) = self.promised.remove(&id).unwrap();
            self.outcomes.push(Outcome {
                provider: job.provider.clone(),
                lane: job.lane,
                route: job.route,
                arrived_at: job.arrived_at,
                finished_at: at,
                reckoned_p50: reckoned.p50,
                reckoned_p90: reckoned.p90,
            });
            let day = (job.arrived_at - self.start).num_days();
            let lane = if job.route == Route::Realtime { "real time" } else { job.lane.name() };
            let provider = self.providers.iter().find(|p| p.name == job.provider).unwrap().name;
            let kept = self.kept.entry((day, lane, provider)).or_default();
            kept.jobs += 1;
            kept.p50 += u32::from(at <= estimate.from);
            kept.p90 += u32::from(at <= estimate.to);
        }
    }

    /// As many as chance brings in one tick; each is told an estimate.
    fn arrive(&mut self, now: DateTime<Utc>, day: i64) {
        let mean = arrivals_per_hour(now, day) * TICK as f64 / 3600.0;
        let mut left = (-mean).exp();
        let mut jobs = 0;
        let mut chance = self.world.fraction();
        while chance > left && jobs < 100 {
            jobs += 1;
            chance -= left;
            left *= mean / f64::from(jobs);
        }
        if jobs == 0 {
            return;
        }
        let queued: Vec<Queued> = self.queue.iter().map(queued).collect();
        let snapshot = Snapshot::new(&queued, now);
        let mut outlooks: Vec<Option<Outlook>> = self.providers.iter().map(|_| None).collect();
        let mut assigned = vec![0; self.providers.len()];
        for _ in 0..jobs {
            let job = self.job(now, day);
            let place = self.providers.iter().position(|p| p.name == job.provider).unwrap();
            let reckoned = if job.route == Route::Realtime {
                let seconds = 4.0 * (0.5 * bell(&self.world)).exp();
                self.calls.push((now + TimeDelta::milliseconds((seconds * 1000.0) as i64), job.id, seconds));
                self.call_outlook.waiting(now, 0, now)
            } else {
                let ahead = snapshot.ahead(&job) + assigned[place];
                assigned[place] += 1;
                let Job { lane, arrived_at, ready_at, .. } = job;
                let outlook =
                    outlooks[place].get_or_insert_with(|| self.providers[place].outlook(&self.queue, now));
                let reckoned = outlook.waiting(&Pending { lane, arrived_at, ready_at, ahead }, now);
                self.queue.push(job.clone());
                reckoned
            };
            let promise = self.correction.promise(&job.provider, job.lane, job.route, reckoned, now);
            self.promised.insert(job.id, (job, promise));
        }
    }

    fn job(&self, now: DateTime<Utc>, day: i64) -> Job {
        let first = self.world.fraction() < self.providers[0].share;
        let kind = self.world.fraction();
        let (lane, route, priority) = match kind {
            k if k < 0.05 => (Lane::Urgent, Route::Realtime, PRIORITY_HIGH),
            k if k < 0.08 => (Lane::Urgent, Route::Batch, PRIORITY_HIGH),
            k if k < 0.60 => (Lane::Standard, Route::Batch, PRIORITY_MEDIUM),
            k if k < 0.80 => (Lane::Standard, Route::Batch, PRIORITY_LOW),
            _ => (Lane::Economy, Route::Batch, PRIORITY_LOW),
        };
        let gather = i64::from(Lanes::default().of(lane).gather_seconds);
        let soon = self.start + TimeDelta::days(day + 1);
        Job {
            lane,
            route,
            provider: self.providers[usize::from(!first)].name.to_owned(),
            priority,
            deadline: if priority < PRIORITY_LOW { soon } else { no_hurry() },
            joined: 0,
            ready_at: now + TimeDelta::seconds(gather),
            ..crate::queue::testing::job(self.world.id(), now)
        }
    }

    fn cut(&mut self, place: usize, (fired, economy_fired): (bool, bool), now: DateTime<Utc>) {
        let provider = &mut self.providers[place];
        let ready: Vec<&Job> =
            self.queue.iter().filter(|job| job.provider == provider.name && job.ready_at <= now).collect();
        let count = |lane| ready.iter().filter(|job| job.lane == lane).count() as i64;
        let oldest = |economy| {
            ready.iter().filter(|job| (job.lane == Lane::Economy) == economy).map(|job| job.arrived_at).min()
        };
        let open_batches = provider.away.len() as i64;
        let facts = batching::QueueFacts {
            urgent: count(Lane::Urgent),
            standard: count(Lane::Standard),
            economy: count(Lane::Economy),
            oldest: oldest(false),
            oldest_economy: oldest(true),
            fired,
            economy_fired,
            open_batches,
        };
        // From the smallest size on nothing is worth waiting for: what a provider charges plays no part here.
        let target = || Target { size: provider.sizes.min, until: None };
        let Readiness::Cut(reason) = readiness(&facts, &provider.sizes, target, now) else { return };
        let room = Room {
            jobs: provider.sizes.max,
            batches: provider.sizes.slots - open_batches,
            hard: HardLimits { requests: 50_000, bytes: 200_000_000, enqueued_tokens: None },
            tokens_left: None,
            target: provider.sizes.max,
            least: provider.sizes.min,
        };
        let ready: Vec<Job> = ready.into_iter().cloned().collect();
        let (line, too_large) = line_up(ready, reason.takes_economy(), &room, now);
        assert!(too_large.is_empty());
        let line: Vec<InLine> = line.into_iter().map(|job| InLine { job, prefix: None }).collect();
        let batches = candidates(&line, &room).swap_remove(0).batches.unwrap();
        for batch in batches {
            let jobs: Vec<JobId> = batch.jobs.iter().map(|place| line[*place].job.id).collect();
            let back_at = now + provider.takes(&self.world, now, jobs.len());
            provider.cuts.push((now, jobs.len() as i64));
            let taken: std::collections::HashSet<JobId> = jobs.iter().copied().collect();
            self.queue.retain(|job| !taken.contains(&job.id));
            provider.away.push(Away { cut_at: now, back_at, jobs });
        }
    }
}

fn queued(job: &Job) -> Queued {
    Queued {
        id: job.id,
        lane: job.lane,
        route: job.route,
        provider: job.provider.as_str().into(),
        priority: job.priority,
        deadline: job.deadline,
        arrived_at: job.arrived_at,
    }
}

fn table(out: &mut String, title: &str, kept: impl Iterator<Item = (String, Kept)>) -> Kept {
    let mut rows: BTreeMap<String, Kept> = BTreeMap::new();
    let mut all = Kept::default();
    for (name, kept) in kept {
        for sum in [rows.entry(name).or_default(), &mut all] {
            sum.jobs += kept.jobs;
            sum.p50 += kept.p50;
            sum.p90 += kept.p90;
        }
    }
    writeln!(out, "{title}").unwrap();
    for (name, sum) in &rows {
        let middle = f64::from(sum.p50) / f64::from(sum.jobs.max(1)) * 100.0;
        let end = sum.share() * 100.0;
        writeln!(out, "  {name:<12} {:>6} jobs, P50 {middle:>5.1} %, P90 {end:>5.1} %", sum.jobs).unwrap();
    }
    all
}

/// The share of all jobs after the first day that came back before their P90, and the figures in words.
fn coverage(seed: u64) -> (f64, String) {
    let kept = Week::new(seed).run();
    let mut out = String::new();
    let rows = || kept.iter().map(|(key, kept)| (*key, *kept));
    let after = || rows().filter(|((day, ..), _)| *day >= 1);
    let days = rows().map(|((day, ..), k)| (format!("day {}", day + 1), k));
    table(&mut out, &format!("seed {seed}, by day"), days);
    table(&mut out, "  after the first day, by lane", after().map(|((_, lane, _), k)| (lane.to_owned(), k)));
    let all = table(&mut out, "  by provider", after().map(|((.., provider), k)| (provider.to_owned(), k)));
    (all.share(), out)
}

#[test]
fn nine_of_ten_come_back_within_their_estimate_in_a_simulated_week() {
    let began = std::time::Instant::now();
    let weeks: Vec<(f64, String)> = std::thread::scope(|scope| {
        let weeks: Vec<_> = (11..=15).map(|seed| scope.spawn(move || coverage(seed))).collect();
        weeks.into_iter().map(|week| week.join().unwrap()).collect()
    });
    for (_, figures) in &weeks {
        eprint!("{figures}");
    }
    let shares: Vec<f64> = weeks.iter().map(|(share, _)| *share).collect();
    eprintln!("P90 coverage by seed: {shares:.3?} in {:?}", began.elapsed());
    for (seed, share) in (11..).zip(shares) {
        assert!((0.85..=0.95).contains(&share), "seed {seed}: {share}");
    }
}
