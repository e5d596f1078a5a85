//! What can be wrong with a setup file.

use crate::{course::CourseError, identity::IdentityError, provider::ProviderError, store::DbError};
use std::{fmt, path::PathBuf};

/// One thing that is wrong in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The line on which the thing is named, from 1.
    pub line: Option<usize>,
    /// The table that it stands in, such as `people`.
    pub table: &'static str,
    /// Which of them: an address, a code, a key, a name.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}, ")?;
        }
        write!(f, "{} \"{}\": {}", self.table, self.name, self.reason)
    }
}

/// Why nothing was set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The file can't be read.
    #[error("the setup file {path} can't be read: {cause}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The file is not TOML, or has a key that is none or a value of the wrong type.
    #[error("the setup file can't be understood{}: {reason}", .place.map(|(line, column)| format!(", line {line}, column {column}")).unwrap_or_default())]
    Toml {
        /// Line and column, from 1.
        place: Option<(usize, usize)>,
        /// What is wrong.
        reason: String,
    },
    /// Things in it can't be so. Nothing was changed.
    #[error("nothing was set up, for in the file\n{}", .0.iter().map(|w| format!("  {w}")).collect::<Vec<_>>().join("\n"))]
    Wrong(Vec<Wrong>),
    /// A person could not be set up.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A course could not be set up.
    #[error(transparent)]
    Course(#[from] CourseError),
    /// A provider could not be set up.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}
