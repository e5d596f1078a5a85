//! The bill of a month: it is the ledger's, to the nano-dollar, and the public validator of FOCUS files takes it.

use quire_engine::{
    budget::{self, Account, Held, Line, Tokens, day_of},
    provider::{
        ProviderKind, Usage,
        price::{Deal, Price, Terms, Tier, seed_prices},
        registry::store::{PriceRow, put_price},
    },
    store::{BatchId, CourseId, Exec as _, NanoUsd, World},
};
use quire_tests::{
    essays::essay,
    focus::{self, Verdict},
    on_both,
    school::{Database, Options, School},
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

on_both!(a_bill_is_what_was_spent, every_kind_of_row_is_accepted, what_is_asked_for_is_checked);

const PATIENCE: Duration = Duration::from_secs(60);
const ZONE: &str = "Europe/Stockholm";

type Row = BTreeMap<String, String>;

fn rows(csv: &str) -> Vec<Row> {
    csv::Reader::from_reader(csv.as_bytes()).deserialize().map(Result::unwrap).collect()
}

/// The same columns with these rows.
fn file(csv: &str, rows: &[Row]) -> String {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().unwrap().clone();
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(&header).unwrap();
    for row in rows {
        out.write_record(header.iter().map(|column| &row[column])).unwrap();
    }
    String::from_utf8(out.into_inner().unwrap()).unwrap()
}

/// With a class that is none: the validator compares costs only where there is a class, and here there never is.
fn with_class(csv: &str) -> String {
    let classed = |mut row: Row| {
        row.insert("ChargeClass".to_owned(), "None".to_owned());
        row
    };
    file(csv, &rows(csv).into_iter().map(classed).collect::<Vec<_>>())
}

fn broken(verdict: &Verdict) -> Vec<&str> {
    assert!(verdict.kept > 280, "{verdict:?}");
    verdict.broken.keys().map(String::as_str).collect()
}

/// The validator wants a number of an invoice wherever it can't know that there is one; Quire does not know the
/// providers' invoices, for which FOCUS wants null.
const NO_INVOICE: &str = "InvoiceId-C-005-C";

fn nano(row: &Row, column: &str) -> i64 {
    NanoUsd::parse_dollars(&row[column]).unwrap_or_else(|wrong| panic!("{column}: {wrong}")).0
}

fn sum<'a>(rows: impl IntoIterator<Item = &'a Row>, column: &str) -> i64 {
    rows.into_iter().map(|row| nano(row, column)).sum()
}

async fn a_bill_is_what_was_spent(database: Database) {
    let options = Options::default().with("retry.time_out.first_seconds", "1").with("time_zone", ZONE);
    let school = School::open_with(database, options).await;
    let lost = |call: &str| json!({"fault": "drop_after", "call": call, "times": 1});
    school.control(&json!({"script": [lost("openai.chat"), lost("anthropic.messages")]})).await;
    for n in 0..8 {
        let student = format!("student{n}@example.edu");
        let key = if n < 6 { "essay" } else { "exam" };
        let work = essay(n, 200);
        school.api("berg").hand_in_for(&student, school.assignment(key), &work, None).await.expect(201);
    }
    school.wait_until_idle(PATIENCE).await;
    school.prove().await;

    let admin = school.api("admin");
    let sums: Vec<(String, i64, i64, i64)> = school
        .db()
        .query(
            "SELECT SUBSTR(CAST(day AS TEXT), 1, 7), CAST(SUM(spent_nano) AS BIGINT), CAST(SUM(input_tokens) AS BIGINT), \
             CAST(SUM(output_tokens) AS BIGINT) FROM ledger GROUP BY 1 ORDER BY 1",
        )
        .all()
        .await
        .unwrap();
    for (month, spent, input, output) in &sums {
        let answer = admin.get(&format!("/api/v1/billing/{month}?cost_centre=4711")).await.expect(200);
        assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8");
        let name = format!("attachment; filename=\"quire-billing-{month}-4711.csv\"");
        assert_eq!(answer.headers["content-disposition"], *name);
        // The command line says the same, also of the whole institution, which has this one cost centre.
        assert_eq!(school.run_well(&["billing", "--month", month]), answer.text);
        let path = school.path("bill.csv");
        let to = path.to_string_lossy();
        let said = school.run(&["billing", "--month", month, "--cost-centre", "4711", "--output", &to]);
        assert!(said.status.success() && said.stdout.is_empty());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), answer.text);
        assert!(!school.path("bill.csv.part").exists());

        let rows = rows(&answer.text);
        for column in ["BilledCost", "EffectiveCost"] {
            assert_eq!(sum(&rows, column), *spent, "{column}\n{}", answer.text);
        }
        let tokens = |fits: fn(&str) -> bool| {
            let of = rows.iter().filter(|row| row["ConsumedQuantity"] != "" && fits(&row["x_TokenKind"]));
            of.map(|row| row["ConsumedQuantity"].parse::<f64>().unwrap()).sum::<f64>() as i64
        };
        assert_eq!((tokens(|kind| kind != "output"), tokens(|kind| kind == "output")), (*input, *output));
        let seen = |column: &str| rows.iter().map(|row| row[column].clone()).collect::<BTreeSet<_>>();
        assert_eq!(seen("x_CourseCode"), BTreeSet::from(["W101".to_owned()]));
        if sums.len() == 1 {
            assert_eq!(seen("x_Way"), BTreeSet::from(["batch".to_owned(), "realtime".to_owned()]));
            assert_eq!(seen("x_Booking"), BTreeSet::from(["lost".to_owned(), "priced".to_owned()]));
        }
        if let Some(verdicts) = focus::validate(&school.path(""), &[answer.text]) {
            assert_eq!(broken(&verdicts[0]), [NO_INVOICE], "{verdicts:?}");
        }
    }
    school.close().await;
}

