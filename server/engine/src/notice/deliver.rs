//! Emptying the outbox of e-mails.
//!
//! A message is claimed for a while, sent, and noted as sent; a process that ends in between leaves a claim that runs
//! out, and the message is sent again under the same Message-ID. So each is sent at least once, and twice only where a
//! process ended between the server's acceptance and the note of it.

use super::{
    Kind, Mailer,
    letter::{self, Setting},
    store::{self, About, Claim, Facts, Reader},
};
use crate::{
    engine::{Engine, EngineError},
    identity::Institution,
    jobs::Verdict,
    recovery,
    store::NoticeId,
};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt as _, stream};
use std::collections::HashMap;

/// Messages claimed at once, and all sent at the same time. Each is given up after 30 s, well before the lease ends; and
/// what a process that was killed had claimed waits no longer than the lease.
const AT_ONCE: usize = 4;
const CLAIMED: i64 = 4;
const LEASE: TimeDelta = TimeDelta::seconds(45);

/// Waits after the first, second, … failure; after the last there is no more.
const WAITS: [TimeDelta; 4] =
    [TimeDelta::minutes(1), TimeDelta::minutes(5), TimeDelta::minutes(30), TimeDelta::hours(2)];

/// Rounds of one task, so that others get their turn.
const ROUNDS: usize = 64;

/// What came of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Messages sent.
    pub sent: usize,
    /// Messages that will be tried again.
    pub later: usize,
    /// Messages given up.
    pub failed: usize,
    /// When the next is due; none: the outbox is empty.
    pub next: Option<DateTime<Utc>>,
}

enum Outcome {
    Sent,
    Later,
    Failed,
    /// There was nothing to tell any more.
    Void,
}

/// What a message tells.
enum Told {
    /// Of one submission.
    Submission(Box<Facts>),
    /// The summary of what needs a person.
    Summary(Reader),
}

impl Engine {
    /// Sends what is due, and says whether there is more.
    pub(crate) async fn deliver_notices(&self) -> Result<Verdict, EngineError> {
        for _ in 0..ROUNDS {
            let delivered = self.deliver_due(CLAIMED).await?;
            if delivered.next.is_none_or(|next| next > self.now()) {
                // What is due later is noticed when it is.
                return Ok(Verdict::Done);
            }
        }
        Ok(Verdict::LookAgain(self.now()))
    }

    /// Sends at most so many messages that are due.
    ///
    /// # Errors
    /// If the database fails. A message that can't be sent is no error.
    pub async fn deliver_due(&self, most: i64) -> Result<Delivered, EngineError> {
        let mut db = self.db();
        let now = self.now();
        let mut delivered = Delivered { next: store::next_due(&mut db).await?, ..Delivered::default() };
        // Most looks find nothing due: they cost no write.
        if delivered.next.is_none_or(|next| next > now) {
            return Ok(delivered);
        }
        let mailer = self.mailer();
        if !mailer.is_on() {
            let failed = store::give_up_due(&mut db, now, "no mail server is set up (smtp.host)").await?;
            delivered.failed = usize::try_from(failed).unwrap_or(usize::MAX);
            delivered.next = store::next_due(&mut db).await?;
            return Ok(delivered);
        }
        let mut tx = db.begin().await?;
        let claims = store::claim(&mut tx, now, now + LEASE, most.clamp(1, CLAIMED)).await?;
        tx.commit().await?;
        let ids: Vec<NoticeId> = claims.iter().map(|claim| claim.id).collect();
        let mut facts: HashMap<NoticeId, Told> = store::facts(&mut db, &ids)
            .await?
            .into_iter()
            .map(|facts| (facts.id, Told::Submission(Box::new(facts))))
            .collect();
        if facts.len() < ids.len() {
            let readers = store::readers(&mut db, &ids).await?;
            facts.extend(readers.into_iter().map(|reader| (reader.id, Told::Summary(reader))));
        }
        let institution = Institution::load(&mut db).await?;
        let work = claims.into_iter().map(|claim| (claim, facts.remove(&claim.id)));
        let mut outcomes = stream::iter(work)
            .map(|(claim, facts)| self.deliver_one(mailer, &institution, claim, facts))
            .buffer_unordered(AT_ONCE);
        while let Some(outcome) = outcomes.next().await {
            match outcome? {
                Outcome::Sent => delivered.sent += 1,
                Outcome::Later => delivered.later += 1,
                Outcome::Failed => delivered.failed += 1,
                Outcome::Void => {}
            }
        }
        drop(outcomes);
        delivered.next = store::next_due(&mut db).await?;
        Ok(delivered)
    }

