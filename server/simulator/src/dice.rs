//! Chance that can be repeated: every draw is a function of the seed and of what is drawn for.

use sha2::{Digest, Sha256};

/// A seeded source of draws. The same seed and the same words give the same draw, in any order and after any restart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice {
    seed: u64,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// A number made from the seed and the words.
    pub(crate) fn number(&self, words: &[&str]) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        for word in words {
            hash.update((word.len() as u64).to_le_bytes());
            hash.update(word.as_bytes());
        }
        let digest: [u8; 32] = hash.finalize().into();
        u64::from_le_bytes([
            digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7],
        ])
    }

    /// A draw from 0 (included) to 1 (excluded).
    pub(crate) fn unit(&self, words: &[&str]) -> f64 {
        // 53 bits: as many as an f64 holds exactly.
        (self.number(words) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Whether an event of this probability happens.
    pub(crate) fn happens(&self, probability: f64, words: &[&str]) -> bool {
        probability > 0.0 && self.unit(words) < probability
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_and_spread() {
        let dice = Dice::new(7);
        assert_eq!(dice.unit(&["a", "b"]), Dice::new(7).unit(&["a", "b"]));
        assert_ne!(dice.unit(&["a", "b"]), dice.unit(&["ab"]));
        assert_ne!(dice.unit(&["a"]), Dice::new(8).unit(&["a"]));
        let hits = (0..10_000).filter(|i| dice.happens(0.3, &["line", &i.to_string()])).count();
        assert!((2_800..3_200).contains(&hits), "{hits} of 10,000 at a probability of 0.3");
        assert!(!dice.happens(0.0, &["x"]) && dice.happens(1.0, &["x"]));
    }
}
