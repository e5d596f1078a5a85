//! Who looks: the person that a browser's session holds.

use crate::settings;
use axum::http::{HeaderMap, header::COOKIE};
use chrono::{DateTime, TimeDelta, Utc};
use quire_engine::store::PersonId;
use serde::{Deserialize, Serialize};
use tower_sessions::{Session, cookie::Cookie, session::Error};

/// The one thing that a session holds.
const KEY: &str = "signed_in";

/// A person who signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SignedIn {
    person: PersonId,
    at: DateTime<Utc>,
    /// The last visit, as far as it was written down.
    seen: DateTime<Utc>,
}

/// What a browser's cookie says of who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Nobody has signed in.
    Nobody,
    /// Someone had signed in, but the session has ended.
    Ended,
    /// This person.
    Person(PersonId),
}

/// How long sessions last.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Without a visit.
    pub idle: TimeDelta,
    /// From signing in.
    pub absolute: TimeDelta,
}

impl From<settings::Sessions> for Limits {
    fn from(settings: settings::Sessions) -> Self {
        let delta = |period: settings::Period| TimeDelta::from_std(period.0).unwrap_or(TimeDelta::MAX);
        Self { idle: delta(settings.idle), absolute: delta(settings.absolute) }
    }
}

/// Puts a person into the session, under a new id: one that was known before (to whoever may have planted it) opens
/// nothing.
///
/// # Errors
/// If the database fails.
pub async fn sign_in(session: &Session, person: PersonId, now: DateTime<Utc>) -> Result<(), Error> {
    session.clear().await;
    session.cycle_id().await?;
    session.insert(KEY, SignedIn { person, at: now, seen: now }).await
}

/// Ends the session, here and in all tabs.
///
/// # Errors
/// If the database fails.
pub async fn sign_out(session: &Session) -> Result<(), Error> {
    session.flush().await
}

/// Who looks. A visit prolongs the session; that is written down at most thirty times in the idle time.
///
/// # Errors
/// If the database fails.
pub async fn who(session: &Session, brought: bool, limits: Limits, now: DateTime<Utc>) -> Result<Who, Error> {
    let signed_in = match session.get::<SignedIn>(KEY).await {
        Ok(signed_in) => signed_in,
        // What an older version wrote can't be read: as good as ended.
        Err(Error::SerdeJson(_)) => None,
        Err(error) => return Err(error),
    };
    let Some(mut signed_in) = signed_in else {
        return Ok(if brought { Who::Ended } else { Who::Nobody });
    };
    if now - signed_in.at >= limits.absolute || now - signed_in.seen >= limits.idle {
        session.flush().await?;
        return Ok(Who::Ended);
    }
    if now - signed_in.seen >= limits.idle / 30 {
        signed_in.seen = now;
        session.insert(KEY, signed_in).await?;
    }
    Ok(Who::Person(signed_in.person))
}

/// The value of a cookie.
#[must_use]
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
}

/// The names of this server's cookies. Over https they carry the prefix that binds them to this host and to
/// encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieNames {
    /// The session's.
    pub session: &'static str,
    /// Of the secret behind form tokens before signing in.
    pub form: &'static str,
}

impl CookieNames {
    /// The names for a server reached over https, or not.
    #[must_use]
    pub const fn new(https: bool) -> Self {
        if https {
            Self { session: "__Host-quire_session", form: "__Host-quire_form" }
        } else {
            Self { session: "quire_session", form: "quire_form" }
        }
    }
}

/// The cookie of the secret behind form tokens before signing in; it ends with the browser.
#[must_use]
pub fn form_cookie(name: &'static str, secret: String, https: bool) -> Cookie<'static> {
    Cookie::build((name, secret))
        .path("/")
        .http_only(true)
        .same_site(tower_sessions::cookie::SameSite::Lax)
        .secure(https)
        .build()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::session::store::{RowStore, testing::store};
    use quire_engine::store::World;
    use std::sync::Arc;
    use tower_sessions::SessionStore;

    const LIMITS: Limits = Limits { idle: TimeDelta::hours(1), absolute: TimeDelta::hours(3) };

    async fn visit(id: Option<tower_sessions::session::Id>, store: &Arc<RowStore>) -> Session {
        Session::new(id, store.clone(), None)
    }

    #[tokio::test]
    async fn sessions_end_by_idleness_and_by_age() {
        let (_dir, store) = store().await;
        let world = World::system();
        let (person, now) = (world.id(), world.now());
        let at = |minutes| now + TimeDelta::minutes(minutes);
        let session = visit(None, &store).await;
        assert_eq!(who(&session, false, LIMITS, now).await.unwrap(), Who::Nobody);
        assert_eq!(who(&session, true, LIMITS, now).await.unwrap(), Who::Ended);
        sign_in(&session, person, now).await.unwrap();
        session.save().await.unwrap();
        let id = session.id();
        for minutes in [1, 50, 100, 150] {
            let session = visit(id, &store).await;
            assert_eq!(
                who(&session, true, LIMITS, at(minutes)).await.unwrap(),
                Who::Person(person),
                "{minutes}"
            );
            assert_eq!(session.is_modified(), minutes > 1, "a visit soon after is not written down");
            session.save().await.unwrap();
        }
        let session = visit(id, &store).await;
        assert_eq!(who(&session, true, LIMITS, at(180)).await.unwrap(), Who::Ended, "too old");
        assert!(store.load(&id.unwrap()).await.unwrap().is_none());

        let session = visit(None, &store).await;
        sign_in(&session, person, now).await.unwrap();
        session.save().await.unwrap();
        assert_eq!(who(&session, true, LIMITS, at(60)).await.unwrap(), Who::Ended, "idle too long");
    }

    #[tokio::test]
    async fn signing_in_changes_the_id_and_out_ends_it() {
        let (_dir, store) = store().await;
        let world = World::system();
        let session = visit(None, &store).await;
        session.insert("planted", 1).await.unwrap();
        session.save().await.unwrap();
        let planted = session.id();
        sign_in(&session, world.id(), world.now()).await.unwrap();
        session.save().await.unwrap();
        assert_ne!(session.id(), planted);
        assert_eq!(session.get::<i32>("planted").await.unwrap(), None);
        assert!(store.load(&planted.unwrap()).await.unwrap().is_none());
        let id = session.id().unwrap();
        sign_out(&session).await.unwrap();
        assert!(store.load(&id).await.unwrap().is_none());
    }

    #[test]
    fn cookies_are_found_by_name() {
        let headers = HeaderMap::from_iter([(COOKIE, "a=1; quire_session=xyz;b=2".parse().unwrap())]);
        assert_eq!(cookie(&headers, "quire_session"), Some("xyz"));
        assert_eq!(cookie(&headers, "session"), None);
        assert_eq!(cookie(&HeaderMap::new(), "a"), None);
        let text = form_cookie("quire_form", "s".to_owned(), true).to_string();
        for part in ["quire_form=s", "HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
