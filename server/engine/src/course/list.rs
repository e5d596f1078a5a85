//! Assignments as a person may see them.

use super::{Assignment, store::ASSIGNMENT};
use crate::{
    engine::Engine,
    identity::{Actor, Role},
    store::{DbError, Exec},
};

/// An assignment in a list.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Listed {
    /// The assignment.
    #[sqlx(flatten)]
    pub assignment: Assignment,
    /// The course's code.
    pub course_code: String,
    /// The course's title.
    pub course_title: String,
    /// What the person is in the course; none for an administrator who is nothing in it.
    pub role: Option<Role>,
}

impl Engine {
    /// The assignments that a person may see, by course and title: those of their courses; all for an administrator.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn assignments(&self, actor: &Actor) -> Result<Vec<Listed>, DbError> {
        self.db()
            .query(format!(
                "SELECT x.*, c.code AS course_code, c.title AS course_title, e.role FROM ({ASSIGNMENT}) x \
                 JOIN courses c ON c.id = x.course_id \
                 LEFT JOIN enrolments e ON e.course_id = x.course_id AND e.person_id = $1 \
                 WHERE $2 OR e.role IS NOT NULL ORDER BY c.code, x.title, x.id"
            ))
            .bind(actor.person_id())
            .bind(actor.is_admin())
            .all()
            .await
    }
}
