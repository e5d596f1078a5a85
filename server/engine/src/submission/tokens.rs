//! How many tokens a text has, before a provider has counted them.
//!
//! | way | for | error seen | time for 350 words |
//! | --- | --- | --- | --- |
//! | [`count`], OpenAI models known to use the o200k vocabulary | reserving, filling batches | none (what frames a message comes on top, see [`FRAME`]) | 55 µs |
//! | [`count`], all other models | the same | that of the [`Calibration`], which follows the providers' own figures | 55 µs |
//! | [`estimate`] | hot paths | on 200 school essays 2 % on average, 6 % for nineteen of twenty; up to 30 % in other languages | 7 µs |
//! | [`estimate_bytes`] | where the text is not at hand | 6 % on average for English prose, useless for other scripts | |

use crate::provider::ProviderKind;
use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, sync::OnceLock};

/// Tokens that a chat interface puts around a system and a user message.
pub const FRAME: u64 = 12;

/// A number of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// How many.
    pub count: u64,
    /// Counted with the model's own vocabulary; else estimated.
    pub exact: bool,
}

/// How a model's tokens relate to those of the o200k vocabulary; learnt from the usage that providers report.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Tokens of the model for each token of o200k.
    pub ratio: f64,
    /// Mean absolute error of the estimates as a share (0.1 is 10 %).
    pub error: f64,
    /// How many observations it was learnt from.
    pub seen: u32,
}

impl Calibration {
    /// What is assumed before anything was observed: OpenAI's newer models count like o200k; Anthropic's count a fifth
    /// more on English prose, give or take a fifth; Gemini's about as many, and other models somewhat more.
    #[must_use]
    pub const fn prior(kind: ProviderKind) -> Self {
        match kind {
            ProviderKind::Openai => Self { ratio: 1.0, error: 0.05, seen: 0 },
            ProviderKind::Anthropic => Self { ratio: 1.2, error: 0.2, seen: 0 },
            ProviderKind::Gemini => Self { ratio: 1.05, error: 0.1, seen: 0 },
            ProviderKind::Compatible => Self { ratio: 1.1, error: 0.2, seen: 0 },
        }
    }

    /// Takes one observation in: a text of `o200k` tokens was counted as `observed` by the provider. The prior weighs
    /// as much as 20 observations; from 200 on the newest weighs 1 in 200, so that it follows a change of vocabulary.
    /// Figures of zero, and ratios beyond a quarter and four, say nothing and change nothing.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of tokens are far below 2^52")]
    pub fn fold(self, o200k: u64, observed: u64) -> Self {
        if o200k == 0 || observed == 0 {
            return self;
        }
        let ratio = observed as f64 / o200k as f64;
        if !(0.25..=4.0).contains(&ratio) {
            return self;
        }
        let weight = 1.0 / f64::from(self.seen.saturating_add(21).min(200));
        let missed = (self.ratio / ratio - 1.0).abs();
        Self {
            ratio: self.ratio + weight * (ratio - self.ratio),
            error: self.error + weight * (missed - self.error),
            seen: self.seen.saturating_add(1),
        }
    }

    /// The model's tokens for so many of o200k.
    #[must_use]
    pub fn apply(&self, o200k: u64) -> u64 {
        scale(o200k, self.ratio)
    }

    /// A figure that the model's count passes rarely (twice the mean error on top), for limits that must hold.
    #[must_use]
    pub fn at_most(&self, o200k: u64) -> u64 {
        scale(o200k, self.ratio * 2.0f64.mul_add(self.error, 1.0))
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of tokens are far below 2^52; the product is not negative, and `as` saturates"
)]
fn scale(count: u64, by: f64) -> u64 {
    (count as f64 * by).ceil() as u64
}

/// Whether a model is known to use the o200k vocabulary.
fn uses_o200k(model: &str) -> bool {
    ["gpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "gpt-oss", "o1", "o3", "o4", "chatgpt-4o"].iter().any(
        |family| {
            model.strip_prefix(family).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
        },
    )
}

