//! What administrators do with the rules: look at them, put new ones in force, go back to an earlier version, and see
//! beforehand what that would change.

use super::{
    Decision, MOST_RULES, Replay, Rule, RuleError, RuleFault, RuleSet, RuleVersion, Tally, changes, decide,
    store, valid,
};
use crate::{
    engine::{Engine, EngineError},
    identity::{Act, Actor, IdentityError},
    queue,
    store::{DbError, JobId, first_id_at},
    submission::{self, TrackingId},
};
use chrono::TimeDelta;
use futures::{TryStreamExt as _, stream};
use std::{collections::HashMap, sync::Arc};

/// Longest time over which past decisions are replayed, in days.
pub const MOST_DAYS: i64 = 366;

/// Decisions that are read at once.
const PAGE: i64 = 4_000;

/// Something can't be done with the rules.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// Some rules can't be put in force.
    #[error("{}", .0.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; "))]
    Faults(Vec<RuleFault>),
    /// Someone else was quicker.
    #[error(
        "The rules were changed meanwhile: version {in_force} is in force, and this change was made to version \
         {based_on}. Look at the rules again and make your change anew."
    )]
    Changed {
        /// The version that was changed.
        based_on: i64,
        /// The version in force.
        in_force: i64,
    },
    /// There is no such version.
    #[error("There is no version {0} of the rules.")]
    NoVersion(i64),
    /// Too long or too short a time.
    #[error("Past decisions are replayed over 1 to {MOST_DAYS} days.")]
    Days,
    /// There is no such submission.
    #[error("There is no submission {0} that was routed.")]
    NoSubmission(String),
    /// The person may not do this.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Our fault.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<DbError> for RulesError {
    fn from(error: DbError) -> Self {
        Self::Engine(error.into())
    }
}

/// The rules in force, with what they did.
#[derive(Clone, Debug)]
pub struct RulesInForce {
    /// The version in force, its rules in the order in which they are asked.
    pub version: RuleVersion,
    /// Works of the last seven days by the rule that decided, by its name; none where nothing applied.
    pub decided: HashMap<Option<String>, i64>,
}

/// A version with what it changed.
#[derive(Clone, Debug)]
pub struct VersionSeen {
    /// The version.
    pub version: RuleVersion,
    /// What changed with it, a sentence for each change; none for the first.
    pub changes: Option<Vec<String>>,
}

/// What rules say of one submission.
#[derive(Clone, Debug)]
pub struct Tried {
    /// What was decided.
    pub was: Decision,
    /// What would be decided from the same facts.
    pub would_be: Decision,
    /// Each rule that is switched on, in order, with whether it applies or why it can't be asked.
    pub asked: Vec<(Rule, Result<bool, RuleError>)>,
}

impl Engine {
    /// The rules in force.
    ///
    /// # Errors
    /// If this person may not see them, or the database fails.
    pub async fn rules_in_force(&self, actor: &Actor) -> Result<RulesInForce, RulesError> {
        self.identity().check(actor, &Act::ManageRules).await?;
        let mut db = self.db();
        let mut version = self.last_rules().await?;
        version.rules.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        let from: JobId = first_id_at(self.now() - TimeDelta::days(7));
        let decided = queue::store::decided_by(&mut db, from).await?.into_iter().collect();
        Ok(RulesInForce { version, decided })
    }

    /// Versions of the rules up to this one, the newest first, with what changed.
    ///
    /// # Errors
    /// If this person may not see them, or the database fails.
    pub async fn rule_versions(
        &self,
        actor: &Actor,
        up_to: i64,
        most: usize,
    ) -> Result<Vec<VersionSeen>, RulesError> {
        self.identity().check(actor, &Act::ManageRules).await?;
        // One more, to be compared with.
        let rows = i64::try_from(most.saturating_add(1)).unwrap_or(i64::MAX);
        let versions = store::versions(&mut self.db(), up_to, rows).await?;
        let before = |at: usize| versions.get(at + 1).map(|before| before.rules.as_slice());
        let seen = versions.iter().enumerate().take(most).map(|(at, version)| VersionSeen {
            changes: before(at).map(|before| changes::changes(before, &version.rules)),
            version: version.clone(),
        });
        Ok(seen.collect())
    }

    /// Puts rules in force in place of those of a version; answers the number of the new one. Where nothing changes there
    /// is no new one.
    ///
    /// # Errors
    /// If the person may not, something is wrong with the rules, or another version is in force by now; then nothing was
    /// changed.
    pub async fn save_rules(
        &self,
        actor: &Actor,
        based_on: i64,
        rules: Vec<Rule>,
    ) -> Result<i64, RulesError> {
        let last = self.last_rules().await?;
        self.save_beside(actor, based_on, rules, &last.rules).await
    }

    /// The same for rules some of which are `there` already.
    async fn save_beside(
        &self,
        actor: &Actor,
        based_on: i64,
        rules: Vec<Rule>,
        there: &[Rule],
    ) -> Result<i64, RulesError> {
        self.identity().check(actor, &Act::ManageRules).await?;
        let rules = self.valid_rules(rules, there)?;
        let last = self.last_rules().await?;
        let changed = |in_force| RulesError::Changed { based_on, in_force };
        if last.version != based_on {
            return Err(changed(last.version));
        }
        if changes::changes(&last.rules, &rules).is_empty() && rules.len() == last.rules.len() {
            return Ok(based_on);
        }
        let by = actor.person().map(|person| person.id);
        match store::insert(&mut self.db(), self.world(), based_on + 1, &rules, by).await {
            Ok(()) => {}
            Err(error) if error.is_unique_violation() => return Err(changed(based_on + 1)),
            Err(error) => return Err(error.into()),
        }
        tracing::info!(version = based_on + 1, by = ?by, "new routing rules are in force");
        self.refresh_rules().await?;
        Ok(based_on + 1)
    }

