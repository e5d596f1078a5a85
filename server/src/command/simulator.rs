//! `quire simulator`.

use super::{General, print};
use crate::{settings, shutdown, telemetry};
use clap::Args;

/// Runs the stand-in for the providers: it answers as OpenAI, Anthropic and Gemini do, without money and without a network.
#[derive(Args, Debug)]
pub(super) struct Simulator {
    #[command(flatten)]
    config: quire_simulator::Config,
}

impl Simulator {
    pub(super) async fn run(&self, general: &General) -> anyhow::Result<()> {
        // It needs no settings of Quire's but those of the log.
        let defaults = settings::Settings::default().log;
        telemetry::start(&settings::Log {
            format: general.log_format.unwrap_or(defaults.format),
            level: general.log_level.clone().unwrap_or(defaults.level),
        })?;
        let stop = shutdown::on_signal()?;
        let mut running = quire_simulator::start(self.config.clone()).await?;
        print(&format!(
            "OpenAI: {}\nAnthropic: {}\nGemini: {}\nOpenAI-compatible, without batches: {}\nControl: {}\n",
            running.openai_url(),
            running.anthropic_url(),
            running.gemini_url(),
            running.compatible_url(),
            running.control_url()
        ))?;
        tokio::select! {
            ended = running.wait() => ended?,
            () = stop.cancelled() => running.shutdown().await?,
        }
        Ok(())
    }
}
