//! `quire migrate`.

use super::{General, print};
use anyhow::Context;
use clap::Args;
use quire_engine::store::Db;

/// Brings the schema of the configured database up to date. Safe to run again, and while others run it.
#[derive(Args, Debug)]
pub(super) struct Migrate {}

impl Migrate {
    pub(super) async fn run(&self, general: &General) -> anyhow::Result<()> {
        let settings = general.begin(&[])?;
        let db = crate::boot::open(&settings).await?;
        db.migrate().await.context("the schema could not be brought up to date")?;
        Db::close(&db).await;
        print("The schema is up to date.\n")
    }
}
