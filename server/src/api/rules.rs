//! Routing rules: those in force, their versions, and what others would change. For administrators.

use super::{body, caller::Caller, convert, lists::Query, model::rules as model};
use crate::http::{
    app::App,
    problem::{Details, Kind, Problem},
};
use axum::{
    Json,
    extract::{RawQuery, Request, State},
};
use quire_engine::{
    identity::Act,
    queue::Lane,
    routing::{self, Action, Holds, RulesError, VersionSeen, Way},
    submission::NotATrackingId,
};

/// The rules in force, with how much of the last seven days' work each decided about.
#[utoipa::path(
    get,
    path = "/rules",
    tag = "rules",
    operation_id = "rules",
    responses(
        (status = 200, description = "The rules", body = model::Rules),
        (status = 400, description = "A parameter can't be used", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn in_force(
    State(app): State<App>,
    Caller(actor): Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<model::Rules>, Problem> {
    Query::read(query.as_deref(), &[])?;
    let found = app.engine.rules_in_force(&actor).await?;
    let mut decided: Vec<_> =
        found.decided.into_iter().map(|(rule, works)| model::RuleShare { rule, works }).collect();
    decided.sort_by(|a, b| b.works.cmp(&a.works).then_with(|| a.rule.cmp(&b.rule)));
    Ok(Json(model::Rules {
        version: found.version.version,
        since: found.version.created_at,
        author: found.version.author,
        rules: found.version.rules.into_iter().map(rule).collect(),
        decided,
    }))
}

/// Puts rules in force, in place of all that were.
///
/// Work that is queued keeps the way it was sent; work that is handed in from now on goes by the new rules.
#[utoipa::path(
    put,
    path = "/rules",
    tag = "rules",
    operation_id = "put_rules",
    request_body = model::NewRules,
    responses(
        (status = 200, description = "They are in force", body = model::RuleVersion),
        (status = 400, description = "The body can't be read", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 409, description = "Another version is in force by now", body = Details, content_type = "application/problem+json"),
        (status = 422, description = "A rule can't be used", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn put(
    State(app): State<App>,
    Caller(actor): Caller,
    request: Request,
) -> Result<Json<model::RuleVersion>, Problem> {
    let bytes = body::bytes(request).await?;
    let asked: model::NewRules = body::json(&bytes)?;
    let rules = asked.rules.into_iter().map(taken).collect();
    let version = app.engine.save_rules(&actor, asked.based_on, rules).await?;
    one(&app, &actor, version).await
}

/// Puts the rules of an earlier version in force again, as a new version.
#[utoipa::path(
    post,
    path = "/rules/restore",
    tag = "rules",
    operation_id = "restore_rules",
    request_body = model::RestoreRules,
    responses(
        (status = 200, description = "They are in force", body = model::RuleVersion),
        (status = 400, description = "The body can't be read", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such version", body = Details, content_type = "application/problem+json"),
        (status = 409, description = "Another version is in force by now", body = Details, content_type = "application/problem+json"),
        (status = 422, description = "A rule of it can't be used any more", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn restore(
    State(app): State<App>,
    Caller(actor): Caller,
    request: Request,
) -> Result<Json<model::RuleVersion>, Problem> {
    let bytes = body::bytes(request).await?;
    let asked: model::RestoreRules = body::json(&bytes)?;
    let version = app.engine.restore_rules(&actor, asked.based_on, asked.version).await?;
    one(&app, &actor, version).await
}

/// Versions of the rules, the newest first, with what changed and who changed it.
#[utoipa::path(
    get,
    path = "/rules/versions",
    tag = "rules",
    operation_id = "rule_versions",
    params(
        ("up_to" = Option<i64>, Query, description = "From this version backwards; from the newest unless said"),
        ("most" = Option<i64>, Query, minimum = 1, maximum = 100, description = "At most so many; 20 unless said"),
    ),
    responses(
        (status = 200, description = "The versions", body = model::RuleVersions),
        (status = 400, description = "A parameter can't be used", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn versions(
    State(app): State<App>,
    Caller(actor): Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<model::RuleVersions>, Problem> {
    let query = Query::read(query.as_deref(), &["up_to", "most"])?;
    let up_to = query.one_of("up_to", "the number of a version", |text| text.parse::<i64>().ok())?;
    let most = query.one_of("most", "a number from 1 to 100", |text| {
        text.parse::<usize>().ok().filter(|most| (1..=100).contains(most))
    })?;
    let found = app.engine.rule_versions(&actor, up_to.unwrap_or(i64::MAX), most.unwrap_or(20)).await?;
    Ok(Json(model::RuleVersions { versions: found.into_iter().map(version).collect() }))
}

/// Checks a condition, as one types it.
#[utoipa::path(
    post,
    path = "/rules/check",
    tag = "rules",
    operation_id = "check_condition",
    request_body = model::CheckCondition,
    responses(
        (status = 200, description = "What is wrong with it, if something is", body = model::ConditionFaults),
        (status = 400, description = "The body can't be read", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 422, description = "A field can't be used", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn check(
    State(app): State<App>,
    Caller(actor): Caller,
    request: Request,
) -> Result<Json<model::ConditionFaults>, Problem> {
    app.engine.identity().check(&actor, &Act::ManageRules).await?;
    let bytes = body::bytes(request).await?;
    let asked: model::CheckCondition = body::json(&bytes)?;
    let faults = routing::check(asked.condition.trim_end()).err().unwrap_or_default();
    Ok(Json(self::faults(faults)))
}

/// What is wrong with a condition.
pub(crate) fn faults(faults: Vec<routing::Fault>) -> model::ConditionFaults {
    let fault =
        |fault: routing::Fault| model::ConditionFault { column: fault.column, message: fault.message };
    model::ConditionFaults { faults: faults.into_iter().map(fault).collect() }
}

/// The facts that conditions can look at.
#[utoipa::path(
    get,
    path = "/rules/facts",
    tag = "rules",
    operation_id = "rule_facts",
    responses(
        (status = 200, description = "The facts", body = model::RuleFacts),
        (status = 400, description = "A parameter can't be used", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn facts(
    State(app): State<App>,
    Caller(actor): Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<model::RuleFacts>, Problem> {
    Query::read(query.as_deref(), &[])?;
    app.engine.identity().check(&actor, &Act::ManageRules).await?;
    Ok(Json(model::RuleFacts { facts: routing::every_fact().into_iter().map(fact).collect() }))
}

/// What other rules would have changed for work of the past: routes, cost and waiting.
#[utoipa::path(
    post,
    path = "/rules/replay",
    tag = "rules",
    operation_id = "replay_rules",
    request_body = model::ReplayRules,
    responses(
        (status = 200, description = "What would have changed; costs and waits are those expected when each was handed in", body = model::RulesReplay),
        (status = 400, description = "The body can't be read", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 422, description = "A rule can't be used", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn replay(
    State(app): State<App>,
    Caller(actor): Caller,
    request: Request,
) -> Result<Json<model::RulesReplay>, Problem> {
    let bytes = body::bytes(request).await?;
    let asked: model::ReplayRules = body::json(&bytes)?;
    let rules = asked.rules.map(|rules| rules.into_iter().map(taken).collect());
    let replay = app.engine.replay_rules(&actor, rules, asked.days).await?;
    let jobs: Vec<_> = replay.changes.iter().map(|change| change.job).collect();
    let named = app.engine.tracking_ids(&actor, &jobs).await?;
    let change = |change: routing::Change| model::ReplayChange {
        tracking_id: named.get(&change.job).map(ToString::to_string),
        was: went(change.was),
        would_be: went(change.would_be),
    };
    Ok(Json(model::RulesReplay {
        replayed: replay.replayed,
        left_out: replay.left_out,
        was: side(&replay.was),
        would_be: side(&replay.would_be),
        changed: replay.changed,
        changes: replay.changes.into_iter().map(change).collect(),
    }))
}

/// What rules say of one submission, from the facts that its decision saw.
#[utoipa::path(
    post,
    path = "/rules/try",
    tag = "rules",
    operation_id = "try_rules",
    request_body = model::TryRules,
    responses(
        (status = 200, description = "What would be decided", body = model::TriedRules),
        (status = 400, description = "The body can't be read", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such submission", body = Details, content_type = "application/problem+json"),
        (status = 422, description = "A rule can't be used", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn try_on(
    State(app): State<App>,
    Caller(actor): Caller,
    request: Request,
) -> Result<Json<model::TriedRules>, Problem> {
    let bytes = body::bytes(request).await?;
    let asked: model::TryRules = body::json(&bytes)?;
    let id = asked
        .tracking_id
        .parse()
        .map_err(|error: NotATrackingId| Problem::field("tracking_id", error.to_string()))?;
    let rules = asked.rules.into_iter().map(taken).collect();
    let tried = app.engine.try_rules(&actor, rules, &id).await?;
    let asked = tried.asked.into_iter().map(|(rule, applies)| model::AskedRule {
        rule: rule.name,
        applies: applies.as_ref().ok().copied(),
        problem: applies.err().map(|problem| problem.to_string()),
    });
    Ok(Json(model::TriedRules {
        was: convert::route(&tried.was, true),
        would_be: convert::route(&tried.would_be, true),
        asked: asked.collect(),
    }))
}

async fn one(
    app: &App,
    actor: &quire_engine::identity::Actor,
    number: i64,
) -> Result<Json<model::RuleVersion>, Problem> {
    let found = app.engine.rule_versions(actor, number, 1).await?.pop();
    found.map(|found| Json(version(found))).ok_or_else(|| RulesError::NoVersion(number).into())
}

fn version(seen: VersionSeen) -> model::RuleVersion {
    model::RuleVersion {
        version: seen.version.version,
        since: seen.version.created_at,
        author: seen.version.author,
        changes: seen.changes,
        rules: seen.version.rules.into_iter().map(rule).collect(),
    }
}

fn rule(rule: routing::Rule) -> model::Rule {
    let way = match rule.action.way {
        Way::Realtime => model::RuleWay::Realtime,
        Way::Batch => model::RuleWay::Batch,
        Way::PreferBatch => model::RuleWay::PreferBatch,
        Way::BatchUnlessUrgent => model::RuleWay::BatchUnlessUrgent,
    };
    let Action { lane, provider, model, hold, .. } = rule.action;
    let action = model::RuleAction { way, lane: lane.map(convert::lane), provider, model, hold };
    model::Rule {
        name: rule.name,
        title: rule.title,
        condition: rule.condition,
        action,
        priority: rule.priority,
        enabled: rule.enabled,
    }
}

fn taken(rule: model::Rule) -> routing::Rule {
    let way = match rule.action.way {
        model::RuleWay::Realtime => Way::Realtime,
        model::RuleWay::Batch => Way::Batch,
        model::RuleWay::PreferBatch => Way::PreferBatch,
        model::RuleWay::BatchUnlessUrgent => Way::BatchUnlessUrgent,
    };
    let lane = rule.action.lane.map(|lane| match lane {
        super::model::Lane::Urgent => Lane::Urgent,
        super::model::Lane::Standard => Lane::Standard,
        super::model::Lane::Economy => Lane::Economy,
    });
    routing::Rule {
        name: rule.name,
        title: rule.title,
        condition: rule.condition,
        action: Action {
            way,
            lane,
            provider: rule.action.provider,
            model: rule.action.model,
            hold: rule.action.hold,
        },
        priority: rule.priority,
        enabled: rule.enabled,
    }
}

fn side(side: &routing::Side) -> model::ReplaySide {
    model::ReplaySide {
        realtime: side.realtime,
        batch: side.batch,
        held: side.held,
        cost_nano_usd: side.cost.0,
        half_within_seconds: side.half_within,
        longest_wait_seconds: side.longest,
    }
}

fn went(went: routing::Went) -> model::ReplayedRoute {
    model::ReplayedRoute {
        kind: convert::route_type(went.route),
        lane: convert::lane(went.lane),
        provider: went.provider,
        model: went.model,
        held: went.held,
        rule: went.rule,
        cost_nano_usd: went.cost.0,
    }
}
fn fact((name, fact): (String, &routing::Fact)) -> model::RuleFact {
    let (holds, words) = match fact.holds {
        Holds::Truth => ("truth", Vec::new()),
        Holds::Whole => ("whole", Vec::new()),
        Holds::Number => ("number", Vec::new()),
        Holds::Text | Holds::Parts(_) => ("text", Vec::new()),
        Holds::Word(words) => ("text", words().into_iter().map(str::to_owned).collect()),
    };
    let (can_be_missing, about) = (fact.can_be_missing, fact.about.to_owned());
    model::RuleFact { name, holds: holds.to_owned(), words, can_be_missing, about }
}

impl From<RulesError> for Problem {
    fn from(error: RulesError) -> Self {
        let told = error.to_string();
        match error {
            RulesError::Faults(faults) => {
                let mut faults =
                    faults.into_iter().map(|f| (format!("rules[{}].{}", f.rule, f.field), f.message));
                let first = faults.next().map_or_else(
                    || Self::new(Kind::InvalidField, told),
                    |(field, message)| Self::field(field, message),
                );
                faults.fold(first, |problem, (field, message)| problem.and(field, message))
            }
            RulesError::Changed { .. } => Self::new(Kind::Changed, told),
            RulesError::NoVersion(_) | RulesError::NoSubmission(_) => Self::new(Kind::NotFound, told),
            RulesError::Days => Self::field("days", told),
            RulesError::Identity(error) => error.into(),
            RulesError::Engine(error) => error.into(),
        }
    }
}
