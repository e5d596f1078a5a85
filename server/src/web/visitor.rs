//! Who looks, and what every page is told of it.

use crate::{
    http::{app::App, listen::Peer, observe::RequestId},
    session::{
        csrf, network,
        visitor::{self, Who},
    },
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, Uri, header::SET_COOKIE, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use quire_app::{
    data::{PageError, RefusedForm, Role, Viewer, Visit},
    render::{self, Refusal},
};
use quire_engine::{
    identity::{self, Actor, IdentityError},
    store::Id,
};
use std::net::IpAddr;
use tower_sessions::Session;

/// Someone who looks.
pub(super) struct Visitor {
    pub(super) session: Session,
    /// The person with their viewer; none before signing in.
    pub(super) person: Option<(Actor, Viewer)>,
    /// A session has ended.
    pub(super) ended: bool,
    /// The network they come from.
    pub(super) network: IpAddr,
    /// Under which the log has this request.
    pub(super) request: String,
    /// What the token of a form belongs to.
    secrets: Secrets,
}

/// Secrets behind form tokens.
struct Secrets {
    /// That of forms rendered now.
    now: String,
    /// Those that forms may still come with: of a session that has ended, or from before signing in.
    before: Vec<String>,
    /// A cookie to be set.
    cookie: Option<String>,
}

/// The database failed.
pub(super) struct Unavailable;

impl IntoResponse for Unavailable {
    fn into_response(self) -> Response {
        (
            axum::http::StatusCode::SERVICE_UNAVAILABLE,
            [("retry-after", "5")],
            "Quire can't reach its database just now. What we confirmed to you is safe. Try again in a moment.",
        )
            .into_response()
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Unavailable;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Unavailable> {
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "a session can't be read");
            Unavailable
        };
        let Some(session) = parts.extensions.get::<Session>().cloned() else {
            return Err(failed(&"the session layer is missing"));
        };
        let brought = visitor::cookie(&parts.headers, app.cookies.session).map(str::to_owned);
        let form = visitor::cookie(&parts.headers, app.cookies.form).map(str::to_owned);
        let who = visitor::who(&session, brought.is_some(), app.limits, app.engine.now()).await;
        let (mut person, mut ended) = (None, false);
        match who.map_err(|error| failed(&error))? {
            Who::Nobody => {}
            Who::Ended => ended = true,
            Who::Person(id) => match app.engine.identity().actor(id).await {
                Ok(actor) => {
                    let viewer = viewer(app, &actor).await.map_err(|error| failed(&error))?;
                    person = viewer.map(|viewer| (actor, viewer));
                }
                Err(IdentityError::Db(error)) => return Err(failed(&error)),
                Err(_) => {
                    session.flush().await.map_err(|error| failed(&error))?;
                    ended = true;
                }
            },
        }
        let secrets = match (&person, session.id()) {
            (Some(_), Some(id)) => Secrets { now: id.to_string(), before: Vec::new(), cookie: None },
            _ => {
                let cookie = form.is_none().then(|| URL_SAFE_NO_PAD.encode(app.engine.world().bytes::<16>()));
                let now = form.clone().or_else(|| cookie.clone()).unwrap_or_default();
                Secrets { now, before: Vec::new(), cookie }
            }
        };
        let before = [brought, form].into_iter().flatten().filter(|secret| *secret != secrets.now).collect();
        let peer = parts.extensions.get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0);
        let client = network::client(peer, &parts.headers, &app.settings.trusted_proxies);
        Ok(Self {
            session,
            person,
            ended,
            network: network::network(client),
            request: parts.extensions.get::<RequestId>().map(RequestId::to_string).unwrap_or_default(),
            secrets: Secrets { before, ..secrets },
        })
    }
}

async fn viewer(app: &App, actor: &Actor) -> Result<Option<Viewer>, IdentityError> {
    let Some(person) = actor.person() else { return Ok(None) };
    let memberships = app.engine.identity().memberships(person.id).await?;
    let role = if person.is_admin {
        Role::Admin
    } else if memberships.courses(identity::Role::Instructor).next().is_some() {
        Role::Instructor
    } else {
        Role::Student
    };
    Ok(Some(Viewer {
        id: person.id.uuid(),
        name: person.name.clone(),
        role,
        zone: person.time_zone.0,
        unread: super::notices::count(app, actor).await?,
    }))
}

impl Visitor {
    /// Whether a form that came with this request is ours.
    pub(super) fn is_ours(&self, app: &App, headers: &axum::http::HeaderMap, token: Option<&str>) -> bool {
        let token = token.unwrap_or_default();
        csrf::same_origin(headers, app.settings.public_url.as_ref())
            && std::iter::once(&self.secrets.now)
                .chain(&self.secrets.before)
                .any(|secret| !secret.is_empty() && csrf::token_matches(secret, token))
    }

    /// What a page is told of this visit.
    pub(super) fn visit(
        &self,
        app: &App,
        ended: bool,
        form: Option<RefusedForm>,
        message: Option<String>,
    ) -> Visit {
        Visit {
            viewer: self.person.as_ref().map(|(_, viewer)| viewer.clone()),
            session_ended: ended,
            csrf: csrf::token(&self.secrets.now),
            now: app.engine.now(),
            zone: app.settings.time_zone,
            demo: app.demo.is_some(),
            form,
            message,
        }
    }

    /// The page at an address.
    pub(super) async fn page(
        &self,
        app: &App,
        address: &Uri,
        ended: bool,
        form: Option<RefusedForm>,
    ) -> Response {
        let visit = self.visit(app, ended, form, None);
        self.with_cookie(app, render::page(&app.site, visit, address).await)
    }

    /// A page in place of the one at an address.
    pub(super) async fn refuse(&self, app: &App, address: &Uri, refusal: Refusal) -> Response {
        let visit = self.visit(app, self.ended, None, None);
        let retry = match &refusal {
            Refusal::TooMany { retry_after } => Some(*retry_after),
            Refusal::Page(PageError::Unavailable { retry_after }) => *retry_after,
            _ => None,
        };
        let mut response = self.with_cookie(app, render::refusal(&app.site, visit, address, refusal).await);
        if let Some(seconds) = retry {
            response.headers_mut().insert("retry-after", HeaderValue::from(seconds));
        }
        response
    }

    /// On to another page.
    pub(super) fn on_to(path: &str) -> Response {
        Redirect::to(path).into_response()
    }

    fn with_cookie(&self, app: &App, mut response: Response) -> Response {
        if let Some(secret) = &self.secrets.cookie {
            let cookie = visitor::form_cookie(app.cookies.form, secret.clone(), app.settings.is_https());
            if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
                response.headers_mut().append(SET_COOKIE, value);
            }
        }
        response
    }
}
