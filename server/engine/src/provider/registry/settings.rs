//! How a provider is used: sizes, schedules, patience. Kept as JSON with its row.

use super::Schedule;
use crate::{provider::ProviderKind, queue::Turnaround};
use serde::{Deserialize, Serialize};

/// Settings of one provider. What is not given has the default of its interface ([`ProviderSettings::of`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// Models, in order of preference; the first is asked.
    pub models: Vec<String>,
    /// A batch is worth its while from so many jobs.
    pub min_jobs: u32,
    /// No batch has more jobs.
    pub max_jobs: u32,
    /// Batches at once.
    pub max_batches: u32,
    /// When the queue is cut: cron, five fields, or six with seconds first.
    pub schedule: String,
    /// When economy work is cut.
    pub economy_schedule: String,
    /// Seconds that a job waits for its batch at most.
    pub max_wait_s: u32,
    /// Calls in real time at once.
    pub realtime_concurrency: u32,
    /// Seconds that a call in real time may take.
    pub call_timeout_s: u32,
    /// Seconds that a short question, or the creation of a batch, may take.
    pub create_timeout_s: u32,
    /// Seconds before the first look at a batch.
    pub poll_first_s: u32,
    /// Seconds between two looks at most.
    pub poll_max_s: u32,
    /// Requests in a batch, where the account's limit is narrower than the provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_requests: Option<u64>,
    /// Bytes of a batch, where the limit is narrower.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// Input tokens that may be enqueued for a model, where the account has such a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enqueued_tokens: Option<u64>,
    /// How long batches take, until enough were measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turnaround: Option<Turnaround>,
}

impl ProviderSettings {
    /// The defaults of an interface (SPEC 3.2, 3.3).
    #[must_use]
    pub fn of(kind: ProviderKind) -> Self {
        let (min_jobs, max_jobs, max_batches, minutes) = match kind {
            ProviderKind::Openai => (10, 1000, 5, 10),
            ProviderKind::Anthropic => (5, 500, 3, 15),
        };
        Self {
            models: Vec::new(),
            min_jobs,
            max_jobs,
            max_batches,
            schedule: format!("*/{minutes} * * * *"),
            economy_schedule: "0 */2 * * *".to_owned(),
            max_wait_s: minutes * 60,
            realtime_concurrency: 16,
            call_timeout_s: 120,
            create_timeout_s: 120,
            poll_first_s: 30,
            poll_max_s: 300,
            max_requests: None,
            max_bytes: None,
            enqueued_tokens: None,
            turnaround: None,
        }
    }

    /// The defaults of an interface with what was given in their place.
    ///
    /// # Errors
    /// Names the key that is not known or has a value that it can't have.
    pub fn given(
        kind: ProviderKind,
        given: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<Self, String> {
        let serde_json::Value::Object(mut all) =
            serde_json::to_value(Self::of(kind)).map_err(|e| e.to_string())?
        else {
            return Err("the settings are no table".to_owned());
        };
        for (key, value) in given {
            all.insert(key.clone(), value.clone());
            // One at a time, so that the error can name the key.
            serde_json::from_value::<Self>(all.clone().into()).map_err(|e| format!("{key}: {e}"))?;
        }
        let settings: Self = serde_json::from_value(all.into()).map_err(|e| e.to_string())?;
        settings.check().map_err(|wrongs| wrongs.join("; "))?;
        Ok(settings)
    }

    /// Checks that the settings can work.
    ///
    /// # Errors
    /// Each thing that is wrong, naming its key.
    pub fn check(&self) -> Result<(), Vec<String>> {
        let mut wrongs = Vec::new();
        if self.models.is_empty() || self.models.iter().any(|model| model.trim().is_empty()) {
            wrongs.push("models: name at least one model".to_owned());
        }
        let positive = [
            ("min_jobs", self.min_jobs),
            ("max_jobs", self.max_jobs),
            ("max_batches", self.max_batches),
            ("max_wait_s", self.max_wait_s),
            ("realtime_concurrency", self.realtime_concurrency),
            ("call_timeout_s", self.call_timeout_s),
            ("create_timeout_s", self.create_timeout_s),
            ("poll_first_s", self.poll_first_s),
            ("poll_max_s", self.poll_max_s),
        ];
        for (key, value) in positive {
            if value == 0 {
                wrongs.push(format!("{key}: must be at least 1"));
            }
        }
        for (key, value) in [
            ("max_requests", self.max_requests),
            ("max_bytes", self.max_bytes),
            ("enqueued_tokens", self.enqueued_tokens),
        ] {
            if value == Some(0) {
                wrongs.push(format!("{key}: with a limit of 0 nothing could ever be sent"));
            }
        }
        if self.min_jobs > self.max_jobs {
            wrongs.push(format!("min_jobs: {} is more than max_jobs, {}", self.min_jobs, self.max_jobs));
        }
        if self.poll_first_s > self.poll_max_s {
            wrongs.push(format!(
                "poll_first_s: {} is more than poll_max_s, {}",
                self.poll_first_s, self.poll_max_s
            ));
        }
        if let Some(turnaround) = self.turnaround
            && (turnaround.p50 < 1 || turnaround.p90 < turnaround.p50)
        {
            wrongs.push("turnaround: p50 must be at least 1 second and p90 at least p50".to_owned());
        }
        for (key, cron) in [("schedule", &self.schedule), ("economy_schedule", &self.economy_schedule)] {
            if let Err(wrong) = cron.parse::<Schedule>() {
                wrongs.push(format!("{key}: {wrong}"));
            }
        }
        if wrongs.is_empty() { Ok(()) } else { Err(wrongs) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn given(json: serde_json::Value) -> Result<ProviderSettings, String> {
        let serde_json::Value::Object(map) = json else { panic!("a table") };
        ProviderSettings::given(ProviderKind::Openai, &map)
    }

    #[test]
    fn what_is_not_given_has_the_default() {
        let settings = given(serde_json::json!({"models": ["gpt-6-luna"], "max_jobs": 50})).unwrap();
        assert_eq!((settings.min_jobs, settings.max_jobs, settings.max_batches), (10, 50, 5));
        assert_eq!(settings.schedule, "*/10 * * * *");
        assert_eq!(ProviderSettings::of(ProviderKind::Anthropic).max_wait_s, 900);
    }

    #[test]
    fn errors_name_the_key() {
        for (json, key) in [
            (serde_json::json!({"models": ["m"], "max_job": 5}), "max_job"),
            (serde_json::json!({"models": []}), "models"),
            (serde_json::json!({"models": ["m"], "max_jobs": "many"}), "max_jobs"),
            (serde_json::json!({"models": ["m"], "max_jobs": 5}), "min_jobs"),
            (serde_json::json!({"models": ["m"], "max_bytes": 0}), "max_bytes"),
            (serde_json::json!({"models": ["m"], "schedule": "0 0 30 2 *"}), "schedule"),
        ] {
            let wrong = given(json).unwrap_err();
            assert!(wrong.contains(key), "{wrong}");
        }
    }
}
