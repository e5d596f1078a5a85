//! What can go wrong with courses.

use crate::store::DbError;

/// Why something about a course could not be done.
#[derive(Debug, thiserror::Error)]
pub enum CourseError {
    /// There is no such course.
    #[error("there is no course \"{0}\"")]
    NoCourse(String),
    /// The course has no such rubric.
    #[error("the course has no rubric \"{0}\"")]
    NoRubric(String),
    /// The rubric can't be marked by.
    #[error("the rubric \"{key}\" can't be used: {}", .wrongs.join("; "))]
    Rubric {
        /// The course's name for it.
        key: String,
        /// What is wrong.
        wrongs: Vec<String>,
    },
    /// The course can't be set up.
    #[error("the course \"{code}\" can't be set up: {}", .wrongs.join("; "))]
    Course {
        /// Its code.
        code: String,
        /// What is wrong.
        wrongs: Vec<String>,
    },
    /// The assignment can't be set up.
    #[error("the assignment \"{key}\" can't be set up: {}", .wrongs.join("; "))]
    Assignment {
        /// The course's name for it.
        key: String,
        /// What is wrong.
        wrongs: Vec<String>,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}
