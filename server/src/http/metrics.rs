//! Figures for Prometheus at `/metrics`.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::{sync::OnceLock, time::Duration};

/// Bounds of the buckets of durations, in seconds.
const SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Bounds of the buckets of waits for marks and of batches, in seconds: from a second to a day.
const LONG_SECONDS: &[f64] =
    &[1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 43_200.0, 86_400.0];

/// The figures of this process.
#[derive(Clone)]
pub struct Figures(PrometheusHandle);

impl std::fmt::Debug for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Figures")
    }
}

impl Figures {
    /// Begins to gather figures. There is one set for a process, whoever asks first.
    ///
    /// # Errors
    /// If something else gathers figures already.
    pub fn start() -> anyhow::Result<Self> {
        static FIGURES: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
        match FIGURES.get_or_init(|| gather().map_err(|e| e.to_string())) {
            Ok(handle) => Ok(Self(handle.clone())),
            Err(reason) => anyhow::bail!("figures can't be gathered: {reason}"),
        }
    }

    /// All figures in the text format of Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Drains what histograms gathered since the last time; without it they grow between two readings.
    pub async fn keep_small(self) {
        let mut tick = tokio::time::interval(Duration::from_secs(5));
        loop {
            tick.tick().await;
            self.0.run_upkeep();
        }
    }
}

fn gather() -> anyhow::Result<PrometheusHandle> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_turnaround_seconds".to_owned()), LONG_SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_wait_seconds".to_owned()), LONG_SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| anyhow::anyhow!("something else gathers them"))?;
    describe();
    Ok(handle)
}

fn describe() {
    metrics::describe_histogram!(
        "quire_http_request_duration_seconds",
        metrics::Unit::Seconds,
        "Time from the end of a request's head to the head of its answer"
    );
    metrics::describe_gauge!("quire_http_streams", "Live streams that are open");
    metrics::describe_counter!("quire_sign_in_total", "Sign-ins by outcome");
    metrics::describe_counter!(
        "quire_provider_exchanges_total",
        "Exchanges of this process with providers by outcome: answered, refused, rate_limited, failed"
    );
    metrics::describe_counter!(
        "quire_provider_rate_limited_total",
        "Refusals by providers for too many requests or tokens, in this process"
    );
    metrics::describe_gauge!(
        "quire_provider_rate_limit_remaining",
        "What is left of providers' rate limits by route and measure, as all processes know"
    );
    metrics::describe_gauge!(
        "quire_provider_paused",
        "1 where a provider fails and nothing is sent to it, as all processes know"
    );
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn figures_are_rendered() {
        let figures = Figures::start().unwrap();
        let again = Figures::start().unwrap();
        metrics::histogram!("quire_http_request_duration_seconds", "method" => "GET", "route" => "/x", "status" => "2xx")
            .record(0.003);
        metrics::counter!("quire_sign_in_total", "outcome" => "success").increment(1);
        let text = again.render();
        assert_eq!(
            text.contains("quire_sign_in_total{outcome=\"success\"} 1"),
            figures.render().contains("outcome")
        );
        assert!(text.contains("quire_http_request_duration_seconds_bucket"), "{text}");
        assert!(text.contains("le=\"0.005\""), "{text}");
    }
}
