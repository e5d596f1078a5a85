//! `quire setup`.

use super::{General, print};
use crate::boot;
use anyhow::Context;
use clap::Args;
use quire_engine::{setup, store::World};
use std::path::PathBuf;

/// Creates or changes people, courses, rubrics, assignments, providers and budgets as a file says. Applying the same
/// file again changes nothing; what the file does not name stays as it is.
#[derive(Args, Debug)]
pub(super) struct Setup {
    /// The file (TOML)
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Setup {
    pub(super) async fn run(&self, general: &General) -> anyhow::Result<()> {
        let settings = general.begin(&[])?;
        // Read first: a wrong file must not leave a new database behind.
        let file = setup::Setup::load(&self.file)?;
        let world = World::system();
        let db = boot::open(&settings).await?;
        db.migrate().await.context("the database's schema can't be brought up to date")?;
        let report = setup::apply(&db, &world, &boot::master_key(&settings, &world)?, &file).await?;
        print(&format!("{report}\n"))?;
        db.close().await;
        Ok(())
    }
}
