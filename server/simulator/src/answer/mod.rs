//! Answers: marks and comments from simple text features, in whatever form the request asks for.

mod generate;
mod manner;
mod schema;
#[cfg(test)]
mod tests;
mod words;
mod work;

pub(crate) use generate::Spoil;
pub(crate) use schema::{Schema, Schemas, Strictness};
pub(crate) use words::REFUSAL;

use crate::prompt::{Format, Prompt};
use manner::Manner;

/// What is wrong with an answer on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It breaks its schema.
    Spoilt(Spoil),
    /// It is prose where JSON is asked for.
    NotJson,
}

/// The text of the answer to a prompt: the same for the same request, and the same marks for the same work by the same model.
pub(crate) fn text(prompt: &Prompt<'_>, flaw: Option<Flaw>) -> String {
    let works = work::find(&prompt.last_user_text());
    let prose = || words::prose(&works[0], generate::seed(&works));
    match (&prompt.format, flaw) {
        (Format::Text, _) | (_, Some(Flaw::NotJson)) => prose(),
        (Format::Object, _) => serde_json::json!({ "simulated": true, "comment": prose() }).to_string(),
        (Format::Schema(schema) | Format::Tool(_, schema), flaw) => {
            let spoil = match flaw {
                Some(Flaw::Spoilt(spoil)) => Some(spoil),
                _ => None,
            };
            generate::generate(schema, &works, &Manner::of(prompt), spoil)
        }
    }
}