/// The ledger of a March, as it may become in years.
struct March {
    world: World,
    courses: [(CourseId, &'static str); 2],
    lines: Vec<Line>,
}

impl March {
    fn line(&mut self, at: &str, provider: &str, model: &str, course: usize, cost: NanoUsd) -> &mut Line {
        let (course_id, cost_centre) = self.courses[course];
        let account = Account {
            job_id: self.world.id(),
            provider: provider.to_owned(),
            model: model.to_owned(),
            course_id,
            cost_centre: cost_centre.to_owned(),
        };
        let zone = ZONE.parse().unwrap();
        let line = Line::settle(&self.world, zone, account, Held::default(), cost);
        let at = at.parse().unwrap();
        self.lines.push(Line { at, day: day_of(at, zone), ..line });
        self.lines.last_mut().unwrap()
    }

    #[expect(clippy::too_many_arguments, reason = "a line of a table")]
    fn answer(
        &mut self,
        at: &str,
        provider: &str,
        model: &str,
        course: usize,
        batch: bool,
        terms: Terms,
        [input, cached, write, long, output]: [u64; 5],
    ) {
        let usage = Usage {
            input_tokens: input,
            cached_tokens: cached,
            cache_write_tokens: write,
            cache_write_long_tokens: long,
            output_tokens: output,
            reasoning_tokens: output / 3,
        };
        let batch_id: BatchId = self.world.id();
        let line = self.line(at, provider, model, course, terms.cost(&usage, batch));
        line.tokens = Tokens::from(usage);
        line.batch_id = batch.then_some(batch_id);
    }
}

fn seeded(model: &str) -> Price {
    seed_prices().iter().find(|row| row.model == model).unwrap().price
}

async fn every_kind_of_row_is_accepted(database: Database) {
    let school = School::prepare(database, Options::default().with("time_zone", ZONE)).await;
    let (mut db, world) = (school.db(), World::system());
    let deal = Deal { discount: 1_250, tiers: vec![Tier { from_tokens: 1_000, discount: 333 }] };
    let free: Price = serde_json::from_str(r#"{"realtime": {"input": 0, "output": 0}}"#).unwrap();
    let (sol, haiku) = (seeded("gpt-6.1-sol"), seeded("claude-haiku-5-5"));
    for (kind, provider, model, from, price, deal) in [
        (ProviderKind::Openai, "", "gpt-6.1-sol", "2026-01-01T00:00:00Z", sol, Deal::default()),
        (ProviderKind::Openai, "openai", "gpt-6.1-sol", "2026-03-15T12:00:00.5Z", sol, deal.clone()),
        (ProviderKind::Anthropic, "", "claude-haiku-5-5", "2026-01-01T00:00:00Z", haiku, Deal::default()),
        (ProviderKind::Compatible, "campus", "32", "2026-01-01T00:00:00Z", free, Deal::default()),
    ] {
        let (provider, model) = (provider.to_owned(), model.to_owned());
        let valid_from = from.parse().unwrap();
        let row = PriceRow { provider_kind: kind, provider, model, valid_from, price, deal };
        put_price(&mut db, &world, &row).await.unwrap();
    }
    let campus = school.path("campus.toml");
    std::fs::write(
        &campus,
        "[[providers]]\nname = \"campus\"\nkind = \"compatible\"\nbase_url = \"http://127.0.0.1:9/v1\"\n\
         key = \"sk-campus\"\n[providers.settings]\nmodels = [\"32\"]\n",
    )
    .unwrap();
    school.run_well(&["setup", &campus.to_string_lossy()]);
    let courses: Vec<(CourseId,)> = db.query("SELECT id FROM courses ORDER BY code").all().await.unwrap();
    let courses = [(courses[0].0, "4711"), (courses[1].0, "Ökonomie, \"Recht\" & 50 %")];
    let mut march = March { world, courses, lines: Vec::new() };
    let listed = |price| Terms::new(price, &Deal::default(), 0);
    let (sol_listed, sol_deal, sol_tier) =
        (listed(sol), Terms::new(sol, &deal, 0), Terms::new(sol, &deal, 1_000));
    // The first and the last moment of the month, and the day of 23 hours.
    for at in ["2026-02-28T23:00:00Z", "2026-03-31T21:59:59.999999Z", "2026-03-29T00:30:00Z"] {
        let terms = if at < "2026-03-15" { sol_listed } else { sol_deal };
        march.answer(at, "openai", "gpt-6.1-sol", 0, true, terms, [2_000, 1_100, 300, 0, 401]);
    }
    for (at, terms) in [
        ("2026-03-15T11:59:59Z", sol_listed),
        ("2026-03-15T12:00:01Z", sol_deal),
        ("2026-03-15T12:00:02Z", sol_deal),
        ("2026-03-15T12:00:03Z", sol_tier),
    ] {
        march.answer(at, "openai", "gpt-6.1-sol", 0, true, terms, [2_001, 0, 0, 0, 403]);
        march.answer(at, "openai", "gpt-6.1-sol", 1, false, terms, [2_003, 7, 0, 0, 407]);
        march.answer(at, "openai", "gpt-6.1-sol", 0, false, terms, [300_007, 0, 0, 0, 5]);
    }
    let at = "2026-03-20T10:00:00Z";
    march.answer(
        at,
        "anthropic",
        "claude-haiku-5-5",
        1,
        true,
        listed(haiku),
        [9_001, 1_001, 2_003, 3_001, 11],
    );
    march.answer(at, "campus", "32", 1, false, listed(free), [5_000, 0, 0, 0, 700]);
    march.line(at, "openai", "gpt-6.1-sol", 1, NanoUsd(123_457));
    march.line(at, "openai", "gpt-6.1-sol", 0, NanoUsd(2_000_000_000)).kind = budget::Kind::Lost;
    march.answer(at, "closed-down", "grandmère", 1, true, sol_tier, [10, 0, 0, 0, 3]);
    budget::record(&mut db, &march.lines).await.unwrap();

    let csv = school.run_well(&["billing", "--month", "2026-03"]);
    let found = rows(&csv);
    for (n, (_, cost_centre)) in courses.iter().enumerate() {
        let booked = march.lines.iter().filter(|line| line.account.cost_centre == *cost_centre);
        let booked: i64 = booked.map(|line| line.spent.0).sum();
        let billed = found.iter().filter(|row| row["x_CostCentre"] == *cost_centre);
        assert_eq!(sum(billed, "BilledCost"), booked, "{cost_centre}\n{csv}");
        let only = school.run_well(&["billing", "--month", "2026-03", "--cost-centre", cost_centre]);
        assert_eq!(sum(&rows(&only), "BilledCost"), booked, "{n}");
    }
    let bookings: HashMap<&str, usize> = found.iter().fold(HashMap::new(), |mut counts, row| {
        *counts.entry(&*row["x_Booking"]).or_default() += 1;
        counts
    });
    for (booking, rows) in [("lost", 1), ("unmetered", 1), ("unpriced", 1)] {
        assert_eq!(bookings[booking], rows, "{booking}");
    }
    // Three days of four kinds; three price rows of two, three and two kinds; five kinds; two that cost nothing.
    assert_eq!(bookings["priced"], 3 * 4 + 3 * (2 + 3 + 2) + 5 + 2, "{csv}");
    let summer = found.iter().find(|row| row["ChargePeriodStart"] == "2026-03-28T23:00:00Z").unwrap();
    assert_eq!(summer["ChargePeriodEnd"], "2026-03-29T22:00:00Z");
    let month = (&*summer["BillingPeriodStart"], &*summer["BillingPeriodEnd"]);
    assert_eq!(month, ("2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"));
    let changed: BTreeSet<_> = found
        .iter()
        .filter(|row| row["ChargePeriodStart"] == "2026-03-14T23:00:00Z" && row["x_TokenKind"] == "output")
        .map(|row| (&*row["x_Way"], &*row["ListUnitPrice"], &*row["ContractedUnitPrice"]))
        .collect();
    let expected = [
        ("batch", "5.0", "4.2293125"),
        ("batch", "5.0", "4.375"),
        ("batch", "5.0", "5.0"),
        ("realtime", "10.0", "8.458625"),
        ("realtime", "10.0", "8.75"),
        ("realtime", "10.0", "10.0"),
        ("realtime", "15.0", "12.6879375"),
        ("realtime", "15.0", "13.125"),
        ("realtime", "15.0", "15.0"),
    ];
    assert_eq!(changed, expected.into_iter().collect());

    let mut files = vec![csv.clone()];
    if database == Database::Sqlite {
        // The file is the same on the other.
        files.push(with_class(&csv));
        let wrong = csv.replacen("13.125", "13.124", 1);
        assert_ne!(wrong, csv);
        files.push(with_class(&wrong));
        for booking in bookings.keys() {
            let alone: Vec<Row> = found.iter().filter(|row| row["x_Booking"] == *booking).cloned().collect();
            files.push(file(&csv, &alone));
        }
    }
    if let Some(verdicts) = focus::validate(&school.path(""), &files) {
        for (n, verdict) in verdicts.iter().enumerate() {
            let said = broken(verdict);
            match n {
                1 => assert_eq!(said, ["ChargeClass-C-000-M", "ChargeClass-C-005-C", NO_INVOICE]),
                // What is wrong is seen.
                2 => assert!(said.contains(&"ContractedUnitPrice-C-011-C"), "{verdict:?}"),
                _ => assert_eq!(said, [NO_INVOICE], "{n}: {verdict:?}"),
            }
        }
    }
    school.close().await;
}

async fn what_is_asked_for_is_checked(database: Database) {
    let school = School::open(database).await;
    let admin = school.api("admin");
    for (path, part) in [
        ("november", "\"november\" is not a month"),
        ("2026-13", "2026-13"),
        ("2099-01", "2099-01 has not begun"),
        ("%00", "is not a month"),
    ] {
        let answer = admin.get(&format!("/api/v1/billing/{path}")).await;
        answer.expect_problem(400, "invalid-parameter");
        assert!(answer.string("detail").contains(part), "{}", answer.text);
    }
    admin.get("/api/v1/billing/2026-11?centre=4711").await.expect_problem(400, "invalid-parameter");
    let unknown = admin.get("/api/v1/billing/2026-11?cost_centre=4712").await;
    unknown.expect_problem(404, "not-found");
    assert!(unknown.string("detail").contains("the courses' are 4711"), "{}", unknown.text);
    for (arguments, part) in [
        (&["--month", "11"][..], "--month: \"11\" is not a month"),
        (&["--month", "2099-01"], "has not begun"),
        (&["--month", "2026-11", "--cost-centre", "4712"], "--cost-centre: there is no cost centre \"4712\""),
    ] {
        let refused = school.run(&[&["billing"], arguments].concat());
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains(part) && refused.stdout.is_empty(), "{said}");
    }
    let path = school.path("no/such/folder.csv");
    let refused = school.run(&["billing", "--month", "2026-01", "--output", &path.to_string_lossy()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("can't be written"));
    // Nothing was spent: the header alone.
    let empty = school.run(&["billing", "--month", "2026-01"]);
    assert!(empty.status.success());
    let text = String::from_utf8(empty.stdout).unwrap();
    assert!(text.starts_with("AvailabilityZone,BilledCost,") && text.lines().count() == 1, "{text}");
    assert!(String::from_utf8_lossy(&empty.stderr).contains("0 rows, $0.00 spent in 2026-01"));
    school.close().await;
}
