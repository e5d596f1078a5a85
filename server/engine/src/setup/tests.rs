//! Setting up, on both databases.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    budget, course,
    identity::{Identity, Institution, Role},
    provider::{MasterKey, Registry, registry::Change},
    store::{
        Db, NanoUsd, World,
        testing::{each_db, still_world},
    },
};

const KEY: &str = "sk-of-the-demo";

fn demo() -> Setup {
    let at = "http://127.0.0.1:9/v1";
    Setup::parse(DEMO).unwrap().at("openai", at, KEY).at("anthropic", at, KEY)
}

struct Site {
    db: Db,
    world: World,
    master: MasterKey,
}

impl Site {
    fn new(db: Db) -> Self {
        let (world, _) = still_world();
        Self { db, master: MasterKey::generate(&world), world }
    }

    async fn apply(&self, setup: &Setup) -> Result<Report, SetupError> {
        apply(&self.db, &self.world, &self.master, setup).await
    }

    /// What the report of a text says, without the line of sums.
    async fn changes(&self, text: &str) -> Vec<String> {
        let report = self.apply(&Setup::parse(text).unwrap()).await.unwrap().to_string();
        let mut lines: Vec<String> = report.lines().map(str::to_owned).collect();
        lines.pop();
        lines
    }

    async fn wrongs(&self, text: &str) -> Vec<String> {
        match self.apply(&Setup::parse(text).unwrap()).await {
            Err(SetupError::Wrong(wrongs)) => wrongs.iter().map(ToString::to_string).collect(),
            other => panic!("not refused: {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_demo_is_set_up_once() {
    each_db(async |db| {
        let site = Site::new(db.clone());
        let setup = demo();
        let report = site.apply(&setup).await.unwrap();
        assert_eq!((report.count(Change::Updated), report.count(Change::Unchanged)), (1, 0), "{report}");
        let named = setup.people.len()
            + setup.courses.len()
            + setup.rubrics.len()
            + setup.assignments.len()
            + setup.providers.len()
            + setup.budgets.len();
        assert_eq!(report.count(Change::Created), named, "{report}");

        let again = site.apply(&setup).await.unwrap();
        assert_eq!(again.count(Change::Unchanged), named + 1, "{again}");
        assert_eq!(again.to_string(), format!("0 created, 0 changed, {} as they were", named + 1));

        // All of it works.
        let identity = Identity::new(db.clone(), site.world.clone());
        for person in &setup.people {
            let password = person.password.as_ref().unwrap().expose();
            identity.sign_in(person.email.get_ref(), password).await.unwrap();
        }
        let mut db = db;
        let course = course::store::course_by_code(&mut db, "W101").await.unwrap().unwrap();
        let members = crate::identity::store::members(&mut db, course.id).await.unwrap();
        let teachers = members.iter().filter(|m| m.role == Role::Instructor).count();
        assert_eq!((members.len(), teachers), (3, 1));
        assert_eq!(course::store::assignments_of(&mut db, course.id).await.unwrap().len(), 3);
        let registry = Registry::new(site.master.clone(), chrono_tz::Tz::UTC);
        registry.refresh(&mut db).await.unwrap();
        assert_eq!((registry.all().len(), registry.broken()), (2, vec![]));
        assert_ne!(Institution::load(&mut db).await.unwrap(), Institution::default());
        assert_eq!(budget::budgets(&mut db).await.unwrap().len(), setup.budgets.len());
    })
    .await;
}

#[tokio::test]
async fn what_the_file_says_anew_is_changed_and_nothing_else() {
    each_db(async |mut db| {
        let site = Site::new(db.clone());
        let file = |title: &str, levels: &str, password: &str, limit: &str, jobs: u32| {
            format!(
                r#"
                people = [{{ email = "ada@example.edu", name = "Ada", password = "{password}" }}]
                [[courses]]
                code = "W1"
                title = "{title}"
                students = ["ada@example.edu"]
                [[rubrics]]
                course = "W1"
                key = "r"
                title = "R"
                criteria = [{{ id = "a", title = "A", levels = [{levels}] }}]
                [[assignments]]
                course = "W1"
                key = "essay"
                title = "Essay"
                kind = "summative"
                brief = "Write."
                rubric = "r"
                closes = 2027-01-01T12:00:00+01:00
                [[providers]]
                name = "own"
                kind = "openai"
                key = "k"
                settings = {{ models = ["gpt-6-luna"], max_jobs = {jobs} }}
                [[budgets]]
                scope = "W1"
                limit_usd = {limit}
                "#
            )
        };
        let two = r#"{ id = "l", title = "L", points = 0 }, { id = "h", title = "H", points = 2.5 }"#;
        let three = format!(r#"{two}, {{ id = "t", title = "T", points = 3 }}"#);
        let first = site.changes(&file("Writing", two, "correct horse", "12.50", 20)).await;
        assert_eq!(first.len(), 6, "{first:?}");
        assert!(first.iter().all(|line| line.starts_with("created ")), "{first:?}");
        assert_eq!(site.changes(&file("Writing", two, "correct horse", "12.5", 20)).await, [""; 0]);
        for (text, changed) in [
            (file("Reading", two, "correct horse", "12.5", 20), vec!["changed course W1"]),
            (file("Reading", two, "battery staple", "12.5", 20), vec!["changed person ada@example.edu"]),
            // The assignment goes on to the new version.
            (
                file("Reading", &three, "battery staple", "12.5", 20),
                vec!["changed rubric W1/r", "changed assignment W1/essay"],
            ),
            (file("Reading", &three, "battery staple", "13", 20), vec!["changed budget W1"]),
            (file("Reading", &three, "battery staple", "13", 21), vec!["changed provider own"]),
        ] {
            assert_eq!(site.changes(&text).await, changed);
        }
        let course = course::store::course_by_code(&mut db, "W1").await.unwrap().unwrap();
        let rubric = course::store::newest_rubric(&mut db, course.id, "r").await.unwrap().unwrap();
        assert_eq!((rubric.number, rubric.rubric.most().0), (2, 300));
        let essay = course::store::assignment_by_key(&mut db, course.id, "essay").await.unwrap().unwrap();
        assert_eq!(essay.rubric_version_id, rubric.id);
        assert_eq!(essay.closes_at, Some("2027-01-01T11:00:00Z".parse().unwrap()));
        let budgets = budget::budgets(&mut db).await.unwrap();
        assert_eq!((budgets.len(), budgets[0].limit), (1, NanoUsd::from_dollars(13)));
        let identity = Identity::new(db.clone(), site.world.clone());
        identity.sign_in("ada@example.edu", "battery staple").await.unwrap();
        assert!(identity.sign_in("ada@example.edu", "correct horse").await.is_err());

        // A file may build on what is there, and leaves out what it does not want to touch.
        let changes = site
            .changes(
                r#"
                people = [{ email = "ADA@example.edu", name = "Ada", admin = true }]
                [[courses]]
                code = "W1"
                title = "Reading"
                instructors = ["n.berg@example.edu"]
                [[assignments]]
                course = "W1"
                key = "practice"
                title = "Practice"
                kind = "practice"
                brief = "Write."
                rubric = "r"
                [[providers]]
                name = "own"
                kind = "openai"
                settings = { models = ["gpt-6-luna"], max_jobs = 21 }
                "#,
            )
            .await;
        assert_eq!(
            changes,
            [
                "changed person ada@example.edu",
                "created person n.berg@example.edu",
                "changed course W1",
                "created assignment W1/practice"
            ]
        );
        identity.sign_in("ada@example.edu", "battery staple").await.unwrap();
        let names: Vec<String> = identity
            .members(&crate::identity::Actor::System, course.id)
            .await
            .unwrap()
            .into_iter()
            .map(|m| m.person.name)
            .collect();
        assert_eq!(names, ["Ada", "N Berg"]);
    })
    .await;
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once_and_nothing_is_written() {
    each_db(async |mut db| {
        let site = Site::new(db.clone());
        let wrongs = site
            .wrongs(
                r#"people = [
    { email = "ada@example.edu", name = "Ada", password = "short" },
    { email = "Ada@Example.edu", name = " " },
    { email = "nobody", name = "N" },
]
[[courses]]
code = "W 1"
title = ""
instructors = ["ada@example.edu", "x"]
students = ["ada@example.edu"]
[[rubrics]]
course = "none"
key = "r"
title = "R"
criteria = []
[[assignments]]
course = "W 1"
key = "essay"
title = "Essay"
kind = "summative"
brief = ""
rubric = "missing"
max_drafts = 0
[[providers]]
name = "own"
kind = "openai"
base_url = "nowhere"
settings = { models = ["gpt-6-luna"] }
[[providers]]
name = "other"
kind = "anthropic"
key_env = "QUIRE_NOT_SET_ANYWHERE"
settings = { models = ["claude-haiku-5-5"], max_job = 5 }
[[budgets]]
scope = "none"
limit_usd = -1
"#,
            )
            .await;
        let expected = [
            ("line 2, people \"ada@example.edu\"", "8 to 256"),
            ("line 3, people \"Ada@Example.edu\"", "is there twice"),
            ("line 3, people \"Ada@Example.edu\"", "name is empty"),
            ("line 4, people \"nobody\"", "is not an e-mail address"),
            ("line 7, courses \"W 1\"", "the code"),
            ("line 7, courses \"W 1\"", "the title is empty"),
            ("line 7, courses \"W 1\"", "\"x\" is not an e-mail address"),
            ("line 7, courses \"W 1\"", "as instructor and student"),
            ("line 13, rubrics \"r\"", "no course \"none\""),
            ("line 13, rubrics \"r\"", "1 to 40 criteria"),
            ("line 18, assignments \"essay\"", "no rubric \"missing\""),
            ("line 18, assignments \"essay\"", "the brief is empty"),
            ("line 18, assignments \"essay\"", "max_drafts is 0"),
            ("line 25, providers \"own\"", "has no key"),
            ("line 25, providers \"own\"", "\"nowhere\" is no address"),
            ("line 30, providers \"other\"", "QUIRE_NOT_SET_ANYWHERE is not set"),
            ("line 30, providers \"other\"", "\"max_job\" is not a setting"),
            ("line 35, budgets \"none\"", "write all"),
            ("line 35, budgets \"none\"", "below 0"),
        ];
        for (begin, part) in expected {
            let found = wrongs.iter().any(|wrong| wrong.starts_with(begin) && wrong.contains(part));
            assert!(found, "{begin} … {part} is not in {wrongs:#?}");
        }
        assert_eq!(wrongs.len(), expected.len(), "{wrongs:#?}");
        assert!(crate::identity::store::people(&mut db).await.unwrap().is_empty());
        let said = SetupError::Wrong(vec![]).to_string();
        assert!(said.starts_with("nothing was set up"), "{said}");
    })
    .await;
}

#[test]
fn what_is_not_understood_is_shown_by_line_and_without_secrets() {
    for (text, place, part) in [
        ("[[people]]\nemial = \"a@b.c\"", (2, 1), "unknown field `emial`"),
        ("[[people]]\nemail = \"a@b.c\"\nname = 5", (3, 8), "expected a string"),
        ("[[assignments]]\nkind = \"essay\"", (2, 8), "essay"),
        ("[institution]\nname = \"N\"\ntime_zone = \"Mars/Base\"", (3, 13), "IANA"),
        (
            "people = [\n  { email = \"a@b.c\", name = \"A\", password = 12345678 }\n]",
            (2, 45),
            "must be text, in quotes",
        ),
        ("[[budgets]]\nscope = \"all\"\nlimit_usd = \"much\"", (3, 13), "not an amount"),
        ("a = [1,\n", (0, 0), ""),
    ] {
        match Setup::parse(text) {
            Err(SetupError::Toml { place: found, reason }) => {
                assert!(reason.contains(part), "{text}: {reason}");
                assert!(!reason.contains("12345678"), "{reason}");
                if place != (0, 0) {
                    assert_eq!(found, Some(place), "{text}: {reason}");
                }
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    let setup = demo();
    let shown = format!("{setup:?}");
    assert!(!shown.contains(KEY) && !shown.contains(setup.people[0].password.as_ref().unwrap().expose()));
}

#[tokio::test]
async fn secrets_are_read_from_files() {
    each_db(async |db| {
        let site = Site::new(db.clone());
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("ada.txt", "from a file \n");
        write("key.txt", "sk-from-a-file\r\n");
        write(
            "setup.toml",
            r#"
            people = [{ email = "ada@example.edu", name = "Ada", password_file = "ada.txt" }]
            providers = [{ name = "own", kind = "openai", key_file = "key.txt", settings = { models = ["gpt-6-luna"] } }]
            "#,
        );
        let path = folder.path().join("setup.toml");
        let setup = Setup::load(&path).unwrap();
        site.apply(&setup).await.unwrap();
        assert_eq!(site.apply(&setup).await.unwrap().count(Change::Unchanged), 2);
        let identity = Identity::new(db.clone(), site.world.clone());
        identity.sign_in("ada@example.edu", "from a file ").await.unwrap();
        let row = crate::provider::registry::store::providers(&mut db.clone()).await.unwrap().remove(0);
        let key = site.master.open("own", &row.sealed_key).unwrap();
        assert_eq!(secrecy::ExposeSecret::expose_secret(&key), "sk-from-a-file");
        assert_eq!(row.base_url, "https://api.openai.com/v1");

        // Without the files it is said which is missing; a text without a folder can't read any.
        std::fs::remove_file(folder.path().join("key.txt")).unwrap();
        let missing = Setup::load(&path).unwrap_err().to_string();
        assert!(missing.contains("key.txt"), "{missing}");
        assert!(Setup::load(&folder.path().join("none.toml")).unwrap_err().to_string().contains("none.toml"));
        let unread = site.wrongs(&std::fs::read_to_string(&path).unwrap()).await;
        assert!(unread[0].contains("ada.txt was not read"), "{unread:?}");
        assert!(unread[1].contains("key.txt was not read"), "{unread:?}");
    })
    .await;
}

#[tokio::test]
async fn prices_discounts_and_tiers_are_set_by_the_file() {
    each_db(async |db| {
        let site = Site::new(db.clone());
        let negotiated = r#"
[[prices]]
kind = "openai"
model = "gpt-6-luna"
from = 2027-01-01T00:00:00Z
discount_percent = 12.5
tiers = [{ from_tokens = 1_000, discount_percent = 5 }, { from_tokens = 2_000, discount_percent = "7.25" }]
[[prices]]
kind = "anthropic"
model = "claude-of-ours"
from = 2026-01-01T00:00:00Z
realtime = { input_usd = 0.2, cached_input_usd = "0.02", output_usd = 1 }
batch = { input_usd = 0.1, output_usd = 0.5 }
"#;
        let created = [
            "created price OpenAI/gpt-6-luna from 2027-01-01",
            "created price Anthropic/claude-of-ours from 2026-01-01",
        ];
        assert_eq!(site.changes(negotiated).await, created);
        assert!(site.changes(negotiated).await.is_empty(), "a second time changes nothing");
        let prices = crate::provider::Prices::new(db.clone());
        prices.load().await.unwrap();
        let at = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        let usage = crate::provider::Usage { input_tokens: 200_000, ..Default::default() };
        let cost = |kind, model, day: &str, batch| {
            prices.terms(kind, "any", model, at(day)).unwrap().cost(&usage, batch).0
        };
        let openai = crate::provider::ProviderKind::Openai;
        assert_eq!(cost(openai, "gpt-6-luna", "2026-12-31T23:59:59Z", false), 20_000_000);
        assert_eq!(cost(openai, "gpt-6-luna", "2027-01-01T00:00:00Z", false), 17_500_000);
        assert!(prices.are_by_volume());
        prices.keep_volumes([((openai, String::new(), "gpt-6-luna".to_owned()), 2_000)].into());
        assert_eq!(cost(openai, "gpt-6-luna", "2027-01-01T00:00:00Z", false), 16_231_250);
        let whole =
            prices.terms_without_volume(openai, "any", "gpt-6-luna", at("2027-01-01T00:00:00Z")).unwrap();
        assert_eq!(whole.cost(&usage, true).0, 8_750_000, "what is held counts on no volume");
        let anthropic = crate::provider::ProviderKind::Anthropic;
        assert_eq!(cost(anthropic, "claude-of-ours", "2026-11-25T00:00:00Z", true), 20_000_000);

        // What does not hold yet can be changed, what holds can't.
        let changed = negotiated.replace("= 12.5", "= 15").replace("input_usd = 0.2,", "input_usd = 0.3,");
        let wrongs = site.wrongs(&changed).await;
        assert_eq!(wrongs.len(), 1, "{wrongs:?}");
        assert!(wrongs[0].contains("claude-of-ours") && wrongs[0].contains("a later moment"), "{wrongs:?}");
        let changed = negotiated.replace("= 12.5", "= 15");
        assert_eq!(site.changes(&changed).await, ["changed price OpenAI/gpt-6-luna from 2027-01-01"]);
    })
    .await;
}

#[tokio::test]
async fn wrong_price_tables_are_refused_by_name() {
    let fresh = crate::store::testing::FreshDb::sqlite().await;
    let site = Site::new(fresh.db.clone());
    let with = |rest: &str| {
        format!("[[prices]]\nkind = \"openai\"\nmodel = \"m\"\nfrom = 2027-01-01T00:00:00Z\n{rest}\n")
    };
    const LIST: &str = "realtime = { input_usd = 1, output_usd = 2 }\n";
    for (rest, words) in [
        (String::new(), "no list price yet"),
        ("batch = { input_usd = 1, output_usd = 2 }".into(), "without realtime"),
        ("realtime = { input_usd = -1, output_usd = 2 }".into(), "below 0"),
        (format!("{LIST}discount_percent = 100"), "must be below 100"),
        (format!("{LIST}tiers = [{{ from_tokens = 0, discount_percent = 5 }}]"), "above 0"),
        (
            format!(
                "{LIST}tiers = [{{ from_tokens = 9, discount_percent = 5 }}, {{ from_tokens = 8, discount_percent = 6 }}]"
            ),
            "rising volumes",
        ),
        (format!("{LIST}{}", with(LIST)), "is there twice"),
        (format!("{LIST}provider = \"openai\""), "either provider"),
    ] {
        let wrongs = site.wrongs(&with(&rest)).await;
        let told = wrongs.iter().any(|w| w.contains("prices \"m\"") && w.contains(words));
        assert!(told, "{rest}: {wrongs:?}");
    }
    let unreadable = Setup::parse(&with("discount_percent = 5.125")).unwrap_err().to_string();
    assert!(unreadable.contains("at most two decimals"), "{unreadable}");
    fresh.remove().await;
}

#[tokio::test]
async fn a_compatible_server_needs_an_address_and_prices() {
    each_db(async |db| {
        let site = Site::new(db);
        let server = |address: &str, prices: &str| {
            format!(
                r#"
                [[providers]]
                name = "campus"
                kind = "compatible"
                {address}
                key = "none"
                settings = {{ models = ["qwen-4-32b"] }}
                {prices}
                "#
            )
        };
        let here = "base_url = \"http://gpu.example.edu:8000/v1\"";
        let price = |input: &str, rest: &str| {
            format!(
                "[[prices]]\nprovider = \"campus\"\nmodel = \"qwen-4-32b\"\n{rest}\nrealtime = {{ input_usd = {input}, output_usd = 0 }}"
            )
        };
        for (text, part) in [
            (server("", &price("0", "")), "has no address; write its base_url"),
            (server(here, ""), "has no price for the model \"qwen-4-32b\""),
            (server(here, &price("-1", "")), "has a price below 0"),
            (server(here, &price("0", "from = 2099-01-01T00:00:00Z")), "has no price for the model"),
            (server(here, &price("0", "").replace("campus", "moon")), "there is no provider \"moon\""),
        ] {
            let wrongs = site.wrongs(&text).await;
            assert!(wrongs.iter().any(|wrong| wrong.contains(part)), "{part}: {wrongs:?}");
        }
        let free = server(here, &price("0", ""));
        assert_eq!(site.changes(&free).await, ["created provider campus", "created price campus/qwen-4-32b"]);
        assert_eq!(site.changes(&free).await, [""; 0]);
        let dear = server(here, &price("0.25", ""));
        // At the same moment as before: that is no later price.
        let wrongs = site.wrongs(&dear).await;
        assert!(wrongs[0].contains("has other prices from"), "{wrongs:?}");
        let later = server(here, &price("0.25", "from = 2099-01-01T00:00:00Z"));
        assert_eq!(site.changes(&later).await, ["created price campus/qwen-4-32b from 2099-01-01"]);
        assert_eq!(site.changes(&later).await, [""; 0]);
        // A provider's own price leaves its kind's as it is, and may be negotiated too.
        let own = free.replace(
            "kind = \"compatible\"",
            "kind = \"openai\"",
        );
        let own = own.replace("campus", "contract").replace("qwen-4-32b", "gpt-6-luna");
        let own = own.replace("realtime = { input_usd = 0, output_usd = 0 }", "discount_percent = 50");
        let created = ["created provider contract", "created price contract/gpt-6-luna"];
        assert_eq!(site.changes(&own).await, created);
        assert_eq!(site.changes(&own).await, [""; 0]);
        let prices = crate::provider::Prices::new(site.db.clone());
        prices.load().await.unwrap();
        let usage = crate::provider::Usage { input_tokens: 1_000_000, ..Default::default() };
        let cost = |name: &str| {
            let terms = prices.terms(crate::provider::ProviderKind::Openai, name, "gpt-6-luna", site.world.now());
            terms.unwrap().cost(&usage, false).0
        };
        assert_eq!(cost("contract") * 2, cost("another"));
    })
    .await;
}
