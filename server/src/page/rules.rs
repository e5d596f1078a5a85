//! Pages of routing rules: the order, one rule with what it would change, and the versions.

use super::{
    Pages,
    common::{AsPageError, count, failed, lane, money, route},
};
use quire_app::{
    data::{FieldError, PageError, PageResult, RefusedForm},
    view, words,
};
use quire_engine::{
    identity::Actor,
    queue::Lane,
    routing::{self, Action, Holds, Replay, Rule, RulesError, Way, in_order},
};
use std::time::Instant;

/// Changes that a page names.
const NAMED: usize = 50;

/// Versions on a page.
const VERSIONS: usize = 20;

/// Days that a replay covers unless something else is asked for.
const DAYS: &str = "30";

impl AsPageError for RulesError {
    fn page_error(&self) -> PageError {
        match self {
            Self::Identity(error) => error.page_error(),
            Self::Engine(error) => error.page_error(),
            Self::NoVersion(_) | Self::NoSubmission(_) => PageError::NotFound,
            Self::Faults(_) | Self::Changed { .. } | Self::Days => {
                PageError::Invalid { message: self.to_string() }
            }
        }
    }
}

/// The name of a way in forms, as in the API.
const fn way_name(way: Way) -> &'static str {
    match way {
        Way::Realtime => "realtime",
        Way::Batch => "batch",
        Way::PreferBatch => "prefer_batch",
        Way::BatchUnlessUrgent => "batch_unless_urgent",
    }
}

const fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::Urgent => "urgent",
        Lane::Standard => "standard",
        Lane::Economy => "economy",
    }
}

/// What the form of a rule holds.
pub(crate) fn draft(form: &RefusedForm) -> view::RuleDraft {
    let of = |field: &str| form.value(field).unwrap_or_default().trim().to_owned();
    view::RuleDraft {
        name: String::new(),
        title: of("title"),
        condition: of("condition"),
        way: of("way"),
        lane: of("lane"),
        provider: of("provider"),
        model: of("model"),
        hold: form.value("hold").is_some(),
        enabled: form.value("enabled").is_some(),
        tracking_id: of("tracking_id"),
        days: of("days"),
    }
}

/// The rules with one of them as it was typed, or with one more; and the place of that one.
pub(crate) fn with_draft(
    mut rules: Vec<Rule>,
    name: Option<&str>,
    draft: &view::RuleDraft,
) -> Result<(Vec<Rule>, usize), Vec<FieldError>> {
    let error =
        |field: &str, message: &str| FieldError { field: field.to_owned(), message: message.to_owned() };
    let way = [Way::Realtime, Way::Batch, Way::PreferBatch, Way::BatchUnlessUrgent]
        .into_iter()
        .find(|way| way_name(*way) == draft.way);
    let lane =
        [Lane::Urgent, Lane::Standard, Lane::Economy].into_iter().find(|lane| lane_name(*lane) == draft.lane);
    let Some(way) = way else {
        return Err(vec![error("way", "Choose what is to be done.")]);
    };
    if lane.is_none() && !draft.lane.is_empty() {
        return Err(vec![error("lane", "Choose a lane from the list.")]);
    }
    let named = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let action =
        Action { way, lane, provider: named(&draft.provider), model: named(&draft.model), hold: draft.hold };
    let (title, condition, enabled) = (draft.title.clone(), draft.condition.clone(), draft.enabled);
    if let Some(name) = name {
        let Some(place) = rules.iter().position(|rule| rule.name == name) else {
            return Err(vec![error(
                "title",
                "This rule was removed meanwhile. Go back to the rules and add it anew.",
            )]);
        };
        let rule = &mut rules[place];
        *rule = Rule { title, condition, action, enabled, ..rule.clone() };
        return Ok((rules, place));
    }
    let priority = rules.iter().map(|rule| rule.priority).max().map_or(1, |last| last.saturating_add(1));
    let name = new_name(&title, &rules);
    rules.push(Rule { name, title, condition, action, priority, enabled });
    let place = rules.len() - 1;
    Ok((rules, place))
}

