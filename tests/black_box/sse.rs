//! Live events of a submission, for programs and for pages.

use futures::StreamExt as _;
use quire_tests::{
    api::client,
    essays::essay,
    on_both,
    school::{Database, Options, School},
};
use std::time::Duration;

on_both!(a_submission_is_followed_to_its_marks);

/// What stands in the last event, for programs and for pages.
const COMPLETED: &str = "\"status\":\"completed\"";

/// One event as it came.
#[derive(Debug)]
struct Event {
    id: String,
    data: String,
}

/// Reads events until `enough`, or until the stream ends.
async fn follow(request: reqwest::RequestBuilder, mut enough: impl FnMut(&Event) -> bool) -> Vec<Event> {
    let response = request.send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("text/event-stream"), "{kind}");
    let (mut bytes, mut text, mut events) = (response.bytes_stream(), String::new(), Vec::new());
    let read = async {
        while let Some(Ok(chunk)) = bytes.next().await {
            text.push_str(std::str::from_utf8(&chunk).unwrap());
            while let Some((block, rest)) = text.split_once("\n\n") {
                let field = |name: &str| {
                    block
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .map(|value| value.trim().to_owned())
                };
                let event = field("data:").map(|data| Event { id: field("id:").unwrap_or_default(), data });
                text = rest.to_owned();
                let Some(event) = event else { continue };
                let last = enough(&event);
                events.push(event);
                if last {
                    return;
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(25), read).await.expect("the events come in time");
    events
}

async fn a_submission_is_followed_to_its_marks(database: Database) {
    let school =
        School::open_with(database, Options::default().with("lanes.standard.gather_seconds", "2")).await;
    let receipt =
        school.api("ada").hand_in(school.assignment("essay"), &essay(1, 150), None).await.expect(201);
    let id = receipt.string("tracking_id");
    let path = format!("/api/v1/submissions/{id}/events");
    let get = || school.api("ada").request(reqwest::Method::GET, &path);
    // The connection is lost after the first event; whoever comes again goes on where they were.
    let first = follow(get(), |_| true).await.remove(0);
    assert!(first.data.contains("\"status\":\"queued\""), "{first:?}");
    let events =
        follow(get().header("Last-Event-ID", &first.id), |event| event.data.contains(COMPLETED)).await;
    let statuses: Vec<String> = events
        .iter()
        .map(|event| serde_json::from_str::<serde_json::Value>(&event.data).unwrap())
        .map(|data| data["status"].as_str().unwrap().to_owned())
        .collect();
    assert!(statuses.iter().any(|status| status == "processing"), "{statuses:?}");
    assert_eq!(statuses.last().map(String::as_str), Some("completed"), "{statuses:?}");
    let ids: Vec<u64> =
        std::iter::once(&first).chain(&events).map(|event| event.id.parse().unwrap()).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    // Who has seen the end is told that nothing more will come.
    let over = get().header("Last-Event-ID", ids[ids.len() - 1].to_string()).send().await.unwrap();
    assert_eq!(over.status().as_u16(), 204);
    // The page's own events: the session of the browser is enough.
    let ada = school.signed_in("ada").await;
    let cookies =
        ada.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    let request = client().get(format!("{}/s/{id}/events", school.url)).header("cookie", cookies);
    let first = follow(request, |_| true).await;
    assert!(first[0].data.contains(COMPLETED), "{first:?}");
    school.close().await;
}
