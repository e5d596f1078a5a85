//! What can go wrong with people.

use super::{Denied, EmailError, PasswordError};
use crate::store::DbError;

/// Why someone could not come in, or not do what they asked.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Unknown address or wrong password; which of them is not said.
    #[error(
        "That e-mail address and password do not match. Check both, or ask your institution for a new password."
    )]
    WrongPassword,
    /// The account was closed.
    #[error("This account is closed. Ask your institution if you think that it should not be.")]
    Disabled,
    /// The API token is unknown, out of date or revoked.
    #[error(
        "This token is not known, has expired or was revoked. Ask an administrator for a new one (quire token create)."
    )]
    Token,
    /// The session's person is not there any more.
    #[error("Your session has ended. Sign in again; what you handed in is safe.")]
    SessionEnded,
    /// There is no person of this id or address.
    #[error("There is no person \"{0}\". Check the address.")]
    NoSuchPerson(String),
    /// Work can't be handed in for a person who teaches the course.
    #[error("{0} teaches this course; work can be handed in for students only.")]
    NotAStudent(String),
    /// The name of a token can't be used.
    #[error("Give the token a name of 1 to 100 characters, so that you know it again.")]
    TokenName,
    /// The address is none.
    #[error(transparent)]
    Email(#[from] EmailError),
    /// The password can't be taken.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// They may not do this.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl IdentityError {
    /// Nothing may be told but that it is not there.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::Denied(Denied::NotFound))
    }
}
