//! The prompt cache, as usage figures and prices show it.

use chrono::{DateTime, Duration};
use quire_simulator::{Clock, Config, LedgerLine, start_with_clock};
use serde_json::{Value, json};

use crate::support::{Sim, client, essay, line, read};

/// Instructions of so many thousand tokens, more or less.
fn rubric(thousands: usize) -> String {
    "Each level of the rubric is described in detail here. ".repeat(thousands * 100)
}

async fn clocked() -> (Sim, Clock) {
    let clock = Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let running = start_with_clock(Config::instant(), clock.clone()).await.unwrap();
    (Sim { running, http: client() }, clock)
}

fn message(rubric: &str, ttl: &str, n: usize) -> Value {
    json!({
        "model": "claude-sonnet-5-5",
        "max_tokens": 500,
        "system": [{"type": "text", "text": rubric, "cache_control": {"type": "ephemeral", "ttl": ttl}}],
        "messages": [{"role": "user", "content": essay(n)}],
    })
}

async fn ask(sim: &Sim, body: &Value) -> Value {
    let (status, answer) = read(sim.anthropic("POST", "/messages").json(body).send().await.unwrap()).await;
    assert_eq!(status, 200, "{answer}");
    answer["usage"].clone()
}

#[tokio::test]
async fn anthropic_writes_a_marked_prefix_once_and_then_reads_it() {
    let (sim, clock) = clocked().await;
    let rubric = rubric(2);
    let first = ask(&sim, &message(&rubric, "5m", 1)).await;
    let written = first["cache_creation_input_tokens"].as_i64().unwrap();
    assert!(written >= 1_024);
    assert_eq!(first["cache_creation"]["ephemeral_5m_input_tokens"], written);
    assert_eq!(first["cache_creation"]["ephemeral_1h_input_tokens"], 0);
    let second = ask(&sim, &message(&rubric, "5m", 2)).await;
    assert_eq!(second["cache_read_input_tokens"], written);
    assert_eq!(second["cache_creation_input_tokens"], 0);

    clock.advance(Duration::minutes(4));
    assert_eq!(ask(&sim, &message(&rubric, "5m", 3)).await["cache_read_input_tokens"], written);
    clock.advance(Duration::minutes(4));
    assert_eq!(
        ask(&sim, &message(&rubric, "5m", 4)).await["cache_read_input_tokens"],
        written,
        "renewed by use"
    );
    clock.advance(Duration::minutes(5));
    assert_eq!(ask(&sim, &message(&rubric, "5m", 5)).await["cache_creation_input_tokens"], written, "gone");

    let hour = ask(&sim, &message(&(rubric.clone() + "!"), "1h", 1)).await;
    assert!(hour["cache_creation"]["ephemeral_1h_input_tokens"].as_i64().unwrap() > 0);
    clock.advance(Duration::minutes(59));
    assert!(
        ask(&sim, &message(&(rubric + "!"), "1h", 2)).await["cache_read_input_tokens"].as_i64().unwrap() > 0
    );

    let ledger = sim.ledger().await;
    // 2 dollars plain, 0.1 read, 2.5 written for 5 minutes, 4 for an hour, 10 output, per million tokens.
    let price = |l: &LedgerLine| {
        let short = l.cache_write_tokens - l.cache_write_long_tokens;
        let plain = l.input_tokens - l.cached_tokens - l.cache_write_tokens;
        plain * 2_000
            + l.cached_tokens * 100
            + short * 2_500
            + l.cache_write_long_tokens * 4_000
            + l.output_tokens * 10_000
    };
    assert!(ledger.iter().all(|line| line.price_nano_usd == price(line)));
    assert!(ledger.iter().any(|line| line.cache_write_long_tokens > 0));
    let all = first["input_tokens"].as_i64().unwrap() + written;
    assert_eq!(ledger[0].input_tokens, all, "input_tokens in usage leaves out what the cache did");
}

