//! Making a message batch: one JSON document of up to 256 MB, read in a stream.

use std::{
    borrow::Cow,
    collections::HashSet,
    fmt,
    fs::File,
    io::{self, BufReader, BufWriter, Read, Write},
    sync::Arc,
};

use axum::{Json, body::Body, extract::State, http::HeaderMap};
use bytes::{Buf, Bytes};
use futures::StreamExt;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};
use tokio::{sync::mpsc, task::spawn_blocking};

use super::batches::object;
use crate::{
    Error,
    batch::{self, Batch, Counts, Endpoint, Plan, State as BatchState, Times},
    faults::Fault,
    folder::Partial,
    http::{ApiError, Kind},
    models::{Provider, Usage},
    settings::seconds,
    simulator::{Core, new_id},
};

/// `POST /messages/batches`
pub(super) async fn create(
    State(core): State<Arc<Core>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let id = new_id("msgbatch_");
    let plan = Plan::draw(&core, Provider::Anthropic, &id);
    let name = format!("{id}-input");
    let total = store_requests(&core, &name, body).await?;
    if plan.has(Fault::TokenLimit) {
        core.folder.remove(&core.folder.content(&name));
        let message = "Too many requests are waiting in batches. Please try again later. (Simulated.)";
        return Err(ApiError::new(Kind::RateLimit, message));
    }
    let settings = core.settings();
    let now = core.clock.now();
    let batch = Batch {
        provider: Provider::Anthropic,
        endpoint: Endpoint::Messages,
        state: BatchState::InProgress,
        times: Times {
            created: now,
            expires: now + seconds(settings.expire_after_seconds),
            in_progress: Some(now),
            finalizing: None,
            cancelling: None,
            ended: None,
        },
        input_file_id: None,
        metadata: None,
        output_expires_after: None,
        model: None,
        enqueued_tokens: 0,
        counts: Counts { total, ..Counts::default() },
        done: 0,
        usage: Usage::default(),
        output_id: format!("{id}-results"),
        error_id: format!("{id}-errors"),
        output_bytes: 0,
        error_bytes: 0,
        errors: Vec::new(),
        ending: None,
        held: false,
        plan,
        id,
    };
    core.store.insert_batch(&batch).await?;
    batch::spawn(&core, Provider::Anthropic, batch.id.clone());
    Ok(Json(object(&batch, &headers, now)))
}

/// Checks the requests as they come in and writes each on a line of its own.
async fn store_requests(core: &Arc<Core>, name: &str, body: Body) -> Result<u64, ApiError> {
    let settings = core.settings();
    let (max_bytes, max_requests) = (settings.anthropic_max_bytes, settings.anthropic_max_requests);
    let (sender, receiver) = mpsc::channel(PIECES);
    let partial = Partial::new(&core.folder, name);
    let stored = spawn_blocking(move || {
        let path = partial.path();
        let failed = |source: io::Error| Error::File { path: path.clone(), source };
        let file = File::create(&path).map_err(failed)?;
        let mut intake = Intake {
            writer: BufWriter::with_capacity(1 << 20, file),
            ids: HashSet::new(),
            max_requests,
            refusal: None,
            failure: None,
        };
        let mut reader = Limited { inner: Pieces { receiver, piece: Bytes::new() }, left: max_bytes };
        let parsed = {
            let mut json =
                serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 18, &mut reader));
            Document(&mut intake).deserialize(&mut json).and_then(|found| json.end().map(|()| found))
        };
        let too_large = reader.left == 0;
        // What is left is read, so that the caller gets to see the refusal.
        let _ = io::copy(&mut reader.inner, &mut io::sink());
        if let Some(source) = intake.failure {
            return Err(failed(source).into());
        }
        if too_large {
            let message =
                format!("Request exceeds the maximum allowed number of bytes. The maximum is {max_bytes}.");
            return Err(ApiError::new(Kind::TooLarge, message));
        }
        if let Some(refusal) = intake.refusal {
            return Err(refusal);
        }
        match parsed {
            Err(error) => {
                return Err(ApiError::invalid(format!("The request body is not valid JSON: {error}")));
            }
            Ok(false) => return Err(ApiError::invalid("requests: Field required")),
            Ok(true) if intake.ids.is_empty() => {
                return Err(ApiError::invalid("requests: List should have at least 1 item"));
            }
            Ok(true) => {}
        }
        let count = intake.ids.len() as u64;
        let file = intake.writer.into_inner().map_err(|error| failed(error.into_error()))?;
        partial.keep(&file)?;
        Ok(count)
    });
    let mut stream = body.into_data_stream();
    while let Some(piece) = stream.next().await {
        // Whoever reads them reads to the end, so this fails only with the reader.
        if sender.send(piece.map_err(io::Error::other)).await.is_err() {
            break;
        }
    }
    drop(sender);
    stored.await.map_err(Error::from)?
}

