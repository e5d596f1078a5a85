//! Words as people count them: what stands between spaces and has a letter or figure. In scripts without spaces, each
//! character of Chinese and Japanese, and each five of South-East Asian scripts, counts as a word.

/// How a character counts.
enum Script {
    Spaced,
    /// A word each.
    Ideograph,
    /// About five to a word.
    Unspaced,
}

const fn script(c: char) -> Script {
    match c {
        '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => Script::Ideograph,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' => Script::Unspaced,
        _ => Script::Spaced,
    }
}

/// Hands on each word with its first byte.
pub(super) fn each<'t>(text: &'t str, mut take: impl FnMut(usize, &'t str)) {
    let base = text.as_ptr() as usize;
    for token in text.split_ascii_whitespace() {
        let start = token.as_ptr() as usize - base;
        if token.is_ascii() {
            if token.bytes().any(|b| b.is_ascii_alphanumeric()) {
                take(start, token);
            }
        } else {
            wide(token, start, &mut take);
        }
    }
}

/// The words of a token with characters beyond ASCII.
fn wide<'t>(token: &'t str, base: usize, take: &mut impl FnMut(usize, &'t str)) {
    // The word that is being read: its first byte, whether it has a letter, how many characters without spaces it has.
    let (mut start, mut letters, mut run) = (0, false, 0);
    let mut flush = |start: usize, end: usize, letters: bool| {
        if letters && start < end {
            take(base + start, &token[start..end]);
        }
    };
    for (i, c) in token.char_indices() {
        let end = i + c.len_utf8();
        match script(c) {
            Script::Ideograph => {
                flush(start, i, letters);
                flush(i, end, true);
                (start, letters, run) = (end, false, 0);
            }
            Script::Unspaced => {
                run += 1;
                letters = true;
                if run == 5 {
                    flush(start, end, true);
                    (start, letters, run) = (end, false, 0);
                }
            }
            Script::Spaced if c.is_whitespace() => {
                flush(start, i, letters);
                (start, letters, run) = (end, false, 0);
            }
            Script::Spaced => letters |= c.is_alphanumeric(),
        }
    }
    flush(start, token.len(), letters);
}

/// How many words a text has.
#[must_use]
pub fn count(text: &str) -> u32 {
    let mut count = 0u32;
    each(text, |_, _| count = count.saturating_add(1));
    count
}

/// A word as it is compared: small letters and figures only.
pub(super) fn bare(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_as_people_do() {
        for (text, words) in [
            ("", 0),
            (" - … & ", 0),
            ("Don't use well-known and/or e.g. 3.5 words — please!", 8),
            ("Ein schöner Tag", 3),
            ("我喜欢电脑。", 5),
            ("我有 iPad mini 吗", 5),
            ("สวัสดีครับ", 2),
            ("안녕하세요 여러분", 2),
            ("a\u{2003}bé", 2),
        ] {
            assert_eq!(count(text), words, "{text}");
        }
    }

    #[test]
    fn places_are_in_the_text() {
        let text = "One “two” 我们three four";
        let mut found = Vec::new();
        each(text, |start, word| {
            assert_eq!(&text[start..start + word.len()], word);
            found.push(bare(word));
        });
        assert_eq!(found, ["one", "two", "我", "们", "three", "four"]);
    }
}
