//! The page of prices.

use super::{
    Pages,
    common::{AsPageError, failed},
};
use quire_app::{
    data::{PageError, PageResult},
    view, words,
};
use quire_engine::{
    identity::Actor,
    price_book::{BookPrice, PriceError, Standing},
    provider::price::Rates,
};

impl AsPageError for PriceError {
    fn page_error(&self) -> PageError {
        match self {
            Self::Identity(error) => error.page_error(),
            Self::Engine(error) => error.page_error(),
            Self::Field { message, .. } => PageError::Invalid { message: message.clone() },
        }
    }
}

impl Pages {
    pub(super) async fn prices_of(&self, actor: &Actor) -> PageResult<view::Prices> {
        let book = self.engine.price_book(actor).await.map_err(|e| failed(&e))?;
        let (used, others): (Vec<_>, Vec<_>) =
            book.into_iter().partition(|price| price.in_use && price.standing != Standing::Past);
        let shown = |prices: Vec<BookPrice>| prices.into_iter().map(price).collect();
        Ok(view::Prices { used: shown(used), others: shown(others) })
    }
}

const fn rates(rates: &Rates) -> (view::NanoUsd, Option<view::NanoUsd>, view::NanoUsd) {
    let cached = match rates.cached_input {
        Some(cached) => Some(view::NanoUsd(cached)),
        None => None,
    };
    (view::NanoUsd(rates.input), cached, view::NanoUsd(rates.output))
}

/// What was negotiated, in words.
fn deal(price: &BookPrice) -> Vec<String> {
    let percent = |discount: u32| format!("{} % off", f64::from(discount) / 100.0);
    let mut told = Vec::new();
    if price.deal.discount > 0 {
        told.push(percent(price.deal.discount));
    }
    for tier in &price.deal.tiers {
        let from = words::short_count(tier.from_tokens);
        told.push(format!("a further {} from {from} tokens a month on", percent(tier.discount)));
    }
    if let Some(tokens) = price.month_tokens {
        told.push(format!("{} tokens this month so far", words::short_count(tokens)));
    }
    told
}

fn price(found: BookPrice) -> view::BookPrice {
    view::BookPrice {
        deal: deal(&found),
        whose: match found.provider {
            Some(name) => format!("{name} alone"),
            None => format!("every {} provider", found.kind.name()),
        },
        model: found.model,
        from: found.from,
        standing: match found.standing {
            Standing::Past => view::PriceStanding::Past,
            Standing::Holds => view::PriceStanding::Holds,
            Standing::Coming => view::PriceStanding::Coming,
        },
        realtime: rates(&found.price.realtime),
        batch: found.price.batch.as_ref().map(rates),
        long_above: found.price.long_context.map(|long| long.above_tokens),
    }
}
