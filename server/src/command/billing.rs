//! `quire billing`.

use super::{General, Usage, tell};
use crate::boot;
use anyhow::Context;
use clap::Args;
use quire_engine::{
    billing::{Bill, BillingError},
    engine::Engine,
    identity::Actor,
};
use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Writes what was spent in a month, by cost centre, course, provider, model and day, as CSV in the columns of FOCUS 1.2.
#[derive(Args, Debug)]
#[command(after_help = "Example: quire billing --month 2026-11 --cost-centre arts --output arts.csv\n\
                  What the columns mean: docs/operations.md")]
pub(super) struct Billing {
    /// The month in the institution's time zone, such as 2026-11
    #[arg(long, value_name = "MONTH")]
    month: String,
    /// What is charged to this cost centre only
    #[arg(long, value_name = "NAME")]
    cost_centre: Option<String>,
    /// File to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Billing {
    pub(super) async fn run(&self, general: &General) -> anyhow::Result<()> {
        let engine = boot::engine(&general.begin(&[])?).await?;
        let done = self.write(&engine).await;
        engine.db().close().await;
        done
    }

    async fn write(&self, engine: &Engine) -> anyhow::Result<()> {
        let asked = engine.bill(&Actor::System, &self.month, self.cost_centre.as_deref()).await;
        let mut bill = asked.map_err(|error| match error {
            BillingError::Month(_) | BillingError::Future { .. } => Usage(format!("--month: {error}")).into(),
            BillingError::CostCentre { .. } => Usage(format!("--cost-centre: {error}")).into(),
            BillingError::Identity(_) | BillingError::Engine(_) => anyhow::Error::from(error),
        })?;
        match &self.output {
            Some(path) => to_file(&mut bill, path).await?,
            None => to(&mut bill, io::stdout()).await?,
        }
        let so_far = if bill.month().is_open(engine.now()) { " so far" } else { "" };
        tell(&format!("{} rows, {} spent in {}{so_far}", bill.rows(), bill.billed(), bill.month().name()));
        Ok(())
    }
}

/// Under another name until it is whole: half a bill must not be taken for one.
async fn to_file(bill: &mut Bill, path: &Path) -> anyhow::Result<()> {
    let cannot = || format!("{} can't be written", path.display());
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let file = File::create(&part).with_context(cannot)?;
    if let Err(error) = to(bill, file).await {
        let _ = std::fs::remove_file(&part);
        return Err(error.context(cannot()));
    }
    std::fs::rename(&part, path).with_context(cannot)
}

async fn to(bill: &mut Bill, mut out: impl Write) -> anyhow::Result<()> {
    while let Some(piece) = bill.next().await? {
        out.write_all(&piece)?;
    }
    Ok(out.flush()?)
}
