//! Essays for tests: plain English of any length, another one for each number, the same one for the same number.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

const SUBJECTS: [&str; 16] = [
    "The library",
    "A good teacher",
    "My older brother",
    "The new law",
    "Every student",
    "The city council",
    "A computer",
    "The writer",
    "Our neighbour",
    "The experiment",
    "A careful reader",
    "The mayor",
    "This book",
    "The evidence",
    "A long journey",
    "The committee",
];
const VERBS: [&str; 16] = [
    "shows",
    "changes",
    "supports",
    "questions",
    "explains",
    "improves",
    "weakens",
    "describes",
    "repeats",
    "protects",
    "replaces",
    "deserves",
    "invites",
    "measures",
    "remembers",
    "defends",
];
const OBJECTS: [&str; 16] = [
    "the way we learn",
    "a better argument",
    "the first impression",
    "what the public believes",
    "the price of a mistake",
    "an old habit",
    "the value of patience",
    "how people meet",
    "the rules of the game",
    "a quiet afternoon",
    "the main idea",
    "an honest answer",
    "the whole community",
    "the work of others",
    "a simple plan",
    "the final result",
];
const LINKS: [&str; 8] =
    ["because", "although", "while", "and", "so that", "even when", "which means that", "but"];
const OPENERS: [&str; 8] = [
    "First,",
    "However,",
    "For example,",
    "In my opinion,",
    "As a result,",
    "In addition,",
    "On the other hand,",
    "Finally,",
];

/// An essay of about `words` words, in paragraphs.
#[must_use]
pub fn essay(number: u64, words: usize) -> String {
    let mut chance = StdRng::seed_from_u64(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x51);
    // No two essays are the same, however short.
    let mut text = format!("This is essay number {number}.");
    let (mut count, mut sentences) = (5, 1);
    while count < words {
        let sentence = sentence(&mut chance);
        count += sentence.split(' ').count();
        text.push_str(if sentences % 6 == 0 { "\n\n" } else { " " });
        text.push_str(&sentence);
        sentences += 1;
    }
    text
}

fn sentence(chance: &mut StdRng) -> String {
    let one = |chance: &mut StdRng, from: &[&'static str]| *from.choose(chance).unwrap_or(&"");
    let clause = |chance: &mut StdRng| {
        let (subject, verb, object) = (one(chance, &SUBJECTS), one(chance, &VERBS), one(chance, &OBJECTS));
        format!("{subject} {verb} {object}")
    };
    let mut sentence = clause(chance);
    if chance.random_bool(0.6) {
        sentence = format!("{sentence} {} {}", one(chance, &LINKS), uncapped(&clause(chance)));
    }
    if chance.random_bool(0.3) {
        sentence = format!("{} {}", one(chance, &OPENERS), uncapped(&sentence));
    }
    sentence + "."
}

fn uncapped(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn essays_differ_and_repeat() {
        assert_eq!(essay(7, 350), essay(7, 350));
        assert_ne!(essay(7, 350), essay(8, 350));
        let words = essay(7, 350).split_whitespace().count();
        assert!((350..380).contains(&words), "{words}");
    }
}
