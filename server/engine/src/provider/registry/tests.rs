//! Providers' rows, keys and prices on both databases.
#![allow(clippy::unwrap_used)]

use super::{
    store::{NewProvider, insert_prices, providers, put_provider},
    *,
};
use crate::{
    provider::{ApiKey, price::Deal},
    store::{
        Db, Exec as _, World,
        testing::{each_db, still_world},
    },
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

fn a_provider(name: &str, settings: Value) -> NewProvider {
    let Value::Object(mut settings) = settings else { panic!("an object") };
    settings.entry("models").or_insert(json!(["gpt-6-luna"]));
    NewProvider {
        name: name.into(),
        kind: ProviderKind::Openai,
        base_url: "http://127.0.0.1:9/openai/v1".into(),
        key: Some(ApiKey::from("sk-first")),
        enabled: true,
        settings,
    }
}

#[tokio::test]
async fn a_provider_is_set_up_changed_and_read_anew() {
    each_db(async |mut db| {
        let (world, _) = still_world();
        let master = MasterKey::generate(&world);
        let registry = Registry::new(master.clone(), chrono_tz::Europe::Stockholm);
        assert!(!registry.refresh(&mut db).await.unwrap());
        let put = async |db: &mut Db, new: &NewProvider| put_provider(db, &world, &master, new).await;

        let mut new = a_provider("openai", json!({"max_jobs": 20, "max_requests": 15}));
        assert_eq!(put(&mut db, &new).await.unwrap(), Change::Created);
        assert_eq!(put(&mut db, &new).await.unwrap(), Change::Unchanged);
        assert!(registry.refresh(&mut db).await.unwrap());
        assert!(!registry.refresh(&mut db).await.unwrap());
        let entry = registry.get("openai").unwrap();
        assert_eq!((entry.settings.max_jobs, entry.settings.min_jobs), (20, 10));
        assert_eq!(entry.provider.capabilities().limits.requests, 15);
        assert_eq!(registry.kind("openai"), Some(ProviderKind::Openai));

        // A second one leaves the first untouched.
        put(&mut db, &a_provider("second", json!({}))).await.unwrap();
        assert!(registry.refresh(&mut db).await.unwrap());
        assert!(Arc::ptr_eq(&entry, &registry.get("openai").unwrap()));
        assert_eq!(registry.all().iter().map(|e| e.name.clone()).collect::<Vec<_>>(), ["openai", "second"]);

        // Without a key the stored one stays; settings change at once, even within the same microsecond.
        new.key = None;
        new.settings.insert("max_jobs".into(), json!(30));
        assert_eq!(put(&mut db, &new).await.unwrap(), Change::Updated);
        assert!(registry.refresh(&mut db).await.unwrap());
        assert_eq!(registry.get("openai").unwrap().settings.max_jobs, 30);
        let row = providers(&mut db).await.unwrap().remove(0);
        assert_eq!(master.open("openai", &row.sealed_key).unwrap().expose_secret(), "sk-first");
        new.key = Some(ApiKey::from("sk-second"));
        assert_eq!(put(&mut db, &new).await.unwrap(), Change::Updated);
        let row = providers(&mut db).await.unwrap().remove(0);
        assert_eq!(master.open("openai", &row.sealed_key).unwrap().expose_secret(), "sk-second");
        assert!(!format!("{row:?} {new:?} {registry:?}").contains("sk-"));

        // Switched off it is known, but not used.
        new.enabled = false;
        put(&mut db, &new).await.unwrap();
        registry.refresh(&mut db).await.unwrap();
        assert!(registry.get("openai").is_none());
        assert_eq!(registry.kind("openai"), Some(ProviderKind::Openai));
        assert_eq!(registry.kind("third"), None);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_set_up_is_named() {
    each_db(async |mut db| {
        let (world, _) = still_world();
        let master = MasterKey::generate(&world);
        let mut put = async |new: NewProvider| {
            put_provider(&mut db, &world, &master, &new).await.map_err(|e| e.to_string())
        };
        let good = a_provider("openai", json!({}));
        let cases = [
            (NewProvider { name: "Open AI".into(), ..good.clone() }, "small letters"),
            (NewProvider { base_url: "nowhere".into(), ..good.clone() }, "\"nowhere\" is no address"),
            (NewProvider { base_url: "ftp://x/y".into(), ..good.clone() }, "ftp://x/y"),
            (NewProvider { key: None, ..good.clone() }, "no key yet"),
            (NewProvider { key: Some(ApiKey::from("a\nb")), ..good.clone() }, "key"),
            (a_provider("openai", json!({"max_jobs": 0})), "\"max_jobs\" is 0"),
            (a_provider("openai", json!({"max_bytes": 900_000_000})), "\"max_bytes\""),
            (a_provider("openai", json!({"models": []})), "at least one model"),
        ];
        for (new, word) in cases {
            let error = put(new).await.unwrap_err();
            assert!(error.contains(word), "{word}: {error}");
        }
        put(good.clone()).await.unwrap();
        let error = put(NewProvider { kind: ProviderKind::Anthropic, ..good }).await.unwrap_err();
        assert!(error.contains("speaks OpenAI already"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_broken_provider_does_not_stop_the_others() {
    each_db(async |mut db| {
        let (world, _) = still_world();
        let master = MasterKey::generate(&world);
        put_provider(&mut db, &world, &master, &a_provider("good", json!({}))).await.unwrap();
        let other = MasterKey::generate(&world);
        put_provider(&mut db, &world, &other, &a_provider("lost", json!({}))).await.unwrap();
        put_provider(&mut db, &world, &master, &a_provider("spoiled", json!({}))).await.unwrap();
        db.query("UPDATE providers SET settings = $1 WHERE name = 'spoiled'")
            .bind(crate::store::Json(json!({"models": ["a"], "max_jobs": 0})))
            .exec()
            .await
            .unwrap();
        let registry = Registry::new(master, Tz::UTC);
        registry.refresh(&mut db).await.unwrap();
        assert_eq!(registry.all().len(), 1);
        let broken = registry.broken();
        assert_eq!(broken.iter().map(|b| b.name.as_str()).collect::<Vec<_>>(), ["lost", "spoiled"]);
        assert!(broken[0].reason.contains("master key") && broken[1].reason.contains("max_jobs"));
    })
    .await;
}

#[tokio::test]
async fn turns_and_assignments_are_counted() {
    each_db(async |mut db| {
        let (world, _) = still_world();
        let master = MasterKey::generate(&world);
        let new = a_provider("openai", json!({"realtime_concurrency": 1}));
        put_provider(&mut db, &world, &master, &new).await.unwrap();
        let registry = Registry::new(master, Tz::UTC);
        registry.refresh(&mut db).await.unwrap();
        let entry = registry.get("openai").unwrap();
        let turn = entry.turn().await;
        assert!(turn.is_some());
        assert!(tokio::time::timeout(Duration::from_millis(20), entry.turn()).await.is_err());
        drop(turn);
        assert!(entry.turn().await.is_some());
        entry.note_assigned();
        entry.note_assigned();
        assert_eq!(entry.assigned(), 2);
        entry.forget_assigned();
        assert_eq!(entry.assigned(), 0);
    })
    .await;
}

#[tokio::test]
async fn prices_keep_their_day() {
    each_db(async |mut db| {
        let prices = Prices::new(db.clone());
        prices.load().await.unwrap();
        prices.load().await.unwrap();
        let day = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let luna = |kind, text| prices.at(kind, "any", "gpt-6-luna", day(text));
        let seeded = luna(ProviderKind::Openai, "2026-11-25T00:00:00Z").unwrap();
        assert_eq!(seeded.realtime.input, 100_000_000);
        assert_eq!(luna(ProviderKind::Openai, "2020-01-01T00:00:00Z"), None);
        assert_eq!(luna(ProviderKind::Anthropic, "2026-11-25T00:00:00Z"), None);
        assert_eq!(luna(ProviderKind::Compatible, "2026-11-25T00:00:00Z"), None, "never guessed, never free");

        let mut dearer = store::PriceRow {
            provider_kind: ProviderKind::Openai,
            provider: String::new(),
            model: "gpt-6-luna".into(),
            valid_from: day("2026-12-01T00:00:00Z"),
            price: seeded,
            deal: Deal::default(),
        };
        dearer.price.realtime.input *= 2;
        insert_prices(&mut db, &[dearer.clone()]).await.unwrap();
        insert_prices(&mut db, &[store::PriceRow { price: seeded, ..dearer.clone() }]).await.unwrap();
        prices.load().await.unwrap();
        assert_eq!(luna(ProviderKind::Openai, "2026-11-30T23:59:59Z"), Some(seeded));
        assert_eq!(luna(ProviderKind::Openai, "2026-12-01T00:00:00Z"), Some(dearer.price));
    })
    .await;
}

#[tokio::test]
async fn a_provider_may_have_a_price_of_its_own() {
    each_db(async |mut db| {
        let (world, clock) = still_world();
        let master = MasterKey::generate(&world);
        put_provider(&mut db, &world, &master, &a_provider("openai", json!({}))).await.unwrap();
        let registry = Registry::new(master, Tz::UTC);
        registry.refresh(&mut db).await.unwrap();
        let prices = Prices::new(db.clone());
        prices.load().await.unwrap();
        let seeded = prices.at(ProviderKind::Openai, "openai", "gpt-6-luna", world.now()).unwrap();
        let at = |input, valid_from| {
            let mut price = seeded;
            price.realtime.input = input;
            store::PriceRow {
                provider_kind: ProviderKind::Openai,
                provider: "openai".into(),
                model: "gpt-6-luna".into(),
                valid_from,
                price,
                deal: Deal::default(),
            }
        };
        let begun = world.now();
        let put = async |db: &mut Db, row| store::put_price(db, &world, &row).await.unwrap();
        put(&mut db, at(7, begun)).await;
        assert!(registry.refresh(&mut db).await.unwrap(), "other processes hear of it");
        clock.advance(chrono::TimeDelta::hours(1));
        put(&mut db, at(1, world.now())).await;
        put(&mut db, at(0, world.now())).await;
        prices.load().await.unwrap();
        let input =
            |name: &str, at| prices.at(ProviderKind::Openai, name, "gpt-6-luna", at).unwrap().realtime.input;
        assert_eq!((input("openai", begun), input("openai", world.now())), (7, 0));
        assert_eq!(input("another", world.now()), seeded.realtime.input);
    })
    .await;
}

#[tokio::test]
async fn exchanges_are_told_by_name() {
    each_db(async |mut db| {
        let (world, _): (World, _) = still_world();
        let master = MasterKey::generate(&world);
        put_provider(&mut db, &world, &master, &a_provider("openai", json!({}))).await.unwrap();
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let watcher: Watcher = {
            let told = told.clone();
            Arc::new(move |name: &str, exchange: &Exchange| {
                told.lock().unwrap().push((name.to_owned(), exchange.status));
            })
        };
        let registry = Registry::new(master, Tz::UTC).watched(watcher);
        registry.refresh(&mut db).await.unwrap();
        // Nobody listens there.
        assert!(registry.get("openai").unwrap().provider.models().await.is_err());
        assert_eq!(*told.lock().unwrap(), [("openai".to_owned(), None)]);
    })
    .await;
}
