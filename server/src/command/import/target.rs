//! Where rows are handed in: over HTTP, or straight into the configured database.

use super::rows::{Row, idempotency_key, own_student};
use crate::{
    api::{error::unreadable, model::NewSubmission},
    boot,
    http::problem::Problem,
    settings::Settings,
};
use quire_engine::{
    engine::Engine,
    identity::{Actor, Email},
    store::AssignmentId,
    submission::{HandIn, extract},
};
use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use serde::Deserialize;
use std::{borrow::Cow, time::Duration};
use url::Url;
use uuid::Uuid;

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was handed in.
    HandedIn,
    /// It was in already.
    Already,
    /// It was not taken; what is wrong with it.
    Refused(String),
}

/// Why a row could not even be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It may work later.
    Passing {
        /// What happened.
        reason: String,
        /// When the server asks to be tried again.
        after: Option<Duration>,
    },
    /// It will not work for any row.
    Lasting(String),
}

/// What rows are handed in to.
pub(super) enum Target {
    /// A running Quire.
    Remote(Remote),
    /// The configured database.
    Local(Box<Local>),
}

impl Target {
    /// Hands one row in. Doing it again is the same hand-in.
    pub(super) async fn hand_in(&self, row: &Row) -> Result<Outcome, Trouble> {
        match self {
            Self::Remote(remote) => remote.hand_in(row).await,
            Self::Local(local) => local.hand_in(row).await,
        }
    }

    /// Lets go of what it holds.
    pub(super) async fn close(self) {
        if let Self::Local(local) = self {
            local.engine.db().close().await;
        }
    }
}

/// The database of the settings. Rows only join the queue here: the workers of `quire serve` or `quire worker` do the
/// rest.
pub(super) struct Local {
    engine: Engine,
    settings: Settings,
    assignment: Uuid,
}

impl Local {
    /// The database of these settings.
    pub(super) async fn open(settings: Settings, assignment: Uuid) -> anyhow::Result<Self> {
        let engine = boot::engine(&settings).await?;
        engine.start();
        Ok(Self { engine, settings, assignment })
    }

    async fn hand_in(&self, row: &Row) -> Result<Outcome, Trouble> {
        let assignment = self.assignment.to_string();
        let text = match extract::typed(&row.text, &self.settings.uploads) {
            Ok(extracted) => extracted.text,
            Err(error) => return judge(Refusal::from(&unreadable("text", &error))),
        };
        let student = row.student.clone().unwrap_or_else(|| own_student(&assignment, &row.id));
        let student: Email = match student.parse() {
            Ok(student) => student,
            Err(error) => return Ok(Outcome::Refused(format!("student: {error}"))),
        };
        let work = HandIn {
            assignment: AssignmentId(self.assignment),
            student: Some(student),
            text,
            file_name: None,
            idempotency: Some(idempotency_key(&assignment, &row.id)),
        };
        match self.engine.hand_in(&Actor::System, work).await {
            Ok(receipt) if receipt.repeated => Ok(Outcome::Already),
            Ok(_) => Ok(Outcome::HandedIn),
            Err(error) => judge(Refusal::from(&Problem::from(error))),
        }
    }
}

/// Why work was not taken.
struct Refusal {
    status: StatusCode,
    after: Option<Duration>,
    /// The last part of the problem's type; empty where the answer is no problem of Quire's.
    kind: String,
    detail: String,
}

impl From<&Problem> for Refusal {
    fn from(problem: &Problem) -> Self {
        Self {
            status: problem.kind().status(),
            after: problem.seconds_to_wait().map(|seconds| Duration::from_secs(seconds.into())),
            kind: problem.kind().slug().to_owned(),
            detail: problem.detail().to_owned(),
        }
    }
}

/// A server that rows are handed in to.
#[derive(Debug)]
pub(super) struct Remote {
    client: reqwest::Client,
    address: Url,
    token: String,
    assignment: Uuid,
}

/// As much of a problem (RFC 9457) as is told to people.
#[derive(Default, Deserialize)]
struct Answer {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    detail: String,
}

