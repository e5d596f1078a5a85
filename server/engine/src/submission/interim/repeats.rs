//! Passages that stand twice in one text.

use super::{
    Remark, Topic, Work,
    phrase::{Count, beginning},
    words,
};
use crate::submission::sentences::Sentence;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
};

/// So many words in a row are no accident.
const WORDS: usize = 8;
/// Most passages that are told.
const MOST: usize = 5;

/// A passage that stands twice, by its bytes in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeat {
    /// How many words it has.
    pub words: u32,
    /// Where it stands first: first byte, and the byte after the last.
    pub first: (u32, u32),
    /// Where it stands again.
    pub again: (u32, u32),
    /// The paragraph where it stands first, from 1.
    pub first_paragraph: u32,
    /// The paragraph where it stands again, from 1.
    pub again_paragraph: u32,
}

/// The longest passages of [`WORDS`] words and more that stand twice, in the order of the text.
pub(super) fn find(text: &str, sentences: &[Sentence]) -> Vec<Repeat> {
    // Each word's place and digest; equal words have equal digests.
    let mut places = Vec::new();
    let mut digests = Vec::new();
    // Not random, so that the same work gives the same feedback.
    let hasher = BuildHasherDefault::<DefaultHasher>::new();
    words::each(text, |start, word| {
        places.push((start, start + word.len()));
        digests.push(hasher.hash_one(words::bare(word)));
    });
    let mut seen: HashMap<&[u64], usize> = HashMap::new();
    let mut found = Vec::new();
    let mut i = 0;
    while i + WORDS <= digests.len() {
        let window = &digests[i..i + WORDS];
        match seen.get(window) {
            Some(&first) if first + WORDS <= i => {
                let mut length = WORDS;
                while i + length < digests.len()
                    && first + length < i
                    && digests[first + length] == digests[i + length]
                {
                    length += 1;
                }
                found.extend(passage(&places, sentences, first, i, length));
                i += length;
            }
            Some(_) => i += 1,
            None => {
                seen.insert(window, i);
                i += 1;
            }
        }
    }
    found.sort_by_key(|repeat| std::cmp::Reverse(repeat.words));
    found.truncate(MOST);
    found.sort_by_key(|repeat| repeat.again);
    found
}

fn passage(
    places: &[(usize, usize)],
    sentences: &[Sentence],
    first: usize,
    again: usize,
    length: usize,
) -> Option<Repeat> {
    let span = |at: usize| {
        let (start, end) = (places[at].0, places[at + length - 1].1);
        Some((u32::try_from(start).ok()?, u32::try_from(end).ok()?))
    };
    let (first, again) = (span(first)?, span(again)?);
    let paragraph = |at: u32| {
        let after = sentences.partition_point(|s| s.start <= at);
        sentences.get(after.saturating_sub(1)).map_or(1, |s| s.paragraph)
    };
    Some(Repeat {
        words: u32::try_from(length).ok()?,
        first,
        again,
        first_paragraph: paragraph(first.0),
        again_paragraph: paragraph(again.0),
    })
}

pub(super) fn remark(repeats: &[Repeat], work: &Work<'_>) -> Option<Remark> {
    let longest = repeats.iter().max_by_key(|repeat| repeat.words)?;
    let title = match repeats.len() {
        1 => "One passage stands twice.".to_owned(),
        many => {
            let many = u32::try_from(many).unwrap_or(u32::MAX);
            format!("{} stand twice.", super::phrase::opening(many, "passage"))
        }
    };
    let (first, again) = (longest.first_paragraph, longest.again_paragraph);
    let place = if first == again {
        format!("Both times in paragraph {again}")
    } else {
        format!("Paragraph {again} repeats paragraph {first}")
    };
    let text = work.text.get(longest.again.0 as usize..longest.again.1 as usize).unwrap_or_default();
    let detail = format!("{place}: {} from {} on.", Count(longest.words, "word"), beginning(text));
    Some(Remark::new(Topic::Repeat, false, title, detail).in_paragraph(again))
}
