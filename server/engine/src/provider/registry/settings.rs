//! What can be set for one provider: models, sizes, times and limits.

use super::{ProviderError, parse_schedule};
use crate::{
    provider::{AnswerFormat, Endpoint, HardLimits, ProviderKind, cache::BatchCache},
    queue::Turnaround,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Settings of one provider, as they hold: what was set, and the defaults of its kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// Models, the preferred one first.
    pub models: Vec<String>,
    /// Jobs from which on a batch may be cut at once.
    pub min_jobs: u32,
    /// Most jobs of one batch.
    pub max_jobs: u32,
    /// Most batches at the provider at once.
    pub max_batches: u32,
    /// When batches are cut whatever their size (cron).
    pub schedule: String,
    /// When batches of the economy lane are (cron).
    pub economy_schedule: String,
    /// Seconds after which the oldest job that waits makes a batch ready.
    pub max_wait_s: u32,
    /// Seconds that a real-time answer may take.
    pub call_timeout_s: u32,
    /// Seconds that the creation of a batch, and other short questions, may take.
    pub create_timeout_s: u32,
    /// Seconds until a batch is first looked at.
    pub poll_first_s: u32,
    /// Most seconds between two looks at a batch.
    pub poll_max_s: u32,
    /// Most requests of one batch; none: the provider's hard limit.
    pub max_requests: Option<u64>,
    /// Most bytes of one batch's input; none: the provider's hard limit.
    pub max_bytes: Option<u64>,
    /// Most input tokens enqueued over all batches of a model; none: the provider sets no such limit.
    pub enqueued_tokens: Option<u64>,
    /// Most real-time calls at once from one process.
    pub realtime_concurrency: u32,
    /// How long its batches take, until enough were measured; none: the general setting.
    pub turnaround: Option<Turnaround>,
    /// Which of OpenAI's endpoints takes the questions.
    pub endpoint: Endpoint,
    /// It takes batches; without, all its work goes in real time.
    pub batch: bool,
    /// How a compatible server is asked for JSON.
    pub answer_format: AnswerFormat,
    /// Whether prompts in batches are marked for the provider's cache.
    pub batch_cache: BatchCache,
    /// A cheaper model that may mark what is not urgent while cost control says so; none: no other than the first.
    pub economy_model: Option<String>,
}

impl ProviderSettings {
    /// All models that work can be given to: those that are listed, the usual one first, and the economy model.
    pub fn all_models(&self) -> impl Iterator<Item = &String> {
        let economy = self.economy_model.iter().filter(|model| !self.models.contains(model));
        self.models.iter().chain(economy)
    }

    /// What holds for a kind of provider where nothing else is set (SPEC 3.2, 3.3). Models have to be named.
    #[must_use]
    pub fn default_for(kind: ProviderKind) -> Self {
        let (min_jobs, max_jobs, max_batches, schedule, max_wait_s) = match kind {
            ProviderKind::Openai | ProviderKind::Gemini | ProviderKind::Compatible => {
                (10, 1000, 5, "*/10 * * * *", 600)
            }
            ProviderKind::Anthropic => (5, 500, 3, "*/15 * * * *", 900),
        };
        Self {
            models: Vec::new(),
            min_jobs,
            max_jobs,
            max_batches,
            schedule: schedule.to_owned(),
            economy_schedule: "0 */2 * * *".to_owned(),
            max_wait_s,
            call_timeout_s: 120,
            create_timeout_s: 120,
            poll_first_s: 30,
            poll_max_s: 300,
            max_requests: None,
            max_bytes: None,
            enqueued_tokens: None,
            realtime_concurrency: 16,
            turnaround: None,
            endpoint: Endpoint::default(),
            // Most servers of one's own have none.
            batch: kind != ProviderKind::Compatible,
            answer_format: AnswerFormat::default(),
            batch_cache: BatchCache::default(),
            economy_model: None,
        }
    }

    /// The defaults of a kind with what was set over them.
    ///
    /// # Errors
    /// Names a key that is none, or whose value is of the wrong type.
    pub fn with(kind: ProviderKind, set: &Map<String, Value>) -> Result<Self, ProviderError> {
        let mut all = match serde_json::to_value(Self::default_for(kind)) {
            Ok(Value::Object(all)) => all,
            // A struct of plain fields becomes an object.
            _ => Map::new(),
        };
        all.extend(set.iter().map(|(key, value)| (key.clone(), value.clone())));
        serde_path_to_error::deserialize(Value::Object(all)).map_err(|error| {
            let path = error.path().to_string();
            let reason = error.into_inner().to_string();
            let unknown = reason.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
            match unknown {
                Some(key) => {
                    wrong(if path.contains('.') { &path } else { key }, "is not a setting".to_owned())
                }
                None => wrong(&path, reason),
            }
        })
    }