/// How many pieces of a body may wait to be read.
const PIECES: usize = 16;

/// A body's pieces, read in another thread.
struct Pieces {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.receiver.blocking_recv() {
                None => return Ok(0),
                Some(piece) => self.piece = piece?,
            }
        }
        let length = self.piece.len().min(buf.len());
        self.piece.copy_to_slice(&mut buf[..length]);
        Ok(length)
    }
}

/// Reads up to so many bytes, then pretends that the input ended.
struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buf.len());
        let read = self.inner.read(&mut buf[..most])?;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Takes requests in one by one.
struct Intake {
    writer: BufWriter<File>,
    ids: HashSet<String>,
    max_requests: u64,
    /// The first thing that is wrong with the requests.
    refusal: Option<ApiError>,
    /// The disk's failure.
    failure: Option<io::Error>,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    custom_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

impl Intake {
    fn take(&mut self, at: u64, raw: &RawValue) {
        if self.refusal.is_none()
            && self.failure.is_none()
            && let Err(problem) = self.check(at, raw)
        {
            self.refusal = Some(problem);
        }
    }

    fn check(&mut self, at: u64, raw: &RawValue) -> Result<(), ApiError> {
        let wrong =
            |what: &str, problem: String| ApiError::invalid(format!("requests.{at}.{what}: {problem}"));
        if at >= self.max_requests {
            let message = format!("requests: List should have at most {} items", self.max_requests);
            return Err(ApiError::invalid(message));
        }
        let request: Request<'_> = serde_json::from_str(raw.get())
            .map_err(|error| ApiError::invalid(format!("requests.{at}: {error}")))?;
        let id = request.custom_id.ok_or_else(|| wrong("custom_id", "Field required".into()))?;
        let params = request.params.ok_or_else(|| wrong("params", "Field required".into()))?;
        if !params.get().starts_with('{') {
            return Err(wrong("params", "Input should be an object".into()));
        }
        let valid = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if !(1..=64).contains(&id.len()) || !id.bytes().all(valid) {
            return Err(wrong("custom_id", "String should match pattern '^[a-zA-Z0-9_-]{1,64}$'".into()));
        }
        if !self.ids.insert(id.clone().into_owned()) {
            return Err(ApiError::invalid(format!("requests: custom_id must be unique; '{id}' comes twice")));
        }
        // The pattern leaves nothing in an id that would have to be escaped.
        let written = (|| {
            write!(self.writer, "{{\"custom_id\":\"{id}\",\"params\":")?;
            write_on_one_line(&mut self.writer, params.get())?;
            self.writer.write_all(b"}\n")
        })();
        self.failure = written.err();
        Ok(())
    }
}

/// JSON without the line breaks that may stand between its tokens; within strings they can't stand unescaped.
fn write_on_one_line(writer: &mut impl Write, json: &str) -> io::Result<()> {
    json.split(['\n', '\r']).try_for_each(|piece| writer.write_all(piece.as_bytes()))
}

/// The document: an object whose `requests` are taken in. Answers whether there were any such.
struct Document<'a>(&'a mut Intake);

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with requests")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == "requests" {
                map.next_value_seed(Requests(&mut *self.0))?;
                found = true;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

struct Requests<'a>(&'a mut Intake);

impl<'de> DeserializeSeed<'de> for Requests<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Requests<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of requests")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut at = 0;
        while let Some(raw) = seq.next_element::<Box<RawValue>>()? {
            self.0.take(at, &raw);
            at += 1;
        }
        Ok(())
    }
}