#[tokio::test]
async fn anthropic_caches_only_what_is_marked_long_enough_and_the_same() {
    let (sim, _) = clocked().await;
    let none = json!([0, 0]);
    let cached =
        |usage: &Value| json!([usage["cache_creation_input_tokens"], usage["cache_read_input_tokens"]]);
    let mut unmarked = message(&rubric(2), "5m", 1);
    unmarked["system"] = json!(rubric(2));
    let mut short = message("Mark the work.", "5m", 1);
    let mut haiku = message(&rubric(2), "5m", 1);
    haiku["model"] = json!("claude-haiku-5-5");
    for body in [&unmarked, &short, &haiku] {
        assert_eq!(cached(&ask(&sim, body).await), none);
        assert_eq!(cached(&ask(&sim, body).await), none);
    }
    short["cache_control"] = json!({"type": "ephemeral"});
    assert_eq!(cached(&ask(&sim, &short).await), none);
    // One letter at the beginning makes another prefix.
    ask(&sim, &message(&rubric(2), "5m", 1)).await;
    let other = ask(&sim, &message(&("A".to_owned() + &rubric(2)), "5m", 1)).await;
    assert_eq!(other["cache_read_input_tokens"], 0);
    // Another model has another cache.
    let mut opus = message(&rubric(2), "5m", 1);
    opus["model"] = json!("claude-opus-5-5");
    assert_eq!(ask(&sim, &opus).await["cache_read_input_tokens"], 0);

    let refused = async |body: &Value| {
        let (status, error) = read(sim.anthropic("POST", "/messages").json(body).send().await.unwrap()).await;
        assert_eq!(status, 400);
        error["error"]["message"].as_str().unwrap().to_owned()
    };
    let block =
        |ttl: &str| json!({"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": ttl}});
    let mut body = message("x", "5m", 1);
    body["system"] = json!([block("5m"), block("1h")]);
    assert!(refused(&body).await.contains("1h"));
    body["system"] = json!(vec![block("5m"); 5]);
    assert!(refused(&body).await.contains("maximum of 4"));
    body["system"] = json!([block("1d")]);
    assert!(refused(&body).await.contains("ttl"));
}

fn chat(system: Value, n: usize) -> Value {
    json!({"model": "gpt-6.1-sol", "messages": [
        {"role": "system", "content": system},
        {"role": "user", "content": essay(n)},
    ]})
}

async fn chat_usage(sim: &Sim, body: &Value) -> (i64, i64, i64) {
    let (status, answer) =
        read(sim.openai("POST", "/chat/completions").json(body).send().await.unwrap()).await;
    assert_eq!(status, 200, "{answer}");
    let usage = &answer["usage"];
    let details = &usage["prompt_tokens_details"];
    let number = |value: &Value| value.as_i64().unwrap();
    (
        number(&usage["prompt_tokens"]),
        number(&details["cached_tokens"]),
        number(&details["cache_write_tokens"]),
    )
}

#[tokio::test]
async fn openai_caches_implicitly_and_charges_for_the_tail_too() {
    let (sim, clock) = clocked().await;
    let (all, cached, written) = chat_usage(&sim, &chat(json!(rubric(2)), 1)).await;
    assert_eq!((cached, written), (0, all - 3), "the whole prompt is written, but for what opens the answer");
    let (all, cached, written) = chat_usage(&sim, &chat(json!(rubric(2)), 2)).await;
    assert_eq!(
        (cached, written),
        (0, all - 3),
        "what two prompts share is not found without a mark behind it"
    );
    let again = chat_usage(&sim, &chat(json!(rubric(2)), 2)).await;
    assert_eq!(again, (all, all - 3, 0));
    clock.advance(Duration::minutes(31));
    assert_eq!(chat_usage(&sim, &chat(json!(rubric(2)), 2)).await.1, 0, "gone after half an hour");
    assert_eq!(chat_usage(&sim, &chat(json!("Mark it."), 3)).await.2, 0, "too short to be cached");
}

