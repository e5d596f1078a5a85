//! Working through some requests of a batch: answers, lines for the result files, lines for the ledger.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Batch, Counts, Ending, input::Span};
use crate::{
    anthropic,
    complete::answer_fault,
    faults::Fault,
    gemini,
    ledger::LedgerLine,
    models::{Provider, Usage},
    openai,
    simulator::{Core, new_id},
};

/// How a request came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Completed,
    Failed,
}

/// What became of one request.
#[derive(Debug)]
pub(crate) struct LineResult {
    pub(crate) outcome: Outcome,
    /// Its line in the results, without the line break.
    pub(crate) line: Vec<u8>,
    /// What it cost, if it was answered.
    pub(crate) paid: Option<(LedgerLine, Usage)>,
}

/// What became of some requests.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) output: Vec<u8>,
    pub(crate) errors: Vec<u8>,
    pub(crate) ledger: Vec<LedgerLine>,
    pub(crate) counts: Counts,
    pub(crate) usage: Usage,
}

/// A stored request. OpenAI calls its content `body`, Anthropic `params`, Gemini `request`.
#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow, alias = "key")]
    custom_id: Cow<'a, str>,
    #[serde(borrow, alias = "params", alias = "request")]
    body: &'a RawValue,
}

/// The faults that take the place of an answer.
const REFUSING: [Fault; 3] = [Fault::ErroredLine, Fault::LineTimeout, Fault::StatusZero];

/// Answers requests.
pub(crate) fn answer(core: &Core, batch: &Batch, lines: &[(Span, Vec<u8>)]) -> Chunk {
    let mut chunk = Chunk::default();
    let settings = core.settings();
    let provider = batch.provider.as_str();
    for (span, raw) in lines {
        let Some(request) = read(batch, *span, raw) else { continue };
        let id = request.custom_id.as_ref();
        let strikes = |fault: Fault| core.strikes(&settings, fault, provider, [&batch.id, id]);
        let fault = REFUSING
            .into_iter()
            .find(|fault| strikes(*fault))
            .or_else(|| answer_fault(core, provider, [&batch.id, id]));
        let mut result = match batch.provider {
            Provider::OpenAi => openai::line::answer(core, batch, id, request.body, fault),
            Provider::Anthropic => anthropic::line::answer(core, batch, id, request.body, fault),
            Provider::Gemini => gemini::line::answer(core, batch, id, request.body, fault),
        };
        match result.outcome {
            Outcome::Completed => chunk.counts.completed += 1,
            Outcome::Failed => chunk.counts.failed += 1,
        }
        let file = match (batch.provider, result.outcome) {
            (Provider::OpenAi, Outcome::Failed) => &mut chunk.errors,
            _ => &mut chunk.output,
        };
        let mut readable = true;
        if strikes(Fault::MissingLine) {
            readable = false;
        } else if strikes(Fault::MalformedLine) {
            readable = false;
            push(file, &result.line[..result.line.len() / 2]);
        } else {
            push(file, &result.line);
            if strikes(Fault::DuplicateLine) {
                push(file, &result.line);
            }
        }
        if strikes(Fault::UnknownId) {
            let stranger = new_id("unknown-");
            let line = match batch.provider {
                Provider::OpenAi => openai::line::unfinished(&stranger, Ending::Expired),
                Provider::Anthropic => anthropic::line::unfinished(&stranger, Ending::Expired),
                Provider::Gemini => gemini::line::unfinished(&stranger, Ending::Expired),
            };
            push(file, &line);
        }
        if let Some((line, usage)) = &mut result.paid {
            line.usable &= readable;
            chunk.usage.add(usage);
        }
        chunk.ledger.extend(result.paid.map(|(line, _)| line));
    }
    chunk
}

/// Lists requests that are left undone.
pub(crate) fn leave(core: &Core, batch: &Batch, lines: &[(Span, Vec<u8>)], ending: Ending) -> Chunk {
    let mut chunk = Chunk::default();
    match ending {
        Ending::Expired => chunk.counts.expired = lines.len() as u64,
        Ending::Cancelled => chunk.counts.cancelled = lines.len() as u64,
    }
    let listed = batch.provider == Provider::Anthropic || core.settings().list_unfinished;
    for (span, raw) in lines.iter().filter(|_| listed) {
        let Some(request) = read(batch, *span, raw) else { continue };
        match batch.provider {
            Provider::OpenAi => {
                push(&mut chunk.errors, &openai::line::unfinished(&request.custom_id, ending));
            }
            Provider::Anthropic => {
                push(&mut chunk.output, &anthropic::line::unfinished(&request.custom_id, ending));
            }
            Provider::Gemini => {
                push(&mut chunk.output, &gemini::line::unfinished(&request.custom_id, ending));
            }
        }
    }
    chunk
}

fn read<'a>(batch: &Batch, span: Span, raw: &'a [u8]) -> Option<Request<'a>> {
    serde_json::from_slice(raw)
        .inspect_err(|error| {
            // Every line was read in validation, so the file was changed since.
            tracing::error!(batch = batch.id, line = span.number, %error, "a stored request can't be read");
        })
        .ok()
}

fn push(file: &mut Vec<u8>, line: &[u8]) {
    file.extend_from_slice(line);
    file.push(b'\n');
}
