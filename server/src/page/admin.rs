//! Pages of administrators: the overview, batches; and the demo's mailbox.

use super::{
    Pages,
    common::{count, failed, lane, money, page_number, paging, per_page, range},
    forecast,
};
use crate::mailbox::{Folder, FolderError, Heading};
use chrono::{DateTime, TimeDelta, Utc};
use quire_app::{
    data::{PageError, PageResult},
    view, words,
};
use quire_engine::{
    batching::{Alternative, Batch, BatchJob, BatchState, BatchView, Composed, Rated, SizeAdvice},
    engine::{LaneOverview, MoneyOverview, ProviderOverview},
    identity::Actor,
    provider::health::{Fault, Left, Pause},
    queue::{JobState, Lane},
    store::{BatchId, NanoUsd},
};

impl Pages {
    pub(super) async fn overview_of(&self, actor: &Actor) -> PageResult<view::Overview> {
        let o = self.engine.overview(actor).await.map_err(|e| failed(&e))?;
        let oldest = o.lanes.iter().filter_map(|l| l.oldest).min();
        let (realtime, spent) = (o.money.realtime, o.money.spending.spent);
        let saved = realtime - spent;
        let mut alerts = Vec::new();
        if o.dead > 0 {
            alerts.push(view::Remark {
                sign: view::RemarkSign::Look,
                title: format!(
                    "{} ran out of automatic remedies.",
                    words::counted(count(o.dead), "submission", "submissions")
                ),
                detail: "Some are tried again on schedule, a person must look at the others.".to_owned(),
                link: Some(view::Link {
                    label: "See them".to_owned(),
                    href: "/admin/dead-letters".to_owned(),
                }),
            });
        }
        for provider in o.providers.iter().filter(|p| p.error.is_some()) {
            alerts.push(view::Remark {
                sign: view::RemarkSign::Look,
                title: format!("{} gave an error.", provider.name),
                detail: provider.error.clone().unwrap_or_default(),
                link: None,
            });
        }
        let median = o.median_wait;
        Ok(view::Overview {
            as_of: o.at,
            waiting: o.lanes.iter().map(|l| count(l.waiting)).sum(),
            oldest: oldest.map(|at| o.at - at),
            with_providers: count(o.load.sent),
            batches_in_flight: count(o.load.in_flight.iter().map(|f| f.batches).sum()),
            marked_today: count(o.marked_today),
            median_wait: median,
            saved: money(saved),
            saved_share: (realtime > NanoUsd::ZERO).then(|| saved.dollars() / realtime.dollars()),
            lanes: o.lanes.iter().map(|l| lane_state(l, o.at)).collect(),
            batches: o.batches.iter().map(item).collect(),
            providers: o
                .providers
                .iter()
                .map(|p| provider(p, self.demo.as_ref().map(|demo| demo.simulator.as_str())))
                .collect(),
            estimates: forecast::estimates(&o.estimates),
            spend: spend(o.money),
            alerts,
        })
    }

    pub(super) async fn batches_of(
        &self,
        actor: &Actor,
        filter: Option<view::BatchState>,
        page: u64,
    ) -> PageResult<view::Batches> {
        let state = filter.map(stored_state);
        let list =
            self.engine.batches(actor, state, page_number(page), per_page()).await.map_err(|e| failed(&e))?;
        let sizes = self.engine.size_advice(actor, None).await.map_err(|e| failed(&e))?;
        Ok(view::Batches {
            batches: list.rows.iter().map(item).collect(),
            sizes: sizes.into_iter().map(size_advice).collect(),
            paging: paging(list.page, list.per_page, list.total),
        })
    }

    pub(super) async fn batch_of(&self, actor: &Actor, id: BatchId, page: u64) -> PageResult<view::Batch> {
        let (b, jobs) =
            self.engine.batch(actor, id, page_number(page), per_page()).await.map_err(|e| failed(&e))?;
        let mut lanes: Vec<Lane> = jobs.rows.iter().map(|j| j.lane).collect();
        lanes.sort_unstable();
        lanes.dedup();
        let any = b.outcomes.iter().any(|(outcome, _)| outcome.is_some());
        Ok(view::Batch {
            provider_batch_id: b.batch.remote_id.clone(),
            lanes: lanes.into_iter().map(lane).collect(),
            split_from: b.batch.parent.map(|parent| (parent.to_string(), parent.to_string())),
            parts: b.parts.iter().map(part).collect(),
            reasons: reasons(&b),
            candidates: b.composed.as_ref().map(candidates).unwrap_or_default(),
            cost_expected: money(b.expected),
            cost_settled: any.then_some(money(b.spent)),
            tokens: any.then(|| view::Tokens {
                input: count(b.tokens.0),
                cached: count(b.tokens.1),
                output: count(b.tokens.2),
            }),
            estimate: b.estimate.map(range),
            timeline: timeline(&b),
            jobs: jobs.rows.iter().map(job).collect(),
            paging: paging(jobs.page, jobs.per_page, jobs.total),
            item: item(&b),
        })
    }
}

