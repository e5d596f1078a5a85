//! The questions, in Anthropic's words.

use crate::provider::{
    CustomId, Keep, Prompt, Request,
    json::{put_json, put_number, put_shared, put_text},
};

/// One item of a batch.
pub(super) fn item(out: &mut Vec<u8>, custom_id: &CustomId, request: &Request) {
    out.extend_from_slice(b"{\"custom_id\":");
    put_text(out, &custom_id.0);
    out.extend_from_slice(b",\"params\":");
    question(out, request);
    out.extend_from_slice(b"}");
}

/// The body of one question. Sampling parameters are left out: new models don't take them.
pub(super) fn question(out: &mut Vec<u8>, request: &Request) {
    let Prompt { stable, work, schema_name: _, schema, max_output_tokens } = &request.prompt;
    out.extend_from_slice(b"{\"model\":");
    put_text(out, &request.model);
    out.extend_from_slice(b",\"max_tokens\":");
    put_number(out, *max_output_tokens);
    // A text block may not be empty.
    if !stable.is_empty() {
        out.extend_from_slice(b",\"system\":[{\"type\":\"text\",\"text\":");
        put_shared(out, stable);
        out.extend_from_slice(match request.keep {
            Keep::Off => b"}]".as_slice(),
            Keep::Short => b",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"5m\"}}]",
            Keep::Long => b",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}]",
        });
    }
    out.extend_from_slice(b",\"messages\":[{\"role\":\"user\",\"content\":");
    put_text(out, work);
    out.extend_from_slice(b"}],\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":");
    put_json(out, schema);
    out.extend_from_slice(b"}}}");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::provider::testing::request;
    use serde_json::{Value, json};

    #[test]
    fn writes_an_item_of_a_batch() {
        let mut out = b"before".to_vec();
        item(&mut out, &CustomId("t-1".into()), &Request { keep: Keep::Long, ..request() });
        let value: Value = serde_json::from_slice(&out[6..]).unwrap();
        assert_eq!(
            value,
            json!({"custom_id": "t-1", "params": {
                "model": "gpt-6-luna", "max_tokens": 400,
                "system": [{"type": "text", "text": "Mark \"fairly\".\n",
                    "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
                "messages": [{"role": "user", "content": "[1] An essay \u{2028} with\ttabs."}],
                "output_config": {"format": {"type": "json_schema",
                    "schema": {"type": "object", "additionalProperties": false, "properties": {}, "required": []}}}}})
        );
    }

    #[test]
    fn the_prefix_is_kept_for_as_long_as_is_asked() {
        let mut request = request();
        let mut out = Vec::new();
        question(&mut out, &request);
        let value: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["system"][0]["cache_control"]["ttl"], "5m");
        request.keep = Keep::Off;
        out.clear();
        question(&mut out, &request);
        let value: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["system"], json!([{"type": "text", "text": "Mark \"fairly\".\n"}]));
        request.prompt.stable = "".into();
        out.clear();
        question(&mut out, &request);
        let value: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value.get("system"), None);
    }
}
