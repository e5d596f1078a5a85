//! Writing bills down as deliveries once their month has ended.

use super::{body, store};
use crate::{
    billing::{self, Month},
    budget,
    engine::{Engine, EngineError},
    jobs::{self, Task},
};
use chrono::{DateTime, TimeDelta, Utc};

/// How long after its end a month is closed. What is booked counts to the day on which it is booked, so that nothing is
/// added to a month that has ended but by transactions that were under way and clocks that are late.
const SETTLED: TimeDelta = TimeDelta::hours(1);

/// The most months that are made up for, after a long stop.
const MOST: usize = 24;

impl Engine {
    /// Writes down the bills of months that have ended, each once whoever else looks; after the last one that there is, and
    /// as the first of all only the last month.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn bill_ended_months(&self) -> Result<(), EngineError> {
        if !self.webhook().is_on() {
            return Ok(());
        }
        let mut db = self.db();
        let now = self.now();
        let last = budget::Month::at(now - SETTLED, self.zone()).before();
        let known = store::last_month(&mut db).await?.and_then(|name| name.parse::<budget::Month>().ok());
        if known.is_some_and(|known| known >= last) {
            return Ok(());
        }
        let first = match known {
            Some(known) => known.next(),
            // Months before the first work have no bill.
            None if billing::first_day(&mut db).await?.is_some_and(|day| day <= last.last()) => last,
            None => return Ok(()),
        };
        let months = std::iter::successors(Some(first), |month| Some(month.next()));
        for month in months.take_while(|month| *month <= last).take(MOST) {
            self.bill_month(month, now).await?;
        }
        Ok(())
    }

    async fn bill_month(&self, month: budget::Month, now: DateTime<Utc>) -> Result<(), EngineError> {
        let mut tx = self.db().begin().await?;
        let ways = budget::by_way(&mut tx, month).await?;
        let closed = Month::new(month, self.zone());
        let text = body::body(&closed, self.zone().name(), &ways, &self.settings().public_url, now);
        let written = store::insert(&mut tx, self.world().id(), &month.to_string(), text, now).await?;
        if written {
            jobs::push(&mut tx, &[Task::PostBills], None).await?;
        }
        tx.commit().await?;
        if written {
            tracing::info!(%month, "the bill of a month is to be posted");
        }
        Ok(())
    }
}
