//! The checks of a batch's file while the batch is pending.

use std::{borrow::Cow, collections::HashSet};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{models, requests};
use crate::{
    Error,
    batch::{Batch, BatchError, Input},
    error::At,
    faults::Fault,
    openai::validate::Checked,
    simulator::Core,
};

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    request: Option<&'a RawValue>,
}

/// Reads a batch's file through. The inner error holds what is wrong with it: Gemini tells of one thing only.
pub(crate) fn validate(core: &Core, batch: &Batch) -> Result<Result<Checked, Vec<BatchError>>, Error> {
    let path = core.folder.content(&batch.input_name());
    let settings = core.settings();
    let name = batch.model.clone().unwrap_or_default();
    let model = models::find(&name).ok().filter(|_| settings.enqueued_token_limit.is_some());
    let (mut seen, mut tokens, mut wrong) = (HashSet::new(), 0, None);
    let input = Input::open(&path, |span, raw| {
        let found = match serde_json::from_slice::<Line<'_>>(raw) {
            Err(_) => Some("is not a valid request".to_owned()),
            Ok(Line { key: None, .. }) => Some("has no key".to_owned()),
            Ok(Line { request: None, .. }) => Some("has no request".to_owned()),
            Ok(Line { key: Some(key), request: Some(request) }) => {
                if let Some(model) = model {
                    let prompt = requests::read(core, model, request.get().as_bytes());
                    tokens += prompt.map_or(0, |prompt| prompt.measure(&core.counter).tokens);
                }
                let new = seen.insert(key.clone().into_owned());
                (!new).then(|| format!("repeats the key '{key}'"))
            }
        };
        if let (None, Some(problem)) = (&wrong, found) {
            wrong = Some((u64::from(span.number), problem));
        }
    })
    .at(&path)?;
    let requests = input.len() as u64;
    if requests == 0 {
        wrong = Some((1, "is missing: the file is empty".to_owned()));
    }
    if batch.plan.has(Fault::BadLine) && requests > 0 {
        let line = 1 + (batch.plan.bad_line * requests as f64) as u64;
        wrong = Some((line, "is not a valid request. (Simulated.)".to_owned()));
    }
    Ok(match wrong {
        None => Ok(Checked { requests, model: name, tokens }),
        Some((line, problem)) => Err(vec![BatchError {
            code: "INVALID_ARGUMENT".into(),
            message: format!("Line {line} of the input file {problem}."),
            param: None,
            line: Some(line),
        }]),
    })
}
