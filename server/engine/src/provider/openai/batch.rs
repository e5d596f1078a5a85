//! OpenAI's batch and list objects.

use crate::provider::{
    BatchComplaint, CallError, Counts, ErrorClass, RemoteBatch, RemoteState, http::Http, json,
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::collections::HashMap;

/// The key of our token in a batch's metadata.
pub(super) const TAG: &str = "quire_batch";

/// A batch as OpenAI shows it.
#[derive(Deserialize)]
pub(super) struct Batch {
    #[serde(default, deserialize_with = "json::text")]
    pub(super) id: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    status: Option<String>,
    #[serde(default, deserialize_with = "json::object")]
    errors: Option<Complaints>,
    #[serde(default, deserialize_with = "json::text")]
    output_file_id: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    error_file_id: Option<String>,
    #[serde(default, deserialize_with = "json::time")]
    pub(super) created_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "json::object")]
    request_counts: Option<CountsWire>,
    #[serde(default, deserialize_with = "json::texts")]
    metadata: Option<HashMap<String, String>>,
}

#[derive(Deserialize)]
struct CountsWire {
    #[serde(default, deserialize_with = "json::count")]
    total: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    completed: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    failed: Option<u64>,
}

#[derive(Deserialize)]
struct Complaints {
    #[serde(default, deserialize_with = "json::list")]
    data: Option<Vec<Complaint>>,
}

#[derive(Deserialize)]
struct Complaint {
    #[serde(default, deserialize_with = "json::text")]
    code: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    message: Option<String>,
    #[serde(default, deserialize_with = "json::count")]
    line: Option<u64>,
}

/// One page of a list.
#[derive(Deserialize)]
pub(super) struct Page<T> {
    pub(super) data: Vec<T>,
    #[serde(default)]
    pub(super) has_more: Option<bool>,
}

/// An uploaded file. `status` is deprecated, but tells of a file that was refused.
#[derive(Deserialize)]
pub(super) struct Uploaded {
    pub(super) id: String,
    #[serde(default, deserialize_with = "json::text")]
    pub(super) status: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    pub(super) status_details: Option<String>,
}

/// A model: only its id matters.
#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) id: String,
}

/// The answer to a deletion.
#[derive(Deserialize)]
pub(super) struct Deleted {
    #[serde(default)]
    pub(super) deleted: bool,
}

impl Batch {
    /// The batch carries this token.
    pub(super) fn is_tagged(&self, token: &str) -> bool {
        self.metadata.as_ref().and_then(|m| m.get(TAG)).is_some_and(|tag| tag == token)
    }

