//! `quire migrate`.

use super::{General, print};
use crate::boot;
use anyhow::Context;
use clap::Args;
use quire_engine::store::{Db, World};

/// Brings the schema of the configured database up to date, and makes the master key where there is none. Safe to run
/// again, and while others run it.
#[derive(Args, Debug)]
pub(super) struct Migrate {}

impl Migrate {
    pub(super) async fn run(&self, general: &General) -> anyhow::Result<()> {
        let settings = general.begin(&[])?;
        let db = boot::open(&settings).await?;
        db.migrate().await.context("the schema could not be brought up to date")?;
        Db::close(&db).await;
        // Made once here, so that several processes that start together don't each make one.
        boot::master_key(&settings, &World::system())?;
        print("The schema is up to date.\n")
    }
}