fn lane_state(l: &LaneOverview, now: DateTime<Utc>) -> view::LaneState {
    let (waiting, size) = l.fill;
    let jobs = words::counted(count(size), "job", "jobs");
    let next = match (l.lane, l.next_cut) {
        (Lane::Urgent, _) => "direct call, marked in seconds".to_owned(),
        (_, None) => format!("batch at {jobs}"),
        (Lane::Economy, Some(at)) => format!("next batch in {}", quire_app::when::span(at - now)),
        (Lane::Standard, Some(at)) => {
            format!("batch at {jobs} or in {}", quire_app::when::span(at - now))
        }
    };
    #[expect(clippy::cast_precision_loss, reason = "a share for show")]
    let fill = (waiting as f64 / size.max(1) as f64).min(1.0);
    view::LaneState {
        lane: lane(l.lane),
        jobs: count(l.waiting),
        oldest: l.oldest.map(|at| now - at),
        next,
        fill: (l.lane != Lane::Urgent).then_some(fill),
    }
}

fn state_of(b: &BatchView) -> view::BatchState {
    match b.batch.state {
        BatchState::Written => view::BatchState::Planned,
        BatchState::Sending => view::BatchState::Submitting,
        BatchState::Sent => view::BatchState::InProgress,
        BatchState::Ended => view::BatchState::Ingesting,
        BatchState::Failed => view::BatchState::Failed,
        BatchState::Done => match b.batch.remote_state.as_deref() {
            Some("expired") => view::BatchState::Expired,
            Some("cancelled") => view::BatchState::Cancelled,
            _ => view::BatchState::Completed,
        },
    }
}

fn stored_state(state: view::BatchState) -> BatchState {
    match state {
        view::BatchState::Planned => BatchState::Written,
        view::BatchState::Submitting => BatchState::Sending,
        view::BatchState::InProgress => BatchState::Sent,
        view::BatchState::Ingesting => BatchState::Ended,
        view::BatchState::Completed | view::BatchState::Expired | view::BatchState::Cancelled => {
            BatchState::Done
        }
        view::BatchState::Failed => BatchState::Failed,
    }
}

fn item(b: &BatchView) -> view::BatchItem {
    let of = |names: &[&str]| {
        count(
            b.outcomes
                .iter()
                .filter(|(outcome, _)| outcome.as_deref().is_some_and(|o| names.contains(&o)))
                .map(|(_, n)| *n)
                .sum(),
        )
    };
    let taken_in = of(&["marked", "unusable", "failed", "unfinished", "absent", "split"]) > 0;
    let counts = if taken_in {
        view::BatchCounts {
            total: count(b.batch.jobs),
            succeeded: of(&["marked"]),
            failed: of(&["unusable", "failed", "absent"]),
            requeued: of(&["unfinished"]),
            split: of(&["split"]),
        }
    } else {
        // Until results are taken in, what the provider tells.
        view::BatchCounts {
            total: count(b.batch.jobs),
            succeeded: count(b.batch.completed),
            failed: count(b.batch.failed),
            requeued: 0,
            split: 0,
        }
    };
    view::BatchItem {
        id: b.batch.id.to_string(),
        name: b.batch.name(),
        provider: b.batch.provider.clone(),
        model: b.batch.model.clone(),
        state: state_of(b),
        counts,
        created_at: b.batch.created_at,
        back_by: b.estimate.map(|e| e.to),
        cost: money(if taken_in { b.spent } else { b.expected }),
    }
}

fn reasons(b: &BatchView) -> Vec<String> {
    let cut = format!("Cut because {}.", b.batch.reason);
    [cut].into_iter().chain(b.composed.iter().flat_map(|c| c.reasons.iter().cloned())).collect()
}

