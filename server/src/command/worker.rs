//! `quire worker`.

use super::{General, print};
use crate::{boot, shutdown};
use clap::Args;

/// Works on the queue without serving pages: cuts, sends and follows batches, makes calls, takes in results, sends
/// notices. Any number of workers can share one PostgreSQL database.
#[derive(Args, Debug)]
pub(super) struct Worker {}

impl Worker {
    pub(super) async fn run(&self, general: &General) -> anyhow::Result<()> {
        let settings = general.begin(&[])?;
        let stop = shutdown::on_signal()?;
        let engine = boot::engine(&settings).await?;
        engine.start();
        print("Working.\n")?;
        let outcome = boot::work(&engine, stop).await;
        engine.db().close().await;
        outcome
    }
}
