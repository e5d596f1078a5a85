//! Bodies of messages: from JSON to a prompt, and from an answer to JSON.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor},
};
use serde_json::{Value, json, value::RawValue};

use super::models;
use crate::{
    answer::Strictness,
    cache::Life,
    complete::{Completion, Finish},
    http::ApiError,
    models::Tier,
    prompt::{Format, Mark, Part, Prompt, Role},
    simulator::{Core, new_id},
};

#[derive(Deserialize)]
struct CacheControl {
    #[serde(rename = "type")]
    kind: String,
    ttl: Option<String>,
}

/// The content of a message or of the system prompt: a string or blocks.
#[derive(Default)]
struct Content<'a>(Vec<Block<'a>>);

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    cache_control: Option<CacheControl>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringOrBlocks;
        impl<'de> Visitor<'de> for StringOrBlocks {
            type Value = Vec<Block<'de>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of content blocks")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(vec![Block { kind: "text".into(), text: Some(Cow::Borrowed(text)), cache_control: None }])
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                let text = Some(Cow::Owned(text.to_owned()));
                Ok(vec![Block { kind: "text".into(), text, cache_control: None }])
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut blocks = Vec::new();
                while let Some(block) = seq.next_element()? {
                    blocks.push(block);
                }
                Ok(blocks)
            }
        }
        deserializer.deserialize_any(StringOrBlocks).map(Content)
    }
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: Content<'a>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    max_tokens: Option<i64>,
    #[serde(borrow, default)]
    messages: Vec<Message<'a>>,
    #[serde(borrow, default)]
    system: Content<'a>,
    #[serde(borrow, default)]
    tools: Vec<&'a RawValue>,
    tool_choice: Option<ToolChoice>,
    #[serde(borrow)]
    output_config: Option<OutputConfig<'a>>,
    cache_control: Option<CacheControl>,
    thinking: Option<Thinking>,
    stream: Option<bool>,
}

#[derive(Deserialize)]
struct ToolChoice {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Thinking {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct OutputConfig<'a> {
    #[serde(borrow)]
    format: Option<OutputFormat<'a>>,
}

#[derive(Deserialize)]
struct OutputFormat<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    schema: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Tool<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    input_schema: Option<&'a RawValue>,
    cache_control: Option<CacheControl>,
}

/// The most marked blocks of a request.
const MAX_MARKS: usize = 4;
/// How many blocks before a marked one are looked at for an earlier prefix.
const LOOKBACK: usize = 20;

/// Reads the body of a message. Whether `max_tokens` must be given is all that differs for counting tokens.
pub(crate) fn read<'a>(core: &Core, body: &'a [u8], counting: bool) -> Result<Prompt<'a>, ApiError> {
    let mut body: Body<'a> = serde_json::from_slice(body)
        .map_err(|error| ApiError::invalid(format!("The body can't be read: {error}")))?;
    let id = body.model.take().ok_or_else(|| ApiError::invalid("model: Field required"))?;
    let max_output = match body.max_tokens {
        None if counting => None,
        None => return Err(ApiError::invalid("max_tokens: Field required")),
        Some(n) if n < 1 => {
            return Err(ApiError::invalid("max_tokens: Input should be greater than or equal to 1"));
        }
        Some(n) => Some(n.unsigned_abs()),
    };
    let model = models::find(&id)?;
    if let Some(asked) = max_output.filter(|asked| *asked > model.max_output) {
        return Err(ApiError::invalid(format!(
            "max_tokens: {asked} > {}, which is the maximum allowed number of output tokens for {id}",
            model.max_output
        )));
    }
    if body.stream == Some(true) {
        return Err(ApiError::invalid("stream: the simulator answers in one piece; leave it out"));
    }
    if body.messages.is_empty() {
        return Err(ApiError::invalid("messages: at least one message is required"));
    }

    let mut parts = Parts::default();
    let format = read_format(core, &mut parts, &body)?;
    for block in body.system.0 {
        parts.block(block, Role::System, "system")?;
    }
    for (at, message) in body.messages.into_iter().enumerate() {
        let role = match message.role.as_ref() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            other => {
                let message = format!("messages.{at}.role: '{other}' is not 'user' or 'assistant'");
                return Err(ApiError::invalid(message));
            }
        };
        if at == 0 && role != Role::User {
            return Err(ApiError::invalid("messages: first message must use the \"user\" role"));
        }
        parts.opens = true;
        for block in message.content.0 {
            parts.block(block, role, &format!("messages.{at}.content"))?;
        }
    }
    Ok(Prompt { model, parts: parts.finish(body.cache_control)?, format, max_output, cache_key: None })
}