/// A name for a new rule, made from what people call it.
fn new_name(title: &str, rules: &[Rule]) -> String {
    let plain: String = title
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '_' })
        .take(50)
        .collect();
    let plain = plain.split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
    let plain = if plain.is_empty() { "rule".to_owned() } else { plain };
    let taken = |name: &str| rules.iter().any(|rule| rule.name == name);
    if !taken(&plain) {
        return plain;
    }
    (2..).map(|n| format!("{plain}_{n}")).find(|name| !taken(name)).unwrap_or(plain)
}

/// What is wrong with a rule that was typed, by the fields of its form; faults of other rules are told as a whole.
pub(crate) fn field_errors(error: &RulesError, place: usize) -> Option<Vec<FieldError>> {
    let at =
        |field: &str, message: &str| FieldError { field: field.to_owned(), message: words::capital(message) };
    match error {
        RulesError::Faults(faults) => {
            let of = |fault: &routing::RuleFault| match fault.field {
                field if fault.rule == place => at(field.trim_start_matches("action."), &fault.message),
                _ => at("title", &format!("the rule “{}”: {}", fault.title, fault.message)),
            };
            Some(faults.iter().map(of).collect())
        }
        RulesError::Days => Some(vec![at("days", &error.to_string())]),
        RulesError::NoSubmission(_) => Some(vec![at("tracking_id", &error.to_string())]),
        RulesError::Changed { .. } => Some(vec![at("title", &error.to_string())]),
        RulesError::NoVersion(_) | RulesError::Identity(_) | RulesError::Engine(_) => None,
    }
}

impl Pages {
    pub(super) async fn rules_of(&self, actor: &Actor) -> PageResult<view::Rules> {
        let found = self.engine.rules_in_force(actor).await.map_err(|e| failed(&e))?;
        let all: i64 = found.decided.values().sum();
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let share = |rule: Option<String>| {
            (all > 0).then(|| found.decided.get(&rule).copied().unwrap_or(0) as f64 / all as f64)
        };
        let offers = self.engine.models_by_provider();
        let row = |rule: &Rule| view::Rule {
            name: rule.name.clone(),
            title: rule.title.clone(),
            condition: rule.condition.clone(),
            action: rule.action.words(),
            enabled: rule.enabled,
            share: share(Some(rule.name.clone())),
            names_nobody: rule.action.names_nobody(&offers),
        };
        Ok(view::Rules {
            version: found.version.version,
            since: found.version.created_at,
            author: found.version.author.clone(),
            rules: found.version.rules.iter().map(row).collect(),
            nothing_applied: share(None),
        })
    }

    pub(super) async fn rule_versions_of(
        &self,
        actor: &Actor,
        up_to: Option<i64>,
    ) -> PageResult<view::RuleVersions> {
        let in_force = self.engine.rules_in_force(actor).await.map_err(|e| failed(&e))?.version.version;
        let found = self.engine.rule_versions(actor, up_to.unwrap_or(i64::MAX), VERSIONS).await;
        let found = found.map_err(|e| failed(&e))?;
        let oldest = found.last().filter(|last| last.changes.is_some()).map(|last| last.version.version - 1);
        let versions = found.into_iter().map(|seen| view::RuleVersion {
            version: seen.version.version,
            since: seen.version.created_at,
            author: seen.version.author,
            changes: seen.changes,
            rules: in_order(&seen.version.rules).into_iter().map(in_words).collect(),
        });
        Ok(view::RuleVersions { in_force, versions: versions.collect(), older: oldest })
    }

