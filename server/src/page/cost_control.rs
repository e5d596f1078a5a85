//! The part of the page of budgets that shows cost control.

use super::common::{count, money};
use quire_app::view;
use quire_engine::cost_control::{Change, CostControl, Entry};

pub(super) fn shown(control: CostControl) -> view::CostControl {
    let models = control.economy_models.into_iter();
    view::CostControl {
        measures: control.measures.into_iter().map(measure).collect(),
        changes: control.changes.into_iter().map(change).collect(),
        economy_models: models.map(|model| model.words()).collect(),
    }
}

fn measure(entry: Entry) -> view::CostMeasure {
    let measure = entry.state.measure;
    view::CostMeasure {
        name: measure.name().to_owned(),
        title: measure.title().to_owned(),
        what: measure.what().to_owned(),
        mode: entry.state.mode.name().to_owned(),
        on_since: entry.state.on_since,
        saved: entry.saved.map(|saved| (money(saved.saved), count(saved.answers))),
    }
}

fn change(change: Change) -> view::CostChange {
    view::CostChange {
        at: change.at,
        title: change.measure.title().to_owned(),
        taken: change.taken,
        why: change.why,
        by: change.by,
    }
}