/// Tools and the output format, which come before everything else.
fn read_format<'a>(core: &Core, parts: &mut Parts<'a>, body: &Body<'a>) -> Result<Format, ApiError> {
    let mut tools = Vec::new();
    for (at, raw) in body.tools.iter().enumerate() {
        let tool: Tool<'a> = serde_json::from_str(raw.get())
            .map_err(|error| ApiError::invalid(format!("tools.{at}: can't be read: {error}")))?;
        let name = tool.name.ok_or_else(|| ApiError::invalid(format!("tools.{at}.name: Field required")))?;
        parts.opens = true;
        parts.push(Cow::Borrowed(raw.get()), Role::Format, tool.cache_control)?;
        tools.push((name, tool.input_schema));
    }
    if let Some(format) = body.output_config.as_ref().and_then(|config| config.format.as_ref()) {
        if format.kind != "json_schema" {
            let message = format!("output_config.format.type: '{}' is not 'json_schema'", format.kind);
            return Err(ApiError::invalid(message));
        }
        let schema =
            format.schema.ok_or_else(|| ApiError::invalid("output_config.format.schema: Field required"))?;
        parts.opens = true;
        parts.push(Cow::Borrowed(schema.get()), Role::Format, None)?;
        let schema = core
            .schemas
            .get(schema, Strictness::Closed)
            .map_err(|problem| ApiError::invalid(format!("output_config.format.schema: {problem}")))?;
        return Ok(Format::Schema(schema));
    }
    let (name, schema) = match &body.tool_choice {
        None => return Ok(Format::Text),
        Some(choice) => match (choice.kind.as_str(), &choice.name) {
            ("auto" | "none", _) => return Ok(Format::Text),
            ("any", _) => tools
                .into_iter()
                .next()
                .ok_or_else(|| ApiError::invalid("tool_choice: there are no tools"))?,
            ("tool", Some(name)) => tools.into_iter().find(|(known, _)| known == name).ok_or_else(|| {
                ApiError::invalid(format!("tool_choice: Tool '{name}' not found in provided tools"))
            })?,
            ("tool", None) => return Err(ApiError::invalid("tool_choice.name: Field required")),
            (other, _) => {
                return Err(ApiError::invalid(format!(
                    "tool_choice.type: '{other}' is not auto, any, tool or none"
                )));
            }
        },
    };
    if body.thinking.as_ref().is_some_and(|thinking| thinking.kind != "disabled") {
        return Err(ApiError::invalid("Thinking may not be enabled when tool_choice forces tool use."));
    }
    let schema = schema.ok_or_else(|| ApiError::invalid(format!("tools: '{name}' has no input_schema")))?;
    let schema = core
        .schemas
        .get(schema, Strictness::Loose)
        .map_err(|problem| ApiError::invalid(format!("tools: input_schema of '{name}': {problem}")))?;
    Ok(Format::Tool(name.into_owned(), schema))
}

/// The parts of a prompt with their marks, as they are gathered.
#[derive(Default)]
struct Parts<'a> {
    parts: Vec<Part<'a>>,
    /// Where the marked blocks are.
    marks: Vec<(usize, Life)>,
    /// Whether the next block begins a message.
    opens: bool,
}

impl<'a> Parts<'a> {
    fn block(&mut self, block: Block<'a>, role: Role, place: &str) -> Result<(), ApiError> {
        match (block.kind.as_ref(), block.text) {
            ("text", Some(text)) => self.push(text, role, block.cache_control),
            (kind, _) => {
                Err(ApiError::invalid(format!("{place}: the simulator reads text blocks only, not '{kind}'")))
            }
        }
    }

