//! The page of budgets.

use super::{
    Pages,
    common::{AsPageError, count, failed, money},
    cost_control, month_plan,
};
use quire_app::{
    data::{PageError, PageResult, RefusedForm},
    view, words,
};
use quire_engine::{
    budget::{
        self, Advice, BudgetChange, BudgetError, INSTITUTION, Monitor, Month, NoMonth, Paid, Standing, Way,
    },
    course::Course,
    identity::Actor,
    store::{CourseId, NanoUsd},
};
use std::collections::BTreeMap;

impl AsPageError for BudgetError {
    fn page_error(&self) -> PageError {
        match self {
            Self::Identity(error) => error.page_error(),
            Self::Engine(error) => error.page_error(),
            Self::NoCourse(_) | Self::NoBudget => PageError::NotFound,
            Self::Negative | Self::NoMonth(_) | Self::Future(_) => {
                PageError::Invalid { message: self.to_string() }
            }
        }
    }
}

impl Pages {
    pub(super) async fn budget_of(
        &self,
        actor: &Actor,
        month: Option<&str>,
        set: Option<&str>,
        sent: Option<&RefusedForm>,
    ) -> PageResult<view::Budget> {
        let month: Option<Month> =
            month.map(str::parse).transpose().map_err(|e: NoMonth| failed(&BudgetError::from(e)))?;
        let monitor = self.engine.budget_monitor(actor, month).await.map_err(|e| failed(&e))?;
        let control = self.engine.cost_control(actor, Some(monitor.month)).await.map_err(|e| failed(&e))?;
        // A plan that can't be made leaves the money to be seen.
        let plan = match self.engine.plan_of_month(actor, monitor.month).await {
            Ok((plan, measured)) => Some(month_plan::shown(plan, measured)),
            Err(error) => {
                tracing::warn!(%error, "the page of budgets shows no plan");
                None
            }
        };
        let advice = budget::advice(&monitor).into_iter().map(remark).collect();
        let institution = monitor.standings.first();
        let projection = institution.and_then(|standing| standing.projection);
        Ok(view::Budget {
            month: monitor.month.first(),
            until: monitor.until,
            open: monitor.open,
            spend: spend(&monitor),
            projection: projection.map(|p| view::Projection {
                low: money(p.low),
                likely: money(p.likely),
                high: money(p.high),
                days: p.days as u64,
                weekly: p.weekly,
            }),
            standings: monitor.standings.iter().map(standing).collect(),
            control: cost_control::shown(control),
            advice,
            changes: monitor.changes.iter().map(|one| (one.at, change(one, &monitor.courses))).collect(),
            courses: by_course(&monitor),
            ways: by_way(&monitor),
            plan,
            scopes: scopes(&monitor.courses),
            draft: draft(&monitor, set, sent),
        })
    }
}

fn remark(advice: Advice) -> view::Remark {
    let link = match advice.kind {
        "much_in_real_time" => {
            Some(view::Link { label: "The rules".to_owned(), href: "/admin/rules".to_owned() })
        }
        _ => None,
    };
    view::Remark { sign: view::RemarkSign::Look, title: advice.title, detail: advice.detail, link }
}

fn spend(monitor: &Monitor) -> view::Spend {
    let institution = monitor.standings.first();
    let sums = institution.map(|standing| standing.spending.clone()).unwrap_or_default();
    let projection = institution.and_then(|standing| standing.projection);
    view::Spend {
        month: monitor.month.first(),
        today: monitor.until,
        budget: institution.and_then(|standing| standing.budget.as_ref()).map(|budget| money(budget.limit)),
        spent: money(sums.spent),
        reserved: money(sums.reserved),
        without_answer: money(NanoUsd::ZERO),
        calls_without_answer: 0,
        by_day: monitor.by_day.iter().map(|(day, sum)| (*day, money(*sum))).collect(),
        ahead: projection.map(|p| (money(p.low), money(p.likely), money(p.high))),
        open: monitor.open,
    }
}

fn scope(course: Option<&Course>) -> String {
    course.map_or_else(|| INSTITUTION.to_owned(), |course| course.id.to_string())
}

fn standing(standing: &Standing) -> view::Standing {
    view::Standing {
        scope: scope(standing.course.as_ref()),
        whose: match &standing.course {
            None => ("The institution".to_owned(), None),
            Some(course) => (course.code.clone(), Some(course.title.clone())),
        },
        limit: standing.budget.as_ref().map(|budget| (money(budget.limit), budget.hard_stop)),
        spent: money(standing.spending.spent),
        expected: money(standing.spending.expected),
        left: standing.left().map(money),
        used: standing.used(),
        likely: standing.projection.map(|projection| money(projection.likely)),
    }
}

