//! Bills that are posted to the institution's webhook, over the wire.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The bills that were posted or are to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Deliveries {
    /// Scheme, host and port of the address; none: no address is set.
    #[schema(example = "https://accounting.example.edu")]
    pub origin: Option<String>,
    /// When the address answered that it is gone: nothing is posted there since.
    pub gone_at: Option<DateTime<Utc>>,
    /// The latest month first.
    pub deliveries: Vec<Delivery>,
}

/// A bill that is posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// Its id; the receiver sees it as `msg_` and this.
    pub id: Uuid,
    /// The month.
    #[schema(example = "2026-11")]
    pub month: String,
    /// `waiting`, `sending`, `delivered` or `failed`.
    pub state: String,
    /// How often it was posted since it was written or last asked for by a person.
    pub attempts: i64,
    /// When it is posted next; none where it is not.
    pub next_at: Option<DateTime<Utc>>,
    /// The status of the last answer; none where there was none.
    pub last_status: Option<i64>,
    /// Why it was not taken the last time.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was last posted.
    pub attempted_at: Option<DateTime<Utc>>,
    /// When the address took it.
    pub delivered_at: Option<DateTime<Utc>>,
}
