//! The demo's mailbox: a small mail server on the loopback interface that keeps what it receives in a folder.

mod folder;
mod receive;

pub use folder::{Folder, FolderError, Heading, Message};
pub use receive::serve;