    async fn deliver_one(
        &self,
        mailer: &Mailer,
        institution: &Institution,
        claim: Claim,
        told: Option<Told>,
    ) -> Result<Outcome, EngineError> {
        let mut db = self.db();
        let Some(told) = told else {
            return self.give_up(&claim, "what it is about is gone").await;
        };
        let closed = match &told {
            Told::Submission(facts) => facts.disabled_at,
            Told::Summary(reader) => reader.disabled_at,
        };
        if closed.is_some() {
            return self.give_up(&claim, "the reader's account is closed").await;
        }
        let estimate = match &told {
            Told::Submission(facts) => match (facts.kind, &facts.about) {
                (Kind::Received | Kind::Processing, About::Submission { id, .. }) => {
                    self.receipt(*id, true).await?.estimate.map(|e| (e.from, e.to))
                }
                _ => None,
            },
            Told::Summary(_) => None,
        };
        let setting = Setting {
            institution: &institution.name,
            public_url: self.settings().public_url.trim_end_matches('/'),
            estimate,
            now: self.now(),
        };
        let written = match &told {
            Told::Submission(facts) => letter::write(facts, &setting),
            Told::Summary(reader) => {
                let open = recovery::store::open_by_cause(&mut db).await?;
                if open.is_empty() {
                    // All was seen to meanwhile.
                    store::withdraw(&mut db, &claim).await?;
                    return Ok(Outcome::Void);
                }
                let open: Vec<(&str, i64)> =
                    open.iter().map(|(cause, number)| (cause.title(), *number)).collect();
                letter::summary(reader, &open, &setting)
            }
        };
        let letter = match written {
            Ok(letter) => letter,
            Err(error) => return self.give_up(&claim, &format!("its template: {error}")).await,
        };
        // After a long stop of this process someone else may have sent it.
        if self.now() >= claim.until {
            return Ok(Outcome::Later);
        }
        match mailer.send(&letter).await {
            Ok(()) => {
                if !store::set_sent(&mut db, &claim, self.now()).await? {
                    tracing::warn!(notice.id = %claim.id, "an e-mail took longer than its lease and may be sent twice");
                }
                Ok(Outcome::Sent)
            }
            Err(error) => {
                let wait = usize::try_from(claim.attempts - 1).ok().and_then(|n| WAITS.get(n));
                match wait {
                    Some(wait) if !error.permanent => {
                        tracing::warn!(notice.id = %claim.id, attempt = claim.attempts, %error, "an e-mail was not sent; it is tried again");
                        let again = self.now() + jittered(*wait, self.world().fraction());
                        store::set_unsent(&mut db, &claim, &error.reason, Some(again)).await?;
                        Ok(Outcome::Later)
                    }
                    _ => self.give_up(&claim, &error.reason).await,
                }
            }
        }
    }

    async fn give_up(&self, claim: &Claim, why: &str) -> Result<Outcome, EngineError> {
        tracing::error!(notice.id = %claim.id, attempts = claim.attempts, why, "an e-mail is given up");
        store::set_unsent(&mut self.db(), claim, why, None).await?;
        Ok(Outcome::Failed)
    }
}

/// A wait lengthened by up to a fifth, so that many failures at once are not tried again at once.
fn jittered(wait: TimeDelta, fraction: f64) -> TimeDelta {
    #[expect(clippy::cast_possible_truncation, reason = "a fraction of a few thousand seconds")]
    let more = (fraction * 200.0) as i32;
    wait + wait * more / 1000
}
