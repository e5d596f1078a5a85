//! Notices: what people are told, on the platform and by e-mail.
//!
//! A notice is written in the transaction of the event that it tells of, one row for each channel of its kind; a row
//! that is there already stays, so that each person is told of each event once on each channel. Rows of the platform
//! are there to be read; rows of e-mail are an outbox that workers empty.

mod deliver;
mod inbox;
mod kind;
mod letter;
mod mailer;
pub mod store;
mod tell;
#[cfg(test)]
mod tests;
mod when;

pub use deliver::Delivered;
pub use inbox::{Inbox, InboxItem};
pub use kind::{Channel, Kind};
pub use letter::Letter;
pub use mailer::{MailError, Mailer, SendError, SmtpSecurity, SmtpSettings};
pub use store::{New, any_due};
pub use when::time_range;