    /// The batch in Quire's terms.
    ///
    /// # Errors
    /// Where it has no id, or is in a state that is not known.
    pub(super) fn remote(self, http: &Http) -> Result<RemoteBatch, CallError> {
        let malformed = |message: String| Err(CallError::new(ErrorClass::Malformed, message));
        let Some(id) = self.id else {
            return malformed(format!("{} shows a batch without an id", http.name()));
        };
        let state = match self.status.as_deref() {
            Some("validating") => RemoteState::Validating,
            Some("in_progress") => RemoteState::InProgress,
            Some("finalizing") => RemoteState::Finalizing,
            Some("cancelling") => RemoteState::Cancelling,
            Some("completed") => RemoteState::Ended,
            Some("expired") => RemoteState::Expired,
            Some("cancelled") => RemoteState::Cancelled,
            Some("failed") => RemoteState::Failed,
            other => {
                let state = http.clean(other.unwrap_or("none"));
                let name = http.name();
                return malformed(format!("{name} shows batch {id} in the unknown state \"{state}\""));
            }
        };
        let complaints = self.errors.and_then(|e| e.data).unwrap_or_default();
        Ok(RemoteBatch {
            id,
            state,
            counts: self.request_counts.and_then(|counts| {
                Some(Counts {
                    total: counts.total.filter(|&n| n > 0)?,
                    completed: counts.completed.unwrap_or(0),
                    failed: counts.failed.unwrap_or(0),
                })
            }),
            created_at: self.created_at,
            complaints: complaints
                .into_iter()
                .map(|c| BatchComplaint {
                    code: c.code.unwrap_or_else(|| "unknown".into()),
                    message: c.message.map(|m| http.clean(&m)).unwrap_or_default(),
                    line: c.line,
                })
                .collect(),
            // Some servers show the ids before the files are there.
            results: if state.is_final() {
                self.output_file_id.into_iter().chain(self.error_file_id).collect()
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
        let mut value = json!({"id": "batch_1", "object": "batch", "status": "completed", "created_at": 1_795_000_000,
            "input_file_id": "f", "endpoint": "/v1/chat/completions", "completion_window": "24h"});
        value.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        let batch: Batch = serde_json::from_value(value).unwrap();
        batch.remote(&testing::http(&super::super::DIALECT))
    }

    #[test]
    fn each_state_is_known() {
        for (name, state) in [
            ("validating", RemoteState::Validating),
            ("in_progress", RemoteState::InProgress),
            ("finalizing", RemoteState::Finalizing),
            ("cancelling", RemoteState::Cancelling),
            ("completed", RemoteState::Ended),
            ("expired", RemoteState::Expired),
            ("cancelled", RemoteState::Cancelled),
            ("failed", RemoteState::Failed),
        ] {
            let batch = read(&json!({"status": name, "output_file_id": "out", "error_file_id": ""})).unwrap();
            assert_eq!(batch.state, state);
            assert_eq!(batch.results.is_empty(), !state.is_final(), "{name}");
        }
        let error = read(&json!({"status": "paused"})).unwrap_err();
        assert_eq!(error.class, ErrorClass::Malformed);
        assert_eq!(error.message, "OpenAI shows batch batch_1 in the unknown state \"paused\"");
        assert!(read(&json!({"status": null})).unwrap_err().message.contains("\"none\""));
        assert!(read(&json!({"id": ""})).is_err());
    }

    #[test]
    fn missing_null_and_empty_file_ids_are_alike() {
        for (rest, expected) in [
            (json!({"output_file_id": "o", "error_file_id": "e"}), vec!["o", "e"]),
            (json!({"output_file_id": "o", "error_file_id": ""}), vec!["o"]),
            (json!({"output_file_id": null, "error_file_id": "e"}), vec!["e"]),
            (json!({}), vec![]),
        ] {
            assert_eq!(read(&rest).unwrap().results, expected);
        }
    }

    #[test]
    fn counts_and_complaints_are_read_as_far_as_they_go() {
        let batch = read(&json!({"status": "failed", "request_counts": {"total": 0, "completed": 0, "failed": 0},
            "errors": {"object": "list", "data": [
                {"code": "token_limit_exceeded", "message": "Enqueued token limit reached", "param": null, "line": null},
                {"code": null, "message": null, "line": 3}]}}))
        .unwrap();
        assert_eq!(batch.counts, None, "0 requests is no count");
        assert_eq!(batch.complaints[0].class(), ErrorClass::QueueFull);
        assert_eq!(
            batch.complaints[1],
            BatchComplaint { code: "unknown".into(), message: String::new(), line: Some(3) }
        );
        let batch =
            read(&json!({"request_counts": {"total": 10, "completed": 1, "failed": 0}, "errors": null}))
                .unwrap();
        assert_eq!(batch.counts, Some(Counts { total: 10, completed: 1, failed: 0 }));
        assert_eq!(batch.created_at.unwrap().timestamp(), 1_795_000_000);
        let batch = read(&json!({"errors": "bad", "request_counts": [], "created_at": "now"})).unwrap();
        assert_eq!((batch.complaints, batch.counts, batch.created_at), (vec![], None, None));
    }

    #[test]
    fn complaints_have_classes() {
        for (code, class) in [
            ("token_limit_exceeded", ErrorClass::QueueFull),
            ("too_many_tasks", ErrorClass::TokenLimit),
            ("model_not_found", ErrorClass::NotFound),
            ("invalid_json_line", ErrorClass::Invalid),
            ("duplicate_custom_id", ErrorClass::Invalid),
            ("url_mismatch", ErrorClass::Invalid),
            ("model_mismatch", ErrorClass::Invalid),
            ("empty_file", ErrorClass::Invalid),
            ("missing_required_parameter", ErrorClass::Invalid),
            ("invalid_method", ErrorClass::Invalid),
            ("invalid_url", ErrorClass::Invalid),
        ] {
            let complaint = BatchComplaint { code: code.into(), message: String::new(), line: None };
            assert_eq!(complaint.class(), class, "{code}");
        }
    }
}
