//! Bodies of chat completions and responses: from JSON to a prompt, and from an answer to JSON.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor},
};
use serde_json::{Value, json, value::RawValue};

use super::{line, models};
use crate::{
    answer::Strictness,
    cache::Life,
    complete::{Completion, Finish},
    http::ApiError,
    models::Model,
    prompt::{Format, Mark, Part, Prompt, Role},
    simulator::{Core, new_id},
};

/// The content of a message: a string or parts.
#[derive(Default)]
struct Content<'a>(Vec<Piece<'a>>);

#[derive(Deserialize)]
struct Piece<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    prompt_cache_breakpoint: Option<Breakpoint>,
}

#[derive(Deserialize)]
struct Breakpoint {
    mode: Option<String>,
    ttl: Option<String>,
}

#[derive(Deserialize, Default)]
struct CacheOptions {
    mode: Option<String>,
    ttl: Option<String>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringOrParts;
        impl<'de> Visitor<'de> for StringOrParts {
            type Value = Vec<Piece<'de>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of content parts")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(vec![Piece::text(Cow::Borrowed(text))])
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(vec![Piece::text(Cow::Owned(text.to_owned()))])
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
                Ok(vec![Piece::text(Cow::Owned(text))])
            }

            fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(Vec::new())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut pieces = Vec::new();
                while let Some(piece) = seq.next_element()? {
                    pieces.push(piece);
                }
                Ok(pieces)
            }
        }
        deserializer.deserialize_any(StringOrParts).map(Content)
    }
}

impl<'a> Piece<'a> {
    fn text(text: Cow<'a, str>) -> Self {
        Self { kind: Cow::Borrowed("text"), text: Some(text), prompt_cache_breakpoint: None }
    }
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow, default)]
    content: Content<'a>,
}

#[derive(Deserialize)]
struct Chat<'a> {
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow)]
    messages: Option<Vec<Message<'a>>>,
    #[serde(borrow)]
    response_format: Option<ChatFormat<'a>>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    n: Option<u64>,
    stream: Option<bool>,
    #[serde(borrow)]
    prompt_cache_key: Option<Cow<'a, str>>,
    prompt_cache_options: Option<CacheOptions>,
}

#[derive(Deserialize)]
struct ChatFormat<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    json_schema: Option<NamedSchema<'a>>,
}

#[derive(Deserialize)]
struct NamedSchema<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    schema: Option<&'a RawValue>,
    strict: Option<bool>,
}

#[derive(Deserialize)]
struct Responses<'a> {
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow)]
    input: Option<Input<'a>>,
    #[serde(borrow)]
    instructions: Option<Cow<'a, str>>,
    max_output_tokens: Option<u64>,
    #[serde(borrow)]
    text: Option<TextOptions<'a>>,
    stream: Option<bool>,
    background: Option<bool>,
    #[serde(borrow)]
    prompt_cache_key: Option<Cow<'a, str>>,
    prompt_cache_options: Option<CacheOptions>,
}

#[derive(Deserialize)]
struct TextOptions<'a> {
    #[serde(borrow)]
    format: Option<TextFormat<'a>>,
}

#[derive(Deserialize)]
struct TextFormat<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    schema: Option<&'a RawValue>,
    strict: Option<bool>,
}

/// The input of a response: a string or messages.
struct Input<'a>(Vec<Message<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Input<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringOrItems;
        impl<'de> Visitor<'de> for StringOrItems {
            type Value = Vec<Message<'de>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of messages")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(vec![Message { role: "user".into(), content: Content(vec![Piece::text(text.into())]) }])
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                let text = Cow::Owned(text.to_owned());
                Ok(vec![Message { role: "user".into(), content: Content(vec![Piece::text(text)]) }])
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut messages = Vec::new();
                while let Some(message) = seq.next_element()? {
                    messages.push(message);
                }
                Ok(messages)
            }
        }
        deserializer.deserialize_any(StringOrItems).map(Input)
    }
}