impl Remote {
    /// A server at this address.
    pub(super) fn new(url: &Url, token: String, assignment: Uuid) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("quire/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(60))
            .build()?;
        let address = super::super::api_address(url, &["submissions"])?;
        Ok(Self { client, address, token, assignment })
    }

    /// Hands one row in. Sending it again is the same hand-in.
    async fn hand_in(&self, row: &Row) -> Result<Outcome, Trouble> {
        let assignment = self.assignment.to_string();
        let student = row.student.clone().unwrap_or_else(|| own_student(&assignment, &row.id));
        let body = NewSubmission {
            assignment: self.assignment,
            text: Cow::Borrowed(&row.text),
            student: Some(Cow::Borrowed(&student)),
        };
        let sent = self
            .client
            .post(self.address.clone())
            .bearer_auth(&self.token)
            .header("idempotency-key", idempotency_key(&assignment, &row.id))
            .json(&body)
            .send()
            .await;
        let passing = |error: reqwest::Error| Trouble::Passing {
            reason: format!("the server can't be reached: {}", without_address(error)),
            after: None,
        };
        let answer = sent.map_err(passing)?;
        let (status, after) = (answer.status(), retry_after(answer.headers()));
        if status == StatusCode::CREATED {
            let again = answer.headers().get("idempotent-replayed").is_some_and(|value| value == "true");
            return Ok(if again { Outcome::Already } else { Outcome::HandedIn });
        }
        let text = answer.text().await.map_err(passing)?;
        let answer: Answer = serde_json::from_str(&text).unwrap_or_default();
        let kind = answer.kind.rsplit('/').next().unwrap_or_default().to_owned();
        judge(Refusal { status, after, kind, detail: answer.detail })
    }
}

/// What a refusal means for the row and for those after it.
fn judge(refusal: Refusal) -> Result<Outcome, Trouble> {
    let Refusal { status, after, kind, detail } = refusal;
    let told = if detail.is_empty() { format!("the server answered {status}") } else { detail };
    match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            Err(Trouble::Passing { reason: told, after })
        }
        _ if status.is_server_error() => Err(Trouble::Passing { reason: told, after }),
        // The token or the assignment: the same for every row.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
            Err(Trouble::Lasting(told))
        }
        StatusCode::CONFLICT if kind == "assignment-closed" => Err(Trouble::Lasting(told)),
        _ if status.is_client_error() && !kind.is_empty() => Ok(Outcome::Refused(told)),
        _ => Err(Trouble::Lasting(format!("{told}; is this the address of a Quire?"))),
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

/// The error without the address in it, which the user gave and knows.
fn without_address(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let ask = |status: u16, kind: &str| {
            let detail = if kind.is_empty() { "" } else { "why" };
            judge(Refusal {
                status: StatusCode::from_u16(status).unwrap_or_default(),
                after: Some(Duration::from_secs(3)),
                kind: kind.to_owned(),
                detail: detail.to_owned(),
            })
        };
        assert_eq!(ask(422, "unusable-work"), Ok(Outcome::Refused("why".to_owned())));
        assert_eq!(ask(413, "too-large"), Ok(Outcome::Refused("why".to_owned())));
        assert_eq!(ask(409, "no-draft-left"), Ok(Outcome::Refused("why".to_owned())));
        assert_eq!(ask(409, "assignment-closed"), Err(Trouble::Lasting("why".to_owned())));
        for (status, slug) in [(401, "unauthenticated"), (403, "forbidden"), (404, "not-found")] {
            assert_eq!(ask(status, slug), Err(Trouble::Lasting("why".to_owned())));
        }
        for (status, slug) in [(429, "too-many-requests"), (503, "unavailable")] {
            let passing = Trouble::Passing { reason: "why".to_owned(), after: Some(Duration::from_secs(3)) };
            assert_eq!(ask(status, slug), Err(passing));
        }
        assert!(matches!(ask(502, ""), Err(Trouble::Passing { .. })));
        assert!(matches!(ask(200, ""), Err(Trouble::Lasting(why)) if why.contains("a Quire?")));
        assert!(matches!(ask(405, ""), Err(Trouble::Lasting(_))));
    }
}
