//! The live check: one call and one small batch, for real, and which of Quire's assumptions about the provider held.

use super::Findings;
use anyhow::Context;
use bytes::Bytes;
use futures::StreamExt;
use quire_engine::{
    batching::new_token,
    course::{AssessmentType, Criterion, Level, Points, Rubric},
    prompt::{Stable, Task},
    provider::{
        Answer, CustomId, Found, Keep, LinesError, Outcome, Outgoing, Prices, Registry, RemoteState, Reply,
        Request, Sought, price,
    },
    result::validate,
    store::{Db, JobId, NanoUsd, World},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Requests of the small batch.
const REQUESTS: u64 = 2;
/// How long the batch is waited for; providers promise a day, most end within the hour.
const LONGEST: Duration = Duration::from_secs(2 * 3600);
const LOOK: Duration = Duration::from_secs(5);

const WORK: &str = "Computers help us to learn about places that we may never see. Some say that screens make us \
                    lonely. I think that this is a question of habit.";

pub(super) async fn check(
    db: &Db,
    registry: &Registry,
    name: &str,
    cap: NanoUsd,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let entry =
        registry.get(name).with_context(|| format!("there is no provider \"{name}\" that is switched on"))?;
    let world = World::system();
    let model: Arc<str> =
        Arc::from(entry.settings.models.first().context("the provider names no model")?.as_str());
    let prices = Prices::new(db.clone());
    prices.load().await?;
    let price = prices.at(entry.kind, &entry.name, &model, world.now()).with_context(|| {
        format!("no price is known for {model}; its cost could not be kept under the cap")
    })?;
    let rubric = rubric();
    let task = Task {
        title: "Check",
        kind: AssessmentType::Practice,
        brief: "A few sentences on computers.",
        language: Some("en"),
    };
    let stable = Stable::rubric(&task, &rubric)?;
    let request = Request { model, prompt: stable.prompt(WORK), keep: Keep::Short };
    let tokens = quire_engine::submission::tokens::o200k(&request.prompt.stable) + 400;
    let most = |batch| price::worst_case(&price, tokens * 2, request.prompt.max_output_tokens, batch);
    let batched = if entry.provider.capabilities().batch { REQUESTS.cast_signed() } else { 0 };
    let all = NanoUsd(most(false).0 + most(true).0 * batched);
    if all > cap {
        return findings.bad(
            "live check",
            &format!("it may cost up to {all}, more than the cap of {cap}; nothing was sent"),
            "Raise --cap, or put a cheaper model first.",
        );
    }
    let held = |findings: &mut Findings, what: &str, held: bool, detail: &str| {
        if held {
            findings.well(&format!("held: {what}"), detail)
        } else {
            findings.bad(
                &format!("not held: {what}"),
                detail,
                "Tell Quire's developers; marks may be lost by it.",
            )
        }
    };

    // One call.
    match entry.provider.call(&request).await {
        Ok(reply) => reply_held(findings, "call", &reply, &rubric, held)?,
        Err(error) => held(findings, "a call is answered", false, &error.to_string())?,
    }

    // One batch.
    if !entry.provider.capabilities().batch {
        return findings.note("batch", "the provider is set up without batches; none was sent");
    }
    let outgoing_token = new_token(&world);
    let ids: Vec<CustomId> =
        (0..REQUESTS).map(|_| CustomId::new(&outgoing_token, world.id::<JobId>())).collect();
    let lines: Vec<Bytes> = ids
        .iter()
        .map(|id| {
            let mut line = Vec::new();
            entry.provider.write_request(&mut line, id, &request);
            Bytes::from(line)
        })
        .collect();
    let outgoing = Outgoing {
        token: outgoing_token.clone(),
        model: request.model.to_string(),
        requests: REQUESTS,
        bytes: lines.iter().map(|line| line.len() as u64).sum(),
    };
    let stream = || futures::stream::iter(lines.clone().into_iter().map(Ok::<_, LinesError>)).boxed();
    let begun = world.now();
    let input =
        entry.provider.upload(&outgoing, stream()).await.context("the batch's input was not taken")?;
    let remote = entry
        .provider
        .create(&outgoing, input.as_deref(), stream())
        .await
        .context("the batch was not taken")?;
    findings.well("batch", &format!("created as {}", remote.id))?;
    let sought = Sought { token: outgoing_token, requests: REQUESTS, not_before: begun, known: Vec::new() };
    let found = entry.provider.find(&sought).await;
    let (is_found, detail) = match &found {
        Ok(Found::Batch(found)) => (found.id == remote.id, "by its token".to_owned()),
        Ok(Found::Undecided(_)) => (true, "among those that fit, to be told apart at its end".to_owned()),
        Ok(Found::Absent) => (false, "it was created and is not in the list".to_owned()),
        Err(error) => (false, error.to_string()),
    };
    held(findings, "a batch can be found again", is_found, &detail)?;
    let started = tokio::time::Instant::now();
    let ended = loop {
        let now = entry.provider.poll(&remote.id).await.context("the batch could not be asked about")?;
        if now.state.is_final() {
            break now;
        }
        if started.elapsed() > LONGEST {
            findings.note("batch", "it is not back within two hours; cancelled")?;
            entry.provider.cancel(&remote.id).await?;
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    };
    held(
        findings,
        "a batch ends",
        ended.state == RemoteState::Ended,
        &format!("{:?} after {} s", ended.state, started.elapsed().as_secs()),
    )?;
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut results = entry.provider.results(&ended).await.context("the results could not be read")?;
    while let Some(line) = results.next().await {
        match line.context("the results broke off")? {
            Ok(line) => {
                *seen.entry(line.custom_id.0.clone()).or_default() += 1;
                match line.outcome {
                    Outcome::Answered(reply) => reply_held(findings, "batch", &reply, &rubric, held)?,
                    other => {
                        held(findings, "a request of a batch is answered", false, &format!("{other:?}"))?
                    }
                }
            }
            Err(error) => held(findings, "every line can be read", false, &error.to_string())?,
        }
    }
    let once = ids.iter().all(|id| seen.get(&id.0) == Some(&1)) && seen.len() == ids.len();
    held(
        findings,
        "each request has exactly one line, under its own id",
        once,
        &format!("{} lines", seen.len()),
    )
}

fn reply_held(
    findings: &mut Findings,
    of: &str,
    reply: &Reply,
    rubric: &Rubric,
    held: impl Fn(&mut Findings, &str, bool, &str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let checked = validate::marks(&reply.answer, rubric, WORK);
    let (fine, detail) = match &checked {
        Ok(_) => (true, "the answer keeps the schema and the rubric".to_owned()),
        Err(unusable) => (false, unusable.to_string()),
    };
    held(findings, &format!("{of}: answers keep to the schema"), fine, &detail)?;
    let is_json = matches!(reply.answer, Answer::Json(_));
    held(findings, &format!("{of}: the answer is JSON text"), is_json, &reply.response_id)?;
    match reply.usage {
        Some(usage) => {
            let whole = usage.cached_tokens + usage.cache_write_tokens + usage.cache_write_long_tokens
                <= usage.input_tokens
                && usage.reasoning_tokens <= usage.output_tokens;
            let detail = format!(
                "{} in, {} of them cached, {} out",
                usage.input_tokens, usage.cached_tokens, usage.output_tokens
            );
            held(
                findings,
                &format!("{of}: cached and reasoning tokens are contained in the sums"),
                whole,
                &detail,
            )
        }
        None => held(findings, &format!("{of}: usage is told"), false, "no usable figures came"),
    }
}

fn rubric() -> Rubric {
    let level = |n: i64| Level {
        id: format!("l{n}"),
        title: format!("Level {n}"),
        description: String::new(),
        points: Points(n * 100),
    };
    Rubric {
        title: "Check".to_owned(),
        criteria: vec![Criterion {
            id: "position".to_owned(),
            title: "Position".to_owned(),
            description: "One clear position.".to_owned(),
            levels: (1..=3).map(level).collect(),
        }],
        guidelines: String::new(),
        exemplars: Vec::new(),
    }
}
