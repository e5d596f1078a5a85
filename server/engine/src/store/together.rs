//! Work that is cheaper together: what comes at the same time shares one transaction and one sync of the disk.

use std::future::Future;
use tokio::sync::{mpsc, oneshot};

/// Items that share one piece of work at most.
const MOST_TOGETHER: usize = 256;

/// Items that wait for their turn at most; whoever brings more has to wait.
const MOST_WAITING: usize = 4096;

/// The way to one worker that takes all items that wait, and answers each. It ends when nobody can ask it any more.
#[derive(Debug)]
pub(crate) struct Together<I, O>(mpsc::Sender<(I, oneshot::Sender<O>)>);

impl<I: Send + 'static, O: Send + 'static> Together<I, O> {
    /// Starts the worker. `work` answers the items in their order; items that it gives no answer for, and all once it
    /// answers none at all, are told that it has ended.
    pub(crate) fn start<W, F>(mut work: W) -> Self
    where
        W: FnMut(Vec<I>) -> F + Send + 'static,
        F: Future<Output = Vec<O>> + Send,
    {
        let (sender, mut receiver) = mpsc::channel::<(I, oneshot::Sender<O>)>(MOST_WAITING);
        tokio::spawn(async move {
            let mut waiting = Vec::with_capacity(MOST_TOGETHER);
            loop {
                let room = MOST_TOGETHER - waiting.len();
                if waiting.is_empty() {
                    if receiver.recv_many(&mut waiting, room).await == 0 {
                        return;
                    }
                } else {
                    waiting.extend(std::iter::from_fn(|| receiver.try_recv().ok()).take(room));
                }
                let (items, replies): (Vec<I>, Vec<_>) = waiting.drain(..round(waiting.len())).unzip();
                let answers = work(items).await;
                if answers.is_empty() {
                    return;
                }
                for (reply, answer) in replies.into_iter().zip(answers) {
                    // Whoever asked may have gone; what was done is done all the same.
                    let _ = reply.send(answer);
                }
            }
        });
        Self(sender)
    }

    /// Brings an item and waits for its answer; none: the worker has ended.
    pub(crate) async fn ask(&self, item: I) -> Option<O> {
        let (reply, answer) = oneshot::channel();
        self.0.send((item, reply)).await.ok()?;
        answer.await.ok()
    }
}

/// How many of those that wait go together: as many as make two statements for each table, see `many.rs`. The others go
/// first next time; more will have come by then.
const fn round(waiting: usize) -> usize {
    if waiting < 4 { waiting } else { waiting & (0b11 << (waiting.ilog2() - 1)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use futures::future::join_all;
    use std::sync::{Arc, Mutex};

    #[test]
    fn groups_are_sums_of_two_powers_of_two() {
        for (waiting, together) in
            [(1, 1), (3, 3), (4, 4), (5, 4), (7, 6), (63, 48), (64, 64), (100, 96), (256, 256)]
        {
            assert_eq!(round(waiting), together, "{waiting}");
        }
    }

    #[tokio::test]
    async fn what_comes_at_the_same_time_is_done_together_and_each_gets_its_answer() {
        let groups = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&groups);
        let together = Together::start(move |items: Vec<u32>| {
            seen.lock().unwrap().push(items.len());
            async move { items.into_iter().map(|n| n * 2).collect() }
        });
        let answers = join_all((0..600).map(|n| together.ask(n))).await;
        assert_eq!(answers, (0..600).map(|n| Some(n * 2)).collect::<Vec<_>>());
        let groups = groups.lock().unwrap();
        assert_eq!(groups.iter().sum::<usize>(), 600);
        assert!(groups.len() < 40 && groups.iter().all(|size| *size <= MOST_TOGETHER), "{groups:?}");
    }

    #[tokio::test]
    async fn a_worker_that_ended_is_told_of() {
        let together = Together::<u32, u32>::start(|_| async { Vec::new() });
        assert_eq!(together.ask(1).await, None);
        assert_eq!(together.ask(2).await, None);
    }
}
