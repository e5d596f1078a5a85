//! Samples of what administrators see, and of the demo's mailbox.

use super::{ago, now};
use chrono::{NaiveDate, TimeDelta};
use quire_app::view::*;

fn batch_item(id: &str, provider: &str, state: BatchState, counts: BatchCounts) -> BatchItem {
    let model = if provider == "OpenAI" { "gpt-6-luna" } else { "claude-haiku-5-5" };
    let moving = matches!(
        state,
        BatchState::Planned | BatchState::Submitting | BatchState::InProgress | BatchState::Ingesting
    );
    BatchItem {
        id: id.to_owned(),
        name: if id == "b-2045" { "b-2034_split_1".to_owned() } else { id.to_owned() },
        provider: provider.to_owned(),
        model: model.to_owned(),
        state,
        counts,
        created_at: ago(38),
        back_by: moving.then(|| ago(-34)),
        cost: NanoUsd(812_000 * i64::try_from(counts.total).unwrap_or(0)),
    }
}

fn counts(total: u64, succeeded: u64, failed: u64, requeued: u64) -> BatchCounts {
    BatchCounts { total, succeeded, failed, requeued, split: 0 }
}

fn items() -> Vec<BatchItem> {
    use BatchState as S;
    vec![
        batch_item("b-2044", "Anthropic", S::Planned, counts(212, 0, 0, 0)),
        batch_item("b-2043", "OpenAI", S::Submitting, counts(1_000, 0, 0, 0)),
        batch_item("b-2041", "OpenAI", S::InProgress, counts(1_000, 618, 2, 0)),
        batch_item("b-2040", "Anthropic", S::InProgress, counts(500, 0, 0, 0)),
        batch_item("b-2039", "OpenAI", S::Ingesting, counts(1_000, 1_000, 0, 0)),
        batch_item("b-2038", "OpenAI", S::Expired, counts(1_000, 959, 0, 41)),
        batch_item("b-2037", "OpenAI", S::Completed, counts(1_000, 1_000, 0, 0)),
        batch_item("b-2036", "Anthropic", S::Completed, counts(500, 497, 3, 0)),
        batch_item("b-2035", "Anthropic", S::Cancelled, counts(480, 120, 0, 360)),
        batch_item("b-2045", "OpenAI", S::Planned, counts(155, 0, 0, 0)),
        batch_item("b-2034", "OpenAI", S::Failed, BatchCounts { split: 310, ..counts(310, 0, 0, 0) }),
        batch_item("b-2033", "OpenAI", S::Failed, counts(12, 0, 12, 0)),
    ]
}

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).expect("a day of November")
}

fn headroom(of: &str, left: u64, limit: u64, seconds: i64) -> Headroom {
    Headroom { of: of.to_owned(), left, limit: Some(limit), resets_at: now() + TimeDelta::seconds(seconds) }
}

