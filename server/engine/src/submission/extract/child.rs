//! Reading a file in a process of its own, which may crash, loop or run out of memory without harm.
//!
//! The parent starts the program again with the argument `extract`, writes one line of JSON ([`Order`]) and the file to its
//! standard input, and reads one JSON value from its standard output. The child limits its own memory and processor time
//! before it looks at the file; the parent kills it when its time is over, and reads no more than a text can be.

use super::{ExtractError, ExtractLimits, Extracted, Kind, extract};
use rlimit::{Resource, setrlimit};
use serde::{Deserialize, Serialize};
use std::{
    io::{self, BufRead, Read, Write},
    path::PathBuf,
    process::{ExitCode, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    sync::Semaphore,
};

/// What reading one file may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// Bytes of address space.
    pub memory: u64,
    /// Seconds, of the processor as of the clock.
    pub seconds: u64,
    /// How many files are read at the same time; more wait.
    pub at_once: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { memory: 1 << 30, seconds: 20, at_once: 4 }
    }
}

/// What the child is to do.
#[derive(Serialize, Deserialize)]
struct Order {
    name: String,
    media: Option<String>,
    limits: ExtractLimits,
    bounds: Bounds,
}

type Outcome = Result<Extracted, ExtractError>;

/// Reads files in child processes.
#[derive(Debug)]
pub struct Contained {
    program: PathBuf,
    bounds: Bounds,
    places: Semaphore,
}

impl Contained {
    /// Children run `program extract`, which must call [`child_main`]; usually the program that is running.
    #[must_use]
    pub fn new(program: PathBuf, bounds: Bounds) -> Self {
        Self { program, bounds, places: Semaphore::new(bounds.at_once.max(1)) }
    }

    /// The text of a file, as [`extract`] finds it.
    ///
    /// # Errors
    /// As [`extract`], and if reading took too long or too much memory, or no child could be started.
    pub async fn extract(
        &self,
        name: &str,
        media: Option<&str>,
        bytes: &[u8],
        limits: &ExtractLimits,
    ) -> Result<Extracted, ExtractError> {
        // What is over the limit, of a wrong type or plain text needs no child.
        let simple = bytes.len() as u64 > limits.bytes
            || bytes.is_empty()
            || Kind::of(name, media, bytes).map_or(true, |kind| !kind.is_hard());
        if simple {
            return extract(name, media, bytes, limits);
        }
        let Ok(_place) = self.places.acquire().await else { return Err(ExtractError::Unavailable) };
        let order = Order {
            name: name.to_owned(),
            media: media.map(str::to_owned),
            limits: *limits,
            bounds: self.bounds,
        };
        // The child's own limit on processor time comes first; the clock is for one that sleeps or waits.
        let patience = Duration::from_secs(self.bounds.seconds.saturating_add(2));
        match tokio::time::timeout(patience, self.run(&order, bytes)).await {
            Ok(Ok(Some(outcome))) => outcome,
            // It died, or said nothing that can be read.
            Ok(Ok(None)) | Err(_) => {
                tracing::warn!(bytes = bytes.len(), "a file could not be read within its bounds");
                Err(ExtractError::TooHard)
            }
            Ok(Err(error)) => {
                tracing::error!(%error, program = %self.program.display(), "the reader of files does not start");
                Err(ExtractError::Unavailable)
            }
        }
    }

    /// Runs one child; an error means that it could not be started, `None` that it failed.
    async fn run(&self, order: &Order, bytes: &[u8]) -> io::Result<Option<Outcome>> {
        let mut child = Command::new(&self.program)
            .arg("extract")
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the child has no pipes"));
        };
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        let write = async {
            // A child that has died does not read; what it was is told by its output.
            if input.write_all(&line).await.is_ok() && input.write_all(bytes).await.is_ok() {
                let _ = input.shutdown().await;
            }
            drop(input);
        };
        // A character takes at most 6 bytes as JSON; hidden text is shortened.
        let most = order.limits.characters.saturating_mul(6).saturating_add(100_000);
        let mut answer = Vec::new();
        let mut output = output.take(most);
        let ((), read) = tokio::join!(write, output.read_to_end(&mut answer));
        drop(output);
        let outcome = read.ok().and_then(|_| serde_json::from_slice(&answer).ok());
        let ended =
            if outcome.is_some() { child.wait().await } else { child.kill().await.and(child.wait().await) };
        Ok(outcome.filter(|_| ended.is_ok_and(|status| status.success())))
    }
}

/// What the hidden subcommand `extract` does: reads an order and a file, writes the text or what is wrong with the file.
#[must_use]
pub fn child_main() -> ExitCode {
    // A panic is an answer (the file is damaged), not something to print.
    std::panic::set_hook(Box::new(|_| {}));
    match answer(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn answer(input: &mut impl BufRead, output: &mut impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    input.by_ref().take(1_000_000).read_until(b'\n', &mut line)?;
    let Order { name, media, limits, bounds } = serde_json::from_slice(&line)?;
    setrlimit(Resource::AS, bounds.memory, bounds.memory)?;
    setrlimit(Resource::CPU, bounds.seconds, bounds.seconds)?;
    setrlimit(Resource::FSIZE, 0, 0)?;
    setrlimit(Resource::CORE, 0, 0)?;
    let mut bytes = Vec::new();
    input.take(limits.bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    serde_json::to_writer(&mut *output, &extract(&name, media.as_deref(), &bytes, &limits))?;
    output.flush()
}
