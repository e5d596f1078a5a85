//! Gemini's operations, files and lists.

use super::error::Status;
use crate::provider::{
    BatchComplaint, CallError, Counts, ErrorClass, RemoteBatch, RemoteState, http::Http, json,
};
use chrono::{DateTime, Utc};
use serde::Deserialize;

/// A batch as Gemini shows it: an operation, whose metadata is the batch.
#[derive(Deserialize)]
pub(super) struct Operation {
    #[serde(default, deserialize_with = "json::text")]
    name: Option<String>,
    #[serde(default, deserialize_with = "json::object")]
    metadata: Option<Metadata>,
    #[serde(default, deserialize_with = "json::flag")]
    done: Option<bool>,
    #[serde(default, deserialize_with = "json::error")]
    error: Option<Status>,
    #[serde(default, deserialize_with = "json::object")]
    response: Option<Finished>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default, deserialize_with = "json::text")]
    display_name: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    state: Option<String>,
    #[serde(default, deserialize_with = "json::time")]
    create_time: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "json::object")]
    batch_stats: Option<Stats>,
    #[serde(default, deserialize_with = "json::object")]
    output: Option<Output>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    #[serde(default, deserialize_with = "json::count")]
    request_count: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    successful_request_count: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    failed_request_count: Option<u64>,
}

/// What an ended operation answers: the output, or the batch with it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Finished {
    #[serde(default, deserialize_with = "json::text")]
    responses_file: Option<String>,
    #[serde(default, deserialize_with = "json::object")]
    output: Option<Output>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    #[serde(default, deserialize_with = "json::text")]
    responses_file: Option<String>,
}

/// One page of the batches.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Operations {
    /// Left out where there are none.
    #[serde(default)]
    pub(super) operations: Vec<Operation>,
    #[serde(default, deserialize_with = "json::text")]
    pub(super) next_page_token: Option<String>,
}

/// One page of the models.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Models {
    #[serde(default)]
    pub(super) models: Vec<Named>,
    #[serde(default, deserialize_with = "json::text")]
    pub(super) next_page_token: Option<String>,
}

/// A model: only its name matters.
#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
}

/// The answer to an upload.
#[derive(Deserialize)]
pub(super) struct Uploaded {
    pub(super) file: File,
}

/// A file.
#[derive(Deserialize)]
pub(super) struct File {
    /// Such as `files/abc`.
    pub(super) name: String,
    #[serde(default, deserialize_with = "json::text")]
    pub(super) state: Option<String>,
    #[serde(default, deserialize_with = "json::error")]
    pub(super) error: Option<Status>,
}

/// An answer that says nothing.
#[derive(Deserialize)]
pub(super) struct Empty {}

impl Operation {
    /// Its name, such as `batches/abc`.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// When the batch was made.
    pub(super) fn created_at(&self) -> Option<DateTime<Utc>> {
        self.metadata.as_ref().and_then(|m| m.create_time)
    }

    /// The batch has this display name.
    pub(super) fn is_called(&self, display_name: &str) -> bool {
        self.metadata.as_ref().and_then(|m| m.display_name.as_deref()) == Some(display_name)
    }

