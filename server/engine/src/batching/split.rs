//! A batch that is larger than its provider takes is split into parts (SPEC 6.2). Pure.

use super::{
    compose::spared,
    store::{
        BatchState,
        split::{Before, Piece},
    },
};
use crate::provider::ErrorClass;
use chrono::{DateTime, TimeDelta, Utc};
use std::ops::Range;

/// How large the parts may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// So many input tokens, as the provider named them.
    Tokens(i64),
    /// So many requests, as the provider named them.
    Requests(i64),
    /// Half of what was refused: the provider named no limit.
    Half,
}

/// Whether a refusal of a batch calls for a split, and how large the parts may be. A batch that only has to wait until
/// others have ended is not split.
#[must_use]
pub(crate) fn calls_for(class: ErrorClass, message: &str, jobs: i64, tokens: i64) -> Option<Limit> {
    if jobs < 2 {
        return None;
    }
    match (class, named(message)) {
        (ErrorClass::TokenLimit, limit) => Some(limit.unwrap_or(Limit::Half)),
        (ErrorClass::QueueFull, Some(Limit::Tokens(most))) if tokens > with_spare(most) => {
            Some(Limit::Tokens(most))
        }
        _ => None,
    }
}

fn with_spare(tokens: i64) -> i64 {
    spared(u64::try_from(tokens).unwrap_or(0))
}

/// The limit that a provider's message names: the number after a word such as *limit* or *maximum* and before *tokens* or
/// *requests*, as in "Limit: 90,000 enqueued tokens" or "the limit is 50000 requests a batch"; or before *items* of
/// requests, as in "requests: List should have at most 100000 items".
#[must_use]
pub(crate) fn named(message: &str) -> Option<Limit> {
    let message = message.to_lowercase();
    let words: Vec<&str> = message.split_whitespace().collect();
    let number = |word: &str| {
        let digits: String =
            word.chars().filter(|c| !matches!(c, ',' | '_' | '.' | ';' | '(' | ')')).collect();
        digits.parse::<i64>().ok().filter(|n| *n > 0)
    };
    let limits = |word: &&&str| ["limit", "maximum", "max", "most"].iter().any(|stem| word.starts_with(stem));
    words.iter().enumerate().find_map(|(at, word)| {
        let most = number(word)?;
        // "3,000 tokens" of what was sent is no limit: a word before it must say so.
        words[at.saturating_sub(3)..at].iter().find(limits)?;
        words[at + 1..].iter().take(2).find_map(|unit| match *unit {
            unit if unit.starts_with("token") => Some(Limit::Tokens(most)),
            unit if unit.starts_with("request") => Some(Limit::Requests(most)),
            unit if unit.starts_with("item") && message.starts_with("requests") => {
                Some(Limit::Requests(most))
            }
            _ => None,
        })
    })
}

/// The parts, in order, as ranges of the pieces: each is filled up to the limit, and holds at least one. Two or more for
/// two or more pieces.
#[must_use]
pub(super) fn parts(pieces: &[Piece], limit: Limit) -> Vec<Range<usize>> {
    let half = || {
        let tokens: i64 = pieces.iter().map(|p| p.tokens).sum();
        (tokens / 2, pieces.len().div_ceil(2))
    };
    let (tokens, jobs) = match limit {
        Limit::Tokens(most) => (with_spare(most), usize::MAX),
        Limit::Requests(most) => (i64::MAX, usize::try_from(most).unwrap_or(usize::MAX)),
        Limit::Half => half(),
    };
    let parts = filled(pieces, tokens, jobs.max(1));
    if parts.len() < 2 && pieces.len() > 1 {
        // By our own count it kept the limit all along.
        let (tokens, jobs) = half();
        return filled(pieces, tokens, jobs);
    }
    parts
}

fn filled(pieces: &[Piece], most_tokens: i64, most_jobs: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let (mut from, mut tokens) = (0, 0_i64);
    for (at, piece) in pieces.iter().enumerate() {
        let full = at - from >= most_jobs || tokens.saturating_add(piece.tokens) > most_tokens;
        if at > from && full {
            parts.push(from..at);
            (from, tokens) = (at, 0);
        }
        tokens = tokens.saturating_add(piece.tokens);
    }
    if from < pieces.len() {
        parts.push(from..pieces.len());
    }
    parts
}

/// How long a part waits that can't go yet, for a reason that may pass at any time.
const SOON: TimeDelta = TimeDelta::seconds(5);

/// When a part may go at the earliest, by the part before it; none: now.
#[must_use]
pub(super) fn turn(before: Option<Before>, delay: TimeDelta, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let before = before?;
    let at = match before.state {
        BatchState::Written | BatchState::Sending => now + delay.clamp(TimeDelta::seconds(1), SOON),
        _ => before.sent_at.or(before.finished_at).unwrap_or(now) + delay,
    };
    Some(at).filter(|at| *at > now)
}

