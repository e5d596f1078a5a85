//! The fallback chain: where a provider has failed a job for good, the next one takes it (SPEC 6.1 and 6.3). Pure.

use super::Cause;
use crate::routing::{Decision, Route};

/// Another way for a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Real time or batch.
    pub route: Route,
}

impl Cause {
    /// Another provider may do what this one could not.
    #[must_use]
    pub const fn calls_for_another_provider(self) -> bool {
        matches!(self, Self::Provider | Self::Malformed | Self::Refused)
    }
}

/// The ways of a decision after its own, the cheapest provider first; of a provider's two routes the one that the job is
/// on, where it has it.
#[must_use]
pub fn chain(decision: &Decision, route: Route) -> Vec<Way> {
    let mut ways: Vec<Way> = Vec::new();
    for fallback in decision.fallbacks.iter().filter(|fallback| fallback.provider != decision.provider) {
        let way =
            Way { provider: fallback.provider.clone(), model: fallback.model.clone(), route: fallback.route };
        match ways.iter_mut().find(|known| known.provider == way.provider) {
            Some(known) if known.route != route && way.route == route => *known = way,
            Some(_) => {}
            None => ways.push(way),
        }
    }
    ways
}

/// The next way for a job that was sent on `diverted` times, and how often it was then; `takes` says who can take it now.
#[must_use]
pub fn next_way(
    chain: &[Way],
    diverted: i64,
    provider: &str,
    takes: impl Fn(&Way) -> bool,
) -> Option<(Way, i64)> {
    let tried = usize::try_from(diverted).unwrap_or(0);
    let (at, way) =
        chain.iter().enumerate().skip(tried).find(|(_, way)| way.provider != provider && takes(way))?;
    Some((way.clone(), i64::try_from(at + 1).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(provider: &str, route: Route) -> Way {
        Way { provider: provider.into(), model: "m".into(), route }
    }

    #[test]
    fn each_way_is_tried_once_and_those_who_can_not_are_passed_over() {
        let chain = ["a", "b", "c"].map(|name| way(name, Route::Batch));
        let next = |diverted, at: &str, not: &str| {
            next_way(&chain, diverted, at, |way| way.provider != not).map(|(way, n)| (way.provider, n))
        };
        assert_eq!(next(0, "x", ""), Some(("a".into(), 1)));
        assert_eq!(next(0, "x", "a"), Some(("b".into(), 2)));
        assert_eq!(next(0, "a", ""), Some(("b".into(), 2)));
        assert_eq!(next(2, "b", ""), Some(("c".into(), 3)));
        assert_eq!(next(3, "c", ""), None);
        assert_eq!(next(2, "b", "c"), None);
    }
}
