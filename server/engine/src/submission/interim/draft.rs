//! What changed since a student's own last version.

use super::{Remark, Topic, phrase::Count, words};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
};

/// A text is compared by each so many words in a row.
const WORDS: usize = 4;

/// How a version compares with the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftChange {
    /// How much of the last version is still there, in percent.
    pub kept_percent: u32,
    /// How much of this version was not there before, in percent.
    pub new_percent: u32,
    /// Words of the last version.
    pub words_before: u32,
    /// Words of this version.
    pub words_now: u32,
}

/// Compares two versions.
pub(crate) fn compare(last: &str, now: &str) -> DraftChange {
    let (before, after) = (Runs::of(last), Runs::of(now));
    let shared: u32 =
        before.runs.iter().map(|(run, &count)| count.min(after.runs.get(run).copied().unwrap_or(0))).sum();
    DraftChange {
        kept_percent: percent(shared, before.all),
        new_percent: 100 - percent(shared, after.all),
        words_before: before.words,
        words_now: after.words,
    }
}

fn percent(part: u32, whole: u32) -> u32 {
    if part == whole {
        return 100;
    }
    // What is not whole never reads as whole.
    u32::try_from(u64::from(part) * 100 / u64::from(whole.max(1))).unwrap_or(100).min(99)
}

/// The runs of words of a text and how often each is there.
struct Runs {
    runs: HashMap<u64, u32>,
    all: u32,
    words: u32,
}

impl Runs {
    fn of(text: &str) -> Self {
        let hasher = BuildHasherDefault::<DefaultHasher>::new();
        let mut digests = Vec::new();
        words::each(text, |_, word| digests.push(hasher.hash_one(words::bare(word))));
        let mut runs = HashMap::new();
        let mut all = 0;
        // A text of fewer words is one run.
        for run in digests.windows(WORDS.min(digests.len()).max(1)) {
            *runs.entry(hasher.hash_one(run)).or_insert(0) += 1;
            all += 1;
        }
        Self { runs, all, words: u32::try_from(digests.len()).unwrap_or(u32::MAX) }
    }
}

pub(super) fn remark(change: &DraftChange) -> Remark {
    let DraftChange { kept_percent: kept, new_percent: new, words_before, words_now } = *change;
    if kept == 100 && new == 0 {
        return Remark::new(
            Topic::Draft,
            false,
            "This is the same text as your last version.",
            "If you meant to hand in a newer one, check that you chose the right file.",
        );
    }
    let length = match (words_now.checked_sub(words_before), words_before.checked_sub(words_now)) {
        (Some(0), _) => "as long as before".to_owned(),
        (Some(more), _) => format!("{} longer", Count(more, "word")),
        (None, fewer) => format!("{} shorter", Count(fewer.unwrap_or(0), "word")),
    };
    let title = match new {
        0..=10 => "Little has changed since your last version.",
        11..=60 => "You worked your last version over.",
        _ => "Most of this version is new.",
    };
    let kept = match kept {
        0 => "Nothing".to_owned(),
        100 => "All".to_owned(),
        kept => format!("About {kept} %"),
    };
    let detail = format!(
        "{kept} of your last version is still there. With {} it is {length}.",
        Count(words_now, "word")
    );
    Remark::new(Topic::Draft, new > 10, title, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare() {
        let last = "one two three four five six seven eight nine ten";
        let same = compare(last, "One two three, four five six seven eight nine TEN.");
        assert_eq!((same.kept_percent, same.new_percent), (100, 0));
        assert!(remark(&same).title.contains("the same text"));
        let other = compare(last, "nothing of that is here any more at all");
        assert_eq!((other.kept_percent, other.new_percent), (0, 100));
        assert!(remark(&other).detail.contains("one word shorter"), "{:?}", remark(&other));
        let more = compare(last, &format!("{last} and then some more words at the end of it all"));
        assert_eq!(more.kept_percent, 100);
        assert!(more.new_percent > 40 && more.new_percent < 70, "{more:?}");
        assert!(remark(&more).good);
        assert!(remark(&more).detail.contains("eleven words longer"), "{:?}", remark(&more));
        assert_eq!(compare("", "").kept_percent, 100);
        assert_eq!(compare("", "a b").new_percent, 100);
        assert_eq!(compare("a b", "").kept_percent, 0);
    }
}