pub fn overview() -> Overview {
    let lane = |lane: Lane, jobs: u64, oldest: i64, next: &str, fill: Option<f64>| LaneState {
        lane,
        jobs,
        oldest: Some(TimeDelta::seconds(oldest)),
        next: next.to_owned(),
        fill,
    };
    let openai = ProviderState {
        name: "OpenAI".to_owned(),
        models: vec!["gpt-6-luna".to_owned()],
        simulated: true,
        health: Health::Good,
        success: Some(0.998),
        latency: Some((TimeDelta::milliseconds(5_400), TimeDelta::milliseconds(12_300))),
        turnaround: Some(TimeDelta::minutes(44)),
        batches: (4, 5),
        enqueued_tokens: Some((1_830_000, 20_000_000)),
        headroom: vec![headroom("requests", 412, 500, 12), headroom("tokens", 1_930_000, 2_000_000, 3)],
        not_before: None,
    };
    let anthropic = ProviderState {
        name: "Anthropic".to_owned(),
        models: vec!["claude-haiku-5-5".to_owned()],
        health: Health::Impaired("batches take 1.8 times as long as usual".to_owned()),
        success: Some(0.981),
        turnaround: Some(TimeDelta::minutes(81)),
        latency: None,
        batches: (2, 3),
        enqueued_tokens: None,
        headroom: vec![headroom("requests", 50, 50, 1)],
        not_before: Some(now() + TimeDelta::seconds(40)),
        ..openai.clone()
    };
    let own = ProviderState {
        name: "Own server".to_owned(),
        models: vec!["qwen-of-ours".to_owned()],
        simulated: false,
        health: Health::Down(Pause {
            since: now() - TimeDelta::minutes(4),
            failures: Some(5),
            why: "OpenAI at http://10.0.0.7:8000/v1 can't be reached: connection refused".to_owned(),
            next_try: now() + TimeDelta::seconds(56),
        }),
        success: Some(0.0),
        latency: None,
        turnaround: None,
        batches: (0, 2),
        enqueued_tokens: None,
        headroom: Vec::new(),
        not_before: None,
    };
    let spent = [0.0, 9.1, 21.4, 30.2, 44.0, 58.9, 71.1, 71.6, 72.0, 90.7, 118.3, 139.9, 160.2, 171.8]
        .into_iter()
        .chain([172.1, 172.4, 201.5, 236.6, 270.9, 301.4, 322.0, 322.3, 322.9, 371.2, 412.4]);
    let by_day: Vec<_> =
        (1..=25).zip(spent).map(|(date, usd)| (day(date), NanoUsd((usd * 1e9) as i64))).collect();
    Overview {
        as_of: now() + TimeDelta::seconds(7),
        waiting: 1_284,
        oldest: Some(TimeDelta::minutes(38)),
        with_providers: 3_212,
        batches_in_flight: 5,
        marked_today: 7_412,
        median_wait: Some(TimeDelta::minutes(52)),
        saved: NanoUsd(1_377_400_000_000),
        saved_share: Some(0.77),
        lanes: vec![
            lane(Lane::Urgent, 4, 9, "direct calls, marked in seconds", None),
            lane(Lane::Standard, 830, 250, "batch at 1,000 jobs or in 6 min", Some(0.83)),
            lane(Lane::Economy, 450, 2_280, "next batch at 16:00", Some(0.45)),
        ],
        batches: items().into_iter().filter(|batch| batch.back_by.is_some()).collect(),
        providers: vec![openai, anthropic, own],
        spend: Spend {
            month: day(1),
            today: day(25),
            budget: Some(NanoUsd(900_000_000_000)),
            spent: NanoUsd(412_400_000_000),
            reserved: NanoUsd(38_100_000_000),
            without_answer: NanoUsd(41_900_000),
            calls_without_answer: 3,
            by_day,
            ahead: None,
            open: true,
        },
        alerts: vec![
            Remark {
                sign: RemarkSign::Look,
                title: "2 submissions need attention:".to_owned(),
                detail: "two replies could not be used.".to_owned(),
                link: Some(Link {
                    label: "Look".to_owned(),
                    href: "/teach/assignments/essay-2?status=needs_attention".to_owned(),
                }),
            },
            Remark {
                sign: RemarkSign::Look,
                title: "Anthropic is slow:".to_owned(),
                detail: "1.8 times its usual turnaround. New economy work goes to OpenAI.".to_owned(),
                link: None,
            },
        ],
        estimates: estimates(),
    }
}

fn minutes(half: i64, most: i64) -> (TimeDelta, TimeDelta) {
    (TimeDelta::minutes(half), TimeDelta::minutes(most))
}

