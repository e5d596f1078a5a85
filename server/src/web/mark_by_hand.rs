//! Marks that staff give by hand.

use super::{
    form::{Form, Refused},
    visitor::Visitor,
};
use crate::{http::app::App, page};
use axum::{
    extract::{Path, Request, State},
    http::Uri,
    response::Response,
};
use quire_app::{
    data::{FieldError, PageError},
    render::{Refusal, sign_in_address},
};
use quire_engine::{
    identity::Actor,
    recovery::{RemedyError, RemedyOutcome},
    result::{Entered, EnteredMark},
    submission::TrackingId,
};

/// `POST /teach/submissions/{tracking_id}/mark`
pub(super) async fn mark(
    State(app): State<App>,
    visitor: Visitor,
    Path(tracking_id): Path<String>,
    request: Request,
) -> Response {
    let address = request.uri().clone();
    let Ok(tracking_id) = tracking_id.parse::<TrackingId>() else {
        return visitor.refuse(&app, &address, Refusal::Page(PageError::NotFound)).await;
    };
    let page = format!("/teach/submissions/{tracking_id}/mark");
    let Some((actor, _)) = &visitor.person else { return Visitor::on_to(&sign_in_address(&page)) };
    let most = app.settings.uploads.bytes.saturating_mul(2);
    let form = match Form::read_up_to(&app, &visitor, request, &page, most).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    match give(&app, actor, &tracking_id, &entered(&form)).await {
        Ok(()) => Visitor::on_to(&format!("/teach/submissions/{tracking_id}")),
        Err(Refused::Form(errors)) => {
            let address = page.parse().unwrap_or_else(|_| Uri::from_static("/"));
            Refused::Form(errors).shown(&app, &visitor, &address, &form).await
        }
        Err(refused) => refused.shown(&app, &visitor, &address, &form).await,
    }
}

async fn give(app: &App, actor: &Actor, id: &TrackingId, entered: &Entered) -> Result<(), Refused> {
    let seen = app.engine.submission(actor, id).await.map_err(|error| Refused::Page(page::failed(&error)))?;
    let open = app.engine.open_dead_letter(seen.submission.id).await;
    let open = open.map_err(|error| Refused::Page(page::failed(&error)))?;
    let outcome = match open {
        Some(letter) => app.engine.mark_by_hand(actor, letter, entered).await,
        None => Ok(RemedyOutcome::WasResolved),
    };
    match outcome {
        Ok(RemedyOutcome::Done) => Ok(()),
        Ok(RemedyOutcome::WasResolved | RemedyOutcome::NotFound) => {
            let message = format!("{id} does not wait for a person any more. Its page says where it stands.");
            Err(Refused::Page(PageError::Invalid { message }))
        }
        Err(RemedyError::Wrong(wrongs)) => Err(Refused::Form(
            wrongs
                .into_iter()
                .map(|wrong| FieldError { field: wrong.field, message: wrong.message })
                .collect(),
        )),
        Err(error) => Err(Refused::Page(page::failed(&error))),
    }
}

/// What the form's fields `criteria.ID.level`, `criteria.ID.points`, `criteria.ID.comment` and the others say.
fn entered(form: &Form) -> Entered {
    let mut entered = Entered {
        feedback: form.get("feedback").unwrap_or_default().to_owned(),
        next_step: form.get("next_step").unwrap_or_default().to_owned(),
        ..Entered::default()
    };
    for (name, value) in form.fields() {
        let Some((id, part)) = name.strip_prefix("criteria.").and_then(|rest| rest.rsplit_once('.')) else {
            continue;
        };
        let mark: &mut EnteredMark = entered.criteria.entry(id.to_owned()).or_default();
        match part {
            "level" => mark.level = value.to_owned(),
            "comment" => mark.comment = value.to_owned(),
            // What is no number is no number of points either, and is said to be none.
            "points" if !value.trim().is_empty() => {
                mark.points = Some(value.trim().replace(',', ".").parse().unwrap_or(f64::NAN));
            }
            _ => {}
        }
    }
    entered
}