    /// The batch in Quire's terms.
    ///
    /// # Errors
    /// Where it has no name, or is in a state that is not known.
    pub(super) fn remote(self, http: &Http) -> Result<RemoteBatch, CallError> {
        let malformed = |message: String| Err(CallError::new(ErrorClass::Malformed, message));
        let Some(id) = self.name else {
            return malformed("Gemini shows a batch without a name".into());
        };
        let metadata = self.metadata.unwrap_or_default();
        let error = self.error.filter(|error| !error.is_empty());
        let word = metadata.state.as_deref().map(|state| {
            state.strip_prefix("BATCH_STATE_").or_else(|| state.strip_prefix("JOB_STATE_")).unwrap_or(state)
        });
        let state = match word {
            Some("PENDING" | "QUEUED") => RemoteState::Validating,
            Some("RUNNING" | "PAUSED" | "UPDATING") => RemoteState::InProgress,
            Some("CANCELLING") => RemoteState::Cancelling,
            Some("SUCCEEDED" | "PARTIALLY_SUCCEEDED") => RemoteState::Ended,
            Some("FAILED") => RemoteState::Failed,
            Some("CANCELLED") => RemoteState::Cancelled,
            Some("EXPIRED") => RemoteState::Expired,
            // The first of the states is left out on the wire: then the operation tells.
            None | Some("UNSPECIFIED") if self.done == Some(true) => match &error {
                Some(error) if error.name() == Some("CANCELLED") => RemoteState::Cancelled,
                Some(_) => RemoteState::Failed,
                None => RemoteState::Ended,
            },
            None | Some("UNSPECIFIED") => RemoteState::Validating,
            Some(other) => {
                let state = http.clean(other);
                return malformed(format!("Gemini shows batch {id} in the unknown state \"{state}\""));
            }
        };
        let response = self.response;
        let of_response = response.and_then(|r| r.responses_file.or_else(|| r.output?.responses_file));
        let file = of_response.or_else(|| metadata.output?.responses_file);
        let complaints = error.filter(|_| state == RemoteState::Failed).map(|error| BatchComplaint {
            code: error.name().unwrap_or("unknown").to_owned(),
            message: error.message().map(|m| http.clean(m)).unwrap_or_default(),
            line: None,
        });
        Ok(RemoteBatch {
            id,
            state,
            counts: metadata.batch_stats.and_then(|stats| {
                Some(Counts {
                    total: stats.request_count.filter(|&n| n > 0)?,
                    completed: stats.successful_request_count.unwrap_or(0),
                    failed: stats.failed_request_count.unwrap_or(0),
                })
            }),
            created_at: metadata.create_time,
            complaints: complaints.into_iter().collect(),
            results: if state.is_final() { file.into_iter().collect() } else { Vec::new() },
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::provider::testing;
    use serde_json::{Value, json};

    fn read(value: &Value) -> Result<RemoteBatch, CallError> {
        let operation: Operation = serde_json::from_value(value.clone()).unwrap();
        operation.remote(&testing::http(&super::super::DIALECT))
    }

    fn with_state(state: &Value) -> Value {
        json!({"name": "batches/b1", "metadata": {"@type": "x", "model": "models/gemini-3.5-flash-lite",
            "displayName": "quire-t", "state": state, "createTime": "2026-11-24T10:00:00.123456789Z",
            "batchStats": {"requestCount": "10", "successfulRequestCount": "3", "pendingRequestCount": "7"},
            "output": {"responsesFile": "files/out"}}})
    }

    #[test]
    fn each_state_is_known_by_either_name() {
        for (word, state) in [
            ("BATCH_STATE_UNSPECIFIED", RemoteState::Validating),
            ("BATCH_STATE_PENDING", RemoteState::Validating),
            ("BATCH_STATE_RUNNING", RemoteState::InProgress),
            ("BATCH_STATE_SUCCEEDED", RemoteState::Ended),
            ("BATCH_STATE_FAILED", RemoteState::Failed),
            ("BATCH_STATE_CANCELLED", RemoteState::Cancelled),
            ("BATCH_STATE_EXPIRED", RemoteState::Expired),
            ("JOB_STATE_UNSPECIFIED", RemoteState::Validating),
            ("JOB_STATE_QUEUED", RemoteState::Validating),
            ("JOB_STATE_PENDING", RemoteState::Validating),
            ("JOB_STATE_RUNNING", RemoteState::InProgress),
            ("JOB_STATE_PAUSED", RemoteState::InProgress),
            ("JOB_STATE_UPDATING", RemoteState::InProgress),
            ("JOB_STATE_CANCELLING", RemoteState::Cancelling),
            ("JOB_STATE_SUCCEEDED", RemoteState::Ended),
            ("JOB_STATE_PARTIALLY_SUCCEEDED", RemoteState::Ended),
            ("JOB_STATE_FAILED", RemoteState::Failed),
            ("JOB_STATE_CANCELLED", RemoteState::Cancelled),
            ("JOB_STATE_EXPIRED", RemoteState::Expired),
        ] {
            let batch = read(&with_state(&json!(word))).unwrap();
            assert_eq!(batch.state, state, "{word}");
            assert_eq!(batch.results.is_empty(), !state.is_final(), "{word}");
            assert_eq!(batch.counts, Some(Counts { total: 10, completed: 3, failed: 0 }));
            assert_eq!(batch.created_at.unwrap().timestamp_subsec_millis(), 123);
        }
        let error = read(&with_state(&json!("BATCH_STATE_MELTING"))).unwrap_err();
        assert_eq!(error.class, ErrorClass::Malformed);
        assert_eq!(error.message, "Gemini shows batch batches/b1 in the unknown state \"MELTING\"");
        assert!(read(&json!({"metadata": {"state": "BATCH_STATE_RUNNING"}})).is_err());
    }

    #[test]
    fn without_a_state_the_operation_tells() {
        for (rest, state) in [
            (json!({}), RemoteState::Validating),
            (json!({"done": false}), RemoteState::Validating),
            (json!({"done": true, "response": {"responsesFile": "files/o"}}), RemoteState::Ended),
            (json!({"done": true, "error": {"code": 13, "message": "m"}}), RemoteState::Failed),
            (json!({"done": true, "error": {"code": 1}}), RemoteState::Cancelled),
        ] {
            let mut value = json!({"name": "batches/b1"});
            value.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            assert_eq!(read(&value).unwrap().state, state, "{rest}");
        }
    }

    #[test]
    fn results_and_complaints_are_found_where_they_stand() {
        let mut value = with_state(&json!("BATCH_STATE_SUCCEEDED"));
        assert_eq!(read(&value).unwrap().results, ["files/out"]);
        value["response"] = json!({"@type": "x", "responsesFile": "files/answer"});
        assert_eq!(read(&value).unwrap().results, ["files/answer"]);
        value["response"] = json!({"output": {"responsesFile": "files/deep"}});
        assert_eq!(read(&value).unwrap().results, ["files/deep"]);
        value["response"] = json!({"inlinedResponses": {"inlinedResponses": []}});
        assert_eq!(read(&value).unwrap().results, ["files/out"]);
        value["metadata"]["output"] = Value::Null;
        assert_eq!(read(&value).unwrap().results, [""; 0]);

        let mut value = with_state(&json!("BATCH_STATE_FAILED"));
        value["error"] = json!({"code": 8, "message": "Too many enqueued tokens"});
        let complaints = read(&value).unwrap().complaints;
        assert_eq!(
            complaints,
            [BatchComplaint {
                code: "RESOURCE_EXHAUSTED".into(),
                message: "Too many enqueued tokens".into(),
                line: None
            }]
        );
        assert_eq!(complaints[0].class(), ErrorClass::QueueFull);
    }
}
