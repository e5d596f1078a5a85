//! What is posted: the bill of a month by cost centre. Pure.

use crate::{
    billing::{Month, decimal},
    budget::{Paid, Way},
    store::NanoUsd,
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use std::collections::BTreeMap;

/// A body is smaller than this, in bytes.
pub(super) const LARGEST: usize = 20_000;

#[derive(Serialize)]
struct Message<'a> {
    r#type: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    month: String,
    time_zone: &'a str,
    begins_at: String,
    ends_at: String,
    currency: &'static str,
    total: Sums,
    /// None where the list would be too long.
    cost_centres: Option<Vec<CostCentre<'a>>>,
    /// Where the whole bill is; with an administrator's token.
    csv: String,
}

#[derive(Serialize)]
struct CostCentre<'a> {
    cost_centre: &'a str,
    #[serde(flatten)]
    sums: Sums,
}

#[derive(Serialize)]
struct Sums {
    spent_usd: String,
    spent_nano_usd: i64,
    answers: i64,
    input_tokens: i64,
    cached_tokens: i64,
    output_tokens: i64,
}

impl From<&Paid> for Sums {
    fn from(paid: &Paid) -> Self {
        let NanoUsd(nano) = paid.spent;
        Self {
            spent_usd: decimal(nano.into(), 9),
            spent_nano_usd: nano,
            answers: paid.answers,
            input_tokens: paid.input_tokens,
            cached_tokens: paid.cached_tokens,
            output_tokens: paid.output_tokens,
        }
    }
}

/// The bill of a month as JSON: sums by cost centre, or the total alone where that would be too large.
pub(super) fn body(
    month: &Month,
    zone: &str,
    ways: &[(Way, Paid)],
    public_url: &str,
    now: DateTime<Utc>,
) -> String {
    let mut total = Paid::default();
    let mut centres: BTreeMap<&str, Paid> = BTreeMap::new();
    for (way, paid) in ways {
        total.add(paid);
        centres.entry(&way.cost_centre).or_default().add(paid);
    }
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let period = month.period();
    let centres = centres.iter().map(|(name, paid)| CostCentre { cost_centre: name, sums: paid.into() });
    let mut message = Message {
        r#type: "bill.month_ended",
        timestamp: time(now),
        data: Data {
            month: month.name(),
            time_zone: zone,
            begins_at: time(period.from),
            ends_at: time(period.to),
            currency: "USD",
            total: (&total).into(),
            cost_centres: Some(centres.collect()),
            csv: format!("{}/api/v1/billing/{}", public_url.trim_end_matches('/'), month.name()),
        },
    };
    let text = json(&message);
    if text.len() < LARGEST {
        return text;
    }
    message.data.cost_centres = None;
    json(&message)
}

fn json(message: &Message<'_>) -> String {
    serde_json::to_string(message).expect("texts and whole numbers are always JSON")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::{CourseId, Id as _};
    use uuid::Uuid;

    fn way(cost_centre: String, batched: bool) -> Way {
        let course_id = CourseId::from_uuid(Uuid::from_u128(7));
        Way { course_id, cost_centre, provider: "openai".into(), model: "m".into(), batched }
    }

    fn written(ways: &[(Way, Paid)]) -> serde_json::Value {
        let month = Month::new("2026-11".parse().unwrap(), chrono_tz::Europe::Stockholm);
        let now = "2026-12-01T00:00:05.25Z".parse().unwrap();
        let text = body(&month, "Europe/Stockholm", ways, "https://quire.example.edu/", now);
        assert!(text.len() < LARGEST, "{}", text.len());
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn sums_are_by_cost_centre_and_exact() {
        let paid = Paid {
            spent: NanoUsd(1_500_000_001),
            answers: 2,
            input_tokens: 300,
            cached_tokens: 20,
            output_tokens: 40,
            ..Paid::default()
        };
        let ways = [
            (way("Ökonomie".into(), true), paid),
            (way("arts".into(), true), paid),
            (way("arts".into(), false), paid),
        ];
        let sums = |spent_usd: &str, times: i64| {
            serde_json::json!({
                "spent_usd": spent_usd, "spent_nano_usd": 1_500_000_001_i64 * times, "answers": 2 * times,
                "input_tokens": 300 * times, "cached_tokens": 20 * times, "output_tokens": 40 * times,
            })
        };
        let of = |name: &str, mut sums: serde_json::Value| {
            sums["cost_centre"] = name.into();
            sums
        };
        let expected = serde_json::json!({
            "type": "bill.month_ended",
            "timestamp": "2026-12-01T00:00:05Z",
            "data": {
                "month": "2026-11",
                "time_zone": "Europe/Stockholm",
                "begins_at": "2026-10-31T23:00:00Z",
                "ends_at": "2026-11-30T23:00:00Z",
                "currency": "USD",
                "total": sums("4.500000003", 3),
                "cost_centres": [of("arts", sums("3.000000002", 2)), of("Ökonomie", sums("1.500000001", 1))],
                "csv": "https://quire.example.edu/api/v1/billing/2026-11",
            },
        });
        assert_eq!(written(&ways), expected);
        let nothing = written(&[]);
        assert_eq!(nothing["data"]["total"]["spent_usd"], "0.0");
        assert_eq!(nothing["data"]["cost_centres"], serde_json::json!([]));
    }

    #[test]
    fn a_long_list_is_left_out_and_the_total_kept() {
        let paid = Paid { spent: NanoUsd(1_000_000_000), answers: 1, ..Paid::default() };
        let ways: Vec<_> = (0..500).map(|n| (way(format!("cost centre {n}"), true), paid)).collect();
        let long = written(&ways);
        assert!(long["data"]["cost_centres"].is_null());
        assert_eq!(long["data"]["total"]["spent_usd"], "500.0");
        assert_eq!(written(&ways[..20])["data"]["cost_centres"].as_array().unwrap().len(), 20);
    }
}
