//! The price book. For administrators.

use super::{body, caller::Caller, model::prices as model};
use crate::http::{
    app::App,
    problem::{Details, Problem},
};
use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
};
use quire_engine::{
    price_book::{BookPrice, NewPrice, PriceError, Standing},
    provider::{
        ProviderKind,
        price::{Deal, LongContext, Price, Rates, Tier},
    },
};

/// All prices, with what was negotiated: models that are in use first. For administrators.
#[utoipa::path(
    get,
    path = "/prices",
    tag = "billing",
    operation_id = "prices",
    responses(
        (status = 200, description = "The price book", body = Vec<model::BookPrice>),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
) -> Result<Json<Vec<model::BookPrice>>, Problem> {
    Ok(Json(app.engine.price_book(&actor).await?.into_iter().map(shown).collect()))
}

/// Adds a price, or changes one that does not hold yet. What holds already is never changed, only followed by another. For
/// administrators.
#[utoipa::path(
    post,
    path = "/prices",
    tag = "billing",
    operation_id = "add_price",
    request_body = model::NewPrice,
    responses(
        (status = 201, description = "It is in the book, which is answered", body = Vec<model::BookPrice>),
        (status = 400, description = "The body can't be read", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 422, description = "A field can't be used", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    request: Request,
) -> Result<(StatusCode, Json<Vec<model::BookPrice>>), Problem> {
    let bytes = body::bytes(request).await?;
    let new = new_price(body::json(&bytes)?)?;
    app.engine.add_price(&actor, new).await?;
    let book = app.engine.price_book(&actor).await?.into_iter().map(shown).collect();
    Ok((StatusCode::CREATED, Json(book)))
}

fn new_price(asked: model::NewPrice) -> Result<NewPrice, Problem> {
    let price = match asked.realtime {
        Some(realtime) => Some(Price {
            realtime: rates(realtime),
            batch: asked.batch.map(rates),
            long_context: asked.long_context.map(|long| LongContext {
                above_tokens: long.above_tokens,
                realtime: rates(long.realtime),
                batch: long.batch.map(rates),
            }),
        }),
        None if asked.batch.is_some() || asked.long_context.is_some() => {
            return Err(Problem::field("realtime", "give the prices in real time with those of batches"));
        }
        None => None,
    };
    let tiers = asked.tiers.into_iter().map(|tier| {
        let discount = hundredths("tiers", tier.discount_percent)?;
        Ok(Tier { from_tokens: tier.from_tokens, discount })
    });
    let discount = hundredths("discount_percent", asked.discount_percent)?;
    Ok(NewPrice {
        kind: asked.kind.map(kind),
        provider: asked.provider,
        model: asked.model,
        from: asked.from,
        price,
        deal: Deal { discount, tiers: tiers.collect::<Result<_, Problem>>()? },
    })
}

/// A percentage in hundredths.
fn hundredths(field: &str, percent: f64) -> Result<u32, Problem> {
    let hundredths = percent * 100.0;
    if (0.0..10_000.0).contains(&hundredths) && (hundredths - hundredths.round()).abs() < 1e-6 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10,000")]
        return Ok(hundredths.round() as u32);
    }
    let told =
        format!("{percent} must be from 0 to below 100 percent, with at most two digits after the point");
    Err(Problem::field(field, told))
}

const fn kind(asked: model::PriceKind) -> ProviderKind {
    match asked {
        model::PriceKind::Openai => ProviderKind::Openai,
        model::PriceKind::Anthropic => ProviderKind::Anthropic,
        model::PriceKind::Gemini => ProviderKind::Gemini,
        model::PriceKind::Compatible => ProviderKind::Compatible,
    }
}

const fn shown_kind(kind: ProviderKind) -> model::PriceKind {
    match kind {
        ProviderKind::Openai => model::PriceKind::Openai,
        ProviderKind::Anthropic => model::PriceKind::Anthropic,
        ProviderKind::Gemini => model::PriceKind::Gemini,
        ProviderKind::Compatible => model::PriceKind::Compatible,
    }
}

const fn rates(asked: model::Rates) -> Rates {
    Rates {
        input: asked.input_nano_usd,
        cached_input: asked.cached_input_nano_usd,
        cache_write: asked.cache_write_nano_usd,
        cache_write_long: asked.cache_write_long_nano_usd,
        output: asked.output_nano_usd,
    }
}

const fn shown_rates(rates: &Rates) -> model::Rates {
    model::Rates {
        input_nano_usd: rates.input,
        cached_input_nano_usd: rates.cached_input,
        cache_write_nano_usd: rates.cache_write,
        cache_write_long_nano_usd: rates.cache_write_long,
        output_nano_usd: rates.output,
    }
}

fn shown(found: BookPrice) -> model::BookPrice {
    let percent = |discount: u32| f64::from(discount) / 100.0;
    let Price { realtime, batch, long_context } = found.price;
    model::BookPrice {
        kind: shown_kind(found.kind),
        provider: found.provider,
        model: found.model,
        from: found.from,
        standing: match found.standing {
            Standing::Past => model::PriceStanding::Past,
            Standing::Holds => model::PriceStanding::Holds,
            Standing::Coming => model::PriceStanding::Coming,
        },
        realtime: shown_rates(&realtime),
        batch: batch.as_ref().map(shown_rates),
        long_context: long_context.map(|long| model::LongContext {
            above_tokens: long.above_tokens,
            realtime: shown_rates(&long.realtime),
            batch: long.batch.as_ref().map(shown_rates),
        }),
        discount_percent: percent(found.deal.discount),
        tiers: found
            .deal
            .tiers
            .iter()
            .map(|tier| model::PriceTier {
                from_tokens: tier.from_tokens,
                discount_percent: percent(tier.discount),
            })
            .collect(),
        month_tokens: found.month_tokens,
        in_use: found.in_use,
    }
}

impl From<PriceError> for Problem {
    fn from(error: PriceError) -> Self {
        match error {
            PriceError::Field { field, message } => Self::field(field, message),
            PriceError::Identity(error) => error.into(),
            PriceError::Engine(error) => error.into(),
        }
    }
}
