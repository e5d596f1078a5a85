//! Lines of the ledger (SPEC 7.1). Each line moves three sums: what is reserved (the worst case, against the hard
//! stop), what is expected, and what is spent; the state of the accounts is the sum of all lines.

use super::month::day_of;
use crate::{
    cost_control::Measures,
    provider::Usage,
    store::{BatchId, CallId, CourseId, JobId, LedgerLineId, NanoUsd, World},
};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// What a line records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Kind {
    /// Money held for a job before it is sent.
    Reserve,
    /// An answer was paid for, at the provider's own figures; what was held is given back.
    Settle,
    /// What was held is given back; nothing was paid.
    Release,
    /// Spent without an answer: a call in real time was cut off, may have been paid for, and is booked at the price
    /// that was reserved.
    Lost,
}

/// Whom a line is charged to.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Account {
    /// The job.
    pub job_id: JobId,
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The course.
    pub course_id: CourseId,
    /// The course's cost centre.
    pub cost_centre: String,
}

/// Tokens of a line, as the provider counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Tokens {
    /// All tokens read.
    pub input_tokens: i64,
    /// Of these, from the cache.
    pub cached_tokens: i64,
    /// Of these, written to the cache for a short time.
    pub cache_write_tokens: i64,
    /// Of these, written to the cache for a long time.
    pub cache_write_long_tokens: i64,
    /// All tokens written.
    pub output_tokens: i64,
    /// Of these, reasoning.
    pub reasoning_tokens: i64,
}

impl From<Usage> for Tokens {
    fn from(usage: Usage) -> Self {
        let int = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        Self {
            input_tokens: int(usage.input_tokens),
            cached_tokens: int(usage.cached_tokens),
            cache_write_tokens: int(usage.cache_write_tokens),
            cache_write_long_tokens: int(usage.cache_write_long_tokens),
            output_tokens: int(usage.output_tokens),
            reasoning_tokens: int(usage.reasoning_tokens),
        }
    }
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        Self {
            input_tokens: count(tokens.input_tokens),
            cached_tokens: count(tokens.cached_tokens),
            cache_write_tokens: count(tokens.cache_write_tokens),
            cache_write_long_tokens: count(tokens.cache_write_long_tokens),
            output_tokens: count(tokens.output_tokens),
            reasoning_tokens: count(tokens.reasoning_tokens),
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Line {
    /// Its id.
    pub id: LedgerLineId,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// The day it counts to, in the institution's time zone.
    pub day: NaiveDate,
    /// What it records.
    pub kind: Kind,
    /// Whom it is charged to.
    #[sqlx(flatten)]
    pub account: Account,
    /// The batch, where there was one.
    pub batch_id: Option<BatchId>,
    /// The call in real time, where there was one.
    pub call_id: Option<CallId>,
    /// Moves the sum that is held.
    #[sqlx(rename = "reserved_nano")]
    pub reserved: NanoUsd,
    /// Moves the sum that is expected.
    #[sqlx(rename = "expected_nano")]
    pub expected: NanoUsd,
    /// Moves the sum that is spent.
    #[sqlx(rename = "spent_nano")]
    pub spent: NanoUsd,
    /// The provider's id of the answer.
    pub response_id: Option<String>,
    /// Tokens, where an answer came.
    #[sqlx(flatten)]
    pub tokens: Tokens,
    /// Anything a reader of the ledger should know.
    pub note: Option<String>,
    /// The measures of cost control under which its batch was put together, or its call was answered; only the sums by day
    /// keep them.
    #[sqlx(skip)]
    pub measures: Measures,
}

/// What is held for a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The worst case.
    pub reserved: NanoUsd,
    /// The expected cost.
    pub expected: NanoUsd,
}

impl Line {
    fn new(world: &World, zone: Tz, kind: Kind, account: Account) -> Self {
        let at = world.now();
        Self {
            id: world.id(),
            at,
            day: day_of(at, zone),
            kind,
            account,
            batch_id: None,
            call_id: None,
            reserved: NanoUsd::ZERO,
            expected: NanoUsd::ZERO,
            spent: NanoUsd::ZERO,
            response_id: None,
            tokens: Tokens::default(),
            note: None,
            measures: Measures::default(),
        }
    }

    /// Holds money for a job.
    #[must_use]
    pub fn reserve(world: &World, zone: Tz, account: Account, held: Held) -> Self {
        Self {
            reserved: held.reserved,
            expected: held.expected,
            ..Self::new(world, zone, Kind::Reserve, account)
        }
    }

    /// Gives back what was held.
    #[must_use]
    pub fn release(world: &World, zone: Tz, account: Account, held: Held, note: &str) -> Self {
        Self {
            reserved: -held.reserved,
            expected: -held.expected,
            note: Some(note.to_owned()),
            ..Self::new(world, zone, Kind::Release, account)
        }
    }

    /// Books an answer at its price and gives back what was held.
    #[must_use]
    pub fn settle(world: &World, zone: Tz, account: Account, held: Held, cost: NanoUsd) -> Self {
        Self {
            reserved: -held.reserved,
            expected: -held.expected,
            spent: cost,
            ..Self::new(world, zone, Kind::Settle, account)
        }
    }

    /// Books a call that was cut off at the price that was held for it.
    #[must_use]
    pub fn lost(world: &World, zone: Tz, account: Account, held: Held, call: CallId) -> Self {
        Self {
            reserved: -held.reserved,
            expected: -held.expected,
            spent: held.reserved,
            call_id: Some(call),
            note: Some("spent without an answer".to_owned()),
            ..Self::new(world, zone, Kind::Lost, account)
        }
    }
}