fn candidates(composed: &Composed) -> Vec<view::BatchCandidate> {
    let candidate = |r: &Rated| view::BatchCandidate {
        way: r.strategy.text().to_owned(),
        chosen: r.strategy == composed.strategy,
        batches: r.score.map(|_| u64::try_from(r.batches).unwrap_or(u64::MAX)),
        cost: money(r.cost),
        half_within: seconds(r.seconds),
        risk: r.risk,
        score: r.score,
        reasons: r.reasons.clone(),
    };
    composed.candidates.iter().map(candidate).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "a length of time for show")]
fn seconds(seconds: f64) -> TimeDelta {
    TimeDelta::try_seconds(seconds as i64).unwrap_or(TimeDelta::days(30))
}

fn part(batch: &Batch) -> view::BatchPart {
    let (state, waits) = match batch.state {
        BatchState::Written => ("waits for its turn", true),
        BatchState::Sending => ("being sent", false),
        BatchState::Sent => ("being marked", false),
        BatchState::Ended => ("results being read", false),
        BatchState::Done => ("done", false),
        BatchState::Failed if batch.parts.is_some() => ("split again", false),
        BatchState::Failed => ("failed", false),
    };
    view::BatchPart {
        id: batch.id.to_string(),
        name: batch.name(),
        state: state.to_owned(),
        jobs: count(batch.jobs),
        starts: waits.then(|| batch.expected_start()),
    }
}

fn size_advice(advice: SizeAdvice) -> view::SizeAdvice {
    let r = advice.recommendation;
    view::SizeAdvice {
        provider: advice.provider,
        model: advice.model,
        bounds: (count(advice.bounds.0), count(advice.bounds.1)),
        waiting: count(advice.waiting),
        standing: advice.standing,
        until: advice.until,
        size: outlook(&r.expected),
        reasons: r.reasons,
        alternatives: r.alternatives.iter().map(outlook).collect(),
    }
}

fn outlook(a: &Alternative) -> view::SizeOutlook {
    let span = |seconds| TimeDelta::try_seconds(seconds).unwrap_or(TimeDelta::days(30));
    view::SizeOutlook {
        jobs: count(a.size),
        cost: a.cost.map(money),
        half_within: span(a.seconds.0),
        most_within: span(a.seconds.1),
        note: a.note.clone(),
    }
}

