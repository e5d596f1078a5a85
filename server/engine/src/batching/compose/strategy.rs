//! Four ways to spread jobs over batches. Each places all that must go, or says that it can't; what then still has room
//! follows in the queue's order.

use super::{Composition, InLine, Room, packing::Packing};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// How jobs are spread over batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Strategy {
    /// By provider and model alone: as few batches as can be, filled in the queue's order.
    Provider,
    /// Work of one assignment stays together, so that its rubric is read from the cache; in the queue's order.
    AssessmentType,
    /// Batches of about equal tokens.
    Tokens,
    /// The work that gains most from the cache is placed first and whole.
    Cost,
}

impl Strategy {
    /// All strategies.
    pub const ALL: [Self; 4] = [Self::Provider, Self::AssessmentType, Self::Tokens, Self::Cost];

    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::AssessmentType => "assessment_type",
            Self::Tokens => "tokens",
            Self::Cost => "cost",
        }
    }

    /// In words, for staff.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Provider => "by provider and model, in the queue's order",
            Self::AssessmentType => "by assessment, so that each rubric is read from the cache",
            Self::Tokens => "by tokens, evenly",
            Self::Cost => "by cost, the largest gain from the cache first",
        }
    }
}

/// As few batches as can be, in the queue's order.
pub(super) fn by_provider(line: &[InLine], room: &Room) -> Vec<Composition> {
    let mut packing = Packing::new(line, room);
    packing.fill_up(0);
    packing.done()
}

/// About equal tokens: the largest jobs first, each into the batch that has the fewest tokens so far. As many batches as
/// the size aimed at asks for.
pub(super) fn by_tokens(line: &[InLine], going: usize, room: &Room) -> Option<Vec<Composition>> {
    let mut packing = Packing::new(line, room);
    let count = |n: i64| usize::try_from(n.max(1)).unwrap_or(usize::MAX);
    let wanted = going.div_ceil(count(room.target.min(room.most_jobs())));
    for _ in 0..wanted.min((going / count(room.least)).max(1)) {
        if packing.has_room_in_a_new_one(0, 0) {
            packing.open();
        }
    }
    let mut order: Vec<usize> = (0..going).collect();
    order.sort_by_key(|at| (Reverse(line[*at].job.input_tokens), *at));
    for at in order {
        let bytes = line[at].job.bytes;
        let lightest = (0..packing.batches().len())
            .filter(|batch| packing.has_room(*batch, 1, bytes))
            .min_by_key(|batch| (packing.batches()[*batch].tokens, *batch));
        let placed = match lightest {
            Some(batch) => packing.put(at, batch),
            None => packing.first_fit(at),
        };
        if !placed {
            return None;
        }
    }
    packing.fill_up(going);
    let mut batches = packing.done();
    // Within a batch the queue's order holds.
    for batch in &mut batches {
        batch.jobs.sort_unstable();
    }
    Some(batches)
}

/// Work that shares a prefix stays together as far as can be: whole in a batch that has room for it, else whole in a new
/// one, else spread.
pub(super) fn by_prefix(
    line: &[InLine],
    going: usize,
    room: &Room,
    strategy: Strategy,
) -> Option<Vec<Composition>> {
    let mut groups = groups(&line[..going]);
    if strategy == Strategy::Cost {
        groups.sort_by_key(|group| Reverse(group.gain));
    }
    let mut packing = Packing::new(line, room);
    for group in groups {
        let (jobs, bytes) = (group.jobs.len(), group.bytes);
        let whole = (0..packing.batches().len()).find(|batch| packing.has_room(*batch, jobs, bytes));
        let whole = whole.or_else(|| packing.has_room_in_a_new_one(jobs, bytes).then(|| packing.open()));
        for at in group.jobs {
            let placed = match whole {
                Some(batch) => packing.put(at, batch),
                None => packing.first_fit(at),
            };
            if !placed {
                return None;
            }
        }
    }
    packing.fill_up(going);
    Some(packing.done())
}

/// Jobs that share a prefix, in the queue's order.
struct Group {
    jobs: Vec<usize>,
    bytes: i64,
    /// Tokens that may be read from the cache if it stays together.
    gain: i64,
}

/// The groups, in the order of their first jobs. Jobs whose prefix is not known, or too short to be cached, are groups of
/// their own.
fn groups(going: &[InLine]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut known = std::collections::HashMap::new();
    for (at, InLine { job, prefix }) in going.iter().enumerate() {
        let cached = prefix.filter(super::Prefix::is_cached);
        let number = match cached {
            Some(prefix) => *known.entry(prefix.assignment).or_insert(groups.len()),
            None => groups.len(),
        };
        match groups.get_mut(number) {
            Some(group) => {
                group.jobs.push(at);
                group.bytes = group.bytes.saturating_add(job.bytes);
                group.gain += cached.map_or(0, |prefix| prefix.tokens);
            }
            // The first of a prefix reads it afresh.
            None => groups.push(Group { jobs: vec![at], bytes: job.bytes, gain: 0 }),
        }
    }
    groups
}