    pub(super) async fn rule_of(
        &self,
        actor: &Actor,
        name: Option<&str>,
        sent: Option<&RefusedForm>,
    ) -> PageResult<view::RuleEdit> {
        let found = self.engine.rules_in_force(actor).await.map_err(|e| failed(&e))?;
        let rules = found.version.rules;
        let at = name.map(|name| rules.iter().position(|rule| rule.name == name));
        let place = match at {
            Some(None) => return Err(PageError::NotFound),
            Some(Some(place)) => Some(place),
            None => None,
        };
        // A form that was sent is about the version that its page showed.
        let based_on = sent.and_then(|form| form.value("based_on")).and_then(|text| text.parse().ok());
        let mut page = view::RuleEdit {
            version: based_on.unwrap_or(found.version.version),
            place: place.map(|place| place as u64 + 1),
            draft: match (sent, place) {
                (Some(form), _) => draft(form),
                (None, Some(place)) => draft_of(&rules[place]),
                (None, None) => view::RuleDraft {
                    way: way_name(Way::PreferBatch).to_owned(),
                    enabled: true,
                    days: DAYS.to_owned(),
                    ..view::RuleDraft::default()
                },
            },
            providers: self.engine.models_by_provider(),
            facts: facts(),
            errors: Vec::new(),
            tried: None,
            replay: None,
        };
        page.draft.name = name.unwrap_or_default().to_owned();
        let Some(form) = sent.filter(|form| form.errors.is_empty()) else { return Ok(page) };
        let asked = form.value("do").unwrap_or_default();
        match with_draft(rules, name, &page.draft) {
            Err(errors) => page.errors = errors,
            Ok((rules, place)) => {
                if let Err(error) = self.look(actor, asked, rules, &mut page).await {
                    page.errors = field_errors(&error, place).ok_or_else(|| failed(&error))?;
                }
            }
        }
        Ok(page)
    }

    /// Tries or replays what the form holds.
    async fn look(
        &self,
        actor: &Actor,
        asked: &str,
        rules: Vec<Rule>,
        page: &mut view::RuleEdit,
    ) -> Result<(), RulesError> {
        if asked == "try" {
            let typed = page.draft.tracking_id.clone();
            let id = typed.parse().map_err(|_| RulesError::NoSubmission(typed))?;
            let tried = self.engine.try_rules(actor, rules, &id).await?;
            let way = |d: &routing::Decision| {
                let route = words::route(route(d.route)).to_lowercase();
                let held = if d.hold { ", marks held for approval" } else { "" };
                format!("{route}, {} lane, {} by {}{held}", lane_name(d.lane), d.provider, d.model)
            };
            let (was, would_be) = (way(&tried.was), way(&tried.would_be));
            let reasoning = tried.would_be.reasoning;
            let same = was == would_be;
            page.tried =
                Some(view::RuleTried { tracking_id: id.to_string(), was, would_be, same, reasoning });
        } else {
            let days = page.draft.days.parse().map_err(|_| RulesError::Days)?;
            let begun = Instant::now();
            let replay = self.engine.replay_rules(actor, Some(rules), days).await?;
            let took = begun.elapsed();
            page.replay = Some(self.replayed(actor, days, took, replay).await?);
        }
        Ok(())
    }

    async fn replayed(
        &self,
        actor: &Actor,
        days: i64,
        took: std::time::Duration,
        mut replay: Replay,
    ) -> Result<view::RuleReplay, RulesError> {
        replay.changes.truncate(NAMED);
        let jobs: Vec<_> = replay.changes.iter().map(|change| change.job).collect();
        let named = self.engine.tracking_ids(actor, &jobs).await?;
        let side = |side: &routing::Side| view::ReplaySide {
            realtime: side.realtime,
            batch: side.batch,
            held: side.held,
            cost: money(side.cost),
            half_within: side.half_within,
            longest: side.longest,
        };
        let way = |went: &routing::Went| view::ReplayWay {
            route: route(went.route),
            lane: lane(went.lane),
            provider: went.provider.clone(),
            model: went.model.clone(),
            held: went.held,
        };
        let changes = replay.changes.iter().map(|change| view::ReplayChange {
            tracking_id: named.get(&change.job).map(ToString::to_string),
            was: way(&change.was),
            would_be: way(&change.would_be),
            cost: (money(change.was.cost), money(change.would_be.cost)),
        });
        Ok(view::RuleReplay {
            days: count(days),
            replayed: replay.replayed,
            left_out: replay.left_out,
            milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            was: side(&replay.was),
            would_be: side(&replay.would_be),
            changed: replay.changed,
            changes: changes.collect(),
        })
    }
}

