//! Bringing a database's schema up to date: Quire's own tables, then the tables of the task queues.

use super::db::{Db, DbError};
use sqlx::migrate::Migrator;

static SQLITE: Migrator = sqlx::migrate!("../../migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../../migrations/postgres");

impl Db {
    /// Applies what is missing; does nothing on a database that is up to date.
    ///
    /// # Errors
    /// If a step fails or the database holds a newer schema than this program knows.
    pub async fn migrate(&self) -> Result<(), DbError> {
        match self {
            Self::Sqlite { write, .. } => {
                SQLITE.run(write).await?;
                // Not the crate's own `setup`: it would switch off syncing on a connection of the pool.
                let mut tasks = apalis_sqlite::SqliteStorage::migrations();
                tasks.dangerous_set_table_name("_apalis_migrations");
                tasks.run(write).await?;
                // With this index the plan for acknowledging a task walks all finished ones.
                sqlx::query("DROP INDEX IF EXISTS LIdx").execute(write).await?;
            }
            Self::Postgres(pool) => {
                POSTGRES.run(pool).await?;
                apalis_postgres::PostgresStorage::<()>::migrations().run(pool).await?;
            }
        }
        Ok(())
    }
}