/// Whether a part with so many tokens has room at the provider beside what is out: `(batches, tokens)` of it, and of the
/// limits. Where nothing is out it may always go: the provider itself must say that it is too large.
#[must_use]
pub(super) fn has_room(tokens: i64, out: (i64, i64), most: (i64, Option<i64>)) -> bool {
    let slot = out.0 < most.0.max(1);
    let enqueued = out.1 == 0 || most.1.is_none_or(|most| out.1.saturating_add(tokens) <= most);
    slot && enqueued
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::{Id, JobId};
    use proptest::prelude::*;

    #[test]
    fn limits_are_read_from_what_providers_say() {
        let openai = "Enqueued token limit reached for gpt-6-luna in organization org-x. Limit: 90,000 enqueued tokens. \
                      Please try again once some in_progress batches have been completed.";
        for (message, limit) in [
            (openai, Some(Limit::Tokens(90_000))),
            ("Limit: 0 enqueued tokens.", None),
            (
                "The input file holds 60000 requests; the limit is 50000 requests a batch.",
                Some(Limit::Requests(50_000)),
            ),
            ("requests: List should have at most 100000 items", Some(Limit::Requests(100_000))),
            ("messages: List should have at most 100000 items", None),
            ("at most 1_000 requests", Some(Limit::Requests(1_000))),
            ("a maximum of 2000000 input tokens is allowed", Some(Limit::Tokens(2_000_000))),
            ("Request exceeds the maximum allowed number of bytes. The maximum is 268435456.", None),
            ("it has 3,000 tokens", None),
            ("limit limit limit", None),
            ("", None),
        ] {
            assert_eq!(named(message), limit, "{message}");
        }
    }

    #[test]
    fn only_what_is_too_large_is_split() {
        let of = |class, message, jobs, tokens| calls_for(class, message, jobs, tokens);
        let limit = "Limit: 1,000 enqueued tokens.";
        assert_eq!(of(ErrorClass::TokenLimit, "", 2, 9), Some(Limit::Half));
        assert_eq!(of(ErrorClass::TokenLimit, limit, 2, 9_000), Some(Limit::Tokens(1_000)));
        assert_eq!(of(ErrorClass::TokenLimit, "", 1, 9), None, "a job alone");
        assert_eq!(of(ErrorClass::QueueFull, limit, 2, 901), Some(Limit::Tokens(1_000)));
        assert_eq!(of(ErrorClass::QueueFull, limit, 2, 900), None, "it fits once others have ended");
        assert_eq!(of(ErrorClass::QueueFull, "", 2, 901), None);
        assert_eq!(of(ErrorClass::Provider, limit, 2, 901), None);
    }

    #[test]
    fn a_part_waits_for_the_one_before_it_and_the_delay() {
        let at = |s| DateTime::UNIX_EPOCH + TimeDelta::seconds(s);
        let delay = TimeDelta::seconds(30);
        let before = |state, sent, finished| Some(Before { state, sent_at: sent, finished_at: finished });
        assert_eq!(turn(None, delay, at(0)), None);
        assert_eq!(turn(before(BatchState::Sending, None, None), delay, at(9)), Some(at(14)));
        assert_eq!(turn(before(BatchState::Sent, Some(at(9)), None), delay, at(10)), Some(at(39)));
        assert_eq!(turn(before(BatchState::Sent, Some(at(9)), None), delay, at(39)), None);
        assert_eq!(turn(before(BatchState::Failed, None, Some(at(9))), delay, at(10)), Some(at(39)));
        assert_eq!(turn(before(BatchState::Done, Some(at(0)), Some(at(9))), delay, at(30)), None);
    }

    #[test]
    fn a_part_goes_where_slots_and_tokens_are_free() {
        assert!(has_room(10, (4, 80), (5, Some(90))));
        assert!(!has_room(11, (4, 80), (5, Some(90))));
        assert!(!has_room(10, (5, 80), (5, Some(90))));
        assert!(has_room(99, (0, 0), (5, Some(90))), "the provider must say so itself");
        assert!(!has_room(1, (1, 1), (0, None)));
    }

    proptest! {
        #[test]
        fn parts_hold_all_pieces_once_in_order_and_are_filled_to_the_limit(
            sizes in prop::collection::vec(0_i64..1_000, 0..60),
            limit in prop_oneof![
                (0_i64..3_000).prop_map(Limit::Tokens),
                (0_i64..40).prop_map(Limit::Requests),
                Just(Limit::Half),
            ],
        ) {
            let piece = |(n, tokens): (u128, i64)| Piece {
                job_id: JobId::from_uuid(uuid::Uuid::from_u128(n)),
                tokens,
                bytes: 1,
            };
            let pieces: Vec<Piece> = (0..).zip(sizes).map(piece).collect();
            let parts = parts(&pieces, limit);
            let all: Vec<usize> = parts.iter().cloned().flatten().collect();
            prop_assert_eq!(all, (0..pieces.len()).collect::<Vec<_>>());
            prop_assert!(parts.iter().all(|part| !part.is_empty()));
            prop_assert!(pieces.len() < 2 || parts.len() > 1, "it is split");
            let tokens = |part: &Range<usize>| pieces[part.clone()].iter().map(|p| p.tokens).sum::<i64>();
            let whole: i64 = pieces.iter().map(|p| p.tokens).sum();
            for part in &parts {
                let keeps = match limit {
                    Limit::Tokens(most) => tokens(part) <= with_spare(most),
                    Limit::Requests(most) => i64::try_from(part.len()).unwrap() <= most,
                    Limit::Half => tokens(part) * 2 <= whole && part.len() <= pieces.len().div_ceil(2),
                };
                prop_assert!(keeps || part.len() == 1);
            }
            if let Limit::Tokens(most) = limit
                && whole > with_spare(most)
            {
                for pair in parts.windows(2) {
                    let next = pieces[pair[1].start].tokens;
                    prop_assert!(tokens(&pair[0]) + next > with_spare(most), "filled up");
                }
            }
        }
    }
}
