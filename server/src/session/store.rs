//! The store that the session layer keeps its records in: rows of the database, so that any process serves any
//! session and a restart ends none.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use quire_engine::identity::Sessions;
use time::OffsetDateTime;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store::{Error, Result},
};

/// Sessions as rows of the database.
#[derive(Clone, Debug)]
pub struct RowStore(Sessions);

impl RowStore {
    /// Keeps sessions in these rows.
    #[must_use]
    pub const fn new(rows: Sessions) -> Self {
        Self(rows)
    }
}

#[async_trait]
impl SessionStore for RowStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        while !self.0.create(&record.id.to_string(), &data(record)?, expiry(record)).await.map_err(backend)? {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        // A session that was ended meanwhile (signed out in another tab) is not brought back to life.
        self.0.update(&record.id.to_string(), &data(record)?, expiry(record)).await.map_err(backend)?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some((data, expires_at)) = self.0.load(&id.to_string()).await.map_err(backend)? else {
            return Ok(None);
        };
        let data = serde_json::from_str(&data).map_err(|e| Error::Decode(e.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date: to_offset(expires_at)? }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.0.delete(&id.to_string()).await.map_err(backend)
    }
}

fn backend(error: quire_engine::store::DbError) -> Error {
    Error::Backend(error.to_string())
}

fn data(record: &Record) -> Result<String> {
    serde_json::to_string(&record.data).map_err(|e| Error::Encode(e.to_string()))
}

fn expiry(record: &Record) -> DateTime<Utc> {
    DateTime::from_timestamp(record.expiry_date.unix_timestamp(), 0).unwrap_or(DateTime::UNIX_EPOCH)
}

fn to_offset(at: DateTime<Utc>) -> Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(at.timestamp()).map_err(|e| Error::Decode(e.to_string()))
}

#[cfg(test)]
pub(crate) mod testing {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use quire_engine::store::{Db, World};
    use std::sync::Arc;

    /// A store in a database of its own.
    pub(crate) async fn store() -> (tempfile::TempDir, Arc<RowStore>) {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite:{}", dir.path().join("q.db").display())).await.unwrap();
        db.migrate().await.unwrap();
        (dir, Arc::new(RowStore::new(Sessions::new(db, World::system()))))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tower_sessions::{Expiry, Session};

    #[tokio::test]
    async fn a_session_is_kept_moved_and_ended() {
        let (_dir, store) = testing::store().await;
        let expiry = Expiry::OnInactivity(time::Duration::hours(1));
        let session = Session::new(None, store.clone(), Some(expiry));
        session.insert("n", 1).await.unwrap();
        session.save().await.unwrap();
        let first = session.id().unwrap();
        let again = Session::new(Some(first), store.clone(), Some(expiry));
        assert_eq!(again.get::<i32>("n").await.unwrap(), Some(1));
        again.cycle_id().await.unwrap();
        again.save().await.unwrap();
        let second = again.id().unwrap();
        assert_ne!(first, second);
        assert!(store.load(&first).await.unwrap().is_none(), "the old id opens nothing");
        assert!(store.load(&second).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_session_ended_elsewhere_stays_ended() {
        let (_dir, store) = testing::store().await;
        let expiry = Expiry::OnInactivity(time::Duration::hours(1));
        let session = Session::new(None, store.clone(), Some(expiry));
        session.insert("n", 1).await.unwrap();
        session.save().await.unwrap();
        let id = session.id().unwrap();
        let other_tab = Session::new(Some(id), store.clone(), Some(expiry));
        other_tab.insert("n", 2).await.unwrap();
        session.flush().await.unwrap();
        other_tab.save().await.unwrap();
        assert!(store.load(&id).await.unwrap().is_none());
    }
}
