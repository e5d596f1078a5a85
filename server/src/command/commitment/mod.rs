//! `quire commitment`: what commitments to providers would save.

mod text;

use super::{General, Usage, print};
use crate::{api::commitment::shown, boot};
use clap::Args;
use quire_engine::{
    arbitrage::Arbitrage,
    commitment::{Asked, CommitmentError, CommitmentReport},
    engine::Engine,
    identity::Actor,
    plan::Share,
};

/// Says what a commitment to spend so much a month would have saved in the last whole months, by provider and model, at the
/// discounts that one could ask for.
#[derive(Args, Debug)]
#[command(after_help = "Example: quire commitment --months 6 --discount 10 12.5\n\
                  What the figures mean: docs/operations.md")]
pub(super) struct Commitment {
    /// How many of the last whole months are measured, at most 36
    #[arg(long, value_name = "NUMBER", default_value_t = 3, allow_hyphen_values = true)]
    months: u32,
    /// Discounts to ask for, in percent [default: 5 10 15 20]
    #[arg(
        long = "discount",
        value_name = "PERCENT",
        num_args = 1..,
        value_delimiter = ',',
        value_parser = Share::parse_percent,
    )]
    discounts: Vec<Share>,
    /// Write JSON, as the API gives it
    #[arg(long)]
    json: bool,
}

impl Commitment {
    pub(super) async fn run(&self, general: &General) -> anyhow::Result<()> {
        let engine = boot::engine(&general.begin(&[])?).await?;
        let asked = self.ask(&engine).await;
        engine.db().close().await;
        let (report, arbitrage) = asked.map_err(|error| match error {
            CommitmentError::Months(_) => Usage(format!("--months: {error}")).into(),
            CommitmentError::Discount(_) | CommitmentError::Discounts(_) => {
                Usage(format!("--discount: {error}")).into()
            }
            CommitmentError::Identity(_) | CommitmentError::Engine(_) => anyhow::Error::from(error),
        })?;
        if self.json {
            return print(&format!("{}\n", serde_json::to_string_pretty(&shown(&report, &arbitrage))?));
        }
        print(&text::text(&report, &arbitrage))
    }

    async fn ask(&self, engine: &Engine) -> Result<(CommitmentReport, Arbitrage), CommitmentError> {
        let asked = self.asked();
        let report = engine.commitment(&Actor::System, &asked).await?;
        Ok((report, engine.arbitrage(&Actor::System, asked.months).await?))
    }

    fn asked(&self) -> Asked {
        let discounts =
            if self.discounts.is_empty() { Asked::default().discounts } else { self.discounts.clone() };
        Asked { months: self.months, discounts }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::command::{Cli, Command};
    use clap::Parser;

    #[test]
    fn flags_say_what_is_asked() {
        let asked = |flags: &[&str]| {
            let all = ["quire", "commitment"].iter().chain(flags);
            match Cli::try_parse_from(all).map_err(|error| error.to_string())?.command {
                Command::Commitment(commitment) => Ok(commitment.asked()),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(asked(&[]), Ok(Asked::default()));
        let percents = |flags: &[&str]| {
            let asked: Result<Asked, String> = asked(flags);
            asked.unwrap().discounts.iter().map(|share| share.percent()).collect::<Vec<_>>()
        };
        assert_eq!(percents(&["--months", "6", "--discount", "10", "12.5", "--json"]), [10.0, 12.5]);
        assert_eq!(percents(&["--discount", "10", "--discount", "7,8"]), [10.0, 7.0, 8.0]);
        for (flags, part) in [
            (&["--months", "-1"][..], "--months"),
            (&["--months", "x"], "--months"),
            (&["--discount", "x"], "--discount"),
        ] {
            assert!(asked(flags).unwrap_err().contains(part), "{flags:?}");
        }
    }
}