/// The tokens of a text for a model. `calibration` is the model's own, or [`Calibration::prior`].
#[must_use]
pub fn count(kind: ProviderKind, model: &str, text: &str, calibration: &Calibration) -> Tokens {
    let o200k = o200k(text);
    if matches!(kind, ProviderKind::Openai | ProviderKind::Compatible) && uses_o200k(model) {
        Tokens { count: o200k, exact: true }
    } else {
        Tokens { count: calibration.apply(o200k), exact: false }
    }
}

/// The tokens of a text in the o200k vocabulary. The first call in a process loads it (about 0.1 s).
#[must_use]
pub fn o200k(text: &str) -> u64 {
    let tokenizer = bpe_openai::o200k_base();
    let whole = whole_tokens();
    // As the tokenizer's own count does it, but most pieces are words that are one token, which is looked up in a third of
    // the time of merging bytes.
    let tokens: usize = tokenizer
        .split(tokenizer.normalize(text).as_str())
        .map(|piece| if whole.contains(piece.as_bytes()) { 1 } else { tokenizer.bpe.count(piece.as_bytes()) })
        .sum();
    tokens as u64
}

/// Longer tokens are rare, and no words.
const LONGEST_WORD: usize = 20;

/// The bytes of the o200k vocabulary's tokens, but for the long ones.
fn whole_tokens() -> &'static HashSet<&'static [u8], FxBuildHasher> {
    static WHOLE: OnceLock<HashSet<&'static [u8], FxBuildHasher>> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let bpe = &bpe_openai::o200k_base().bpe;
        let ids = 0..u32::try_from(bpe.num_tokens()).unwrap_or(u32::MAX);
        ids.map(|id| bpe.token_bytes(id)).filter(|bytes| bytes.len() <= LONGEST_WORD).collect()
    })
}

// Weights in thousandths of a token, fitted to o200k on English school essays (ASCII) and on sentences in German, French,
// Russian, Arabic, Hindi, Chinese, Japanese and Korean (the rest).
const WORD: u64 = 1040;
const LETTER_PAST_EIGHTH: u64 = 120;
const CAPITAL: u64 = 150;
const PUNCTUATION: u64 = 480;
const THREE_DIGITS: u64 = 1300;

/// The tokens of a text in the o200k vocabulary, roughly; one pass over its bytes.
#[must_use]
pub fn estimate(text: &str) -> u64 {
    let mut sum = 0;
    // Letters, digits in the run just read; a run of letters goes on over accented ones.
    let (mut letters, mut digits) = (0u32, 0u32);
    for &byte in text.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {
                sum += match letters {
                    0 => WORD,
                    1..=7 => 0,
                    _ => LETTER_PAST_EIGHTH,
                };
                sum += if byte.is_ascii_uppercase() { CAPITAL } else { 0 };
                letters += 1;
            }
            0x80..=0xBF => {} // the rest of a character whose first byte was counted
            0xC2..=0xC9 => {
                sum += 300; // accented Latin
                letters += 1;
            }
            0xCA..=0xD3 => sum += 300,  // Greek, Cyrillic
            0xD4..=0xDF => sum += 440,  // Hebrew, Arabic and others
            0xE0 => sum += 340,         // scripts of India
            0xE1..=0xEF => sum += 830,  // Chinese, Japanese, Korean, typographic signs
            0xF0..=0xFF => sum += 2000, // emoji
            _ => {
                letters = 0;
                if byte.is_ascii_punctuation() {
                    sum += PUNCTUATION;
                }
            }
        }
        if byte.is_ascii_digit() {
            sum += if digits.is_multiple_of(3) { THREE_DIGITS } else { 0 };
            digits += 1;
        } else {
            digits = 0;
        }
    }
    sum.div_ceil(1000)
}

