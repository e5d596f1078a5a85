//! The REST interface `/api/v1`.

mod batches;
pub(crate) mod billing;
mod body;
mod budgets;
mod caller;
pub(crate) mod commitment;
pub(crate) mod convert;
mod cost_control;
mod dead_letters;
mod deliveries;
mod equal_models;
pub(crate) mod error;
mod forecasts;
mod lists;
pub mod model;
mod plan;
mod prices;
mod prompts;
mod reused;
pub(crate) mod rules;
mod submissions;

use crate::http::{
    app::App,
    patience,
    problem::{Kind, Problem},
};
use axum::{Router, extract::DefaultBodyLimit, http::Uri, middleware, response::IntoResponse, routing::get};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Where it lies.
pub const PATH: &str = "/api/v1";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Quire",
        description = "Hands in student work and follows it to its marks. Errors are problem details (RFC 9457); \
                       their types are explained at their addresses.",
        license(name = "AGPL-3.0-or-later", identifier = "AGPL-3.0-or-later")
    ),
    tags(
        (name = "submissions", description = "Handing in and following"),
        (name = "lists", description = "What there is"),
        (name = "dead letters", description = "Work that ran out of automatic remedies"),
        (name = "forecasts", description = "How estimates are made and kept, and when to send"),
        (name = "billing", description = "What was spent, for accounting"),
        (name = "rules", description = "Which work goes where, and what other rules would change"),
        (name = "budgets", description = "How the month's money stands, and what may be spent"),
        (name = "prompts", description = "Versions of the prompt, and trials of them and of other models")
    ),
    components(schemas(crate::http::problem::Details)),
    security(("token" = [])),
    modifiers(&Token)
)]
struct Described;

/// The one way to come in.
struct Token;

impl Modify for Token {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token of `quire token create`; it may do what its person may."))
            .build();
        api.components.get_or_insert_default().add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

fn described() -> OpenApiRouter<App> {
    let calls = OpenApiRouter::new()
        .routes(routes!(submissions::hand_in))
        .routes(routes!(submissions::submission))
        .routes(routes!(submissions::events))
        .routes(routes!(lists::assignments))
        .routes(routes!(lists::submissions))
        .routes(routes!(lists::batches))
        .routes(routes!(lists::providers))
        .routes(routes!(batches::batch))
        .routes(routes!(batches::size))
        .routes(routes!(billing::month))
        .routes(routes!(commitment::report))
        .routes(routes!(equal_models::list))
        .routes(routes!(equal_models::put, equal_models::remove))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::retry))
        .routes(routes!(reused::month))
        .routes(routes!(dead_letters::list))
        .routes(routes!(dead_letters::retry))
        .routes(routes!(dead_letters::reroute))
        .routes(routes!(dead_letters::discard))
        .routes(routes!(dead_letters::one))
        .routes(routes!(dead_letters::edit))
        .routes(routes!(dead_letters::mark))
        .routes(routes!(forecasts::estimates))
        .routes(routes!(forecasts::schedule_advice))
        .routes(routes!(rules::in_force, rules::put))
        .routes(routes!(rules::restore))
        .routes(routes!(rules::versions))
        .routes(routes!(rules::check))
        .routes(routes!(rules::facts))
        .routes(routes!(rules::replay))
        .routes(routes!(rules::try_on))
        .routes(routes!(budgets::monitor))
        .routes(routes!(budgets::put, budgets::remove))
        .routes(routes!(cost_control::show))
        .routes(routes!(cost_control::put))
        .routes(routes!(plan::month))
        .routes(routes!(prices::list, prices::add))
        .routes(routes!(prompts::list))
        .routes(routes!(prompts::put))
        .routes(routes!(prompts::trials, prompts::start))
        .routes(routes!(prompts::one))
        .routes(routes!(prompts::stop));
    OpenApiRouter::with_openapi(Described::openapi()).nest(PATH, calls)
}

/// The description of the interface (OpenAPI 3.1), as JSON.
///
/// # Panics
/// Never: the description holds nothing that JSON can't.
#[must_use]
pub fn openapi() -> String {
    let (_, api) = described().split_for_parts();
    api.to_pretty_json().expect("the description holds nothing that JSON can't")
}

