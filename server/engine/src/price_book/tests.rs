//! Prices from what an administrator gives to what is booked.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    engine::testing::{house_with, person},
    identity::Denied,
    notice::Mailer,
    provider::{
        Usage,
        price::{Rates, Tier},
    },
    store::{NanoUsd, testing::each_db},
};
use chrono::TimeDelta;

fn rates(input: i64) -> Price {
    let rates =
        Rates { input, cached_input: None, cache_write: None, cache_write_long: None, output: input * 4 };
    Price { realtime: rates, batch: None, long_context: None }
}

fn new(price: Option<Price>) -> NewPrice {
    NewPrice {
        kind: None,
        provider: Some("second".into()),
        model: "gpt-6-luna".into(),
        from: None,
        price,
        deal: Deal::default(),
    }
}

#[tokio::test]
async fn prices_are_added_and_what_holds_is_kept() {
    each_db(async |mut db| {
        let house = house_with(db.clone(), Mailer::off(), &["openai", "second"]).await;
        let engine = &house.engine;
        let admin = person(&mut db, &engine.world().clone(), "admin@example.edu", true).await;
        let admin = engine.identity().actor(admin).await.unwrap();
        let used = Usage { input_tokens: 100_000, ..Usage::default() };
        let cost = |provider: &str| engine.cost(provider, "gpt-6-luna", &used, false, engine.now()).unwrap();
        assert_eq!((cost("openai"), cost("second")), (NanoUsd(10_000_000), NanoUsd(10_000_000)));
        // A discount on the list price of its kind, for the second alone, with a tier.
        let deal = Deal { discount: 1_000, tiers: vec![Tier { from_tokens: 5_000_000, discount: 500 }] };
        engine.add_price(&admin, NewPrice { deal: deal.clone(), ..new(None) }).await.unwrap();
        assert_eq!((cost("openai"), cost("second")), (NanoUsd(10_000_000), NanoUsd(9_000_000)));
        // From tomorrow on others hold, and can be changed until then.
        let tomorrow = engine.now() + TimeDelta::days(1);
        for input in [70_000_000, 60_000_000] {
            let price = NewPrice { from: Some(tomorrow), ..new(Some(rates(input))) };
            engine.add_price(&admin, price).await.unwrap();
        }
        assert_eq!(cost("second"), NanoUsd(9_000_000));
        let own = async || -> Vec<_> {
            let book = engine.price_book(&admin).await.unwrap();
            let own = book.into_iter().filter(|price| price.provider.as_deref() == Some("second"));
            own.map(|price| (price.standing, price.price.realtime.input, price.month_tokens)).collect()
        };
        let coming = (Standing::Coming, 60_000_000, None);
        assert_eq!(own().await, [coming, (Standing::Holds, 100_000_000, Some(0))]);
        house.clock.advance(TimeDelta::days(2));
        assert_eq!(cost("second"), NanoUsd(6_000_000));
        let holds = (Standing::Holds, 60_000_000, None);
        assert_eq!(own().await, [holds, (Standing::Past, 100_000_000, None)]);
        let book = engine.price_book(&admin).await.unwrap();
        assert!(book[0].in_use && !book.last().unwrap().in_use);
        let listed = book.iter().find(|p| p.provider.is_none() && p.model == "gpt-6-luna").unwrap();
        assert_eq!((listed.kind, listed.standing), (ProviderKind::Openai, Standing::Holds));
    })
    .await;
}

#[tokio::test]
async fn what_can_t_be_a_price_is_refused() {
    each_db(async |mut db| {
        let house = house_with(db.clone(), Mailer::off(), &["openai", "second"]).await;
        let engine = &house.engine;
        let admin = person(&mut db, &engine.world().clone(), "admin@example.edu", true).await;
        let admin = engine.identity().actor(admin).await.unwrap();
        let before = engine.price_book(&admin).await.unwrap();
        let steep = |discount| Deal { discount, tiers: vec![] };
        let falling = Deal { discount: 0, tiers: vec![Tier { from_tokens: 0, discount: 5 }] };
        let earlier = engine.now() - TimeDelta::seconds(1);
        for (wanted, field) in [
            (NewPrice { provider: Some("third".into()), ..new(None) }, "provider"),
            (NewPrice { kind: Some(ProviderKind::Openai), ..new(None) }, "provider"),
            (NewPrice { provider: None, ..new(None) }, "provider"),
            (NewPrice { model: " ".into(), ..new(None) }, "model"),
            (NewPrice { model: "gpt-unpriced".into(), ..new(None) }, "realtime"),
            (NewPrice { from: Some(earlier), ..new(None) }, "from"),
            (NewPrice { deal: steep(10_000), ..new(None) }, "tiers"),
            (NewPrice { deal: falling, ..new(None) }, "tiers"),
            (new(Some(rates(-1))), "realtime"),
        ] {
            match engine.add_price(&admin, wanted).await.unwrap_err() {
                PriceError::Field { field: found, message } => assert_eq!(found, field, "{message}"),
                other => panic!("{other}"),
            }
        }
        assert_eq!(engine.price_book(&admin).await.unwrap(), before);
        let denied =
            |error| matches!(error, PriceError::Identity(IdentityError::Denied(Denied::Forbidden(_))));
        assert!(denied(engine.price_book(&house.student).await.unwrap_err()));
        assert!(denied(engine.add_price(&house.student, new(None)).await.unwrap_err()));
    })
    .await;
}
