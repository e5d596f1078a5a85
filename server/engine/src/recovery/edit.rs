//! Correcting what made a request fail before it is sent again: another way, a longer answer, and passages left out of
//! the text that is sent. The work as it was handed in stays as it is.

use crate::{
    course::Rubric,
    engine::{Marking, RequestBytes},
    result::Wrong,
    routing::Route,
};

/// Most tokens that an answer may be given.
pub const MOST_OUTPUT: i64 = 32_000;

/// What a person changes in a request. What is none stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Provider's name.
    pub provider: Option<String>,
    /// One of its models; none with a provider: its first.
    pub model: Option<String>,
    /// Real time or batch.
    pub route: Option<Route>,
    /// Most tokens of the answer.
    pub max_output: Option<i64>,
    /// The text to send in place of the work.
    pub text: Option<String>,
}

/// An edit that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prepared {
    pub(super) max_output: i64,
    /// None: the work as handed in.
    pub(super) text: Option<String>,
    pub(super) input_tokens: i64,
    pub(super) bytes: RequestBytes,
}

/// The request as it is before it is edited.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before<'a> {
    /// The work as handed in.
    pub(super) work: &'a str,
    /// What is sent in its place; none: the work as handed in.
    pub(super) sent: Option<&'a str>,
    /// Most tokens of the answer.
    pub(super) max_output: i64,
}

/// Checks an edit.
pub(super) fn prepare(edit: &Edit, before: Before<'_>, marking: &Marking) -> Result<Prepared, Vec<Wrong>> {
    let mut wrongs = Vec::new();
    let least = i64::from(marking.stable.max_output_tokens);
    let max_output = edit.max_output.unwrap_or(before.max_output);
    if edit.max_output.is_some() && !(least..=MOST_OUTPUT.max(least)).contains(&max_output) {
        let message = format!(
            "The longest answer must be from {least} tokens, which {} usually take, to {MOST_OUTPUT}.",
            criteria(&marking.context.rubric)
        );
        wrongs.push(Wrong::new("max_output", message));
    }
    let text = match edit.text.as_deref().map(unix) {
        None => before.sent.map(str::to_owned),
        Some(text) => match left_out(before.work, &text) {
            Ok(_) => Some(text).filter(|text| *text != unix(before.work)),
            Err(message) => {
                wrongs.push(Wrong::new("text", message));
                None
            }
        },
    };
    let way = edit.provider.is_some() || edit.model.is_some() || edit.route.is_some();
    if wrongs.is_empty() && !way && max_output == before.max_output && text.as_deref() == before.sent {
        let message = "Nothing is changed. Change something, or have it tried again as it is.";
        wrongs.push(Wrong::new("max_output", message));
    }
    if !wrongs.is_empty() {
        return Err(wrongs);
    }
    let sent = text.as_deref().unwrap_or(before.work);
    Ok(Prepared {
        max_output,
        input_tokens: i64::try_from(marking.tokens(sent)).unwrap_or(i64::MAX),
        bytes: marking.bytes(sent),
        text,
    })
}

fn criteria(rubric: &Rubric) -> String {
    match rubric.criteria.len() {
        1 => "marks by one criterion".to_owned(),
        n => format!("marks by {n} criteria"),
    }
}

/// Forms come with other line breaks.
fn unix(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// How many words an edited text leaves out of the work.
///
/// Words may be left out and white space, control and format characters changed, no more: every word that is sent stands
/// in the work, in the same order, so that nobody is marked for what they did not write.
///
/// # Errors
/// Why the text can't be sent in place of the work, as a sentence.
pub fn left_out(work: &str, edited: &str) -> Result<usize, String> {
    let mut words = words(work);
    let mut left_out = 0;
    let mut kept = 0;
    for (number, word) in (1..).zip(self::words(edited)) {
        loop {
            match words.next() {
                Some(next) if next == word => break,
                Some(_) => left_out += 1,
                None => {
                    let shown: String = word.chars().take(40).collect();
                    return Err(format!(
                        "Word {number}, “{shown}”, is not in the work at that place. Words can be left out, but not \
                         added, changed or moved: the marks must be for what the student wrote."
                    ));
                }
            }
        }
        kept += 1;
    }
    if kept == 0 {
        return Err("Nothing is left of the work. Keep what can be marked, or mark it by hand.".to_owned());
    }
    Ok(left_out + words.count())
}

/// The words of a text, without characters that nobody sees.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let seen = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffd}')
    };
    text.split_whitespace()
        .map(move |word| word.chars().filter(seen).collect::<String>())
        .filter(|w| !w.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_may_be_left_out_and_nothing_else() {
        let work = "We need\u{200b} buses.\n\nxx\u{fffd}yy zz. Cars are\tloud, are they?";
        for (edited, words) in [
            (work, 0),
            ("We need buses. Cars are loud, are they?", 2),
            ("We need buses.\r\nxxyy zz.\r\nCars are\u{0} loud, are they?", 0),
            ("they?", 9),
            ("Cars are they?", 7),
        ] {
            assert_eq!(left_out(work, edited), Ok(words), "{edited}");
        }
        for (edited, part) in [
            ("", "Nothing is left"),
            (" \u{200b}\n", "Nothing is left"),
            ("We need trams.", "Word 3, “trams.”"),
            ("buses. We need", "Word 2, “We”"),
            ("We need buses. Cars are loud, are they? Yes", "Word 9, “Yes”"),
        ] {
            let refused = left_out(work, edited);
            assert!(refused.as_ref().is_err_and(|why| why.contains(part)), "{edited}: {refused:?}");
        }
    }
}
