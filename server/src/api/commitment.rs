//! What commitments would save. For administrators.

use super::{caller::Caller, equal_models, lists::Query, model::commitment as model};
use crate::http::{
    app::App,
    problem::{Details, Problem},
};
use axum::{
    Json,
    extract::{RawQuery, State},
};
use quire_engine::{
    arbitrage::Arbitrage,
    budget::Paid,
    commitment::{
        Asked, Commitment, CommitmentError, CommitmentReport, Figures, MOST_MONTHS, Offer, ProviderFigures,
    },
    plan::Share,
};

/// What commitments to providers would have saved in the last whole months, for talks with them. For administrators.
#[utoipa::path(
    get,
    path = "/billing/commitment",
    tag = "billing",
    operation_id = "commitment",
    params(
        ("months" = Option<u32>, Query, minimum = 1, maximum = 36, description = "How many of the last whole months are measured; 3 unless said"),
        ("discount" = Option<String>, Query, description = "Discounts to ask for, in percent with commas between: 5,10,15,20 unless said"),
    ),
    responses(
        (status = 200, description = "Measured months, and what commitments would have saved", body = model::CommitmentReport),
        (status = 400, description = "A parameter can't be used", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn report(
    State(app): State<App>,
    Caller(actor): Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<model::CommitmentReport>, Problem> {
    let asked = asked(&Query::read(query.as_deref(), &["months", "discount"])?)?;
    let report = app.engine.commitment(&actor, &asked).await?;
    Ok(Json(shown(&report, &app.engine.arbitrage(&actor, asked.months).await?)))
}

fn asked(query: &Query) -> Result<Asked, Problem> {
    let mut asked = Asked::default();
    if let Some(text) = query.get("months") {
        asked.months = text.parse().map_err(|_| {
            Problem::parameter(
                "months",
                format!("is \"{text}\", but must be a whole number from 1 to {MOST_MONTHS}"),
            )
        })?;
    }
    if let Some(text) = query.get("discount") {
        let read = text.split(',').map(Share::parse_percent).collect::<Result<_, _>>();
        asked.discounts = read.map_err(|told| Problem::parameter("discount", told))?;
    }
    Ok(asked)
}

/// The report as it goes over the wire.
pub(crate) fn shown(report: &CommitmentReport, arbitrage: &Arbitrage) -> model::CommitmentReport {
    let months: Vec<String> = report.months.iter().map(ToString::to_string).collect();
    let provider = |found: &ProviderFigures| model::ProviderFigures {
        provider: found.provider.clone(),
        all: figures(&found.all, &months),
        models: found.models.iter().map(|model| figures(model, &months)).collect(),
    };
    model::CommitmentReport {
        providers: report.providers.iter().map(provider).collect(),
        assumptions: report.assumptions.clone(),
        notes: report.notes.clone(),
        equal_models: equal_models::shown(arbitrage),
        months,
    }
}

fn figures(found: &Figures, months: &[String]) -> model::CommitmentFigures {
    let used = months.iter().zip(&found.months).map(|(month, used)| model::MonthUse {
        month: month.clone(),
        spent_nano_usd: used.spent().0,
        batch: route(&used.batch),
        realtime: route(&used.realtime),
    });
    model::CommitmentFigures {
        model: found.model.clone(),
        months: used.collect(),
        least_nano_usd: found.least.0,
        mean_nano_usd: found.mean.0,
        highest_nano_usd: found.highest.0,
        offers: found.offers.iter().map(offer).collect(),
        notes: found.notes.clone(),
    }
}

const fn route(paid: &Paid) -> model::RouteUse {
    model::RouteUse {
        answers: paid.answers,
        input_tokens: paid.input_tokens,
        cached_tokens: paid.cached_tokens,
        output_tokens: paid.output_tokens,
        spent_nano_usd: paid.spent.0,
    }
}

fn offer(offer: &Offer) -> model::CommitmentOffer {
    model::CommitmentOffer {
        discount_percent: offer.discount.percent(),
        break_even_percent: offer.break_even_percent,
        safe: offer.safe.as_ref().map(commitment),
        best: offer.best.as_ref().map(commitment),
        mean: commitment(&offer.mean),
        highest: commitment(&offer.highest),
    }
}

const fn commitment(held: &Commitment) -> model::Commitment {
    model::Commitment {
        covers_nano_usd: held.covers.0,
        pays_nano_usd: held.pays.0,
        saved_nano_usd: held.saved.0,
        unused_nano_usd: held.unused.0,
        unused_cost_nano_usd: held.unused_cost.0,
    }
}

impl From<CommitmentError> for Problem {
    fn from(error: CommitmentError) -> Self {
        let told = error.to_string();
        match error {
            CommitmentError::Months(_) => Self::parameter("months", told),
            CommitmentError::Discount(_) | CommitmentError::Discounts(_) => Self::parameter("discount", told),
            CommitmentError::Identity(error) => error.into(),
            CommitmentError::Engine(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn parameters_are_read() {
        let read = |text| Query::read(Some(text), &["months", "discount"]).and_then(|query| asked(&query));
        assert_eq!(read("").unwrap(), Asked::default());
        let given = read("months=12&discount=7.5,20").unwrap();
        assert_eq!(given.months, 12);
        assert_eq!(given.discounts.iter().map(|share| share.percent()).collect::<Vec<_>>(), [7.5, 20.0]);
        for (text, part) in [
            ("months=many", "months: is \"many\", but must be a whole number from 1 to 36"),
            ("months=-1", "months: is \"-1\""),
            ("discount=ten", "discount: \"ten\" must be a percentage"),
            ("discount=5,,6", "discount: \"\" must be a percentage"),
            ("discounts=5", "discounts: is not a parameter here"),
        ] {
            let told = read(text).unwrap_err().detail().to_owned();
            assert!(told.contains(part), "{text}: {told}");
        }
    }
}