/// What was done to a budget, in words.
fn change(change: &BudgetChange, courses: &[Course]) -> String {
    let whose = match courses.iter().find(|course| course.id.to_string() == change.scope) {
        Some(course) => course.code.as_str(),
        None if change.scope == INSTITUTION => "The institution",
        None => "A course that is gone",
    };
    let by =
        change.by.as_ref().map_or_else(|| ", by the set-up file".to_owned(), |name| format!(", by {name}"));
    match change.limit {
        Some(limit) => {
            let stop = if change.hard_stop { "with a hard stop" } else { "that only warns" };
            format!("{whose}: {} a month {stop}{by}.", words::usd(money(limit)))
        }
        None => format!("{whose}: no budget any more{by}."),
    }
}

fn by_course(monitor: &Monitor) -> Vec<view::CourseSpend> {
    let mut sums: BTreeMap<(CourseId, &str), Paid> = BTreeMap::new();
    for (way, paid, _) in &monitor.ways {
        sums.entry((way.course_id, &way.cost_centre)).or_default().add(paid);
    }
    let code = |id| monitor.courses.iter().find(|course| course.id == id).map(|course| course.code.clone());
    let mut rows: Vec<_> = sums
        .into_iter()
        .map(|((id, cost_centre), paid)| view::CourseSpend {
            code: code(id),
            cost_centre: cost_centre.to_owned(),
            spent: money(paid.spent),
            answers: count(paid.answers),
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.spent.0));
    rows
}

fn by_way(monitor: &Monitor) -> Vec<view::WaySpend> {
    let mut sums: BTreeMap<(&str, &str, bool), (Paid, Option<NanoUsd>)> = BTreeMap::new();
    for (Way { provider, model, batched, .. }, paid, realtime) in &monitor.ways {
        let (sum, all) = sums
            .entry((provider.as_str(), model.as_str(), *batched))
            .or_insert_with(|| (Paid::default(), Some(NanoUsd::ZERO)));
        sum.add(paid);
        *all = all.zip(*realtime).map(|(all, realtime)| all + realtime);
    }
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let cached = |paid: &Paid| paid.cached_tokens as f64 / paid.input_tokens.max(1) as f64;
    let mut rows: Vec<_> = sums
        .into_iter()
        .map(|((provider, model, batched), (paid, realtime))| view::WaySpend {
            provider: provider.to_owned(),
            model: model.to_owned(),
            batched,
            spent: money(paid.spent),
            realtime: realtime.map(money),
            answers: count(paid.answers),
            cached: cached(&paid),
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.spent.0));
    rows
}

fn scopes(courses: &[Course]) -> Vec<(String, String)> {
    let institution = (INSTITUTION.to_owned(), "The institution".to_owned());
    let of = |course: &Course| (scope(Some(course)), format!("{}, {}", course.code, course.title));
    std::iter::once(institution).chain(courses.iter().map(of)).collect()
}

/// What the form holds: what was typed, or the budget that is to be changed.
fn draft(monitor: &Monitor, set: Option<&str>, sent: Option<&RefusedForm>) -> view::BudgetDraft {
    if let Some(form) = sent {
        let of = |field: &str| form.value(field).unwrap_or_default().to_owned();
        return view::BudgetDraft {
            scope: of("scope"),
            limit: of("limit"),
            hard_stop: form.value("hard_stop").is_some(),
        };
    }
    let wanted = set.unwrap_or(INSTITUTION);
    let found = monitor.standings.iter().find(|standing| scope(standing.course.as_ref()) == wanted);
    match found.and_then(|standing| standing.budget.as_ref()) {
        Some(budget) => view::BudgetDraft {
            scope: wanted.to_owned(),
            limit: typed(budget.limit),
            hard_stop: budget.hard_stop,
        },
        None => view::BudgetDraft { scope: wanted.to_owned(), limit: String::new(), hard_stop: true },
    }
}

/// An amount as a person types it: `500`, `12.5`.
fn typed(amount: NanoUsd) -> String {
    let text = format!("{}.{:09}", amount.0 / 1_000_000_000, amount.0 % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_typed_without_needless_digits() {
        for (nano, text) in [(500_000_000_000, "500"), (12_500_000_000, "12.5"), (1, "0.000000001"), (0, "0")]
        {
            assert_eq!(typed(NanoUsd(nano)), text);
            assert_eq!(NanoUsd::parse_dollars(text), Ok(NanoUsd(nano)));
        }
    }
}