    /// The limits of one batch: the provider's own, or narrower ones that were set.
    #[must_use]
    pub fn limits(&self, hard: HardLimits) -> HardLimits {
        HardLimits {
            requests: self.max_requests.map_or(hard.requests, |n| n.min(hard.requests)),
            bytes: self.max_bytes.map_or(hard.bytes, |n| n.min(hard.bytes)),
            enqueued_tokens: match (self.enqueued_tokens, hard.enqueued_tokens) {
                (Some(set), Some(hard)) => Some(set.min(hard)),
                (set, hard) => set.or(hard),
            },
        }
    }

    /// Checks all values, knowing the provider's hard limits.
    ///
    /// # Errors
    /// Names the first key that can't be so, with what is possible.
    pub fn check(&self, hard: HardLimits) -> Result<(), ProviderError> {
        let within = |key: &str, value: u64, least: u64, most: u64| {
            if (least..=most).contains(&value) {
                Ok(())
            } else {
                Err(wrong(key, format!("is {value}; it must be from {least} to {most}")))
            }
        };
        if self.models.is_empty() {
            return Err(wrong("models", "is empty; name at least one model".to_owned()));
        }
        for (i, model) in self.models.iter().enumerate() {
            if model.trim().is_empty() || model.len() > 100 || model.chars().any(char::is_control) {
                return Err(wrong("models", format!("holds \"{model}\", which is no model's name")));
            }
            if self.models[..i].contains(model) {
                return Err(wrong("models", format!("holds \"{model}\" twice")));
            }
        }
        if let Some(model) = &self.economy_model {
            if model.trim().is_empty() || model.len() > 100 || model.chars().any(char::is_control) {
                return Err(wrong("economy_model", format!("is \"{model}\", which is no model's name")));
            }
            if self.models.first() == Some(model) {
                let text =
                    format!("is \"{model}\", which marks everything already; name another or leave it out");
                return Err(wrong("economy_model", text));
            }
        }
        within("max_jobs", self.max_jobs.into(), 1, hard.requests.min(u32::MAX.into()))?;
        within("min_jobs", self.min_jobs.into(), 1, self.max_jobs.into())?;
        within("max_batches", self.max_batches.into(), 1, 1_000)?;
        parse_schedule(&self.schedule).map_err(|reason| wrong("schedule", reason))?;
        parse_schedule(&self.economy_schedule).map_err(|reason| wrong("economy_schedule", reason))?;
        within("max_wait_s", self.max_wait_s.into(), 1, 86_400)?;
        within("call_timeout_s", self.call_timeout_s.into(), 1, 3_600)?;
        within("create_timeout_s", self.create_timeout_s.into(), 1, 3_600)?;
        within("poll_max_s", self.poll_max_s.into(), 1, 3_600)?;
        within("poll_first_s", self.poll_first_s.into(), 1, self.poll_max_s.into())?;
        if let Some(n) = self.max_requests {
            within("max_requests", n, 1, hard.requests)?;
        }
        if let Some(n) = self.max_bytes {
            within("max_bytes", n, 10_000, hard.bytes)?;
        }
        if let Some(n) = self.enqueued_tokens {
            within("enqueued_tokens", n, 1_000, hard.enqueued_tokens.unwrap_or(u64::MAX))?;
        }
        within("realtime_concurrency", self.realtime_concurrency.into(), 1, 1_000)?;
        if let Some(prior) = self.turnaround
            && !(1..=prior.p90).contains(&prior.p50)
        {
            let text = format!("has p50 = {} and p90 = {}; write 0 < p50 <= p90", prior.p50, prior.p90);
            return Err(wrong("turnaround", text));
        }
        Ok(())
    }
}

