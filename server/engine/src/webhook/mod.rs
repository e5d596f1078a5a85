//! The bill of each month, posted to an address of the institution as a signed webhook (SPEC 7.7).
//!
//! Once a month has ended, its bill is written down as a delivery, exactly once whatever number of processes look
//! ([`store::insert`]). Workers post it until the address takes it, signed as Standard Webhooks says ([`Secret`]); each is
//! posted at least once, always under the same id, by which a receiver can tell that it came twice.

mod body;
mod deliver;
mod due;
mod secret;
mod send;
mod store;
mod target;
#[cfg(test)]
mod tests;
mod view;

pub use secret::{Secret, SecretError, signature};
pub use send::{Posted, TIMEOUT, Webhook, WebhookError, WebhookSettings};
pub use store::{Delivery, State};
pub use target::{Refused, Target, internal};
pub use view::{Deliveries, DeliveryError};