/// Reads the body of a chat completion.
pub(crate) fn chat<'a>(core: &Core, body: &'a [u8]) -> Result<Prompt<'a>, ApiError> {
    let chat: Chat<'a> = serde_json::from_slice(body).map_err(|error| line::unreadable(&error))?;
    let model = model(chat.model)?;
    unsupported(chat.stream, "stream")?;
    if chat.n.is_some_and(|n| n != 1) {
        return Err(ApiError::invalid("The simulator gives one choice; leave n out.").param("n"));
    }
    let messages = chat.messages.filter(|messages| !messages.is_empty()).ok_or_else(|| {
        ApiError::invalid("Missing required parameter: 'messages'.")
            .code("missing_required_parameter")
            .param("messages")
    })?;
    let mut parts = Vec::new();
    let format = match chat.response_format {
        None => Format::Text,
        Some(format) => match (format.kind.as_ref(), format.json_schema) {
            ("text", _) => Format::Text,
            ("json_object", _) => Format::Object,
            ("json_schema", Some(NamedSchema { name, schema: Some(schema), strict })) => {
                check_name(name.as_deref(), "response_format.json_schema.name")?;
                parts.push(format_part(Cow::Borrowed(schema.get())));
                read_schema(core, schema, strict, name.as_deref(), "response_format")?
            }
            ("json_schema", _) => {
                let param = "response_format.json_schema";
                return Err(
                    ApiError::invalid(format!("Missing required parameter: '{param}.schema'.")).param(param)
                );
            }
            (other, _) => {
                let message = format!(
                    "Invalid value: '{other}'. Supported values are: 'text', 'json_object', 'json_schema'."
                );
                return Err(ApiError::invalid(message).code("invalid_value").param("response_format.type"));
            }
        },
    };
    add_messages(&mut parts, messages, chat.prompt_cache_options.unwrap_or_default(), "messages")?;
    let max_output =
        max_output(model, chat.max_completion_tokens.or(chat.max_tokens), "max_completion_tokens")?;
    Ok(Prompt { model, parts, format, max_output, cache_key: chat.prompt_cache_key })
}

/// Reads the body of a response.
pub(crate) fn responses<'a>(core: &Core, body: &'a [u8]) -> Result<Prompt<'a>, ApiError> {
    let request: Responses<'a> = serde_json::from_slice(body).map_err(|error| line::unreadable(&error))?;
    let model = model(request.model)?;
    unsupported(request.stream, "stream")?;
    unsupported(request.background, "background")?;
    let mut messages =
        request.input.map(|input| input.0).filter(|input| !input.is_empty()).ok_or_else(|| {
            ApiError::invalid("Missing required parameter: 'input'.")
                .code("missing_required_parameter")
                .param("input")
        })?;
    if let Some(instructions) = request.instructions {
        let content = Content(vec![Piece::text(instructions)]);
        messages.insert(0, Message { role: "system".into(), content });
    }
    let mut parts = Vec::new();
    let format = match request.text.and_then(|text| text.format) {
        None => Format::Text,
        Some(TextFormat { kind, name, schema, strict }) => match (kind.as_ref(), schema) {
            ("text", _) => Format::Text,
            ("json_object", _) => Format::Object,
            ("json_schema", Some(schema)) => {
                check_name(name.as_deref(), "text.format.name")?;
                parts.push(format_part(Cow::Borrowed(schema.get())));
                read_schema(core, schema, strict, name.as_deref(), "text.format")?
            }
            ("json_schema", None) => {
                let message = "Missing required parameter: 'text.format.schema'.";
                return Err(ApiError::invalid(message).param("text.format.schema"));
            }
            (other, _) => {
                let message = format!(
                    "Invalid value: '{other}'. Supported values are: 'text', 'json_object', 'json_schema'."
                );
                return Err(ApiError::invalid(message).code("invalid_value").param("text.format.type"));
            }
        },
    };
    add_messages(&mut parts, messages, request.prompt_cache_options.unwrap_or_default(), "input")?;
    let max_output = max_output(model, request.max_output_tokens, "max_output_tokens")?;
    Ok(Prompt { model, parts, format, max_output, cache_key: request.prompt_cache_key })
}

