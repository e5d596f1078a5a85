//! The part of the page of budgets that shows the plan: what such a month costs in each way, and what each lever saves.

use crate::components::{Bar, BarPart, DataTable, col, num};
use crate::view::{MonthPlan, OtherModel};
use crate::words;
use leptos::prelude::*;

/// The plan, drawn.
pub(super) fn section(plan: &MonthPlan) -> AnyView {
    let most = plan.ways.iter().map(|(_, cost)| cost.0).max().unwrap_or(0).max(1);
    let ways = plan
        .ways
        .iter()
        .map(|(way, cost)| {
            let share = cost.0 as f64 / most as f64;
            let label = format!("{way}: {}", words::usd(*cost));
            view! {
                <tr>
                    <td>{way.clone()}</td>
                    <td class="third"><Bar label parts=vec![(BarPart::Full, share)]/></td>
                    <td class="num">{words::usd(*cost)}</td>
                </tr>
            }
        })
        .collect_view();
    let levers = plan
        .levers
        .iter()
        .map(|lever| {
            view! {
                <tr>
                    <td><b>{words::capital(&lever.name)}</b><div class="small quiet">{lever.why.clone()}</div></td>
                    <td class="num">{words::usd(lever.saved)}</td>
                    <td class="num">{format!("{:.1} %", lever.percent)}</td>
                </tr>
            }
        })
        .collect_view();
    let works = words::counted(plan.works, "piece of work", "pieces of work");
    let basis = if plan.measured {
        format!("{works}, as many and as long as this month’s, all at {}.", plan.model)
    } else {
        format!(
            "{works} of the reference workload at {}, as this month has too few answers to go by.",
            plan.model
        )
    };
    let saving = format!(
        "Quire saves {:.1} % against real time with the provider’s own cache, and {:.1} % against real time without.",
        plan.saving.0, plan.saving.1
    );
    let steps = plan.steps.iter().map(|step| view! { <li>{step.clone()}</li> }).collect_view();
    let assumptions = plan.assumptions.iter().map(|one| view! { <li>{one.clone()}</li> }).collect_view();
    let costs = vec![col("Way"), col("Share"), num("A month")];
    let saves = vec![col("Lever"), num("Saves"), num("Of real time")];
    view! {
        <section class="stack" aria-labelledby="plan">
            <h2 id="plan">"What such a month costs"</h2>
            <p>{basis}" "{saving}</p>
            <DataTable caption="The same work in each way" columns=costs>{ways}</DataTable>
            <DataTable caption="What each lever saves" columns=saves>{levers}</DataTable>
            <details><summary>"The plan"</summary><ol>{steps}</ol></details>
            {others(&plan.others)}
            <details><summary>"What is assumed"</summary><ul>{assumptions}</ul></details>
        </section>
    }
    .into_any()
}

fn others(others: &[OtherModel]) -> Option<AnyView> {
    if others.is_empty() {
        return None;
    }
    let rows = others
        .iter()
        .map(|other| {
            let agreement = match (other.kappa, other.counts) {
                (None, _) => "not tried".to_owned(),
                (Some(kappa), true) => format!("equal, kappa {kappa:.2}"),
                (Some(kappa), false) => format!("not equal, kappa {kappa:.2}"),
            };
            view! {
                <tr>
                    <td><b>{other.model.clone()}</b></td>
                    <td class="num">{words::usd(other.cost)}</td>
                    <td>{agreement}</td>
                </tr>
            }
        })
        .collect_view();
    let columns = vec![col("Model"), num("A month"), col("Marks")];
    Some(
        view! {
            <details>
                <summary>"Other models"</summary>
                <div class="stack-2">
                    <p>"Their marks are other marks: what they save counts only where a "<a href="/admin/prompts">"trial"</a>" judged them equal."</p>
                    <DataTable caption="The same month at other models" columns>{rows}</DataTable>
                </div>
            </details>
        }
        .into_any(),
    )
}
