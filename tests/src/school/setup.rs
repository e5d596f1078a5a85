//! What the school is made of: the file that `quire setup` is given.

use super::{Options, email};
use quire_engine::store::{Db, Exec as _};
use quire_simulator::Running;
use std::fmt::Write as _;

/// Everybody's password.
pub(super) const PASSWORD: &str = "a long enough password";

/// Everybody, with what they are.
pub(super) const PEOPLE: [(&str, &str); 6] = [
    ("admin", "A. Admin"),
    ("berg", "N. Berg"),
    ("dora", "D. Dahl"),
    ("ada", "Ada Lind"),
    ("ben", "Ben Moss"),
    ("cy", "Cy Young"),
];
