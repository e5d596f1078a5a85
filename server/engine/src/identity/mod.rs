//! People, their roles, how they come in (password, session, API token), and what each may do.
//!
//! [`Identity`] is the way in: it finds out who asks and checks each act against the one table in `policy.rs`. Other
//! nouns ask it before they act.

mod email;
mod enrolling;
mod error;
mod institution;
mod password;
mod people;
mod person;
mod policy;
mod session;
pub mod store;
#[cfg(test)]
mod tests;
mod token;

pub use email::{Email, EmailError, name_from_email};
pub use enrolling::Student;
pub(crate) use enrolling::write_new;
pub use error::IdentityError;
pub use institution::{Institution, Zone};
pub use password::{PasswordError, Passwords};
pub use people::Identity;
pub use person::{Member, Memberships, NewPerson, Person, Role};
pub use policy::{Act, Actor, Came, Denied, allowed};
pub use session::Sessions;
pub use token::{ApiToken, NewToken};
