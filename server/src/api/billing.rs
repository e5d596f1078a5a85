//! The bill of a month as a file. For administrators.

use super::{caller::Caller, lists::Query};
use crate::http::{
    app::App,
    problem::{Details, Kind, Problem},
};
use axum::{
    body::Body,
    extract::{Path, RawQuery, State},
    http::header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use futures::{StreamExt as _, stream};
use quire_engine::billing::{Bill, BillingError};

/// What was spent in a month, in the columns of FOCUS 1.2, as CSV. For administrators.
///
/// Of a month that has not ended it is what was spent so far. Where nothing was spent, the file has its header alone.
#[utoipa::path(
    get,
    path = "/billing/{month}",
    tag = "billing",
    operation_id = "billing",
    params(
        ("month" = String, Path, description = "The month in the institution's time zone, such as 2026-11"),
        ("cost_centre" = Option<String>, Query, description = "What is charged to this cost centre only"),
    ),
    responses(
        (status = 200, description = "A row for each day, cost centre, course, provider, model, way, price and kind of token", body = String, content_type = "text/csv"),
        (status = 400, description = "It is no month, or has not begun; or a parameter can't be used", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such cost centre", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn month(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(month): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref(), &["cost_centre"])?;
    Ok(as_file(app.engine.bill(&actor, &month, query.get("cost_centre")).await?).await?)
}

/// A bill as a file, written as it is read.
pub(crate) async fn as_file(mut bill: Bill) -> Result<Response, BillingError> {
    let name = format!("attachment; filename=\"{}\"", bill.file_name());
    // What goes wrong before the first piece is told as it should be; later it breaks the answer off.
    let first = bill.next().await?.unwrap_or_default();
    let body = stream::once(async { Ok(first) }).chain(stream::try_unfold(bill, rest));
    let headers = [(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(body)).into_response())
}

async fn rest(mut bill: Bill) -> Result<Option<(Vec<u8>, Bill)>, std::io::Error> {
    match bill.next().await {
        Ok(piece) => Ok(piece.map(|piece| (piece, bill))),
        Err(error) => {
            tracing::error!(%error, month = bill.month().name(), "a bill broke off");
            Err(std::io::Error::other(error.to_string()))
        }
    }
}

impl From<BillingError> for Problem {
    fn from(error: BillingError) -> Self {
        let told = error.to_string();
        match error {
            BillingError::Month(_) | BillingError::Future { .. } => Self::parameter("month", told),
            BillingError::CostCentre { .. } => Self::about(Kind::NotFound, "cost_centre", told),
            BillingError::Identity(error) => error.into(),
            BillingError::Engine(error) => error.into(),
        }
    }
}
