//! The checks of a batch's file while the batch is `validating`.

use std::{borrow::Cow, collections::HashSet};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::requests;
use crate::{
    Error,
    batch::{Batch, BatchError, Endpoint, Input},
    error::At,
    faults::Fault,
    models::{Model, Provider},
    simulator::Core,
};

/// A file that may be worked on.
pub(crate) struct Checked {
    pub(crate) requests: u64,
    pub(crate) model: String,
    /// Input tokens, counted only under an enqueued-token limit.
    pub(crate) tokens: u64,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    custom_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    url: Option<Cow<'a, str>>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
}

/// The most errors that are listed.
const MAX_ERRORS: usize = 100;

/// Reads a batch's file through. The inner error holds what is wrong with it.
pub(crate) fn validate(core: &Core, batch: &Batch) -> Result<Result<Checked, Vec<BatchError>>, Error> {
    let path = core.folder.content(&batch.input_name());
    let settings = core.settings();
    let mut check = Check {
        core,
        batch,
        count_tokens: settings.enqueued_token_limit.is_some(),
        seen: HashSet::new(),
        model: None,
        tokens: 0,
        errors: Vec::new(),
    };
    let input = Input::open(&path, |span, line| check.line(span.number.into(), line)).at(&path)?;
    let requests = input.len() as u64;
    if requests == 0 {
        check.error("empty_file", "The input file is empty.", None, None);
    }
    if requests > settings.openai_max_requests {
        let message = format!(
            "The input file holds {requests} requests; the limit is {} requests a batch.",
            settings.openai_max_requests
        );
        check.error("too_many_tasks", message, None, None);
    }
    if batch.plan.has(Fault::BadLine) && requests > 0 {
        let line = 1 + (batch.plan.bad_line * requests as f64) as u64;
        check.error(
            "invalid_json_line",
            "This line is not parseable as valid JSON. (Simulated.)",
            None,
            Some(line),
        );
    }
    if batch.plan.has(Fault::TokenLimit) {
        let model = check.model.clone().unwrap_or_default();
        check.errors.push(token_limit(&model, 0));
    }
    Ok(match check.model {
        Some(model) if check.errors.is_empty() => Ok(Checked { requests, model, tokens: check.tokens }),
        _ => Err(check.errors),
    })
}

struct Check<'a> {
    core: &'a Core,
    batch: &'a Batch,
    count_tokens: bool,
    seen: HashSet<String>,
    model: Option<String>,
    tokens: u64,
    errors: Vec<BatchError>,
}

impl Check<'_> {
    fn error(&mut self, code: &str, message: impl Into<String>, param: Option<&str>, line: Option<u64>) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(BatchError {
                code: code.into(),
                message: message.into(),
                param: param.map(str::to_owned),
                line,
            });
        }
    }

    fn line(&mut self, number: u64, raw: &[u8]) {
        let at = Some(number);
        let line: Line<'_> = match serde_json::from_slice(raw) {
            Ok(line) => line,
            Err(error) => {
                // An object with a wrong member is another thing than no object at all.
                let message = match error.classify() {
                    serde_json::error::Category::Data => {
                        format!("This line is not a valid request: {error}.")
                    }
                    _ => "This line is not parseable as valid JSON.".to_owned(),
                };
                return self.error("invalid_json_line", message, None, at);
            }
        };
        let missing = |what: &str| format!("Missing required parameter: '{what}'.");
        match line.custom_id {
            None => self.error("missing_required_parameter", missing("custom_id"), Some("custom_id"), at),
            Some(id) => {
                if !self.seen.insert(id.into_owned()) {
                    let message = "The custom_id for this request is a duplicate of another request. The custom_id \
                                   parameter must be unique for each request in a batch.";
                    self.error("duplicate_custom_id", message, Some("custom_id"), at);
                }
            }
        }
        match line.method.as_deref() {
            Some("POST") => {}
            None => self.error("missing_required_parameter", missing("method"), Some("method"), at),
            Some(other) => {
                let message = format!("Invalid method: '{other}'. Only POST is supported.");
                self.error("invalid_method", message, Some("method"), at);
            }
        }
        match line.url.as_deref() {
            None => self.error("missing_required_parameter", missing("url"), Some("url"), at),
            Some(url) if url == self.batch.endpoint.as_str() => {}
            Some(url) if url.starts_with("/v1/") => {
                let message = "The URL provided for this request does not match the batch endpoint.";
                self.error("url_mismatch", message, Some("url"), at);
            }
            Some(_) => {
                self.error("invalid_url", "The URL provided for this request is invalid.", Some("url"), at)
            }
        }
        match line.body {
            None => self.error("missing_required_parameter", missing("body"), Some("body"), at),
            Some(body) => self.body(body, at),
        }
    }

    fn body(&mut self, raw: &RawValue, at: Option<u64>) {
        let Ok(Body { model: Some(model) }) = serde_json::from_str(raw.get()) else {
            let message = "Missing required parameter: 'body.model'.";
            return self.error("missing_required_parameter", message, Some("body.model"), at);
        };
        match &self.model {
            None => {
                if Model::find(Provider::OpenAi, &model).is_none() {
                    let message = format!("The provided model '{model}' is not supported by the Batch API.");
                    self.error("model_not_found", message, Some("body.model"), at);
                }
                self.model = Some(model.into_owned());
            }
            Some(first) if *first == model => {}
            Some(first) => {
                let message = format!(
                    "The batch contains requests for '{first}' and '{model}'; only one model is allowed."
                );
                self.error("model_mismatch", message, Some("body.model"), at);
            }
        }
        if self.count_tokens {
            let raw = raw.get().as_bytes();
            let prompt = match self.batch.endpoint {
                Endpoint::Responses => requests::responses(self.core, raw),
                Endpoint::Chat | Endpoint::Messages | Endpoint::Generate => requests::chat(self.core, raw),
            };
            // A request that can't be read fails on its own line, later, and waits for nothing.
            self.tokens += prompt.map_or(0, |prompt| prompt.measure(&self.core.counter).tokens);
        }
    }
}

/// Whether a batch would bring the tokens that wait for its model above the limit. `others` are the open batches.
pub(crate) fn over_limit(batch: &Batch, others: &[Batch], limit: Option<u64>) -> Option<BatchError> {
    let limit = limit?;
    let waiting: u64 = others
        .iter()
        .filter(|other| {
            other.id != batch.id && other.model == batch.model && other.provider == batch.provider
        })
        .map(|other| other.enqueued_tokens)
        .sum();
    let over = waiting + batch.enqueued_tokens > limit;
    over.then(|| token_limit(batch.model.as_deref().unwrap_or_default(), limit))
}

fn token_limit(model: &str, limit: u64) -> BatchError {
    BatchError {
        code: "token_limit_exceeded".into(),
        message: format!(
            "Enqueued token limit reached for {model} in organization org-simulated. Limit: {limit} enqueued tokens. \
             Please try again once some in_progress batches have been completed."
        ),
        param: None,
        line: None,
    }
}