fn estimates() -> Estimates {
    let kept = |provider: &str, lane, route, jobs, before_middle, before_end| EstimatesKept {
        provider: provider.to_owned(),
        lane,
        route,
        jobs,
        before_middle,
        before_end,
    };
    let window = |kind, hours: &str, expected, reason: &str| ScheduleWindow {
        kind,
        hours: hours.to_owned(),
        expected,
        reason: reason.to_owned(),
    };
    let openai = ProviderTimes {
        provider: "OpenAI".to_owned(),
        batches: minutes(44, 81),
        basis: "from 212 batches of the last 14 days".to_owned(),
        calls: (TimeDelta::seconds(5), TimeDelta::seconds(12)),
        calls_basis: "from 400 calls of the last 14 days".to_owned(),
        model: "Learnt model: 14 % better on the last 70 batches: in use.".to_owned(),
        schedule: ScheduleAdvice {
            summary:
                "Batches sent from 02:00 to 05:00 come back soonest, in the light of 212 finished batches."
                    .to_owned(),
            windows: vec![
                window(
                    WindowKind::Primary,
                    "02:00 to 05:00",
                    minutes(21, 38),
                    "48 % sooner than at any hour, from 31 batches.",
                ),
                window(
                    WindowKind::Alternative,
                    "22:00 to 01:00",
                    minutes(27, 45),
                    "37 % sooner than at any hour, from 24 batches.",
                ),
                window(
                    WindowKind::Alternative,
                    "06:00 to 09:00",
                    minutes(33, 60),
                    "22 % sooner than at any hour, from 29 batches.",
                ),
                window(
                    WindowKind::Avoid,
                    "14:00 to 18:00",
                    minutes(74, 130),
                    "Avoid: 66 % slower than at any hour, from 58 batches.",
                ),
            ],
        },
    };
    let anthropic = ProviderTimes {
        provider: "Anthropic".to_owned(),
        batches: minutes(81, 190),
        basis: "from 12 batches of the last 14 days, mixed with what was assumed".to_owned(),
        calls_basis: "no history yet: assumed".to_owned(),
        model: "Learnt model: 12 of the 45 batches that it takes; fixed rule in use.".to_owned(),
        schedule: ScheduleAdvice {
            summary: "Too short a history: 12 of the 40 finished batches that it takes to compare hours."
                .to_owned(),
            windows: Vec::new(),
        },
        ..openai.clone()
    };
    Estimates {
        days: 7,
        whole: Some((1_234, 0.52, 0.91)),
        kept: vec![
            kept("Anthropic", Lane::Standard, Route::Batch, 190, 0.47, 0.88),
            kept("OpenAI", Lane::Urgent, Route::Realtime, 96, 0.55, 0.93),
            kept("OpenAI", Lane::Standard, Route::Batch, 702, 0.51, 0.91),
            kept("OpenAI", Lane::Economy, Route::Batch, 246, 0.57, 0.94),
        ],
        providers: vec![openai, anthropic],
    }
}

/// The overview of a Quire that has done nothing yet.
pub fn empty_overview() -> Overview {
    let lane = |lane: Lane| LaneState {
        lane,
        jobs: 0,
        oldest: None,
        next: "nothing waits".to_owned(),
        fill: Some(0.0),
    };
    Overview {
        waiting: 0,
        oldest: None,
        with_providers: 0,
        batches_in_flight: 0,
        marked_today: 0,
        median_wait: None,
        saved: NanoUsd(0),
        saved_share: None,
        lanes: [Lane::Urgent, Lane::Standard, Lane::Economy].map(lane).to_vec(),
        batches: Vec::new(),
        providers: vec![ProviderState {
            health: Health::Untried,
            success: None,
            latency: None,
            turnaround: None,
            headroom: Vec::new(),
            batches: (0, 5),
            ..overview().providers.remove(0)
        }],
        spend: Spend {
            budget: None,
            spent: NanoUsd(0),
            reserved: NanoUsd(0),
            without_answer: NanoUsd(0),
            calls_without_answer: 0,
            today: day(2),
            by_day: vec![(day(1), NanoUsd(0)), (day(2), NanoUsd(0))],
            ..overview().spend
        },
        alerts: Vec::new(),
        estimates: Estimates { whole: None, kept: Vec::new(), providers: Vec::new(), ..estimates() },
        ..overview()
    }
}