/// The tokens of an English text of so many bytes, roughly.
#[must_use]
pub const fn estimate_bytes(bytes: u64) -> u64 {
    bytes.saturating_mul(10).div_ceil(46)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Texts in several languages, and how far the estimate may be off for each, in percent.
    const TEXTS: [(&str, u64); 6] = [
        (
            "Computers let us learn about places that we may never see. When my class studied the sea floor, we \
             looked at maps that were drawn only last year. A book from our library could not have shown us that. \
             They also bring people together. My grandmother lives in another country, and every Sunday she cooks \
             with us on the screen. Some say that this is not a real meeting.",
            6,
        ),
        (
            "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen \
             begabt und sollen einander im Geist der Brüderlichkeit begegnen.",
            30,
        ),
        (
            "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de \
             conscience.",
            30,
        ),
        ("Все люди рождаются свободными и равными в своем достоинстве и правах.", 30),
        ("人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心。", 30),
        ("すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。", 30),
    ];

    #[test]
    fn estimates_are_near_the_count() {
        for (text, percent) in TEXTS {
            let (exact, rough) = (o200k(text), estimate(text));
            assert!(rough.abs_diff(exact) * 100 <= exact * percent, "{rough} for {exact}: {text}");
        }
        assert_eq!((o200k(""), estimate(""), estimate_bytes(0)), (0, 0, 0));
    }

    #[test]
    fn a_piece_that_is_a_token_counts_as_one() {
        let tokenizer = bpe_openai::o200k_base();
        let merged = whole_tokens().iter().filter(|token| tokenizer.bpe.count(token) != 1).count();
        assert_eq!((whole_tokens().len() > 150_000, merged), (true, 0));
        for (text, _) in TEXTS {
            assert_eq!(o200k(text), tokenizer.count(text) as u64);
        }
    }

    #[test]
    fn exact_only_where_the_vocabulary_is_known() {
        let prior = Calibration::prior(ProviderKind::Openai);
        let text = "hello world";
        assert_eq!(count(ProviderKind::Openai, "gpt-5-mini", text, &prior), Tokens { count: 2, exact: true });
        assert_eq!(
            count(ProviderKind::Openai, "gpt-6-luna", text, &prior),
            Tokens { count: 2, exact: false }
        );
        assert_eq!(count(ProviderKind::Openai, "gpt-50", text, &prior), Tokens { count: 2, exact: false });
        let prior = Calibration::prior(ProviderKind::Anthropic);
        assert_eq!(
            count(ProviderKind::Anthropic, "claude-haiku-5-5", text, &prior),
            Tokens { count: 3, exact: false }
        );
    }

    #[test]
    fn calibration_learns_and_ignores_nonsense() {
        let prior = Calibration::prior(ProviderKind::Anthropic);
        let mut learnt = prior;
        for _ in 0..500 {
            learnt = learnt.fold(1000, 1350);
        }
        assert!((learnt.ratio - 1.35).abs() < 0.01, "{learnt:?}");
        assert!(learnt.error < 0.02 && learnt.seen == 500, "{learnt:?}");
        assert_eq!(learnt.apply(1000).abs_diff(1350) / 10, 0);
        assert!(learnt.at_most(1000) >= learnt.apply(1000));
        assert_eq!(prior.fold(1000, 0), prior);
        assert_eq!(prior.fold(0, 5), prior);
        assert_eq!(prior.fold(1, 1000), prior);
    }

    proptest! {
        #[test]
        fn any_text_is_counted_as_by_the_tokenizer(text in "(?s).{0,200}") {
            prop_assert_eq!(o200k(&text), bpe_openai::o200k_base().count(&text) as u64);
        }

        #[test]
        fn any_text_has_an_estimate(text in "\\PC{0,200}") {
            prop_assert!(estimate(&text) <= text.len() as u64 * 3);
        }
    }
}
