//! Batches being filled. Whatever is put in keeps within the room.

use super::{Composition, InLine, Room, whole};

/// Batches being filled from a line.
#[derive(Clone, Debug)]
pub(super) struct Packing<'a> {
    line: &'a [InLine],
    most_jobs: usize,
    most_bytes: i64,
    most_batches: usize,
    tokens_left: Option<i64>,
    batches: Vec<Composition>,
}

impl<'a> Packing<'a> {
    pub(super) fn new(line: &'a [InLine], room: &Room) -> Self {
        let size = |n: i64| usize::try_from(n.max(0)).unwrap_or(usize::MAX);
        Self {
            line,
            most_jobs: size(room.most_jobs()),
            most_bytes: whole(room.hard.bytes),
            most_batches: size(room.batches),
            tokens_left: room.tokens_left,
            batches: Vec::new(),
        }
    }

    /// Its tokens may still be enqueued.
    fn affords(&self, at: usize) -> bool {
        self.tokens_left.is_none_or(|left| self.line[at].job.input_tokens <= left)
    }

    /// Jobs that still go into a batch, by number.
    pub(super) fn jobs_left(&self, batch: usize) -> usize {
        self.most_jobs - self.batches[batch].jobs.len()
    }

    /// So many jobs with so many bytes go into a batch.
    pub(super) fn has_room(&self, batch: usize, jobs: usize, bytes: i64) -> bool {
        self.jobs_left(batch) >= jobs && self.batches[batch].bytes.saturating_add(bytes) <= self.most_bytes
    }

    /// So many jobs with so many bytes go into a batch of their own.
    pub(super) const fn has_room_in_a_new_one(&self, jobs: usize, bytes: i64) -> bool {
        self.batches.len() < self.most_batches && jobs <= self.most_jobs && bytes <= self.most_bytes
    }

    pub(super) fn batches(&self) -> &[Composition] {
        &self.batches
    }

    /// Opens a batch and gives its number.
    pub(super) fn open(&mut self) -> usize {
        self.batches.push(Composition { jobs: Vec::new(), bytes: 0, tokens: 0 });
        self.batches.len() - 1
    }

    /// Puts a job into a batch if it has room there.
    pub(super) fn put(&mut self, at: usize, batch: usize) -> bool {
        let job = &self.line[at].job;
        if !self.affords(at) || !self.has_room(batch, 1, job.bytes) {
            return false;
        }
        let load = &mut self.batches[batch];
        load.jobs.push(at);
        load.bytes = load.bytes.saturating_add(job.bytes);
        load.tokens = load.tokens.saturating_add(job.input_tokens);
        if let Some(left) = &mut self.tokens_left {
            *left -= job.input_tokens;
        }
        true
    }

    /// Puts a job into the first batch that has room, else into a new one; false where there is no room at all.
    pub(super) fn first_fit(&mut self, at: usize) -> bool {
        if !self.affords(at) {
            return false;
        }
        if (0..self.batches.len()).any(|batch| self.put(at, batch)) {
            return true;
        }
        if !self.has_room_in_a_new_one(1, self.line[at].job.bytes) {
            return false;
        }
        let batch = self.open();
        self.put(at, batch)
    }

    /// Goes on from a place in the line until one has no room: what comes after does not overtake it.
    pub(super) fn fill_up(&mut self, from: usize) {
        for at in from..self.line.len() {
            if !self.first_fit(at) {
                return;
            }
        }
    }

    /// The batches, that with the most urgent job first; empty ones are dropped.
    pub(super) fn done(mut self) -> Vec<Composition> {
        self.batches.retain(|batch| !batch.jobs.is_empty());
        self.batches.sort_by_key(|batch| batch.jobs.iter().min().copied());
        self.batches
    }
}
