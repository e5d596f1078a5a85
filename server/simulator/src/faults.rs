//! The faults that can be simulated: by chance, or scripted for the next so many occasions.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One HTTP call, of any kind.
    Call,
    /// The download of a batch's results.
    Download,
    /// A whole batch, drawn when it is made.
    Batch,
    /// One request, in a batch or in real time.
    Request,
    /// One line of a batch's results.
    Line,
}

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal in $scope:ident;)+) => {
        /// A fault that can be simulated. The name in JSON and flags is the variant's in snake case.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Fault { $($(#[doc = $doc])+ $variant,)+ }

        impl Fault {
            /// Every fault, calls first.
            pub const ALL: &'static [Fault] = &[$(Fault::$variant,)+];

            /// The name in JSON and flags.
            pub fn as_str(self) -> &'static str {
                match self { $(Fault::$variant => $name,)+ }
            }

            /// Where it strikes.
            pub fn scope(self) -> Scope {
                match self { $(Fault::$variant => Scope::$scope,)+ }
            }
        }
    };
}

faults! {
    /// 429 with `retry-after`; nothing is done.
    RateLimit = "rate_limit" in Call;
    /// 429 `insufficient_quota` (OpenAI), 402 `billing_error` (Anthropic) or 429 with the quota of a day (Gemini): money,
    /// not speed.
    QuotaExhausted = "quota_exhausted" in Call;
    /// 503 (OpenAI, Gemini) or 529 (Anthropic).
    Overloaded = "overloaded" in Call;
    /// 500.
    ServerError = "server_error" in Call;
    /// 401 (Gemini: 400 with the reason `API_KEY_INVALID`), as if the key had been revoked.
    Unauthorized = "unauthorized" in Call;
    /// No answer for `stall_seconds`, then the connection is closed; nothing is done.
    Stall = "stall" in Call;
    /// The call is carried out, then no answer for `stall_seconds`, then the connection is closed.
    StallAfter = "stall_after" in Call;
    /// The connection is closed before anything is done.
    DropBefore = "drop_before" in Call;
    /// The call is carried out, then the connection is closed without an answer.
    DropAfter = "drop_after" in Call;
    /// 200 with a web page in place of JSON; nothing is done.
    Html = "html" in Call;
    /// The call is carried out, but its JSON answer ends in the middle.
    MalformedReply = "malformed_reply" in Call;
    /// The connection is closed at a random byte of the results.
    CutDownload = "cut_download" in Download;
    /// The batch fails in validation because of one line that in truth is fine.
    BadLine = "bad_line" in Batch;
    /// The batch fails with `token_limit_exceeded` (Anthropic, Gemini: creation is refused with 429).
    TokenLimit = "token_limit" in Batch;
    /// The batch expires with part of its requests done.
    BatchExpired = "batch_expired" in Batch;
    /// The batch is cancelled by the provider with part of its requests done.
    BatchCancelled = "batch_cancelled" in Batch;
    /// The batch makes no progress until it expires.
    BatchStuck = "batch_stuck" in Batch;
    /// All requests are done, but the batch takes `long_finalizing_seconds` more.
    LongFinalizing = "long_finalizing" in Batch;
    /// Absent file ids are shown as empty strings (OpenAI, Gemini).
    EmptyFileIds = "empty_file_ids" in Batch;
    /// The results can't be read (404) for `late_file_seconds` after the batch says that they are there.
    LateFile = "late_file" in Batch;
    /// A request is refused with a 4xx in its line.
    ErroredLine = "errored_line" in Line;
    /// A request fails with `request_timeout` (OpenAI), `timeout_error` (Anthropic) or code 4 (Gemini) in its line.
    LineTimeout = "line_timeout" in Line;
    /// A line that says status 0 and holds no body (OpenAI; at Anthropic an `api_error`, at Gemini code 13).
    StatusZero = "status_zero" in Line;
    /// An answered request has no line.
    MissingLine = "missing_line" in Line;
    /// A line that isn't JSON.
    MalformedLine = "malformed_line" in Line;
    /// A line that comes twice.
    DuplicateLine = "duplicate_line" in Line;
    /// An additional line whose custom id was never sent.
    UnknownId = "unknown_id" in Line;
    /// An answer with a value that isn't among those the schema lists.
    WrongLevel = "wrong_level" in Request;
    /// An answer without a field that the schema requires.
    MissingField = "missing_field" in Request;
    /// Prose where the schema asks for JSON.
    NotJson = "not_json" in Request;
    /// The model declines to answer (Gemini: the prompt is blocked).
    Refusal = "refusal" in Request;
    /// The answer ends in the middle, as at the limit of output tokens.
    Truncated = "truncated" in Request;
    /// The answer is held back by a content filter (Anthropic: a refusal).
    ContentFilter = "content_filter" in Request;
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|fault| fault.as_str() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|fault| fault.as_str()).collect();
            format!("unknown fault {name:?}; the known ones are {}", known.join(", "))
        })
    }
}

/// Probabilities by fault; one that isn't listed never strikes by chance.
pub type Chances = BTreeMap<Fault, f64>;