    /// Puts the rules of an earlier version in force again, as a new version; answers its number.
    ///
    /// # Errors
    /// As for [`Engine::save_rules`], and if there is no such version.
    pub async fn restore_rules(&self, actor: &Actor, based_on: i64, version: i64) -> Result<i64, RulesError> {
        self.identity().check(actor, &Act::ManageRules).await?;
        let found = store::find(&mut self.db(), version).await?.ok_or(RulesError::NoVersion(version))?;
        let there = found.rules.clone();
        self.save_beside(actor, based_on, found.rules, &there).await
    }

    /// What these rules would have changed for the work handed in over so many days; with none, the rules in force.
    ///
    /// # Errors
    /// If the person may not, or something is wrong with the rules.
    pub async fn replay_rules(
        &self,
        actor: &Actor,
        rules: Option<Vec<Rule>>,
        days: i64,
    ) -> Result<Replay, RulesError> {
        self.identity().check(actor, &Act::ManageRules).await?;
        if !(1..=MOST_DAYS).contains(&days) {
            return Err(RulesError::Days);
        }
        let rules = match rules {
            Some(rules) => self.valid_rules(rules, &self.last_rules().await?.rules)?,
            None => self.last_rules().await?.rules,
        };
        let set = Arc::new(RuleSet::compile(0, rules).map_err(EngineError::from)?);
        let from: JobId = first_id_at(self.now() - TimeDelta::days(days));
        let engine = self.clone();
        let pages = stream::try_unfold(Some(from), move |from| {
            let mut db = engine.db();
            async move {
                let Some(from) = from else { return Ok(None) };
                let page = queue::store::first_decisions(&mut db, from, PAGE).await?;
                let full = i64::try_from(page.len()).unwrap_or(0) == PAGE;
                // The next one begins after the last of this one.
                let next = page
                    .last()
                    .filter(|_| full)
                    .map(|(id, _)| JobId(uuid::Uuid::from_u128(id.0.as_u128() + 1)));
                Ok::<_, EngineError>((!page.is_empty()).then_some((page, next)))
            }
        });
        let lanes = self.settings().lanes;
        // Reading a decision and asking the rules takes longer than fetching it: two pages at a time.
        let tallies = pages.map_ok(|page| {
            let set = set.clone();
            let work = move || {
                let mut tally = Tally::default();
                for (job, decision) in page {
                    tally.add(&set, job, &decision, |lane| i64::from(lanes.of(lane).gather_seconds));
                }
                tally
            };
            async move {
                let tally = tokio::task::spawn_blocking(work).await;
                tally.map_err(|error| EngineError::Busy(format!("the replay broke off: {error}")))
            }
        });
        let tally = tallies
            .try_buffered(2)
            .try_fold(Tally::default(), async |mut all, tally| {
                all.join(tally);
                Ok(all)
            })
            .await?;
        Ok(tally.outcome())
    }

    /// The tracking ids of jobs, such as those that a replay names.
    ///
    /// # Errors
    /// If this person may not see them, or the database fails.
    pub async fn tracking_ids(
        &self,
        actor: &Actor,
        jobs: &[JobId],
    ) -> Result<HashMap<JobId, TrackingId>, RulesError> {
        self.identity().check(actor, &Act::ManageRules).await?;
        Ok(queue::store::tracking_ids(&mut self.db(), jobs).await?)
    }

    /// What these rules say of one submission, from the facts that its decision saw.
    ///
    /// # Errors
    /// If the person may not, something is wrong with the rules, or there is no such submission.
    pub async fn try_rules(
        &self,
        actor: &Actor,
        rules: Vec<Rule>,
        tracking_id: &TrackingId,
    ) -> Result<Tried, RulesError> {
        self.identity().check(actor, &Act::ManageRules).await?;
        let rules = self.valid_rules(rules, &self.last_rules().await?.rules)?;
        let set = RuleSet::compile(0, rules).map_err(EngineError::from)?;
        let mut db = self.db();
        let none = || RulesError::NoSubmission(tracking_id.to_string());
        let submission = submission::store::find_tracked(&mut db, tracking_id).await?.ok_or_else(none)?;
        let (_, was, _) = queue::store::of_submission(&mut db, submission.id).await?.ok_or_else(none)?;
        let would_be = decide(&set, was.facts.clone()).map_err(|_| none())?;
        let asked = set.each(&was.facts);
        Ok(Tried { was, would_be, asked })
    }

    /// Rules with nothing wrong, and without white space around what was typed; some may be `there` already.
    fn valid_rules(&self, mut rules: Vec<Rule>, there: &[Rule]) -> Result<Vec<Rule>, RulesError> {
        for rule in rules.iter_mut().take(MOST_RULES) {
            for text in [&mut rule.name, &mut rule.title, &mut rule.condition] {
                *text = text.trim().to_owned();
            }
        }
        valid::validate(&rules, there, &self.models_by_provider()).map_err(RulesError::Faults)?;
        Ok(rules)
    }

    async fn last_rules(&self) -> Result<RuleVersion, RulesError> {
        let last = store::last(&mut self.db()).await?;
        let missing =
            || EngineError::Missing { what: "the version of the rules in force", id: String::new() };
        Ok(last.ok_or_else(missing)?)
    }
}

#[cfg(test)]
mod tests;
