//! Which language a text is in.

use super::{Brief, Remark, Topic};
use whatlang::Lang;

/// The languages that are told apart: tag, English name, and the detector's own.
const LANGUAGES: [(&str, &str, Lang); 30] = [
    ("ar", "Arabic", Lang::Ara),
    ("bg", "Bulgarian", Lang::Bul),
    ("bn", "Bengali", Lang::Ben),
    ("ca", "Catalan", Lang::Cat),
    ("cs", "Czech", Lang::Ces),
    ("da", "Danish", Lang::Dan),
    ("de", "German", Lang::Deu),
    ("el", "Greek", Lang::Ell),
    ("en", "English", Lang::Eng),
    ("es", "Spanish", Lang::Spa),
    ("fa", "Persian", Lang::Pes),
    ("fi", "Finnish", Lang::Fin),
    ("fr", "French", Lang::Fra),
    ("he", "Hebrew", Lang::Heb),
    ("hi", "Hindi", Lang::Hin),
    ("hu", "Hungarian", Lang::Hun),
    ("it", "Italian", Lang::Ita),
    ("ja", "Japanese", Lang::Jpn),
    ("ko", "Korean", Lang::Kor),
    ("nl", "Dutch", Lang::Nld),
    ("pl", "Polish", Lang::Pol),
    ("pt", "Portuguese", Lang::Por),
    ("ro", "Romanian", Lang::Ron),
    ("ru", "Russian", Lang::Rus),
    ("sv", "Swedish", Lang::Swe),
    ("th", "Thai", Lang::Tha),
    ("tr", "Turkish", Lang::Tur),
    ("uk", "Ukrainian", Lang::Ukr),
    ("vi", "Vietnamese", Lang::Vie),
    ("zh", "Chinese", Lang::Cmn),
];

/// Tag and English name of each language that is known here.
pub const NAMES: [(&str, &str); LANGUAGES.len()] = {
    let mut names = [("", ""); LANGUAGES.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = (LANGUAGES[i].0, LANGUAGES[i].1);
        i += 1;
    }
    names
};

/// The English name of a language by its tag: `German` for `de` and `de-CH`.
#[must_use]
pub fn name(tag: &str) -> Option<&'static str> {
    let main = tag.split(['-', '_']).next()?;
    NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(main)).map(|&(_, name)| name)
}

/// The tag of the language that a text is in, if it is long and clear enough to tell.
pub(super) fn of(text: &str) -> Option<&'static str> {
    // The beginning is enough, and keeps the time bounded.
    within(text, 4_000)
}

/// The same from the first lines alone, which takes a tenth of the time and leaves more undecided.
pub(crate) fn at_a_glance(text: &str) -> Option<&'static str> {
    within(text, 240)
}

fn within(text: &str, characters: usize) -> Option<&'static str> {
    let end = text.char_indices().nth(characters).map_or(text.len(), |(end, _)| end);
    let text = &text[..end];
    let found = whatlang::detect(text)?;
    let clear = found.is_reliable() && text.chars().filter(|c| c.is_alphabetic()).nth(29).is_some();
    LANGUAGES.iter().find(|(_, _, lang)| clear && *lang == found.lang()).map(|&(tag, _, _)| tag)
}

/// The language against the brief; nothing if either is not known.
pub(super) fn remark(found: Option<&str>, brief: &Brief) -> Option<Remark> {
    let (found, asked) = (name(found?)?, name(brief.language.as_deref()?)?);
    Some(if found == asked {
        Remark::new(Topic::Language, true, format!("Written in {found}, as asked."), "")
    } else {
        Remark::new(
            Topic::Language,
            false,
            format!("Your text seems to be in {found}."),
            format!("The brief asks for {asked}."),
        )
    })
}