pub fn batches(state: Option<BatchState>, page: u64) -> Batches {
    let batches: Vec<_> =
        items().into_iter().filter(|batch| state.is_none_or(|state| batch.state == state)).collect();
    let total = if state.is_some() { batches.len() as u64 } else { 2_044 };
    Batches { batches, sizes: vec![size_advice()], paging: Paging { page, per_page: 50, total } }
}

fn size_advice() -> SizeAdvice {
    let outlook = |jobs: u64, minutes: (i64, i64), note: &str| SizeOutlook {
        jobs,
        cost: Some(NanoUsd(812_000 * i64::try_from(jobs).unwrap_or(0))),
        half_within: TimeDelta::minutes(minutes.0),
        most_within: TimeDelta::minutes(minutes.1),
        note: note.to_owned(),
    };
    SizeAdvice {
        provider: "OpenAI".to_owned(),
        model: "gpt-6-luna".to_owned(),
        bounds: (10, 1_000),
        waiting: 212,
        standing:
            "It waits: 212 of the 320 jobs are there that are recommended, and no promised time suffers."
                .to_owned(),
        until: Some(ago(-4)),
        size: outlook(320, (50, 81), "as cheap and as quick as any"),
        reasons: vec![
            "A job has about 1318 tokens in and 402 out.".to_owned(),
            "212 jobs wait, and about 1640 come in an hour.".to_owned(),
            "What comes while a batch is away fills about 5 of this size; 5 can be out at once.".to_owned(),
        ],
        alternatives: vec![
            outlook(
                212,
                (64, 95),
                "back 28 % later than the quickest size; needs 7 batches where 5 can be out at once",
            ),
            outlook(1_000, (58, 89), "back 16 % later than the quickest size"),
        ],
    }
}

fn candidates() -> Vec<BatchCandidate> {
    let way = |way: &str, batches: Option<u64>, score: Option<f64>, reason: &str| BatchCandidate {
        way: way.to_owned(),
        chosen: score == Some(0.1),
        batches,
        cost: NanoUsd(840_000_000),
        half_within: TimeDelta::minutes(44),
        risk: 0.4,
        score,
        reasons: vec![reason.to_owned()],
    };
    vec![
        way(
            "by provider and model, in the queue’s order",
            Some(2),
            Some(0.13),
            "It costs $0.84, 3 % more than the cheapest.",
        ),
        way(
            "by assessment, so that each rubric is read from the cache",
            Some(2),
            Some(0.1),
            "It costs $0.82, no more than any other.",
        ),
        way(
            "by tokens, evenly",
            Some(3),
            Some(0.16),
            "3 batches; if the largest fails, 34 % of the jobs wait again.",
        ),
        way(
            "by cost, the largest gain from the cache first",
            None,
            None,
            "The work does not fit into the free batches when it is spread so.",
        ),
    ]
}

fn parts() -> Vec<BatchPart> {
    let part = |n: u64, state: &str, starts: Option<i64>| BatchPart {
        id: "b-2045".to_owned(),
        name: format!("b-2034_split_{n}"),
        state: state.to_owned(),
        jobs: 155,
        starts: starts.map(ago),
    };
    vec![part(1, "being marked", None), part(2, "waits for its turn", Some(-1))]
}

