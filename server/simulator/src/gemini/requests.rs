//! Bodies of generated content: from JSON to a prompt, and from an answer to JSON.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    answer::Strictness,
    cache::Life,
    complete::{Completion, Finish},
    http::ApiError,
    models::Model,
    prompt::{Format, Mark, Part, Prompt, Role},
    simulator::Core,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(borrow, default, alias = "system_instruction")]
    system_instruction: Option<Content<'a>>,
    #[serde(borrow, default)]
    contents: Vec<Content<'a>>,
    #[serde(borrow, default, alias = "generation_config")]
    generation_config: Config<'a>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow, default)]
    role: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    parts: Vec<Piece<'a>>,
}

#[derive(Deserialize)]
struct Piece<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    #[serde(alias = "max_output_tokens")]
    max_output_tokens: Option<u64>,
    candidate_count: Option<u64>,
    #[serde(borrow, alias = "response_mime_type")]
    response_mime_type: Option<Cow<'a, str>>,
    #[serde(borrow, alias = "response_json_schema")]
    response_json_schema: Option<&'a RawValue>,
    #[serde(borrow, alias = "response_schema")]
    response_schema: Option<&'a RawValue>,
}

/// Reads the body of a request for content.
pub(super) fn read<'a>(core: &Core, model: &'static Model, body: &'a [u8]) -> Result<Prompt<'a>, ApiError> {
    let body: Body<'a> = serde_json::from_slice(body)
        .map_err(|error| ApiError::invalid(format!("Invalid JSON payload received. {error}")))?;
    let config = body.generation_config;
    if config.candidate_count.is_some_and(|n| n != 1) {
        return Err(ApiError::invalid("The simulator gives one candidate; leave candidateCount out."));
    }
    if body.contents.is_empty() {
        return Err(ApiError::invalid("* GenerateContentRequest.contents: contents is not specified"));
    }
    let max_output = match config.max_output_tokens {
        Some(n) if n == 0 || n > model.max_output => {
            let most = model.max_output;
            return Err(ApiError::invalid(format!("maxOutputTokens must be from 1 to {most}, not {n}")));
        }
        n => n,
    };
    let mut parts = Vec::new();
    if let Some(system) = body.system_instruction {
        add(&mut parts, Role::System, system)?;
        // Gemini caches the beginnings of prompts by itself; what is worth it are the instructions.
        if let Some(last) = parts.last_mut() {
            last.mark = Mark::Write(Life::THIRTY_MINUTES);
        }
    }
    for content in body.contents {
        let role = match content.role.as_deref() {
            None | Some("user") => Role::User,
            Some("model") => Role::Assistant,
            Some(_) => return Err(ApiError::invalid("Please use a valid role: user, model.")),
        };
        add(&mut parts, role, content)?;
    }
    let json = match config.response_mime_type.as_deref() {
        None | Some("text/plain") => false,
        Some("application/json") => true,
        Some(other) => {
            return Err(ApiError::invalid(format!("responseMimeType: the simulator gives no {other}.")));
        }
    };
    let format = match config.response_json_schema.or(config.response_schema) {
        Some(_) if !json => {
            return Err(ApiError::invalid("A response schema needs responseMimeType application/json."));
        }
        Some(schema) => {
            // Behind the prompt, so that what differs in it leaves the beginning the same.
            let text = Cow::Borrowed(schema.get());
            parts.push(Part { role: Role::Format, text, mark: Mark::None, opens: true });
            let schema = core
                .schemas
                .get(schema, Strictness::Loose)
                .map_err(|problem| ApiError::invalid(format!("responseJsonSchema: {problem}")))?;
            Format::Schema(schema)
        }
        None if json => Format::Object,
        None => Format::Text,
    };
    Ok(Prompt { model, parts, format, max_output, cache_key: None })
}

fn add<'a>(parts: &mut Vec<Part<'a>>, role: Role, content: Content<'a>) -> Result<(), ApiError> {
    for (at, piece) in content.parts.into_iter().enumerate() {
        let Some(text) = piece.text else {
            return Err(ApiError::invalid("The simulator reads parts of text only."));
        };
        parts.push(Part { role, text, mark: Mark::None, opens: at == 0 });
    }
    Ok(())
}

/// The body of generated content. Counts of zero are left out, as on the wire.
pub(super) fn content_object(prompt: &Prompt<'_>, completion: &Completion) -> Value {
    let usage = &completion.usage;
    let mut counts = json!({
        "promptTokenCount": usage.input,
        "candidatesTokenCount": usage.output,
        "totalTokenCount": usage.input + usage.output,
    });
    if usage.cached > 0 {
        counts["cachedContentTokenCount"] = usage.cached.into();
    }
    let mut body = json!({
        "usageMetadata": counts,
        "modelVersion": prompt.model.id,
        "responseId": completion.line.response_id,
    });
    let said = || json!({"parts": [{"text": completion.text}], "role": "model"});
    let reason = match completion.finish {
        Finish::Stop => "STOP",
        Finish::Length => "MAX_TOKENS",
        Finish::Filter => "SAFETY",
        // Gemini's models decline by having the prompt blocked.
        Finish::Refusal => {
            body["promptFeedback"] = json!({"blockReason": "OTHER"});
            return body;
        }
    };
    let mut candidate = json!({"index": 0, "finishReason": reason});
    if completion.finish != Finish::Filter {
        candidate["content"] = said();
    }
    body["candidates"] = json!([candidate]);
    body
}
