//! Handing work in: its text, what can be told about it without a model, its tokens.

pub mod extract;
pub mod interim;
pub mod sentences;
pub mod tokens;

mod attempts;
mod content;
mod earlier;
mod hand_in;
mod list;
mod mine;
mod model;
pub mod store;
mod tracking;
mod view;
mod writer;

pub use attempts::Attempt;
pub use content::{Content, content};
pub(crate) use earlier::Earlier;
pub use hand_in::{HandIn, HandInError, Receipt};
pub use interim::{Brief, Interim, Quick, Remark, Topic};
pub use list::{ListError, MarkingFigures, Page, Row};
pub use mine::Mine;
pub use model::{Submission, SubmissionState};
pub use store::{New, Sent, Work};
pub use tracking::{NotATrackingId, TrackingId};
pub use view::{SubmissionView, ViewError};
pub(crate) use writer::Writer;