fn timeline(b: &BatchView) -> Vec<view::BatchEvent> {
    let batch = &b.batch;
    let event = |at: Option<DateTime<Utc>>, what: &str, detail: Option<String>| {
        at.map(|at| view::BatchEvent { at, what: what.to_owned(), detail })
    };
    let again = (batch.sends > 1).then(|| format!("{} creation calls in all", batch.sends));
    [
        event(Some(batch.created_at), "Written down", Some(words::counted(count(batch.jobs), "job", "jobs"))),
        event(batch.send_from, "Sending began", again),
        event(batch.sent_at, "The provider has it", batch.remote_id.clone()),
        event(batch.ended_at, "The provider is done", batch.remote_state.clone()),
        match batch.parts {
            Some(parts) => {
                let parts = words::counted(count(parts), "part", "parts");
                event(batch.finished_at, "Split", Some(format!("into {parts}")))
            }
            None => event(batch.finished_at, "All results taken in", None),
        },
        batch.error.clone().and_then(|error| event(Some(batch.look_at), "Trouble", Some(error))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn job(j: &BatchJob) -> view::BatchJob {
    let state = match (j.outcome.as_deref(), j.state) {
        (Some("marked"), _) => "marked",
        (Some("unusable"), JobState::Queued | JobState::Batched | JobState::Calling) => {
            "answer not usable, asked again"
        }
        (Some("unusable"), _) => "answer not usable",
        (Some("unfinished"), _) => "queued again",
        (Some("absent"), _) => "erased",
        (Some("split"), _) => "sent in a part of it",
        (Some(_), JobState::Dead) => "failed",
        (Some(_), _) => "failed, queued again",
        (None, _) => "waiting",
    };
    view::BatchJob {
        tracking_id: j.tracking_id.to_string(),
        assignment: j.assignment.clone(),
        state: state.to_owned(),
        error: j.failure.clone().filter(|_| !matches!(j.outcome.as_deref(), Some("marked" | "split"))),
        tokens: j.input_tokens.zip(j.output_tokens).map(|(input, output)| view::Tokens {
            input: count(input),
            cached: count(j.cached_tokens.unwrap_or(0)),
            output: count(output),
        }),
        cost: j.spent_nano.map(money),
    }
}

/// A provider of whose exchanges fewer succeed is shown as impaired.
const IMPAIRED: f64 = 0.95;

/// A provider as it is shown; `simulator` is the address of the demo's.
fn provider(p: &ProviderOverview, simulator: Option<&str>) -> view::ProviderState {
    let seen = &p.health;
    let tried = p.batches.0 > 0 || p.calls.1 > 0 || p.measured || seen.exchanges > 0;
    #[expect(clippy::cast_precision_loss, reason = "a share for show")]
    let of_calls = || (p.calls.1 > 0).then(|| p.calls.0 as f64 / p.calls.1 as f64);
    let span = |ms: u64| TimeDelta::milliseconds(i64::try_from(ms).unwrap_or(i64::MAX / 1_000));
    let pause = |pause: &Pause| view::Pause {
        since: pause.since,
        failures: pause.failures,
        why: match pause.fault {
            Fault::Key => format!("the key was refused: {}", pause.why),
            Fault::Quota => format!("the account has no money left: {}", pause.why),
            Fault::Down => pause.why.clone(),
        },
        next_try: pause.next_try,
    };
    let left = |left: &Left| view::Headroom {
        of: left.measure.name().replace('_', " "),
        left: left.left,
        limit: left.limit,
        resets_at: left.resets_at,
    };
    view::ProviderState {
        name: p.name.clone(),
        models: p.models.clone(),
        simulated: simulator.is_some_and(|address| p.base_url.starts_with(address)),
        health: match (&seen.pause, &p.error, seen.success()) {
            (Some(paused), ..) => view::Health::Down(pause(paused)),
            (None, Some(error), _) => view::Health::Impaired(error.clone()),
            (None, None, Some(success)) if success < IMPAIRED => {
                let last = seen.last_error.as_ref().map_or("", |error| error.what.as_str());
                view::Health::Impaired(format!("some exchanges fail, the last one: {last}"))
            }
            (None, None, _) if tried => view::Health::Good,
            (None, None, _) => view::Health::Untried,
        },
        success: seen.success().or_else(of_calls),
        latency: seen.calls.map(|calls| (span(calls.p50_ms), span(calls.p90_ms))),
        turnaround: p.measured.then(|| TimeDelta::seconds(p.turnaround.p50)),
        batches: (count(p.batches.0), count(p.batches.1)),
        enqueued_tokens: p.tokens.1.map(|most| (count(p.tokens.0), most)),
        headroom: seen.left().iter().map(left).collect(),
        not_before: seen.not_before,
    }
}

fn spend(m: MoneyOverview) -> view::Spend {
    view::Spend {
        month: m.month,
        today: m.today,
        budget: m.budget.map(money),
        spent: money(m.spending.spent),
        reserved: money(m.spending.reserved),
        without_answer: money(m.lost.1),
        calls_without_answer: count(m.lost.0),
        by_day: m.by_day.into_iter().map(|(day, sum)| (day, money(sum))).collect(),
        ahead: None,
        open: true,
    }
}

fn unreadable(error: FolderError) -> PageError {
    tracing::error!(%error, "the mailbox can't be read");
    PageError::Unavailable { retry_after: None }
}

fn mail_item(heading: Heading) -> view::MailItem {
    view::MailItem { id: heading.id, to: heading.to, subject: heading.subject, at: heading.at }
}

pub(super) async fn mailbox(folder: &Folder, open: Option<&str>, page: u64) -> PageResult<view::Mailbox> {
    let page = page_number(page);
    let skip = usize::try_from((page - 1) * per_page()).unwrap_or(usize::MAX);
    let most = usize::try_from(per_page()).unwrap_or(50);
    let (headings, total) = folder.list(skip, most).await.map_err(unreadable)?;
    let open = match open {
        Some(id) => {
            let message = folder.read(id).await.map_err(unreadable)?.ok_or(PageError::NotFound)?;
            Some(view::Mail {
                item: mail_item(message.heading),
                from: message.from,
                text: message.text,
                has_html: message.html.is_some(),
            })
        }
        None => None,
    };
    Ok(view::Mailbox {
        mails: headings.into_iter().map(mail_item).collect(),
        open,
        paging: paging(page, per_page(), i64::try_from(total).unwrap_or(i64::MAX)),
    })
}