/// A `NAME=PROBABILITY` pair of the command line.
pub(crate) fn parse_chance(text: &str) -> Result<(Fault, f64), String> {
    let (name, chance) = text.split_once('=').ok_or("write NAME=PROBABILITY, for example rate_limit=0.05")?;
    let fault = name.trim().parse()?;
    let chance: f64 = chance.trim().parse().map_err(|_| format!("{chance:?} is not a number"))?;
    if !(0.0..=1.0).contains(&chance) {
        return Err(format!("the probability of {fault} must lie between 0 and 1, not {chance}"));
    }
    Ok((fault, chance))
}

/// A scripted fault: it strikes the next `times` occasions that match, whatever its probability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scripted {
    /// What happens.
    pub fault: Fault,
    /// For faults of calls and downloads: the kind of call (see [`CALLS`]), or a beginning of it that ends
    /// at a dot, such as `openai.batches`. For all others: the provider. Nothing matches everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// How many matching occasions pass unharmed first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skip: u32,
    /// How many occasions it strikes.
    #[serde(default = "one")]
    pub times: u32,
}

fn one() -> u32 {
    1
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// The kinds of call, as scripted faults and logs name them.
pub const CALLS: &[&str] = &[
    "openai.files.create",
    "openai.files.get",
    "openai.files.list",
    "openai.files.content",
    "openai.files.delete",
    "openai.batches.create",
    "openai.batches.get",
    "openai.batches.list",
    "openai.batches.cancel",
    "openai.chat",
    "openai.responses",
    "openai.models",
    "anthropic.messages",
    "anthropic.count_tokens",
    "anthropic.batches.create",
    "anthropic.batches.get",
    "anthropic.batches.list",
    "anthropic.batches.cancel",
    "anthropic.batches.delete",
    "anthropic.batches.results",
    "anthropic.models",
    "gemini.files.begin",
    "gemini.files.create",
    "gemini.files.get",
    "gemini.files.list",
    "gemini.files.download",
    "gemini.files.delete",
    "gemini.batches.create",
    "gemini.batches.get",
    "gemini.batches.list",
    "gemini.batches.cancel",
    "gemini.batches.delete",
    "gemini.generate",
    "gemini.models",
];

/// Whether a call (or provider) falls under a pattern of [`Scripted::call`].
pub(crate) fn matches(pattern: Option<&str>, call: &str) -> bool {
    match pattern {
        None => true,
        Some(pattern) => {
            call.strip_prefix(pattern).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        }
    }
}

impl Scripted {
    /// What is wrong with it, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.times == 0 {
            return Err("times must be at least 1".into());
        }
        let Some(call) = &self.call else { return Ok(()) };
        let wide = matches!(self.fault.scope(), Scope::Call | Scope::Download);
        let known = if wide {
            CALLS.iter().any(|kind| matches(Some(call), kind))
        } else {
            ["openai", "anthropic", "gemini"].contains(&call.as_str())
        };
        match (known, wide) {
            (true, _) => Ok(()),
            (false, true) => Err(format!("unknown call {call:?}; the known ones are {}", CALLS.join(", "))),
            (false, false) => Err(format!(
                "{} strikes no single call, so call names a provider (openai, anthropic or gemini), not {call:?}",
                self.fault
            )),
        }
    }
}

/// Takes one occasion for a fault off the script. Answers whether the fault strikes.
pub(crate) fn take(script: &mut Vec<Scripted>, fault: Fault, occasion: &str) -> bool {
    let Some(at) = script.iter().position(|s| s.fault == fault && matches(s.call.as_deref(), occasion))
    else {
        return false;
    };
    let entry = &mut script[at];
    if entry.skip > 0 {
        entry.skip -= 1;
        return false;
    }
    entry.times -= 1;
    if entry.times == 0 {
        script.remove(at);
    }
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_those_of_json() {
        for fault in Fault::ALL {
            assert_eq!(serde_json::to_value(fault).unwrap(), fault.as_str());
            assert_eq!(fault.as_str().parse::<Fault>().unwrap(), *fault);
        }
        assert!("rate-limit".parse::<Fault>().unwrap_err().contains("rate_limit"));
    }

    #[test]
    fn chances_are_checked() {
        assert_eq!(parse_chance("rate_limit=0.25"), Ok((Fault::RateLimit, 0.25)));
        for bad in ["rate_limit", "rate_limit=2", "rate_limit=x", "nothing=0.1", "rate_limit=NaN"] {
            assert!(parse_chance(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_script_strikes_matching_occasions_and_is_used_up() {
        let mut script = vec![Scripted {
            fault: Fault::DropAfter,
            call: Some("openai.batches".into()),
            skip: 1,
            times: 2,
        }];
        let mut strike = |call| take(&mut script, Fault::DropAfter, call);
        assert!(!strike("openai.files.create"));
        assert!(!strike("openai.batches.create"), "the first is skipped");
        assert!(strike("openai.batches.create") && strike("openai.batches.get"));
        assert!(!strike("openai.batches.create"), "used up");
        assert!(script.is_empty());
    }

    #[test]
    fn scripts_name_known_calls() {
        let script = |fault, call: &str| Scripted { fault, call: Some(call.into()), skip: 0, times: 1 };
        assert!(script(Fault::Stall, "anthropic").check().is_ok());
        assert!(script(Fault::Stall, "openai.batch").check().is_err());
        assert!(script(Fault::Refusal, "openai").check().is_ok());
        assert!(script(Fault::Refusal, "gemini").check().is_ok());
        assert!(script(Fault::DropAfter, "gemini.batches").check().is_ok());
        assert!(script(Fault::Refusal, "openai.chat").check().is_err());
    }
}
