//! What can go wrong with the simulator itself. What a caller of the simulated interfaces gets wrong is an
//! `ApiError`.

use std::{io, net::SocketAddr, path::PathBuf};

/// An error that keeps the simulator from starting or going on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is out of range.
    #[error("simulator setting {name}: {problem}")]
    Setting {
        /// Name of the setting as written in flags and JSON.
        name: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// The address can't be listened on.
    #[error("the simulator can't listen on {addr}: {source}; choose another address with --listen")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Another process works in the data folder.
    #[error("{} is in use by another simulator; stop it or choose another folder with --data", path.display())]
    InUse {
        /// The data folder.
        path: PathBuf,
    },
    /// A file can't be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The database failed.
    #[error("the simulator's database: {0}")]
    Database(#[from] sqlx::Error),
    /// A stored object can't be read back.
    #[error("the simulator's database holds an unreadable {what}: {source}")]
    Stored {
        /// The kind of object.
        what: &'static str,
        /// Why it can't be read.
        source: serde_json::Error,
    },
    /// A background task ended abnormally.
    #[error("a task of the simulator ended abnormally: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// Adds the path to an [`io::Error`].
pub(crate) trait At<T> {
    fn at(self, path: impl Into<PathBuf>) -> Result<T, Error>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: impl Into<PathBuf>) -> Result<T, Error> {
        self.map_err(|source| Error::File { path: path.into(), source })
    }
}
