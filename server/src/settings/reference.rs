//! The reference table of all settings, as it stands in `docs/operations.md`.

use super::Settings;
use serde_json::Value;
use std::fmt::Write;

/// What each setting means, in the order of the table.
const MEANINGS: &[(&str, &str)] = &[
    ("database", "Where everything is kept: `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`."),
    ("listen", "Address and port to listen on."),
    (
        "public_url",
        "Address under which people reach this Quire, without a path. With `https` cookies are sent over encrypted connections only. Unset: `http://` and the address listened on.",
    ),
    ("data_dir", "Folder for the master key and other files of Quire's own."),
    (
        "master_key_file",
        "File with the key that seals providers' keys; made with mode 0600 when missing. Unset: `master.key` in `data_dir`. Keep a copy apart from the database's.",
    ),
    (
        "time_zone",
        "Time zone of the institution: of months in budgets, of schedules, of pages before signing in.",
    ),
    (
        "trusted_proxies",
        "Proxies, as networks or addresses, whose `X-Forwarded-For` is believed when sign-ins are counted by network.",
    ),
    ("smtp.host", "Name of the mail server. Unset: no e-mail is sent."),
    ("smtp.port", "Its port. Unset: 465, 587 or 25, by `smtp.security`."),
    (
        "smtp.security",
        "`tls` (encrypted from the start), `starttls` (must turn to encryption) or `none` (in clear: for a server on the same machine only).",
    ),
    ("smtp.user", "Name to sign in with. Unset: without signing in."),
    ("smtp.password", "Password to sign in with."),
    ("smtp.password_file", "File that holds the password, instead of `smtp.password`."),
    ("smtp.from", "Address from which Quire writes."),
    (
        "bill_webhook.url",
        "Address to which the bill of each month is posted once it has ended. Unset: bills are not posted. It must be `https`, or lead to this machine.",
    ),
    ("bill_webhook.secret", "Secret by which they are signed: `whsec_` and then 24 to 64 bytes in base64."),
    ("bill_webhook.secret_file", "File that holds the secret, instead of `bill_webhook.secret`."),
    ("bill_webhook.previous_secret", "The secret before it, which signs as well while secrets are changed."),
    (
        "bill_webhook.previous_secret_file",
        "File that holds the secret before it, instead of `bill_webhook.previous_secret`.",
    ),
    (
        "bill_webhook.allow",
        "Origins, such as `https://10.0.0.5:8443`, that may lead into networks that are not public.",
    ),
    (
        "lanes.urgent.attempts",
        "Answers asked for before an urgent job goes to the dead letters; answers that can't be used count.",
    ),
    ("lanes.urgent.gather_seconds", "Seconds that an urgent job gathers company before it may be sent."),
    ("lanes.urgent.backoff_seconds", "Seconds before the second attempt, doubled for each one after."),
    ("lanes.standard.attempts", "The same for the standard lane."),
    ("lanes.standard.gather_seconds", ""),
    ("lanes.standard.backoff_seconds", ""),
    ("lanes.economy.attempts", "The same for the economy lane."),
    ("lanes.economy.gather_seconds", ""),
    ("lanes.economy.backoff_seconds", ""),
    (
        "retry.rate_limit.attempts",
        "Calls in all after too many requests, the first included. The provider's `retry-after` wins over the waits.",
    ),
    ("retry.rate_limit.first_seconds", "Seconds before the second call."),
    ("retry.rate_limit.most_seconds", "The wait is never longer."),
    (
        "retry.rate_limit.exponential",
        "`true`: the wait doubles each time; `false`: it grows by the first wait.",
    ),
    ("retry.time_out.attempts", "The same after time-outs and lost connections."),
    ("retry.time_out.first_seconds", ""),
    ("retry.time_out.most_seconds", ""),
    ("retry.time_out.exponential", ""),
    ("retry.token_limit.attempts", "The same after too many tokens: the batch is split."),
    ("retry.token_limit.first_seconds", ""),
    ("retry.token_limit.most_seconds", ""),
    ("retry.token_limit.exponential", ""),
    (
        "retry.provider.attempts",
        "The same after failures of the provider: the next in the fallback chain is asked.",
    ),
    ("retry.provider.first_seconds", ""),
    ("retry.provider.most_seconds", ""),
    ("retry.provider.exponential", ""),
    (
        "retry.blocked_seconds",
        "Seconds between two tries while a provider refuses the key or the account has no money; nothing is given up.",
    ),
    (
        "retry.queue_full_seconds",
        "Seconds to wait where a provider holds as many batches or tokens as it allows and names no time.",
    ),
    (
        "retry.insist_seconds",
        "Most seconds between two tries of what is never given up: fetching the answers of a batch, or reaching a provider that can't be reached.",
    ),
    (
        "retry.recovery.attempts",
        "Times that a dead letter which another try may mend is tried again by itself, 3 at most; `0`: a person is asked at once.",
    ),
    ("retry.recovery.first_seconds", "Seconds after its first death until it is."),
    ("retry.recovery.second_seconds", "The same after its second death."),
    ("retry.recovery.third_seconds", "The same after its third; then a person is asked."),
    (
        "breaker.failures_in_a_row",
        "Failures of a provider in a row (no answer, an error of its own, a reply that makes no sense) after which nothing more is sent to it for now.",
    ),
    (
        "breaker.failures_percent",
        "The same once this share of the exchanges of the last `breaker.window_seconds` failed, in percent.",
    ),
    ("breaker.least_exchanges", "Fewest exchanges for which that share counts."),
    ("breaker.window_seconds", ""),
    (
        "breaker.first_pause_seconds",
        "Seconds until a paused provider is tried again, by one request; doubled each time that fails.",
    ),
    ("breaker.most_pause_seconds", "The pause is never longer."),
    (
        "breaker.redecide_seconds",
        "Seconds of an outage after which work that waits for the provider is decided again.",
    ),
    ("breaker.notice_seconds", "Seconds of an outage after which administrators are told."),
    (
        "queue.peak_from",
        "First hour of the day that counts as peak, on working days in the institution's time zone.",
    ),
    ("queue.peak_to", "The hour at which the peak is over."),
    (
        "queue.lease_seconds",
        "Seconds without a sign of life after which a process is taken to have ended and its work is taken over.",
    ),
    (
        "queue.turnaround_prior.p50",
        "Seconds within which half of all batches come back, until enough were measured.",
    ),
    ("queue.turnaround_prior.p90", "Seconds within which nine of ten do."),
    (
        "queue.most_kills",
        "Times that a process may end while at work on a job before the job goes to the dead letters.",
    ),
    ("queue.ingest_chunk", "Results taken in within one transaction."),
    (
        "batching.cost_weight",
        "How much a share of cost counts, in hundredths, where batches are put together and sized. With the weights as they are, 1 % more cost is as bad as 2 % longer waiting or 4 % more risk.",
    ),
    ("batching.waiting_weight", "The same for the time until marks are back."),
    (
        "batching.risk_weight",
        "The same for the risk: work lost if one batch fails, nearness to limits, promised times that may be missed.",
    ),
    (
        "batching.cache_hits",
        "Of 100 requests that could read their rubric from the provider's cache, so many are expected to.",
    ),
    (
        "batching.split_delay_seconds",
        "Seconds between the parts of a batch that was split since its provider takes none so large.",
    ),
    (
        "answers.reuse",
        "`true`: work that was marked before, word for word, by the same rubric, prompt and model is given the same marks and not paid for again; `false`: each piece of work is asked for.",
    ),
    ("uploads.bytes", "Most bytes of an uploaded file."),
    ("uploads.characters", "Most characters of the work's text."),
    ("uploads.pages", "Most pages of a PDF."),
    ("uploads.unpacked_bytes", "Most bytes that a docx may unpack to."),
    ("uploads.entries", "Most files inside a docx."),
    ("uploads.ratio", "How many times its own size a docx may unpack to."),
    ("extraction.memory", "Most bytes of memory that reading one file may take, in a process of its own."),
    ("extraction.seconds", "Most seconds that it may take."),
    ("extraction.at_once", "Files read at the same time; more wait."),
    ("sessions.idle", "A session ends after this long without a visit."),
    ("sessions.absolute", "A session ends this long after signing in, whatever happens."),
    (
        "sessions.attempts",
        "Failed sign-ins for one account from one network in 15 minutes before it must wait.",
    ),
    ("http.request_timeout", "A request that is not answered by then is given up."),
    ("http.max_connections", "Open connections at once; more wait to be accepted."),
    ("http.streams_per_person", "Live streams that one person may have open at once."),
    ("http.shutdown_grace", "Time that open requests have to end when the program is stopped."),
    ("log.format", "`text` for people, `json` for one JSON object per line."),
    (
        "log.level",
        "Least important level that is written (`error`, `warn`, `info`, `debug`, `trace`), or filters by module such as `info,sqlx=warn`.",
    ),
];

