//! Anthropic's message batches.

use crate::provider::{CallError, Counts, ErrorClass, RemoteBatch, RemoteState, http::Http, json};
use chrono::{DateTime, Utc};
use serde::Deserialize;

/// A batch as Anthropic shows it.
#[derive(Deserialize)]
pub(super) struct Batch {
    #[serde(default, deserialize_with = "json::text")]
    pub(super) id: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    processing_status: Option<String>,
    #[serde(default, deserialize_with = "json::object")]
    request_counts: Option<CountsWire>,
    #[serde(default, deserialize_with = "json::time")]
    pub(super) created_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "json::text")]
    cancel_initiated_at: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    archived_at: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    results_url: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
struct CountsWire {
    #[serde(default, deserialize_with = "json::count")]
    processing: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    succeeded: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    errored: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    canceled: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    expired: Option<u64>,
}

impl CountsWire {
    /// How many requests the batch has: in each state, the sum of all counts.
    fn total(self) -> u64 {
        [self.processing, self.succeeded, self.errored, self.canceled, self.expired]
            .into_iter()
            .flatten()
            .fold(0, u64::saturating_add)
    }
}

/// One page of a list.
#[derive(Deserialize)]
pub(super) struct Page<T> {
    pub(super) data: Vec<T>,
    #[serde(default)]
    pub(super) has_more: Option<bool>,
}

/// A model: only its id matters.
#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) id: String,
}

impl Batch {
    /// How many requests it has, as far as it tells.
    pub(super) fn total(&self) -> Option<u64> {
        self.request_counts.map(CountsWire::total).filter(|&n| n > 0)
    }

    /// The batch in Quire's terms. Anthropic tells in the counts alone whether an ended batch was cancelled or expired.
    ///
    /// # Errors
    /// Where it has no id, or is in a state that is not known.
    pub(super) fn remote(self, http: &Http) -> Result<RemoteBatch, CallError> {
        let malformed = |message: String| Err(CallError::new(ErrorClass::Malformed, message));
        let Some(id) = self.id else {
            return malformed("Anthropic shows a batch without an id".into());
        };
        let some = |count: fn(&CountsWire) -> Option<u64>| {
            self.request_counts.as_ref().and_then(count).is_some_and(|n| n > 0)
        };
        let state = match self.processing_status.as_deref() {
            Some("in_progress") => RemoteState::InProgress,
            Some("canceling") => RemoteState::Cancelling,
            Some("ended") if self.cancel_initiated_at.is_some() && some(|c| c.canceled) => {
                RemoteState::Cancelled
            }
            Some("ended") if some(|c| c.expired) => RemoteState::Expired,
            Some("ended") => RemoteState::Ended,
            other => {
                let state = http.clean(other.unwrap_or("none"));
                return malformed(format!("Anthropic shows batch {id} in the unknown state \"{state}\""));
            }
        };
        let ended = state.is_final();
        Ok(RemoteBatch {
            id,
            state,
            // Until the end every count but that of requests in progress stays 0: no progress at all.
            counts: self.request_counts.filter(|_| ended).map(|counts| Counts {
                total: counts.total(),
                completed: counts.succeeded.unwrap_or(0),
                failed: counts.errored.unwrap_or(0),
            }),
            created_at: self.created_at,
            complaints: Vec::new(),
            results: if ended && self.archived_at.is_none() {
                self.results_url.into_iter().collect()
            } else {
                Vec::new()
            },
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::provider::testing;
    use serde_json::{Value, json};

    fn read(rest: &Value) -> Result<RemoteBatch, CallError> {
        let mut value = json!({"id": "msgbatch_1", "type": "message_batch", "processing_status": "ended",
            "request_counts": {"processing": 0, "succeeded": 7, "errored": 2, "canceled": 0, "expired": 0},
            "created_at": "2026-11-24T10:00:00.123Z", "expires_at": "2026-11-25T10:00:00Z",
            "ended_at": "2026-11-24T10:30:00Z", "cancel_initiated_at": null, "archived_at": null,
            "results_url": "https://h/v1/messages/batches/msgbatch_1/results"});
        value.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        let batch: Batch = serde_json::from_value(value).unwrap();
        batch.remote(&testing::http(&super::super::DIALECT))
    }

    fn counts(processing: u64, succeeded: u64, canceled: u64, expired: u64) -> Value {
        json!({"processing": processing, "succeeded": succeeded, "errored": 0, "canceled": canceled, "expired": expired})
    }

    #[test]
    fn each_state_is_known() {
        let cancel = "2026-11-24T10:10:00Z";
        for (rest, state) in [
            (json!({"processing_status": "in_progress"}), RemoteState::InProgress),
            (
                json!({"processing_status": "canceling", "cancel_initiated_at": cancel}),
                RemoteState::Cancelling,
            ),
            (json!({}), RemoteState::Ended),
            (json!({"request_counts": counts(0, 1, 0, 8)}), RemoteState::Expired),
            (
                json!({"request_counts": counts(0, 1, 8, 0), "cancel_initiated_at": cancel}),
                RemoteState::Cancelled,
            ),
            // The cancellation came too late to stop anything.
            (
                json!({"request_counts": counts(0, 9, 0, 0), "cancel_initiated_at": cancel}),
                RemoteState::Ended,
            ),
        ] {
            let batch = read(&rest).unwrap();
            assert_eq!(batch.state, state, "{rest}");
            assert_eq!(batch.results.is_empty(), !state.is_final());
            assert_eq!(batch.counts.is_some(), state.is_final(), "no progress before the end");
        }
        let error = read(&json!({"processing_status": "paused"})).unwrap_err();
        assert_eq!(error.message, "Anthropic shows batch msgbatch_1 in the unknown state \"paused\"");
        assert_eq!(error.class, ErrorClass::Malformed);
    }

    #[test]
    fn results_are_had_until_they_are_archived() {
        let batch = read(&json!({})).unwrap();
        assert_eq!(batch.counts, Some(Counts { total: 9, completed: 7, failed: 2 }));
        assert_eq!(batch.created_at.unwrap().timestamp_subsec_millis(), 123);
        assert_eq!(batch.results, ["https://h/v1/messages/batches/msgbatch_1/results"]);
        assert!(read(&json!({"archived_at": "2026-12-24T00:00:00Z"})).unwrap().results.is_empty());
        assert!(read(&json!({"results_url": ""})).unwrap().results.is_empty());
    }
}
