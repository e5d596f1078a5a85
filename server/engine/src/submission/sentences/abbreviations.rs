//! Words before a full stop that do not, or not always, end a sentence. English first, with the common ones of German,
//! French, Spanish, Italian, Portuguese and Dutch.

/// What a full stop after a word may mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Never the end of a sentence: titles, `e.g.`, `vs.`
    Never,
    /// Not before a figure: `Fig. 3`, `p. 12`.
    NotBeforeNumber,
    /// The end only if a capital follows: `etc.`, `Inc.`
    IfCapital,
}

/// What a full stop after this abbreviation means; `None` for any other word.
pub(super) fn abbreviation(word: &str) -> Option<Stop> {
    let mut lower = [0u8; 8];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    let stop = match &*lower {
        b"mr" | b"mrs" | b"ms" | b"dr" | b"prof" | b"rev" | b"gen" | b"sen" | b"rep" | b"gov" | b"capt"
        | b"lt" | b"col" | b"sgt" | b"cpl" | b"adm" | b"hon" | b"pres" | b"supt" | b"st" | b"mt" | b"ft"
        | b"messrs" | b"mmes" | b"mme" | b"mlle" | b"sra" | b"srta" | b"dra" | b"dott" | b"sig" | b"hr"
        | b"fr" | b"vs" | b"cf" | b"viz" | b"approx" | b"ca" | b"bzw" | b"vgl" | b"ggf" | b"evtl"
        | b"bijv" | b"www" | b"e.g" | b"i.e" | b"eg" | b"ie" | b"z.b" | b"d.h" | b"u.a" | b"p.ej"
        | b"p.ex" | b"v.gr" => Stop::Never,
        b"no" | b"nr" | b"nos" | b"fig" | b"figs" | b"vol" | b"vols" | b"ch" | b"chap" | b"sec" | b"eq"
        | b"eqs" | b"art" | b"pp" | b"pg" | b"ed" | b"tab" | b"abb" | b"kap" | b"bd" | b"jan" | b"feb"
        | b"mar" | b"apr" | b"jun" | b"jul" | b"aug" | b"sep" | b"sept" | b"oct" | b"nov" | b"dec"
        | b"okt" | b"dez" => Stop::NotBeforeNumber,
        b"etc" | b"ect" | b"al" | b"inc" | b"ltd" | b"co" | b"corp" | b"llc" | b"jr" | b"sr" | b"dept"
        | b"univ" | b"assn" | b"ave" | b"blvd" | b"rd" | b"min" | b"max" | b"hrs" | b"lbs" | b"oz"
        | b"usw" | b"usf" | b"eds" | b"trans" | b"est" => Stop::IfCapital,
        _ => return None,
    };
    Some(stop)
}

/// Words that open a sentence more often than they follow an abbreviation inside one.
pub(super) fn opens_sentence(word: &str) -> bool {
    matches!(
        word,
        "The"
            | "He"
            | "She"
            | "It"
            | "They"
            | "We"
            | "You"
            | "I"
            | "This"
            | "That"
            | "These"
            | "Those"
            | "There"
            | "In"
            | "On"
            | "At"
            | "But"
            | "And"
            | "So"
            | "If"
            | "When"
            | "While"
            | "After"
            | "Before"
            | "As"
            | "For"
            | "However"
            | "My"
            | "Our"
            | "His"
            | "Her"
            | "Their"
            | "Its"
            | "A"
            | "An"
            | "What"
            | "Who"
            | "Why"
            | "How"
            | "Some"
            | "Many"
            | "Most"
            | "Then"
            | "Because"
            | "Although"
            | "Now"
            | "No"
            | "Yes"
            | "Also"
            | "With"
            | "From"
            | "By"
            | "To"
            | "One"
            | "Another"
            | "Even"
            | "Since"
            | "Without"
    )
}