fn draft_of(rule: &Rule) -> view::RuleDraft {
    view::RuleDraft {
        name: rule.name.clone(),
        title: rule.title.clone(),
        condition: rule.condition.clone(),
        way: way_name(rule.action.way).to_owned(),
        lane: rule.action.lane.map(lane_name).unwrap_or_default().to_owned(),
        provider: rule.action.provider.clone().unwrap_or_default(),
        model: rule.action.model.clone().unwrap_or_default(),
        hold: rule.action.hold,
        enabled: rule.enabled,
        tracking_id: String::new(),
        days: DAYS.to_owned(),
    }
}

fn in_words(rule: &Rule) -> String {
    let off = if rule.enabled { "" } else { " (off)" };
    format!("{}{off}: when {}, {}", rule.title, rule.condition, rule.action.words())
}

/// The facts that conditions can look at, in words.
fn facts() -> Vec<view::RuleFact> {
    let fact = |(name, fact): (String, &routing::Fact)| {
        let holds = match fact.holds {
            Holds::Truth => "true or false".to_owned(),
            Holds::Whole => "a whole number".to_owned(),
            Holds::Number => "a number with decimals".to_owned(),
            Holds::Text | Holds::Parts(_) => "text".to_owned(),
            Holds::Word(words) => format!("one of {}", words().join(", ")),
        };
        let missing = if fact.can_be_missing { ", or null" } else { "" };
        view::RuleFact { name, holds: format!("{holds}{missing}"), about: fact.about.to_owned() }
    };
    routing::every_fact().into_iter().map(fact).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn typed(title: &str) -> view::RuleDraft {
        view::RuleDraft {
            title: title.to_owned(),
            condition: "true".to_owned(),
            way: "batch".to_owned(),
            lane: "economy".to_owned(),
            ..view::RuleDraft::default()
        }
    }

    #[test]
    fn a_new_rule_comes_last_with_a_name_of_its_own() {
        let (rules, place) = with_draft(routing::seeded(), None, &typed("Peak hours: Élan!")).unwrap();
        assert_eq!((place, &*rules[4].name, rules[4].priority), (4, "peak_hours_lan", 5));
        let (rules, _) = with_draft(rules, None, &typed("Peak hours – lan")).unwrap();
        assert_eq!((&*rules[5].name, rules[5].enabled), ("peak_hours_lan_2", false));
        let (rules, _) = with_draft(rules, None, &typed("¿?")).unwrap();
        assert_eq!(rules[6].name, "rule");
    }

    #[test]
    fn a_changed_rule_keeps_its_name_and_place() {
        let (rules, place) =
            with_draft(routing::seeded(), Some("budget_conservation"), &typed("Thrift")).unwrap();
        let rule = &rules[place];
        assert_eq!(
            (place, &*rule.name, &*rule.title, rule.priority),
            (1, "budget_conservation", "Thrift", 2)
        );
        assert_eq!(rule.action.words(), "batch, economy lane");
        let held = view::RuleDraft { model: "gpt-6".to_owned(), hold: true, ..typed("Held") };
        let (rules, place) = with_draft(routing::seeded(), None, &held).unwrap();
        assert_eq!(
            rules[place].action.words(),
            "batch, economy lane, by the model gpt-6, marks held for approval"
        );
        assert_eq!(view::RuleDraft { days: String::new(), ..draft_of(&rules[place]) }, {
            view::RuleDraft { name: "held".to_owned(), ..held }
        });
        for (name, draft, field) in [
            (Some("gone"), typed("Gone"), "title"),
            (None, view::RuleDraft { way: "by post".to_owned(), ..typed("New") }, "way"),
            (None, view::RuleDraft { lane: "slow".to_owned(), ..typed("New") }, "lane"),
        ] {
            assert_eq!(with_draft(routing::seeded(), name, &draft).unwrap_err()[0].field, field);
        }
    }
}
