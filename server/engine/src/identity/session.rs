//! Sessions of browsers, kept in the database so that any process can serve them. What is in one is the server's
//! affair; here are the rows.

use super::{store, token};
use crate::store::{Db, DbError, World};
use chrono::{DateTime, Utc};

/// The rows of sessions. Their ids are kept as digests: who reads the database can't come in with what they read.
#[derive(Clone, Debug)]
pub struct Sessions {
    db: Db,
    world: World,
}

impl Sessions {
    /// Sessions in this database.
    #[must_use]
    pub const fn new(db: Db, world: World) -> Self {
        Self { db, world }
    }

    /// Keeps a new session; false where the id is taken.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn create(&self, id: &str, data: &str, expires_at: DateTime<Utc>) -> Result<bool, DbError> {
        store::create_session(&mut self.db.clone(), &token::digest_hex(id), data, expires_at).await
    }

    /// Keeps a session as it is now; false where it was ended meanwhile, which it then stays.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn update(&self, id: &str, data: &str, expires_at: DateTime<Utc>) -> Result<bool, DbError> {
        store::update_session(&mut self.db.clone(), &token::digest_hex(id), data, expires_at).await
    }

    /// A session that has not expired: its data and when it will.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load(&self, id: &str) -> Result<Option<(String, DateTime<Utc>)>, DbError> {
        store::load_session(&mut self.db.clone(), &token::digest_hex(id), self.world.now()).await
    }

    /// Ends a session.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn delete(&self, id: &str) -> Result<(), DbError> {
        store::delete_session(&mut self.db.clone(), &token::digest_hex(id)).await
    }

    /// Removes what has expired; answers how many.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn sweep(&self) -> Result<u64, DbError> {
        store::sweep_sessions(&mut self.db.clone(), self.world.now()).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::testing::{each_db, still_world};
    use chrono::TimeDelta;

    #[tokio::test]
    async fn a_session_lives_until_it_expires_or_ends() {
        each_db(async |db| {
            let (world, clock) = still_world();
            let sessions = Sessions::new(db.clone(), world.clone());
            let soon = world.now() + TimeDelta::hours(1);
            assert!(sessions.create("a", "{}", soon).await.unwrap());
            assert!(!sessions.create("a", "{\"other\":1}", soon).await.unwrap());
            assert_eq!(sessions.load("a").await.unwrap(), Some(("{}".into(), soon)));
            assert!(sessions.update("a", "{\"n\":1}", soon).await.unwrap());
            assert!(!sessions.update("b", "{}", soon).await.unwrap());
            assert!(sessions.create("b", "{}", soon + TimeDelta::hours(1)).await.unwrap());
            assert_eq!(sessions.load("a").await.unwrap().unwrap().0, "{\"n\":1}");
            clock.advance(TimeDelta::hours(1));
            assert_eq!(sessions.load("a").await.unwrap(), None);
            assert!(sessions.load("b").await.unwrap().is_some());
            assert_eq!(sessions.sweep().await.unwrap(), 1);
            sessions.delete("b").await.unwrap();
            assert_eq!(sessions.load("b").await.unwrap(), None);
            // The id itself is nowhere in the database.
            assert!(sessions.create("secret-id", "{}", soon + TimeDelta::hours(9)).await.unwrap());
            let mut db = db;
            let ids: Vec<(String,)> =
                crate::store::Exec::query(&mut db, "SELECT id FROM sessions").all().await.unwrap();
            assert!(ids.len() == 1 && ids[0].0.len() == 64);
        })
        .await;
    }
}
