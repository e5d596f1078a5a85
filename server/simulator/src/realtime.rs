//! Real-time calls: answered after a while, and in the ledger before the answer is given out.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::{
    Error,
    http::{ApiError, Caller},
    ledger::LedgerLine,
    simulator::{Core, new_id},
};

/// Carries a call out: the answer is made, the latency passes, the ledger's line is on disk, then the answer is given.
/// A caller who hangs up in between has paid all the same: the line says that the answer is of no use to anyone.
pub(crate) async fn call(
    core: &Arc<Core>,
    caller: &Caller,
    answer: impl FnOnce(&Core) -> Result<(Value, LedgerLine), ApiError> + Send + 'static,
) -> Result<Value, ApiError> {
    let (body, mut line) = {
        // The semaphore is never closed.
        let _permit = core.processors.acquire().await.ok();
        let core = core.clone();
        spawn_blocking(move || answer(&core)).await.map_err(Error::from)??
    };
    tokio::time::sleep(latency(core)).await;
    line.usable &= caller.hears();
    core.store.insert_ledger(&[line]).await?;
    Ok(body)
}

fn latency(core: &Core) -> Duration {
    let settings = core.settings();
    let chance = core.dice.unit(&["latency", &new_id("")]) * 2.0 - 1.0;
    Duration::from_millis(settings.latency_ms).mul_f64((1.0 + settings.latency_spread * chance).max(0.0))
}
