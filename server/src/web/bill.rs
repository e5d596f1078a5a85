//! The bill of a month as a file, from the page of budgets.

use super::visitor::Visitor;
use crate::{api::billing::as_file, http::app::App, page};
use axum::{
    extract::{Query, State},
    http::Uri,
    response::Response,
};
use quire_app::{
    data::PageError,
    render::{Refusal, sign_in_address},
};
use quire_engine::billing::BillingError;
use serde::Deserialize;

/// What is asked for.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    month: String,
}

/// `GET /admin/budget/bill?month=`
pub(super) async fn download(
    State(app): State<App>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
    address: Uri,
) -> Response {
    let Some((actor, _)) = &visitor.person else { return Visitor::on_to(&sign_in_address("/admin/budget")) };
    let bill = match app.engine.bill(actor, &asked.month, None).await {
        Ok(bill) => as_file(bill).await,
        Err(error) => Err(error),
    };
    let error = match bill {
        Ok(file) => return file,
        Err(BillingError::Identity(error)) => page::failed(&error),
        Err(BillingError::Engine(error)) => page::failed(&error),
        Err(error) => PageError::Invalid { message: error.to_string() },
    };
    visitor.refuse(&app, &address, Refusal::Page(error)).await
}
