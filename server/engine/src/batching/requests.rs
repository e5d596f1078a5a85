//! The requests of a batch, written anew from the database each time they are needed, in constant memory.

use super::{Batch, store};
use crate::{
    engine::{Engine, EngineError},
    provider::{CustomId, Lines, LinesError, Provider, Request},
    store::{BatchId, SubmissionId},
    submission,
};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use std::{collections::HashMap, sync::Arc};

/// Jobs whose texts are held at once.
const AT_ONCE: i64 = 128;

impl Engine {
    /// The requests of a batch as a stream of pieces of whole lines.
    pub(crate) fn lines(&self, batch: &Batch) -> Lines {
        let pages =
            self.pages(batch.id, batch.token.clone(), batch.provider.clone(), Arc::from(&*batch.model));
        pages
            .map_ok(|lines| stream::iter(lines.into_iter().map(Ok)))
            .try_flatten()
            .map_err(|error: EngineError| LinesError(error.to_string()))
            .boxed()
    }

    /// Exact size of the batch's input in bytes.
    pub(crate) async fn measure(&self, batch: &Batch) -> Result<i64, EngineError> {
        let pages =
            self.pages(batch.id, batch.token.clone(), batch.provider.clone(), Arc::from(&*batch.model));
        let bytes = pages
            .try_fold(
                0_usize,
                |sum, lines| async move { Ok(sum + lines.iter().map(Bytes::len).sum::<usize>()) },
            )
            .await?;
        Ok(i64::try_from(bytes).unwrap_or(i64::MAX))
    }

    fn pages(
        &self,
        id: BatchId,
        token: String,
        provider: String,
        model: Arc<str>,
    ) -> impl futures::Stream<Item = Result<Vec<Bytes>, EngineError>> + Send + 'static {
        let engine = self.clone();
        stream::try_unfold(0_i64, move |from| {
            let (engine, token, provider, model) =
                (engine.clone(), token.clone(), provider.clone(), model.clone());
            async move {
                let entry = engine.provider(&provider)?;
                let lines = engine.page(id, &token, &*entry.provider, &model, from).await?;
                Ok(lines.map(|lines| (lines, from + AT_ONCE)))
            }
        })
    }

    async fn page(
        &self,
        id: BatchId,
        token: &str,
        provider: &dyn Provider,
        model: &Arc<str>,
        from: i64,
    ) -> Result<Option<Vec<Bytes>>, EngineError> {
        let mut db = self.db();
        let items = store::items(&mut db, id, from, AT_ONCE).await?;
        if items.is_empty() {
            return Ok(None);
        }
        let ids: Vec<SubmissionId> = items.iter().map(|item| item.submission_id).collect();
        let works: HashMap<SubmissionId, submission::Sent> = submission::store::as_sent(&mut db, &ids)
            .await?
            .into_iter()
            .map(|work| (work.id, work))
            .collect();
        let mut lines = Vec::with_capacity(items.len());
        for item in items {
            // It went back to the queue when the batch was given up and its process ended half way through.
            if item.outcome.is_some() {
                continue;
            }
            let Some(work) = works.get(&item.submission_id) else {
                return Err(EngineError::Missing {
                    what: "a submission",
                    id: item.submission_id.to_string(),
                });
            };
            let marking = self.marking(work.assignment_id).await?;
            let request =
                Request { model: model.clone(), prompt: marking.request(&work.text, item.max_output) };
            let mut line =
                Vec::with_capacity(request.prompt.stable.len() + request.prompt.work.len() * 5 / 4 + 4096);
            provider.write_request(&mut line, &CustomId::new(token, item.job_id), &request);
            lines.push(Bytes::from(line));
        }
        Ok(Some(lines))
    }
}
