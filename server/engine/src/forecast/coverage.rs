//! How often the first estimate was kept.

use crate::{queue::Lane, routing::Route};

/// How often estimates of one provider, lane and route were kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Coverage {
    /// The provider that marked the work, or has it.
    pub provider: String,
    /// The lane.
    pub lane: Lane,
    /// The route.
    pub route: Route,
    /// Jobs whose time has come: done, dead, or late.
    pub jobs: i64,
    /// Of those, done before the middle of the range (P50).
    pub within_p50: i64,
    /// Of those, done before its end (P90).
    pub within_p90: i64,
}

impl Coverage {
    /// The shares within P50 and P90, 0 to 1; none where there is no job.
    #[must_use]
    pub fn shares(&self) -> Option<(f64, f64)> {
        shares(self.jobs, self.within_p50, self.within_p90)
    }
}

/// All rows together: jobs, and the shares within P50 and P90.
#[must_use]
pub(crate) fn whole(rows: &[Coverage]) -> Option<(i64, f64, f64)> {
    let sum = |of: fn(&Coverage) -> i64| rows.iter().map(of).sum::<i64>();
    let jobs = sum(|c| c.jobs);
    let (p50, p90) = shares(jobs, sum(|c| c.within_p50), sum(|c| c.within_p90))?;
    Some((jobs, p50, p90))
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn shares(jobs: i64, p50: i64, p90: i64) -> Option<(f64, f64)> {
    (jobs > 0).then(|| (p50 as f64 / jobs as f64, p90 as f64 / jobs as f64))
}

/// Adds up rows of the same provider, lane and route, in their order.
pub(crate) fn gather(rows: Vec<Coverage>) -> Vec<Coverage> {
    let mut sums: Vec<Coverage> = Vec::new();
    for row in rows {
        let same = |c: &&mut Coverage| (&c.provider, c.lane, c.route) == (&row.provider, row.lane, row.route);
        match sums.iter_mut().find(same) {
            Some(sum) => {
                sum.jobs += row.jobs;
                sum.within_p50 += row.within_p50;
                sum.within_p90 += row.within_p90;
            }
            None => sums.push(row),
        }
    }
    sums.sort_by(|a, b| (&a.provider, a.lane, a.route.name()).cmp(&(&b.provider, b.lane, b.route.name())));
    sums
}
