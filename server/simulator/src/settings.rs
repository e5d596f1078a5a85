//! What can be set at the start by flags and changed at run time: speed, limits, and faults.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    Error,
    faults::{Chances, Fault, Scripted, parse_chance},
};

/// Speed, limits, and faults. In JSON every field may be left out; unknown ones are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Seconds from the creation of a batch to its end
    #[arg(long = "turnaround", value_name = "SECONDS", default_value_t = 10.0)]
    pub turnaround_seconds: f64,
    /// How far the turnaround of a batch strays from the set one, as a share of it
    #[arg(long, value_name = "SHARE", default_value_t = 0.2)]
    pub turnaround_spread: f64,
    /// The most requests of one batch that are answered in a second; no limit unless given
    #[arg(long, value_name = "NUMBER")]
    pub requests_per_second: Option<f64>,
    /// Milliseconds that a real-time call takes
    #[arg(long = "latency", value_name = "MILLISECONDS", default_value_t = 300)]
    pub latency_ms: u64,
    /// How far the latency of a call strays from the set one, as a share of it
    #[arg(long, value_name = "SHARE", default_value_t = 0.3)]
    pub latency_spread: f64,
    /// Seconds after which an unfinished batch expires
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400.0)]
    pub expire_after_seconds: f64,
    /// Give the results in an order other than that of the requests
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub shuffle: bool,
    /// List the requests that an expired or cancelled OpenAI batch left undone in its error file
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub list_unfinished: bool,
    /// Share of the requests of batches that find in the prompt cache what is there: they are answered at the same time and
    /// in any order, so providers promise none; 0.3 is the lower end of what Anthropic calls typical
    #[arg(long, value_name = "SHARE", default_value_t = 0.3)]
    pub batch_cache_hits: f64,
    /// Stop the progress of all batches
    #[arg(long, value_name = "BOOL", default_value_t = false, action = clap::ArgAction::Set)]
    pub hold: bool,
    /// Stop the progress of each batch after so many requests
    #[arg(long, value_name = "NUMBER")]
    pub hold_after: Option<u64>,
    /// Calls a minute that each provider accepts before it answers 429; no limit unless given
    #[arg(long, value_name = "NUMBER")]
    pub requests_per_minute: Option<u64>,
    /// Input tokens of one model that may wait in OpenAI batches at a time; no limit unless given
    #[arg(long, value_name = "NUMBER")]
    pub enqueued_token_limit: Option<u64>,
    /// The most requests of an OpenAI batch
    #[arg(long, value_name = "NUMBER", default_value_t = 50_000)]
    pub openai_max_requests: u64,
    /// The most bytes of an OpenAI batch file
    #[arg(long, value_name = "NUMBER", default_value_t = 200 << 20)]
    pub openai_max_bytes: u64,
    /// The most requests of an Anthropic batch
    #[arg(long, value_name = "NUMBER", default_value_t = 100_000)]
    pub anthropic_max_requests: u64,
    /// The most bytes of an Anthropic batch
    #[arg(long, value_name = "NUMBER", default_value_t = 256 << 20)]
    pub anthropic_max_bytes: u64,
    /// Seconds that a 429 asks to wait
    #[arg(long = "retry-after", value_name = "SECONDS", default_value_t = 1)]
    pub retry_after_seconds: u64,
    /// Seconds that a stalled call stays open
    #[arg(long, value_name = "SECONDS", default_value_t = 900.0)]
    pub stall_seconds: f64,
    /// Seconds for which a late file can't be read
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    pub late_file_seconds: f64,
    /// Seconds that a long finalizing takes
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    pub long_finalizing_seconds: f64,
    /// Probabilities of faults
    #[arg(skip)]
    pub faults: Chances,
    /// Faults that strike the next occasions
    #[arg(skip)]
    pub script: Vec<Scripted>,
    /// Let a fault strike with a probability, for example rate_limit=0.05; may be given several times
    #[arg(long = "fault", value_name = "NAME=PROBABILITY", value_parser = parse_chance)]
    #[serde(skip)]
    pub fault_flags: Vec<(Fault, f64)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            turnaround_seconds: 10.0,
            turnaround_spread: 0.2,
            requests_per_second: None,
            latency_ms: 300,
            latency_spread: 0.3,
            expire_after_seconds: 86_400.0,
            shuffle: true,
            list_unfinished: true,
            batch_cache_hits: 0.3,
            hold: false,
            hold_after: None,
            requests_per_minute: None,
            enqueued_token_limit: None,
            openai_max_requests: 50_000,
            openai_max_bytes: 200 << 20,
            anthropic_max_requests: 100_000,
            anthropic_max_bytes: 256 << 20,
            retry_after_seconds: 1,
            stall_seconds: 900.0,
            late_file_seconds: 5.0,
            long_finalizing_seconds: 60.0,
            faults: Chances::new(),
            script: Vec::new(),
            fault_flags: Vec::new(),
        }
    }
}

/// The longest time that can be set: 30 days.
const MAX_SECONDS: f64 = 30.0 * 86_400.0;

