//! How all stands: what administrators look at first.

use super::{Engine, EngineError, Load};
use crate::{
    batching::{BatchView, BatchViewError},
    budget::{self, INSTITUTION, Month, Spending, begin_of, day_of},
    calling,
    forecast::Estimates,
    identity::{Act, Actor},
    provider::health::Figures,
    queue::{Lane, Turnaround},
    store::{Exec, NanoUsd},
    trial,
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use std::sync::Arc;

/// How all stands.
#[derive(Clone, Debug)]
pub struct Overview {
    /// When it was looked at.
    pub at: DateTime<Utc>,
    /// What waits and what is with providers.
    pub load: Arc<Load>,
    /// The lanes, the most urgent first.
    pub lanes: Vec<LaneOverview>,
    /// Batches that are not finished, the newest first.
    pub batches: Vec<BatchView>,
    /// The providers.
    pub providers: Vec<ProviderOverview>,
    /// Submissions marked since midnight.
    pub marked_today: i64,
    /// Half of them were marked within this time.
    pub median_wait: Option<TimeDelta>,
    /// The month's money.
    pub money: MoneyOverview,
    /// Jobs that ran out of remedies.
    pub dead: i64,
    /// How estimates were kept, and when to send.
    pub estimates: Estimates,
}

/// One lane.
#[derive(Clone, Debug)]
pub struct LaneOverview {
    /// Which.
    pub lane: Lane,
    /// Jobs waiting in it.
    pub waiting: i64,
    /// When the oldest of them came.
    pub oldest: Option<DateTime<Utc>>,
    /// Of those for batches, the greatest number that waits for one provider, and that provider's batch size.
    pub fill: (i64, i64),
    /// When the next batch is cut at the latest.
    pub next_cut: Option<DateTime<Utc>>,
}

/// One provider.
#[derive(Clone, Debug)]
pub struct ProviderOverview {
    /// Its name.
    pub name: String,
    /// Its models.
    pub models: Vec<String>,
    /// Its address.
    pub base_url: String,
    /// Batches with it, and how many it takes.
    pub batches: (i64, i64),
    /// Input tokens with it, and how many it takes.
    pub tokens: (i64, Option<u64>),
    /// How long its batches take.
    pub turnaround: Turnaround,
    /// Some of its batches were measured.
    pub measured: bool,
    /// Calls in real time in the last hour: answered, and all that ended.
    pub calls: (i64, i64),
    /// How it is, as far as all processes know.
    pub health: Figures,
    /// The latest failure of a batch that is not finished.
    pub error: Option<String>,
}

/// The month's money.
#[derive(Clone, Debug)]
pub struct MoneyOverview {
    /// The month's first day.
    pub month: NaiveDate,
    /// Today.
    pub today: NaiveDate,
    /// The institution's budget.
    pub budget: Option<NanoUsd>,
    /// The institution's sums.
    pub spending: Spending,
    /// Calls spent without an answer, and what they were booked at.
    pub lost: (i64, NanoUsd),
    /// What the answers of the month would have cost in real time.
    pub realtime: NanoUsd,
    /// Spent by the end of each day.
    pub by_day: Vec<(NaiveDate, NanoUsd)>,
}

impl Engine {
    /// How all stands.
    ///
    /// # Errors
    /// If the person may not, or the database fails.
    pub async fn overview(&self, actor: &Actor) -> Result<Overview, BatchViewError> {
        self.identity().check(actor, &Act::SeeOverview).await?;
        let now = self.now();
        let load = self.load();
        let midnight = begin_of(day_of(now, self.zone()), self.zone());
        let mut db = self.db();
        let waits: Vec<(DateTime<Utc>, DateTime<Utc>)> = db
            .query(
                "SELECT arrived_at, finished_at FROM model_jobs WHERE state = 'done' AND finished_at >= $1",
            )
            .bind(midnight)
            .all()
            .await?;
        let mut seconds: Vec<TimeDelta> = waits.iter().map(|(from, to)| *to - *from).collect();
        seconds.sort_unstable();
        let (dead,): (i64,) =
            db.query("SELECT COUNT(*) FROM dead_letters WHERE resolution IS NULL").one().await?;
        let batches = self.open_batches(actor).await?;
        let providers = self.provider_overviews(&load, &batches, now).await?;
        Ok(Overview {
            at: now,
            lanes: Lane::ALL.into_iter().map(|lane| self.lane_overview(lane, &load, now)).collect(),
            batches,
            providers,
            marked_today: i64::try_from(seconds.len()).unwrap_or(i64::MAX),
            median_wait: seconds.get(seconds.len() / 2).copied(),
            money: self.money_overview(now).await?,
            dead,
            estimates: self.estimates(actor).await?,
            load,
        })
    }

    /// How the providers are.
    ///
    /// # Errors
    /// If the person may not, or the database fails.
    pub async fn providers_seen(&self, actor: &Actor) -> Result<Vec<ProviderOverview>, BatchViewError> {
        self.identity().check(actor, &Act::SeeOverview).await?;
        let batches = self.open_batches(actor).await?;
        Ok(self.provider_overviews(&self.load(), &batches, self.now()).await?)
    }

    async fn provider_overviews(
        &self,
        load: &Load,
        batches: &[BatchView],
        now: DateTime<Utc>,
    ) -> Result<Vec<ProviderOverview>, EngineError> {
        let mut db = self.db();
        let mut providers = Vec::new();
        for entry in self.providers() {
            let flight: Vec<_> = load.in_flight.iter().filter(|f| f.provider == entry.name).collect();
            let (answered, ended): (i64, i64) = db
                .query(
                    "SELECT CAST(COALESCE(SUM(CASE WHEN state = 'answered' THEN 1 ELSE 0 END), 0) AS BIGINT), COUNT(*) \
                     FROM calls WHERE provider = $1 AND ended_at >= $2",
                )
                .bind(entry.name.clone())
                .bind(now - TimeDelta::hours(1))
                .one()
                .await?;
            providers.push(ProviderOverview {
                name: entry.name.clone(),
                models: entry.settings.models.clone(),
                base_url: entry.base_url.to_string(),
                batches: (flight.iter().map(|f| f.batches).sum(), entry.sizes().slots),
                tokens: (flight.iter().map(|f| f.tokens).sum(), entry.limits().enqueued_tokens),
                turnaround: load.turnaround(&entry.name).unwrap_or(self.settings().turnaround_prior),
                measured: load.measured(&entry.name),
                calls: (answered, ended),
                health: self.figures_of(&entry.name),
                error: batches
                    .iter()
                    .find(|b| b.batch.provider == entry.name && b.batch.failures > 0)
                    .and_then(|b| b.batch.error.clone()),
            });
        }
        Ok(providers)
    }

    fn lane_overview(&self, lane: Lane, load: &Load, now: DateTime<Utc>) -> LaneOverview {
        let snapshot = self.snapshot();
        let view = snapshot.lane(lane);
        let fullest = load
            .backlog
            .iter()
            .filter(|b| b.lane == lane)
            .filter_map(|b| Some((b.waiting, self.registry().get(&b.provider)?)))
            .max_by_key(|(waiting, _)| *waiting);
        let next_cut = fullest.as_ref().and_then(|(_, entry)| {
            if lane == Lane::Economy { &entry.economy_schedule } else { entry.schedule() }.next_after(now)
        });
        LaneOverview {
            lane,
            waiting: i64::try_from(view.len()).unwrap_or(i64::MAX),
            oldest: view.oldest,
            fill: fullest.map_or((0, 1), |(waiting, entry)| (waiting, entry.sizes().max)),
            next_cut,
        }
    }

    async fn money_overview(&self, now: DateTime<Utc>) -> Result<MoneyOverview, EngineError> {
        let zone = self.zone();
        let today = day_of(now, zone);
        let month = Month::of(today);
        let mut db = self.db();
        let spending = budget::spending(&mut db, month).await?;
        let budgets = budget::budgets(&mut db).await?;
        let by_day = budget::by_day(&mut db, (month.first(), today), None).await?;
        let mut realtime = NanoUsd::ZERO;
        for (way, paid) in budget::by_way(&mut db, month).await? {
            // What has no price any more costs what was paid: nothing is claimed to be saved by it.
            realtime += self.in_real_time(&way, &paid).unwrap_or(paid.spent);
        }
        let begun = begin_of(month.first(), zone);
        let calls = calling::store::lost_since(&mut db, begun).await?;
        let tries = trial::lost_since(&mut db, begun).await?;
        let lost = (calls.0 + tries.0, calls.1 + tries.1);
        Ok(MoneyOverview {
            month: month.first(),
            today,
            budget: budgets.into_iter().find(|b| b.scope == INSTITUTION).map(|b| b.limit),
            spending: spending.into_iter().find(|s| s.scope == INSTITUTION).unwrap_or_default(),
            lost,
            realtime,
            by_day: budget::summed(month.first(), today, &by_day),
        })
    }
}