/// All its addresses.
pub(crate) fn router(app: &App) -> Router<App> {
    let (router, _) = described().split_for_parts();
    let description: &'static str = Box::leak(openapi().into_boxed_str());
    let most = usize::try_from(app.settings.uploads.bytes).unwrap_or(usize::MAX).saturating_mul(2);
    let time = app.settings.http.request_timeout.0;
    router
        .route(
            "/api/v1/openapi.json",
            get(move || async move { ([("content-type", "application/json")], description) }),
        )
        .route("/api", get(nothing))
        .route("/api/{*rest}", get(nothing).fallback(nothing))
        .method_not_allowed_fallback(wrong_method)
        // Escapes can make JSON twice as long as its text; a form brings a little of its own.
        .layer(DefaultBodyLimit::max(most.saturating_add(1 << 16)))
        .layer(CatchPanicLayer::custom(|_| panicked().into_response()))
        .layer(middleware::from_fn(move |request, next| patience::api(time, request, next)))
}

async fn nothing(uri: Uri) -> Problem {
    Problem::new(
        Kind::NotFound,
        format!("There is nothing at {}. /api/v1/openapi.json tells what there is.", uri.path()),
    )
}

async fn wrong_method(uri: Uri) -> Problem {
    Problem::new(Kind::MethodNotAllowed, format!("{} does not take this method.", uri.path()))
}

fn panicked() -> Problem {
    tracing::error!("a request's handler panicked");
    Problem::new(
        Kind::Internal,
        "Something went wrong on our side. Nothing that was acknowledged is lost; try again.",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_description_is_whole() {
        let api: serde_json::Value = serde_json::from_str(&openapi()).unwrap();
        assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
        let paths: Vec<_> = api["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            paths,
            [
                "/api/v1/assignments",
                "/api/v1/assignments/{id}/submissions",
                "/api/v1/batches",
                "/api/v1/batches/{id}",
                "/api/v1/billing/commitment",
                "/api/v1/billing/deliveries",
                "/api/v1/billing/deliveries/{id}/retry",
                "/api/v1/billing/equal-models",
                "/api/v1/billing/equal-models/{group}",
                "/api/v1/billing/{month}",
                "/api/v1/billing/{month}/reused",
                "/api/v1/budgets",
                "/api/v1/budgets/{scope}",
                "/api/v1/cost-control",
                "/api/v1/cost-control/{measure}",
                "/api/v1/dead-letters",
                "/api/v1/dead-letters/discard",
                "/api/v1/dead-letters/reroute",
                "/api/v1/dead-letters/retry",
                "/api/v1/dead-letters/{id}",
                "/api/v1/dead-letters/{id}/edit",
                "/api/v1/dead-letters/{id}/mark",
                "/api/v1/estimates",
                "/api/v1/plan",
                "/api/v1/prices",
                "/api/v1/prompts",
                "/api/v1/prompts/in-use",
                "/api/v1/providers",
                "/api/v1/providers/{name}/batch-size",
                "/api/v1/providers/{name}/schedule-advice",
                "/api/v1/rules",
                "/api/v1/rules/check",
                "/api/v1/rules/facts",
                "/api/v1/rules/replay",
                "/api/v1/rules/restore",
                "/api/v1/rules/try",
                "/api/v1/rules/versions",
                "/api/v1/submissions",
                "/api/v1/submissions/{tracking_id}",
                "/api/v1/submissions/{tracking_id}/events",
                "/api/v1/trials",
                "/api/v1/trials/{id}",
                "/api/v1/trials/{id}/stop",
            ]
        );
        assert_eq!(api["components"]["securitySchemes"]["token"]["scheme"], "bearer");
        // Everything that is referred to is there.
        let text = openapi();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(api["components"]["schemas"].get(name).is_some(), "{name}");
        }
        let receipt = &api["components"]["schemas"]["Receipt"]["properties"];
        for field in ["tracking_id", "status", "lane", "route", "position", "estimate", "interim"] {
            assert!(receipt.get(field).is_some(), "{field}");
        }
    }
}