pub fn batch(id: &str, page: u64) -> Option<Batch> {
    let item = items().into_iter().find(|batch| batch.id == id)?;
    let event = |minutes: i64, what: &str, detail: Option<&str>| BatchEvent {
        at: ago(minutes),
        what: what.to_owned(),
        detail: detail.map(str::to_owned),
    };
    let tokens = Tokens { input: 1_318, cached: 1_024, output: 402 };
    let job = |tracking_id: &str, state: &str, error: Option<&str>| BatchJob {
        tracking_id: tracking_id.to_owned(),
        assignment: "Essay 2: A letter to the editor".to_owned(),
        state: state.to_owned(),
        error: error.map(str::to_owned),
        tokens: (state != "waiting").then_some(tokens),
        cost: (state != "waiting").then_some(NanoUsd(812_000)),
    };
    let answered = item.counts.succeeded + item.counts.failed;
    Some(Batch {
        provider_batch_id: (item.state != BatchState::Planned).then(|| "batch_68f0c2a41d".to_owned()),
        lanes: vec![Lane::Standard, Lane::Economy],
        split_from: (item.id != item.name).then(|| ("b-2034".to_owned(), "b-2034".to_owned())),
        parts: if item.counts.split > 0 { parts() } else { Vec::new() },
        candidates: if item.id == item.name { candidates() } else { Vec::new() },
        reasons: vec![
            "OpenAI’s queue reached 1,000 jobs, its largest batch.".to_owned(),
            "One rubric fills it, so its 1,024 shared tokens are read from the cache.".to_owned(),
        ],
        cost_expected: NanoUsd(840_000_000),
        cost_settled: (answered > 0).then(|| NanoUsd(812_000 * i64::try_from(answered).unwrap_or(0))),
        tokens: (answered > 0).then(|| Tokens {
            input: 1_318 * answered,
            cached: 1_024 * answered,
            output: 402 * answered,
        }),
        estimate: item.back_by.map(|by| TimeRange { from: ago(-12), to: by }),
        timeline: vec![
            event(38, "Written down", Some("1,000 jobs, 2.1 MB")),
            event(38, "File uploaded", Some("file-9ZqK2")),
            event(37, "Sent to the provider", Some("batch_68f0c2a41d")),
            event(36, "The provider began", None),
            event(4, "620 of 1,000 answered", None),
        ],
        jobs: vec![
            job("QR-7F3K-92MD", "waiting", None),
            job("QR-DONE", "marked", None),
            job("QR-HELD", "queued again", Some("the reply was not valid JSON: it ended at character 2,048")),
        ],
        paging: Paging { page, per_page: 50, total: item.counts.total },
        item,
    })
}

pub fn mailbox(open: Option<&str>, page: u64) -> Option<Mailbox> {
    let mail = |id: &str, to: &str, subject: &str, minutes: i64| MailItem {
        id: id.to_owned(),
        to: to.to_owned(),
        subject: subject.to_owned(),
        at: ago(minutes),
    };
    let mails = vec![
        mail("12", "ada.lind@example.org", "Your essay is in", 3),
        mail("11", "jonas.weber@example.org", "Your essay is being marked", 8),
        mail("10", "ada.lind@example.org", "Your marks are ready: Reading journal, week 46", 1_400),
    ];
    let opened = match open {
        None => None,
        Some(id) => Some(Mail {
            item: mails.iter().find(|mail| mail.id == id)?.clone(),
            from: "Quire <quire@example.org>".to_owned(),
            text: "Dear Ada,\n\nwe have your essay “A letter to the editor” safely.\nMarks are expected today, 16:10 to 17:40.\n\nFollow it here: http://127.0.0.1:4180/s/QR-7F3K-92MD\n\nQuire"
                .to_owned(),
            has_html: id != "11",
        }),
    };
    Some(Mailbox { mails, open: opened, paging: Paging { page, per_page: 50, total: 3 } })
}

/// The HTML part of a sample e-mail.
pub fn mail_html() -> &'static str {
    "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Your essay is in</title><body style=\"font:16px/1.5 sans-serif;\
     color:#1c1f24;background:#faf8f3;padding:2rem\"><h1 style=\"font:600 24px serif\">Your essay is in</h1><p>We have \
     “A letter to the editor” safely. Marks are expected today, 16:10 to 17:40.<p><a href=\"#\">Follow it here</a></body></html>"
}