#[tokio::test]
async fn openai_caches_explicitly_only_what_is_marked() {
    let (sim, clock) = clocked().await;
    let marked = |ttl: Value| json!([{"type": "text", "text": rubric(2), "prompt_cache_breakpoint": {"mode": "explicit", "ttl": ttl}}]);
    let explicit = |system: Value, n: usize| {
        let mut body = chat(system, n);
        body["prompt_cache_options"] = json!({"mode": "explicit"});
        body
    };
    let (_, cached, written) = chat_usage(&sim, &explicit(marked(json!("12h")), 1)).await;
    assert!(cached == 0 && written >= 1_024);
    clock.advance(Duration::hours(11));
    let (all, read_again, nothing) = chat_usage(&sim, &explicit(marked(json!("12h")), 2)).await;
    assert_eq!((read_again, nothing), (written, 0));
    assert!(all > read_again);
    assert_eq!(chat_usage(&sim, &explicit(json!(rubric(2) + "?"), 1)).await.2, 0, "nothing is marked");

    let mut keyed = explicit(marked(json!(null)), 3);
    keyed["prompt_cache_key"] = json!("course-7");
    assert_eq!(chat_usage(&sim, &keyed).await.1, 0, "another key has another cache");

    let ledger = sim.ledger().await;
    assert_eq!(ledger[0].cache_write_long_tokens, written);
    // 2 dollars plain, 0.1 read, 5 written for 12 hours, 10 output, per million tokens.
    let plain = ledger[0].input_tokens - written;
    assert_eq!(ledger[0].price_nano_usd, plain * 2_000 + written * 5_000 + ledger[0].output_tokens * 10_000);
    let plain = ledger[1].input_tokens - ledger[1].cached_tokens;
    let read_price = ledger[1].cached_tokens * 100;
    assert_eq!(ledger[1].price_nano_usd, plain * 2_000 + read_price + ledger[1].output_tokens * 10_000);
}

#[tokio::test]
async fn the_lines_of_a_batch_share_the_cache_at_half_the_price() {
    let sim = Sim::start().await;
    sim.control(json!({"batch_cache_hits": 1})).await;
    let content: String = (0..10)
        .map(|n| {
            let mut body =
                chat(json!([{"type": "text", "text": rubric(2), "prompt_cache_breakpoint": {}}]), n);
            body["prompt_cache_options"] = json!({"mode": "explicit"});
            line(&format!("r{n}"), body) + "\n"
        })
        .collect();
    let batch = sim.openai_ended(&sim.openai_batch(content).await).await;
    let ledger = sim.ledger().await;
    let hits: Vec<_> = ledger.iter().filter(|line| line.cached_tokens > 0).collect();
    assert_eq!(hits.len(), 9, "the first request writes, the others read");
    let cached: i64 = ledger.iter().map(|line| line.cached_tokens).sum();
    assert_eq!(batch["usage"]["input_tokens_details"]["cached_tokens"], cached);
    for line in hits {
        let plain = line.input_tokens - line.cached_tokens;
        assert_eq!(line.price_nano_usd, plain * 1_000 + line.cached_tokens * 50 + line.output_tokens * 5_000);
    }
}

#[tokio::test]
async fn the_lines_of_a_batch_hit_as_best_they_can() {
    let sim = Sim::start().await;
    let requests: Vec<Value> = (0..400)
        .map(|n| json!({"custom_id": format!("r{n}"), "params": message(&rubric(2), "5m", n)}))
        .collect();
    for (hits, likely) in [(0.3, 80..160), (0.0, 0..1)] {
        sim.control(json!({"batch_cache_hits": hits})).await;
        let before = sim.ledger().await.len();
        sim.anthropic_ended(&sim.anthropic_batch(&requests).await).await;
        let ledger = sim.ledger().await;
        let read = ledger[before..].iter().filter(|line| line.cached_tokens > 0).count();
        assert!(likely.contains(&read), "{read} of 400 read the cache at {hits}");
        assert!(
            ledger[before..].iter().all(|line| (line.cached_tokens > 0) != (line.cache_write_tokens > 0))
        );
    }
}