impl Settings {
    /// Settings for quick tests: batches end at once, calls take no time.
    pub fn instant() -> Self {
        Self { turnaround_seconds: 0.0, latency_ms: 0, ..Self::default() }
    }

    /// Moves the faults of the command line to where they are read.
    pub(crate) fn normalize(&mut self) {
        self.faults.extend(self.fault_flags.drain(..));
    }

    /// Checks every range; the error names the first setting that is out of its.
    pub fn check(&self) -> Result<(), Error> {
        let error = |name: &str, problem: String| Error::Setting { name: name.into(), problem };
        let within = |name: &str, value: f64, top: f64| {
            if (0.0..=top).contains(&value) {
                Ok(())
            } else {
                Err(error(name, format!("must lie between 0 and {top}, not {value}")))
            }
        };
        within("turnaround_seconds", self.turnaround_seconds, MAX_SECONDS)?;
        within("turnaround_spread", self.turnaround_spread, 1.0)?;
        within("latency_ms", self.latency_ms as f64, 600_000.0)?;
        within("latency_spread", self.latency_spread, 1.0)?;
        within("batch_cache_hits", self.batch_cache_hits, 1.0)?;
        within("expire_after_seconds", self.expire_after_seconds, MAX_SECONDS)?;
        within("retry_after_seconds", self.retry_after_seconds as f64, 86_400.0)?;
        within("stall_seconds", self.stall_seconds, 3_600.0)?;
        within("late_file_seconds", self.late_file_seconds, MAX_SECONDS)?;
        within("long_finalizing_seconds", self.long_finalizing_seconds, MAX_SECONDS)?;
        if let Some(rate) = self.requests_per_second
            && !(rate.is_finite() && rate > 0.0)
        {
            return Err(error("requests_per_second", format!("must be above 0, not {rate}")));
        }
        let positive = [
            ("requests_per_minute", self.requests_per_minute),
            ("enqueued_token_limit", self.enqueued_token_limit),
            ("openai_max_requests", Some(self.openai_max_requests)),
            ("openai_max_bytes", Some(self.openai_max_bytes)),
            ("anthropic_max_requests", Some(self.anthropic_max_requests)),
            ("anthropic_max_bytes", Some(self.anthropic_max_bytes)),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == Some(0)) {
            return Err(error(name, "must be at least 1".into()));
        }
        for (fault, chance) in &self.faults {
            within(&format!("faults.{fault}"), *chance, 1.0)?;
        }
        for (at, entry) in self.script.iter().enumerate() {
            entry.check().map_err(|problem| error(&format!("script[{at}]"), problem))?;
        }
        Ok(())
    }

    /// The probability of a fault.
    pub(crate) fn chance(&self, fault: Fault) -> f64 {
        self.faults.get(&fault).copied().unwrap_or(0.0)
    }

    /// How long a stalled call stays open.
    pub(crate) fn stall(&self) -> Duration {
        Duration::from_secs_f64(self.stall_seconds)
    }
}

/// A duration for times of the clock. The seconds have been checked to lie in range.
pub(crate) fn seconds(seconds: f64) -> chrono::Duration {
    chrono::Duration::microseconds((seconds * 1e6).round() as i64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn flags_and_json_have_the_same_defaults() {
        #[derive(clap::Parser)]
        struct Cli {
            #[command(flatten)]
            settings: Settings,
        }
        let cli = <Cli as clap::Parser>::try_parse_from(["simulator"]).unwrap();
        assert_eq!(cli.settings, Settings::default());
        assert_eq!(serde_json::from_str::<Settings>("{}").unwrap(), Settings::default());
        let cli =
            <Cli as clap::Parser>::try_parse_from(["simulator", "--fault", "html=0.5", "--shuffle", "false"]);
        let mut settings = cli.unwrap_or_else(|e| panic!("{e}")).settings;
        settings.normalize();
        assert_eq!(settings.chance(Fault::Html), 0.5);
        assert!(!settings.shuffle);
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let check = |json: &str| serde_json::from_str::<Settings>(json).unwrap().check();
        for (json, name) in [
            (r#"{"turnaround_seconds":-1}"#, "turnaround_seconds"),
            (r#"{"requests_per_second":0}"#, "requests_per_second"),
            (r#"{"openai_max_requests":0}"#, "openai_max_requests"),
            (r#"{"batch_cache_hits":1.1}"#, "batch_cache_hits"),
            (r#"{"faults":{"html":1.5}}"#, "faults.html"),
            (r#"{"script":[{"fault":"html","call":"x"}]}"#, "script[0]"),
        ] {
            let message = check(json).unwrap_err().to_string();
            assert!(message.contains(name), "{message}");
        }
        assert!(check(r#"{"turnaround_seconds":0,"faults":{"html":1}}"#).is_ok());
        let unknown = serde_json::from_str::<Settings>(r#"{"turnaround":1}"#).unwrap_err().to_string();
        assert!(unknown.contains("turnaround_seconds"), "{unknown}");
    }
}
