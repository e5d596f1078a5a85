//! The versions of the template for marks by a rubric.

use super::Template;

/// A version of the template, and what its answers take in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number, from 1.
    pub number: i64,
    /// What sets it apart, for administrators.
    pub about: &'static str,
    /// The frame of a criterion in a usual answer, with its evidence and its comment.
    criterion: u32,
    /// The feedback of a usual answer, with the next step.
    whole: u32,
    pub(super) stable: &'static str,
    pub(super) work: &'static str,
}

/// All versions, by number. What was sent by one must be shown for as long as its marks are: a version is never changed
/// or taken away, another is added. All of them ask for the same form of answer.
pub const VERSIONS: [Version; 2] = [
    Version {
        number: 1,
        about: "A comment of one or two sentences on each criterion, and feedback of two or three",
        criterion: 80,
        whole: 150,
        stable: include_str!("templates/rubric_v1/stable.jinja"),
        work: include_str!("templates/rubric_v1/work.jinja"),
    },
    Version {
        number: 2,
        about: "Shorter answers: one sentence of at most 20 words on each criterion, and feedback of two short ones",
        criterion: 55,
        whole: 95,
        stable: include_str!("templates/rubric_v2/stable.jinja"),
        work: include_str!("templates/rubric_v2/work.jinja"),
    },
];

/// The version that an installation begins with.
pub const FIRST: i64 = 1;

impl Version {
    /// The version of a number; none where there is no such.
    #[must_use]
    pub fn find(number: i64) -> Option<&'static Self> {
        VERSIONS.iter().find(|version| version.number == number)
    }

    /// The version that a template is of, as it is kept with an assessment: `rubric_v2`.
    #[must_use]
    pub fn of(template: &str) -> Option<&'static Self> {
        VERSIONS.iter().find(|version| version.template().to_string() == template)
    }

    /// Its template.
    #[must_use]
    pub fn template(&self) -> Template {
        Template { name: "rubric".to_owned(), version: u32::try_from(self.number).unwrap_or(u32::MAX) }
    }

    /// Half as much again as a usual answer has: a safe bound for the model, and what is reserved in money.
    pub(super) const fn max_output_tokens(&self, criteria: u32) -> u32 {
        (self.whole + criteria * self.criterion) * 3 / 2
    }
}
