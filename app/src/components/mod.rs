//! What pages are built from. Each thing is drawn in one place; class names are those of `style/`.

mod basic;
mod chart;
mod form;
mod frame;
mod icon;
mod marks;
mod table;

pub use basic::*;
pub use chart::*;
pub use form::*;
pub use frame::*;
pub use icon::*;
pub use marks::*;
pub use table::*;

use crate::data::Visit;
use crate::when::Clock;
use leptos::prelude::*;

/// The visit that this page is rendered for.
pub(crate) fn visit() -> Visit {
    expect_context::<Visit>()
}

/// The clock by which this page's times are written.
pub(crate) fn clock() -> Clock {
    let visit = visit();
    Clock { now: visit.now, zone: visit.zone() }
}
