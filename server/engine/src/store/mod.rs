//! The two databases behind one set of SQL, and the small types that every row is made of.
//!
//! SQL is written once, with `$1` placeholders, in the `store.rs` of each noun, and runs on SQLite and PostgreSQL.
//! A store function takes `&mut impl Exec`, so that it runs alone ([`Db`]) or inside a transaction ([`Tx`]).

mod checkpoint;
mod db;
mod digest;
mod id;
mod lately;
mod many;
mod migrate;
mod money;
mod sqlite_tx;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod text;
mod together;
mod world;

pub(crate) use db::TxConn;
pub use db::{Db, DbError, Dialect, Exec, Query, Rec, Tx, Val};
pub use digest::Digest;
pub use id::{
    AdoptionId, AssessmentId, AssignmentId, BatchId, BudgetAlertId, BudgetChangeId, BudgetId, CallId,
    ControlChangeId, CourseId, DeadLetterId, DeliveryId, EditId, Id, JobId, LedgerLineId, LookId, MessageId,
    NoticeId, OutageId, PersonId, RubricId, RubricVersionId, RuleSetId, SubmissionId, TokenId, TrialId,
    TrialWorkId, first_id_at,
};
pub use lately::Lately;
pub use many::Rows;
pub(crate) use many::{in_chunks, in_chunks_of_rows, in_order, places};
pub use money::NanoUsd;
pub(crate) use text::text_column;
pub(crate) use together::Together;
pub use world::{Chance, Clock, ManualClock, SeededChance, SystemChance, SystemClock, World, to_micros};

pub use sqlx::types::Json;
