//! The requests of a batch, written anew from the database each time they are needed, in constant memory.

use super::{Batch, store};
use crate::{
    engine::{Engine, EngineError},
    provider::{CustomId, Lines, LinesError, Request},
    store::BatchId,
};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use std::{ops::Range, sync::Arc};

/// Requests whose texts are held together.
const PAGE: i64 = 128;
/// Pages that are written at the same time.
const AT_ONCE: usize = 2;

/// What the requests of a batch have in common.
#[derive(Clone)]
struct Common {
    batch: BatchId,
    token: String,
    provider: String,
    model: Arc<str>,
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

    /// Exact size of the batch's input in bytes.
    pub(crate) async fn measure(&self, batch: &Batch) -> Result<i64, EngineError> {
        let bytes = self
            .pages(batch)
            .try_fold(0, async |sum, lines| Ok(sum + lines.iter().map(Bytes::len).sum::<usize>()))
            .await?;
        Ok(i64::try_from(bytes).unwrap_or(i64::MAX))
    }

    /// Pages of requests in their order, the next ones written while one is read.
    fn pages(&self, batch: &Batch) -> impl Stream<Item = Result<Vec<Bytes>, EngineError>> + Send + 'static {
        let engine = self.clone();
        let common = Common {
            batch: batch.id,
            token: batch.token.clone(),
            provider: batch.provider.clone(),
            model: Arc::from(&*batch.model),
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

    /// The requests at these places, each a part of one buffer.
    async fn page(&self, common: &Common, places: Range<i64>) -> Result<Vec<Bytes>, EngineError> {
        let entry = self.provider(&common.provider)?;
        let asked = store::asked(&mut self.db(), common.batch, places).await?;
        let (mut page, mut ends) = (Vec::new(), Vec::with_capacity(asked.len()));
        for asked in asked {
            let marking = self.marking(asked.assignment_id).await?;
            let prompt = marking.request(&asked.text, asked.max_output);
            let request = Request { model: common.model.clone(), prompt };
            let custom_id = CustomId::new(&common.token, asked.job_id);
            entry.provider.write_request(&mut page, &custom_id, &request);
            ends.push(page.len());
        }
        let page = Bytes::from(page);
        let begins = std::iter::once(0).chain(ends.iter().copied());
        Ok(begins.zip(&ends).map(|(begin, end)| page.slice(begin..*end)).collect())
    }
}
