//! Paragraphs and sentences: how a text is built, and how hard it is to read.

use super::{
    Remark, Topic, Work, citations,
    phrase::{beginning, grouped, opening},
    words,
};

/// A sentence of more words is worth a look.
const LONG_SENTENCE: u32 = 45;
/// A paragraph of more words is worth a look.
const LONG_PARAGRAPH: u32 = 300;
/// Shorter work needs no paragraphs.
const NEEDS_PARAGRAPHS: u32 = 180;

/// How the paragraphs stand.
pub(super) fn paragraphs(work: &Work<'_>, words: u32) -> Option<Remark> {
    if words < NEEDS_PARAGRAPHS {
        return None;
    }
    let remark =
        |good, title: String, detail: String| Some(Remark::new(Topic::Structure, good, title, detail));
    // A list of sources closes a text without being part of it.
    let body: Vec<u32> =
        work.paragraphs.iter().take_while(|p| !citations::is_heading(p)).map(|p| words::count(p)).collect();
    let average = format!("Sentences have {} words on average.", words / sentences(work).max(1));
    if body.len() <= 1 {
        return remark(
            false,
            "All of it is one paragraph.".to_owned(),
            format!(
                "{} words without a break. A new paragraph for each thought helps your reader.",
                grouped(words)
            ),
        );
    }
    if let Some((i, &long)) = body.iter().enumerate().find(|&(_, &count)| count > LONG_PARAGRAPH) {
        let number = u32::try_from(i + 1).unwrap_or(u32::MAX);
        let detail = format!("It has {long} words. See where a new thought begins.");
        return remark(false, format!("Paragraph {number} is very long."), detail)
            .map(|found| found.in_paragraph(number));
    }
    let count = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let (first, last) = (body[0], body[body.len() - 1]);
    let of_the_rest = words.saturating_sub(first).saturating_sub(last);
    if count >= 3 && first >= 15 && last >= 15 && of_the_rest > first.max(last) {
        remark(true, format!("{} with an opening and a closing one.", opening(count, "paragraph")), average)
    } else if count >= 3 && last < 15 {
        let detail =
            format!("It has {last} words. A closing that takes up your main point stays with the reader.");
        remark(false, "Your last paragraph is very short.".to_owned(), detail)
            .map(|found| found.in_paragraph(count))
    } else {
        remark(true, format!("{}.", opening(count, "paragraph")), average)
    }
}

fn sentences(work: &Work<'_>) -> u32 {
    u32::try_from(work.sentences.len()).unwrap_or(u32::MAX)
}

/// How hard the text is to read, by LIX (Björnsson 1968): words a sentence plus the percentage of words of more than six
/// letters; below 40 is easy, above 60 very hard. It needs no dictionary and holds for languages in Latin, Greek and
/// Cyrillic script.
pub(super) fn readability(work: &Work<'_>, language: Option<&str>) -> Option<Remark> {
    if matches!(language?, "ar" | "bn" | "fa" | "he" | "hi" | "ja" | "ko" | "th" | "zh") {
        return None;
    }
    let (mut all, mut long) = (0u32, 0u32);
    words::each(work.text, |_, word| {
        all += 1;
        long += u32::from(word.chars().filter(|c| c.is_alphabetic()).nth(6).is_some());
    });
    // Few words tell little.
    if all < 100 {
        return None;
    }
    let lix = all / sentences(work).max(1) + long * 100 / all;
    let remark = |good, title: &str, detail: &str| Some(Remark::new(Topic::Readability, good, title, detail));
    match lix {
        0..45 => remark(true, "Easy to follow.", "Most words are short, and so are the sentences."),
        45..60 => remark(true, "Takes some attention to read.", "As a text on a serious matter often does."),
        _ => remark(
            false,
            "Hard to read.",
            "Many words or sentences are long. Reading it aloud shows where a reader runs out of breath.",
        ),
    }
}

/// Sentences of great length.
pub(super) fn long_sentences(work: &Work<'_>) -> Option<Remark> {
    let long: Vec<(&str, u32, u32)> = work
        .sentences
        .iter()
        .map(|s| (s.of(work.text), s.paragraph))
        .map(|(text, paragraph)| (text, words::count(text), paragraph))
        .filter(|&(_, count, _)| count > LONG_SENTENCE)
        .collect();
    let &(text, count, paragraph) = long.iter().max_by_key(|&&(_, count, _)| count)?;
    let number = u32::try_from(long.len()).unwrap_or(u32::MAX);
    let title = if number == 1 {
        "One sentence is very long.".to_owned()
    } else {
        format!("{} are very long.", opening(number, "sentence"))
    };
    let which = if number == 1 { "It begins" } else { "The longest begins" };
    let detail = format!("{which} {} and has {count} words. Could it be two?", beginning(text));
    Some(Remark::new(Topic::LongSentence, false, title, detail).in_paragraph(paragraph))
}

/// Notes to oneself and filler that were left in.
pub(super) fn leftovers(work: &Work<'_>) -> Option<Remark> {
    const LEFT: [&str; 8] = [
        "lorem ipsum",
        "[insert",
        "[citation needed",
        "[add ",
        "todo:",
        "tbd",
        "xxxx",
        "click or tap here to enter text",
    ];
    work.paragraphs.iter().zip(1..).find_map(|(paragraph, number)| {
        let small = paragraph.to_lowercase();
        let found = LEFT.iter().find(|left| match small.find(**left) {
            // Whole words only.
            Some(at) => !small[..at].ends_with(char::is_alphanumeric),
            None => false,
        })?;
        let shown = found.trim_matches(['[', ' ']);
        let detail = format!("“{shown}” stands in paragraph {number}.");
        Some(
            Remark::new(Topic::Leftover, false, "A note to yourself seems to be left in.", detail)
                .in_paragraph(number),
        )
    })
}