/// The table in Markdown.
#[must_use]
pub fn table() -> String {
    let defaults = defaults();
    let mut out = String::from("| key | default | meaning |\n| --- | --- | --- |\n");
    for (key, meaning) in MEANINGS {
        let default = defaults.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value);
        let shown = if default.is_empty() { String::new() } else { format!("`{default}`") };
        let _ = writeln!(out, "| `{key}` | {shown} | {meaning} |");
    }
    out
}

/// All keys, dotted, with their defaults as they would be written.
fn defaults() -> Vec<(String, String)> {
    fn walk(path: &str, value: &Value, out: &mut Vec<(String, String)>) {
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    walk(&path, value, out);
                }
            }
            Value::Null => out.push((path.to_owned(), String::new())),
            Value::String(text) => out.push((path.to_owned(), text.clone())),
            other => out.push((path.to_owned(), other.to_string())),
        }
    }
    let mut out = Vec::new();
    if let Ok(value) = serde_json::to_value(Settings::default()) {
        walk("", &value, &mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_setting_is_explained() {
        let mut known: Vec<_> = defaults().into_iter().map(|(key, _)| key).collect();
        let mut explained: Vec<_> = MEANINGS.iter().map(|(key, _)| (*key).to_owned()).collect();
        known.sort();
        explained.sort();
        assert_eq!(known, explained);
    }

    /// With `UPDATE_DOCS=1` it writes the table instead.
    #[test]
    fn the_manual_holds_this_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md");
        let (begin, end) = ("<!-- settings: begin -->\n", "<!-- settings: end -->");
        let text = std::fs::read_to_string(path).unwrap();
        let (before, rest) = text.split_once(begin).expect("docs/operations.md marks where the table begins");
        let (found, after) = rest.split_once(end).expect("docs/operations.md marks where the table ends");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, format!("{before}{begin}{}{end}{after}", table())).unwrap();
        } else {
            assert_eq!(found, table(), "run the test with UPDATE_DOCS=1 to bring the table up to date");
        }
    }
}
