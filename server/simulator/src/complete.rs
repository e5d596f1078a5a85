//! Answering a prompt: the text, what it costs, and its line in the ledger.

use std::fmt::Write;

use crate::{
    answer::{self, Flaw, Spoil},
    faults::Fault,
    http::{ApiError, Kind},
    ledger::LedgerLine,
    models::{Provider, Tier, Usage},
    prompt::{Format, Prompt},
    simulator::Core,
    tokens,
};

/// Why an answer ends where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// It is complete.
    Stop,
    /// It is cut at the limit of output tokens.
    Length,
    /// The model declined.
    Refusal,
    /// A filter held it back.
    Filter,
}

/// Where a prompt comes from, and where its answer goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    /// The batch and the custom id; none for a real-time call.
    pub(crate) batch: Option<(&'a str, &'a str)>,
    /// The `id` that the answer's body will have.
    pub(crate) response_id: &'a str,
}

/// An answer with its price.
#[derive(Clone, Debug)]
pub(crate) struct Completion {
    pub(crate) text: String,
    pub(crate) finish: Finish,
    pub(crate) usage: Usage,
    pub(crate) line: LedgerLine,
}

/// The faults that strike a single answer, in the order in which they are looked for.
const ANSWER_FAULTS: [Fault; 6] = [
    Fault::Refusal,
    Fault::ContentFilter,
    Fault::Truncated,
    Fault::NotJson,
    Fault::MissingField,
    Fault::WrongLevel,
];

/// The fault that strikes the answer to a request, if one does. `words` name the request.
pub(crate) fn answer_fault(core: &Core, provider: &str, words: [&str; 2]) -> Option<Fault> {
    let settings = core.settings();
    ANSWER_FAULTS.into_iter().find(|fault| core.strikes(&settings, *fault, provider, words))
}

/// Answers a prompt.
pub(crate) fn complete(
    core: &Core,
    prompt: &Prompt<'_>,
    origin: Origin<'_>,
    fault: Option<Fault>,
) -> Result<Completion, ApiError> {
    let measured = prompt.measure(&core.counter);
    let model = prompt.model;
    if measured.tokens > model.context {
        return Err(ApiError::new(
            Kind::Invalid,
            format!(
                "This model's maximum context length is {} tokens. However, your messages resulted in {} tokens. \
                 Please reduce the length of the messages.",
                model.context, measured.tokens
            ),
        )
        .code("context_length_exceeded")
        .param("messages"));
    }
    let now = core.clock.now();
    let finds = match origin.batch {
        None => true,
        Some((batch, id)) => core.dice.happens(core.settings().batch_cache_hits, &["cache", batch, id]),
    };
    let cached = core.cache.apply(now, &measured.boundaries, model.min_cached, finds);

    let flaw = match fault {
        Some(Fault::NotJson) => Some(Flaw::NotJson),
        Some(Fault::MissingField) => Some(Flaw::Spoilt(Spoil::Field)),
        Some(Fault::WrongLevel) => Some(Flaw::Spoilt(Spoil::Value)),
        _ => None,
    };
    let (mut text, mut finish) = match fault {
        Some(Fault::Refusal) => (answer::REFUSAL.to_owned(), Finish::Refusal),
        _ => (answer::text(prompt, flaw), Finish::Stop),
    };
    let mut output = tokens::count(&text);
    let limit = match fault {
        Some(Fault::Truncated | Fault::ContentFilter) => (output / 2).max(1),
        _ => prompt.max_output.unwrap_or(model.max_output),
    };
    if output > limit {
        text = tokens::cut(&text, limit);
        output = limit;
        finish = if fault == Some(Fault::ContentFilter) { Finish::Filter } else { Finish::Length };
    }

    // Gemini neither shows nor charges what it writes to its cache.
    let told = model.provider != Provider::Gemini;
    let usage = Usage {
        input: measured.tokens,
        cached: cached.read,
        write: if told { cached.write } else { 0 },
        write_long: if told { cached.write_long } else { 0 },
        output,
    };
    let spoilt = flaw.is_some() && !matches!(prompt.format, Format::Text);
    let tier = if origin.batch.is_some() { Tier::Batch } else { Tier::Realtime };
    let signed = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
    let line = LedgerLine {
        provider: model.provider.as_str().to_owned(),
        batch_id: origin.batch.map(|(batch, _)| batch.to_owned()),
        custom_id: origin.batch.map(|(_, custom)| custom.to_owned()),
        model: model.id.to_owned(),
        prompt_digest: hex(&measured.digest),
        input_tokens: signed(usage.input),
        cached_tokens: signed(usage.cached),
        cache_write_tokens: signed(usage.write + usage.write_long),
        cache_write_long_tokens: signed(usage.write_long),
        output_tokens: signed(usage.output),
        price_nano_usd: model.cost(tier, &usage),
        response_id: origin.response_id.to_owned(),
        usable: finish == Finish::Stop && !spoilt,
        answered_at_ms: now.timestamp_millis(),
    };
    Ok(Completion { text, finish, usage, line })
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
