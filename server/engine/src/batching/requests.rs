//! The requests of a batch, written anew from the database each time they are needed, in constant memory.

use super::{Batch, store};
use crate::{
    engine::{Engine, EngineError},
    provider::{CustomId, Keep, Lines, LinesError, Request},
    store::BatchId,
};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use std::{ops::Range, sync::Arc};

/// Requests whose texts are held together.
const PAGE: i64 = 128;
/// So much memory is taken for a request at once, as far as it is thought to need it.
const LONG: usize = 1024 * 1024;
/// Pages that are written at the same time.
const AT_ONCE: usize = 2;

/// What the requests of a batch have in common.
#[derive(Clone)]
struct Common {
    batch: BatchId,
    token: String,
    provider: String,
    model: Arc<str>,
    keep: Keep,
}

impl Engine {
    /// The requests of a batch as a stream of whole lines.
    pub(crate) fn lines(&self, batch: &Batch) -> Lines {
        self.pages(batch)
            .map_ok(|lines| stream::iter(lines.into_iter().map(Ok)))
            .try_flatten()
            .map_err(|error: EngineError| LinesError(error.to_string()))
            .boxed()
    }

    /// Exact size of the batch's input in bytes: by what was noted of its works when they came in. Where it could not be
    /// sent, all of it is written once to be counted, for another version of Quire may have noted that, which numbers
    /// sentences otherwise.
    pub(crate) async fn measure(&self, batch: &Batch) -> Result<i64, EngineError> {
        let bytes = if batch.failures == 0 {
            self.noted(batch).await?
        } else {
            let pages = self.pages(batch);
            pages
                .try_fold(0, async |sum, lines| Ok(sum + lines.iter().map(Bytes::len).sum::<usize>()))
                .await?
        };
        Ok(i64::try_from(bytes).unwrap_or(i64::MAX))
    }

    /// The size of the batch's input by what was noted of its works: only a request for an empty work is written for each
    /// kind of them.
    async fn noted(&self, batch: &Batch) -> Result<usize, EngineError> {
        let entry = self.provider(&batch.provider)?;
        let custom_id = CustomId::new(&batch.token, self.world().id());
        let mut bytes = 0;
        for alike in store::alike(&mut self.db(), batch.id).await? {
            let prompt = self.marking(alike.assignment_id).await?.request("", alike.max_output);
            let mut empty = Vec::new();
            entry.provider.write_request(
                &mut empty,
                &custom_id,
                &Request { model: Arc::from(&*batch.model), prompt, keep: batch.prefix_cache },
            );
            let [requests, works] =
                [alike.requests, alike.work_bytes].map(|n| usize::try_from(n).unwrap_or(0));
            bytes += requests * empty.len() + works;
        }
        Ok(bytes)
    }

    /// Pages of requests in their order, the next ones written while one is read.
    fn pages(&self, batch: &Batch) -> impl Stream<Item = Result<Vec<Bytes>, EngineError>> + Send + 'static {
        let engine = self.clone();
        let common = Common {
            batch: batch.id,
            token: batch.token.clone(),
            provider: batch.provider.clone(),
            model: Arc::from(&*batch.model),
            keep: batch.prefix_cache,
        };
        let begins = (0..batch.jobs).step_by(usize::try_from(PAGE).unwrap_or(1));
        stream::iter(begins)
            .map(move |begin| {
                let (engine, common) = (engine.clone(), common.clone());
                tokio::spawn(async move { engine.page(&common, begin..begin + PAGE).await })
            })
            .buffered(AT_ONCE)
            .map(|page| {
                page.unwrap_or_else(|error| {
                    Err(EngineError::Busy(format!("a page of requests could not be written: {error}")))
                })
            })
    }

    /// The requests at these places.
    async fn page(&self, common: &Common, places: Range<i64>) -> Result<Vec<Bytes>, EngineError> {
        let entry = self.provider(&common.provider)?;
        let asked = store::asked(&mut self.db(), common.batch, places).await?;
        let mut lines = Vec::with_capacity(asked.len());
        for asked in asked {
            let marking = self.marking(asked.assignment_id).await?;
            let prompt = marking.request(&asked.text, asked.max_output);
            let request = Request { model: common.model.clone(), prompt, keep: common.keep };
            let custom_id = CustomId::new(&common.token, asked.job_id);
            let mut line = Vec::with_capacity(usize::try_from(asked.bytes).unwrap_or(0).min(LONG));
            entry.provider.write_request(&mut line, &custom_id, &request);
            lines.push(Bytes::from(line));
        }
        Ok(lines)
    }
}