    fn push(&mut self, text: Cow<'a, str>, role: Role, mark: Option<CacheControl>) -> Result<(), ApiError> {
        if let Some(mark) = mark {
            self.marks.push((self.parts.len(), life(&mark)?));
        }
        self.parts.push(Part { role, text, mark: Mark::None, opens: std::mem::take(&mut self.opens) });
        Ok(())
    }

    /// Sets the marks. A mark at the top of the request is one on the last block.
    fn finish(mut self, whole: Option<CacheControl>) -> Result<Vec<Part<'a>>, ApiError> {
        let last = self.parts.len().saturating_sub(1);
        if let Some(whole) = whole
            && self.marks.last().is_none_or(|(at, _)| *at != last)
        {
            self.marks.push((last, life(&whole)?));
        }
        if self.marks.len() > MAX_MARKS {
            return Err(ApiError::invalid(format!(
                "A maximum of {MAX_MARKS} blocks with cache_control may be provided. Found {}.",
                self.marks.len()
            )));
        }
        if self.marks.windows(2).any(|pair| pair[1].1.long && !pair[0].1.long) {
            return Err(ApiError::invalid(
                "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block",
            ));
        }
        for (at, _) in &self.marks {
            for part in &mut self.parts[at.saturating_sub(LOOKBACK)..*at] {
                part.mark = Mark::Look;
            }
        }
        for (at, life) in self.marks {
            if let Some(part) = self.parts.get_mut(at) {
                part.mark = Mark::Write(life);
            }
        }
        Ok(self.parts)
    }
}

fn life(mark: &CacheControl) -> Result<Life, ApiError> {
    match (mark.kind.as_str(), mark.ttl.as_deref()) {
        ("ephemeral", None | Some("5m")) => Ok(Life::FIVE_MINUTES),
        ("ephemeral", Some("1h")) => Ok(Life::ONE_HOUR),
        ("ephemeral", Some(other)) => {
            Err(ApiError::invalid(format!("cache_control.ttl: '{other}' is not '5m' or '1h'")))
        }
        (other, _) => Err(ApiError::invalid(format!("cache_control.type: '{other}' is not 'ephemeral'"))),
    }
}

/// The body of an answered message.
pub(crate) fn message_object(prompt: &Prompt<'_>, completion: &Completion, tier: Tier) -> Value {
    let usage = &completion.usage;
    let text = || json!([{"type": "text", "text": completion.text}]);
    let (content, stop_reason) = match (&prompt.format, completion.finish) {
        (_, Finish::Refusal | Finish::Filter) => (text(), "refusal"),
        // The input of a tool that is cut in the middle can't be an object any more.
        (Format::Tool(name, _), Finish::Length) => (tool_use(name, json!({})), "max_tokens"),
        (_, Finish::Length) => (text(), "max_tokens"),
        (Format::Tool(name, _), Finish::Stop) => match serde_json::from_str(&completion.text) {
            Ok(input) => (tool_use(name, input), "tool_use"),
            Err(_) => (text(), "end_turn"),
        },
        (_, Finish::Stop) => (text(), "end_turn"),
    };
    let details = (stop_reason == "refusal")
        .then(|| json!({"type": "refusal", "category": null, "explanation": "Simulated."}));
    json!({
        "id": completion.line.response_id,
        "type": "message",
        "role": "assistant",
        "model": prompt.model.id,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "stop_details": details,
        "container": null,
        "usage": {
            "input_tokens": usage.plain(),
            "cache_creation_input_tokens": usage.write + usage.write_long,
            "cache_read_input_tokens": usage.cached,
            "cache_creation": {
                "ephemeral_5m_input_tokens": usage.write,
                "ephemeral_1h_input_tokens": usage.write_long,
            },
            "output_tokens": usage.output,
            "server_tool_use": null,
            "service_tier": match tier { Tier::Realtime => "standard", Tier::Batch => "batch" },
        },
    })
}

fn tool_use(name: &str, input: Value) -> Value {
    json!([{"type": "tool_use", "id": new_id("toolu_"), "name": name, "input": input}])
}
