//! What setting up has changed.

use crate::provider::registry::Change;
use std::fmt;

/// One thing that the file names, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is, such as `person`.
    pub what: &'static str,
    /// Which one.
    pub name: String,
    /// What became of it.
    pub change: Change,
}

/// All that a file names, and what became of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// In the order in which it was done.
    pub steps: Vec<Step>,
}

impl Report {
    pub(super) fn note(&mut self, what: &'static str, name: &str, change: Change) {
        self.steps.push(Step { what, name: name.to_owned(), change });
    }

    /// How many things had this become of them.
    #[must_use]
    pub fn count(&self, change: Change) -> usize {
        self.steps.iter().filter(|step| step.change == change).count()
    }
}

impl fmt::Display for Report {
    /// One line for each thing that was created or changed, and a line of sums.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            match step.change {
                Change::Created => writeln!(f, "created {} {}", step.what, step.name)?,
                Change::Updated => writeln!(f, "changed {} {}", step.what, step.name)?,
                Change::Unchanged => {}
            }
        }
        let [created, updated, unchanged] =
            [Change::Created, Change::Updated, Change::Unchanged].map(|change| self.count(change));
        write!(f, "{created} created, {updated} changed, {unchanged} as they were")
    }
}
