//! Whether bills reach the address that they are posted to.

use super::{Findings, PATIENCE};
use crate::settings::Settings;
use quire_engine::{
    store::Db,
    webhook::{Deliveries, State, Webhook},
};

const AGAIN: &str =
    "See to the address, then have the bill posted again: POST /api/v1/billing/deliveries/{id}/retry.";

/// Looks the address up, and what came of the last bills. Nothing is posted.
pub(super) async fn bills(settings: &Settings, db: &Db, findings: &mut Findings) -> anyhow::Result<()> {
    let webhook = match settings.bill_webhook.engine() {
        Ok(webhook) => webhook,
        Err(error) => {
            return findings.bad("bills", &error.to_string(), "Mend the keys under [bill_webhook].");
        }
    };
    if !webhook.is_on() {
        return findings.note("bills", "no address is set (bill_webhook.url): they are fetched, not posted");
    }
    let Ok(found) = tokio::time::timeout(PATIENCE, webhook.look_up()).await else {
        let wrong = format!("the name in bill_webhook.url was not found within {} s", PATIENCE.as_secs());
        return findings.bad("bills", &wrong, "Check that this machine can look names up.");
    };
    if let Err(refused) = found {
        let mend =
            "Check bill_webhook.url, and bill_webhook.allow where it lies in a network that is not public.";
        return findings.bad("bills", &refused.to_string(), mend);
    }
    judge(&webhook, webhook.deliveries(db).await?, findings)
}

fn judge(
    webhook: &Webhook,
    Deliveries { gone_at, list, .. }: Deliveries,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let origin = webhook.origin().unwrap_or_default();
    if let Some(at) = gone_at {
        let wrong = format!("{origin} said at {at} that it is gone; nothing is posted there since");
        return findings.bad("bills", &wrong, AGAIN);
    }
    for bill in list.iter().filter(|bill| bill.state == State::Failed) {
        let why = bill.last_error.as_deref().unwrap_or("no reason was kept");
        findings.bad("bills", &format!("that of {} was given up ({why})", bill.month), AGAIN)?;
    }
    match list.first() {
        Some(bill) if bill.state == State::Delivered => {
            findings.well("bills", &format!("{origin} took that of {}", bill.month))
        }
        Some(bill) if bill.state != State::Failed && bill.last_error.is_some() => {
            let why = bill.last_error.as_deref().unwrap_or_default();
            findings.note(
                "bills",
                &format!("{origin} has not taken that of {} yet ({why}); it is posted again", bill.month),
            )
        }
        Some(bill) if bill.state == State::Failed => Ok(()),
        _ if list.iter().any(|bill| bill.delivered_at.is_some()) => {
            findings.well("bills", &format!("are posted to {origin}"))
        }
        _ => findings.well("bills", &format!("will be posted to {origin}; none was yet")),
    }
}