fn model(id: Option<Cow<'_, str>>) -> Result<&'static Model, ApiError> {
    match id {
        Some(id) => models::find(&id),
        None => Err(ApiError::invalid("you must provide a model parameter").param("model")),
    }
}

fn unsupported(flag: Option<bool>, name: &str) -> Result<(), ApiError> {
    if flag == Some(true) {
        let message = format!("The simulator answers in one piece and at once; leave {name} out.");
        return Err(ApiError::invalid(message).code("unsupported_parameter").param(name));
    }
    Ok(())
}

fn check_name(name: Option<&str>, param: &str) -> Result<(), ApiError> {
    let valid = |name: &str| {
        (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    };
    match name {
        Some(name) if valid(name) => Ok(()),
        Some(_) => Err(ApiError::invalid(format!(
            "Invalid '{param}': it must have 1 to 64 letters, digits, underscores or dashes."
        ))
        .param(param)),
        None => Err(ApiError::invalid(format!("Missing required parameter: '{param}'.")).param(param)),
    }
}

fn read_schema(
    core: &Core,
    schema: &RawValue,
    strict: Option<bool>,
    name: Option<&str>,
    param: &str,
) -> Result<Format, ApiError> {
    let strictness = if strict == Some(true) { Strictness::Strict } else { Strictness::Loose };
    let schema = core.schemas.get(schema, strictness).map_err(|problem| {
        let message = format!("Invalid schema for {param} '{}': {problem}.", name.unwrap_or_default());
        ApiError::invalid(message).code("invalid_json_schema").param(param)
    })?;
    Ok(Format::Schema(schema))
}

fn format_part(text: Cow<'_, str>) -> Part<'_> {
    Part { role: Role::Format, text, mark: Mark::None, opens: true }
}

fn max_output(model: &Model, asked: Option<u64>, param: &str) -> Result<Option<u64>, ApiError> {
    match asked {
        Some(0) => Err(ApiError::invalid(format!("{param} must be at least 1.")).param(param)),
        Some(asked) if asked > model.max_output => {
            let message = format!(
                "{param} is too large: {asked}. This model supports at most {} completion tokens.",
                model.max_output
            );
            Err(ApiError::invalid(message).param(param))
        }
        asked => Ok(asked),
    }
}

fn life(ttl: Option<&str>, param: &str) -> Result<Life, ApiError> {
    match ttl {
        None | Some("30m") => Ok(Life::THIRTY_MINUTES),
        Some("12h") => Ok(Life::TWELVE_HOURS),
        Some(other) => Err(ApiError::invalid(format!(
            "Invalid value: '{other}'. Supported values are: '30m' and '12h'."
        ))
        .code("invalid_value")
        .param(param)),
    }
}

/// Adds the messages and decides where cached prefixes may end: at marked parts, and unless the request says
/// `explicit`, after the latest user message.
fn add_messages<'a>(
    parts: &mut Vec<Part<'a>>,
    messages: Vec<Message<'a>>,
    options: CacheOptions,
    param: &str,
) -> Result<(), ApiError> {
    const WRITES: usize = 4;
    let usual = life(options.ttl.as_deref(), "prompt_cache_options.ttl")?;
    let implicit = match options.mode.as_deref() {
        None | Some("implicit") => true,
        Some("explicit") => false,
        Some(other) => {
            let message =
                format!("Invalid value: '{other}'. Supported values are: 'implicit' and 'explicit'.");
            return Err(ApiError::invalid(message).code("invalid_value").param("prompt_cache_options.mode"));
        }
    };
    let mut marked = Vec::new();
    for (at, message) in messages.into_iter().enumerate() {
        let role = match message.role.as_ref() {
            "system" | "developer" => Role::System,
            "user" | "tool" => Role::User,
            "assistant" => Role::Assistant,
            other => {
                let message = format!(
                    "Invalid value: '{other}'. Supported values are: 'system', 'developer', 'user', 'assistant', 'tool'."
                );
                return Err(ApiError::invalid(message)
                    .code("invalid_value")
                    .param(format!("{param}[{at}].role")));
            }
        };
        for (piece_at, piece) in message.content.0.into_iter().enumerate() {
            let here = || format!("{param}[{at}].content[{piece_at}]");
            let text = match (piece.kind.as_ref(), piece.text) {
                ("text" | "input_text" | "output_text" | "refusal", Some(text)) => text,
                (kind, _) => {
                    let message = format!("The simulator reads text parts only, not '{kind}'.");
                    return Err(ApiError::invalid(message).param(here()));
                }
            };
            if let Some(breakpoint) = piece.prompt_cache_breakpoint {
                if breakpoint.mode.is_some_and(|mode| mode != "explicit") {
                    return Err(
                        ApiError::invalid("prompt_cache_breakpoint.mode must be 'explicit'.").param(here())
                    );
                }
                let life = match breakpoint.ttl {
                    None => usual,
                    ttl => life(ttl.as_deref(), &here())?,
                };
                marked.push((parts.len(), life));
            }
            parts.push(Part { role, text, mark: Mark::None, opens: piece_at == 0 });
        }
    }
    let writes = if implicit { WRITES - 1 } else { WRITES };
    let looked = marked.len().saturating_sub(writes);
    for (place, (at, life)) in marked.into_iter().enumerate() {
        parts[at].mark = if place < looked { Mark::Look } else { Mark::Write(life) };
    }
    if implicit
        && let Some(latest) = parts.iter().rposition(|part| part.role == Role::User)
        && parts[latest].mark == Mark::None
    {
        parts[latest].mark = Mark::Write(usual);
    }
    Ok(())
}

/// The body of an answered chat completion.
pub(crate) fn chat_object(prompt: &Prompt<'_>, completion: &Completion) -> Value {
    let usage = &completion.usage;
    let refused = completion.finish == Finish::Refusal;
    let text = json!(completion.text);
    json!({
        "id": completion.line.response_id,
        "object": "chat.completion",
        "created": completion.line.answered_at_ms / 1_000,
        "model": prompt.model.id,
        "choices": [{
            "index": 0,
            "message": {
                "role": "assistant",
                "content": if refused { Value::Null } else { text.clone() },
                "refusal": if refused { text } else { Value::Null },
                "annotations": [],
            },
            "logprobs": null,
            "finish_reason": match completion.finish {
                Finish::Stop | Finish::Refusal => "stop",
                Finish::Length => "length",
                Finish::Filter => "content_filter",
            },
        }],
        "usage": {
            "prompt_tokens": usage.input,
            "completion_tokens": usage.output,
            "total_tokens": usage.input + usage.output,
            "prompt_tokens_details": {
                "cached_tokens": usage.cached,
                "cache_write_tokens": usage.write + usage.write_long,
                "audio_tokens": 0,
            },
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
        "system_fingerprint": "fp_simulated",
    })
}

/// The body of an answered response.
pub(crate) fn response_object(prompt: &Prompt<'_>, completion: &Completion) -> Value {
    let usage = &completion.usage;
    let content = if completion.finish == Finish::Refusal {
        json!({"type": "refusal", "refusal": completion.text})
    } else {
        json!({"type": "output_text", "text": completion.text, "annotations": [], "logprobs": []})
    };
    let (status, incomplete) = match completion.finish {
        Finish::Stop | Finish::Refusal => ("completed", Value::Null),
        Finish::Length => ("incomplete", json!({"reason": "max_output_tokens"})),
        Finish::Filter => ("incomplete", json!({"reason": "content_filter"})),
    };
    let created = completion.line.answered_at_ms / 1_000;
    json!({
        "id": completion.line.response_id,
        "object": "response",
        "created_at": created,
        "completed_at": if status == "completed" { json!(created) } else { Value::Null },
        "status": status,
        "error": null,
        "incomplete_details": incomplete,
        "instructions": null,
        "max_output_tokens": prompt.max_output,
        "model": prompt.model.id,
        "output": [{
            "type": "message", "id": new_id("msg_"), "status": status, "role": "assistant", "content": [content],
        }],
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null},
        "service_tier": "default",
        "store": false,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": usage.input,
            "input_tokens_details": {
                "cached_tokens": usage.cached,
                "cache_write_tokens": usage.write + usage.write_long,
                "cache_write_tokens_details": {
                    "ttl_30m_tokens": usage.write, "ttl_12h_tokens": usage.write_long,
                },
            },
            "output_tokens": usage.output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage.input + usage.output,
        },
        "metadata": {},
    })
}