fn wrong(key: &str, reason: String) -> ProviderError {
    ProviderError::Setting { key: key.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    const HARD: HardLimits =
        HardLimits { requests: 50_000, bytes: 200_000_000, enqueued_tokens: Some(2_000_000) };

    fn set(value: Value) -> Result<ProviderSettings, String> {
        let Value::Object(mut map) = value else { panic!("an object") };
        map.entry("models").or_insert(json!(["gpt-6-luna"]));
        let settings = ProviderSettings::with(ProviderKind::Openai, &map).map_err(|e| e.to_string())?;
        settings.check(HARD).map_err(|e| e.to_string())?;
        Ok(settings)
    }

    #[test]
    fn an_economy_model_is_another_one() {
        let economy = |model| set(json!({"economy_model": model}));
        assert_eq!(economy("gpt-6-mini").unwrap().economy_model.as_deref(), Some("gpt-6-mini"));
        assert!(economy("gpt-6-luna").unwrap_err().contains("marks everything already"));
        assert!(economy(" ").unwrap_err().contains("no model's name"));
    }

    #[test]
    fn defaults_are_those_of_the_specification() {
        let openai = set(json!({})).unwrap();
        assert_eq!(
            (openai.min_jobs, openai.max_jobs, openai.max_batches, openai.schedule.as_str()),
            (10, 1000, 5, "*/10 * * * *")
        );
        let anthropic = ProviderSettings::default_for(ProviderKind::Anthropic);
        assert_eq!(
            (anthropic.min_jobs, anthropic.max_jobs, anthropic.max_batches, anthropic.schedule.as_str()),
            (5, 500, 3, "*/15 * * * *")
        );
        assert_eq!((openai.max_wait_s, anthropic.max_wait_s), (600, 900));
        let gemini = ProviderSettings::default_for(ProviderKind::Gemini);
        assert_eq!((gemini.min_jobs, gemini.max_jobs, gemini.max_batches), (10, 1000, 5));
        let compatible = ProviderSettings::default_for(ProviderKind::Compatible);
        assert_eq!((openai.batch, gemini.batch, compatible.batch), (true, true, false));
        assert_eq!(openai.economy_schedule, "0 */2 * * *");
        assert_eq!(openai.limits(HARD), HARD);
    }

    #[test]
    fn the_economy_model_is_one_of_all_and_counts_once() {
        let all = |text: serde_json::Value| set(text).unwrap().all_models().cloned().collect::<Vec<_>>();
        assert_eq!(all(json!({"models": ["a", "b"]})), ["a", "b"]);
        assert_eq!(all(json!({"models": ["a", "b"], "economy_model": "b"})), ["a", "b"]);
        assert_eq!(all(json!({"models": ["a"], "economy_model": "c"})), ["a", "c"]);
    }

    #[test]
    fn what_is_set_wins_and_narrows() {
        let settings = set(json!({
            "models": ["a", "b"], "max_jobs": 20, "schedule": "*/3 * * * * *", "max_bytes": 1_000_000,
            "max_requests": 7, "enqueued_tokens": 50_000, "turnaround": {"p50": 8, "p90": 20}
        }))
        .unwrap();
        assert_eq!((settings.models.len(), settings.max_jobs, settings.min_jobs), (2, 20, 10));
        let limits = settings.limits(HARD);
        assert_eq!((limits.requests, limits.bytes, limits.enqueued_tokens), (7, 1_000_000, Some(50_000)));
        let free = HardLimits { enqueued_tokens: None, ..HARD };
        assert_eq!(settings.limits(free).enqueued_tokens, Some(50_000));
    }

    #[test]
    fn wrong_settings_name_their_key() {
        for (value, words) in [
            (json!({"max_job": 1}), ["\"max_job\"", "is not a setting"]),
            (json!({"max_jobs": "many"}), ["\"max_jobs\"", "invalid type"]),
            (json!({"max_jobs": -1}), ["\"max_jobs\"", "-1"]),
            (json!({"turnaround": {"p50": 1}}), ["\"turnaround\"", "p90"]),
            (json!({"models": []}), ["\"models\"", "at least one"]),
            (json!({"models": [" "]}), ["\"models\"", "no model's name"]),
            (json!({"models": ["a", "a"]}), ["\"models\"", "twice"]),
            (json!({"max_jobs": 50_001}), ["\"max_jobs\"", "1 to 50000"]),
            (json!({"min_jobs": 0}), ["\"min_jobs\"", "1 to 1000"]),
            (json!({"min_jobs": 1001}), ["\"min_jobs\"", "1 to 1000"]),
            (json!({"max_batches": 0}), ["\"max_batches\"", "is 0"]),
            (json!({"schedule": "0 0 30 2 *"}), ["\"schedule\"", "never fires"]),
            (json!({"economy_schedule": "x"}), ["\"economy_schedule\"", "1 fields"]),
            (json!({"max_wait_s": 0}), ["\"max_wait_s\"", "is 0"]),
            (json!({"poll_first_s": 301}), ["\"poll_first_s\"", "1 to 300"]),
            (json!({"max_requests": 0}), ["\"max_requests\"", "is 0"]),
            (json!({"max_bytes": 300_000_000}), ["\"max_bytes\"", "200000000"]),
            (json!({"enqueued_tokens": 3_000_000}), ["\"enqueued_tokens\"", "2000000"]),
            (json!({"realtime_concurrency": 0}), ["\"realtime_concurrency\"", "is 0"]),
            (json!({"turnaround": {"p50": 9, "p90": 8}}), ["\"turnaround\"", "p50 <= p90"]),
            (json!({"endpoint": "fax"}), ["\"endpoint\"", "fax"]),
            (json!({"batch": "yes"}), ["\"batch\"", "boolean"]),
            (json!({"answer_format": "xml"}), ["\"answer_format\"", "json_object"]),
            (json!({"batch_cache": "yes"}), ["\"batch_cache\"", "short"]),
        ] {
            let error = set(value.clone()).unwrap_err();
            assert!(words.iter().all(|word| error.contains(word)), "{value}: {error}");
        }
    }
}
