//! The bill of a month as CSV, made while it is read.

use super::{
    Account, BillingError, Booking, COLUMNS, Day, Month, explain,
    focus::{self, Context},
    store::{self, Spent},
};
use crate::{
    budget::Kind,
    engine::{Engine, EngineError},
    identity::{Act, Actor},
    provider::{Listed, ProviderKind, Usage},
    store::{CourseId, Id as _, LedgerLineId, NanoUsd},
};
use chrono::{DateTime, NaiveDate};
use std::collections::HashMap;
use uuid::Uuid;

/// Lines read at once.
const AT_ONCE: i64 = 5_000;

/// What is known of a provider's model.
#[derive(Debug)]
struct Model {
    kind: Option<ProviderKind>,
    prices: Vec<Listed>,
}

/// The bill of a month. It comes in pieces ([`Bill::next`]); what it holds at a time is a few thousand lines of the ledger
/// and the sums of one day.
#[derive(Debug)]
pub struct Bill {
    engine: Engine,
    month: Month,
    cost_centre: Option<String>,
    courses: HashMap<CourseId, String>,
    models: HashMap<(String, String), Model>,
    after: store::Place,
    day: Option<(NaiveDate, Day)>,
    begun: bool,
    ended: bool,
    rows: u64,
    billed: i128,
}

impl Engine {
    /// The bill of a month such as `2026-11`, of one cost centre or of all. Of a month that has not ended it is what was
    /// spent so far.
    ///
    /// # Errors
    /// If it is no month or has not begun, there is no such cost centre, or the person may not.
    pub async fn bill(
        &self,
        actor: &Actor,
        month: &str,
        cost_centre: Option<&str>,
    ) -> Result<Bill, BillingError> {
        self.identity().check(actor, &Act::SeeBilling).await?;
        let month = Month::read(month, self.zone(), self.now())?;
        let mut db = self.db();
        if let Some(name) = cost_centre {
            let known = store::cost_centres(&mut db).await?;
            if !known.iter().any(|one| one == name) && !store::is_charged(&mut db, &month, name).await? {
                return Err(BillingError::CostCentre { name: name.chars().take(200).collect(), known });
            }
        }
        // Another process may have booked at a price that is new here.
        self.refresh_prices().await?;
        Ok(Bill {
            engine: self.clone(),
            month,
            cost_centre: cost_centre.map(str::to_owned),
            courses: store::course_codes(&mut db).await?.into_iter().collect(),
            models: HashMap::new(),
            after: (month.days().0, DateTime::UNIX_EPOCH, LedgerLineId::from_uuid(Uuid::nil())),
            day: None,
            begun: false,
            ended: false,
            rows: 0,
            billed: 0,
        })
    }
}

impl Bill {
    /// Which month it is.
    #[must_use]
    pub const fn month(&self) -> &Month {
        &self.month
    }

    /// Rows so far.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// What the rows so far bill.
    #[must_use]
    pub fn billed(&self) -> NanoUsd {
        NanoUsd(i64::try_from(self.billed).unwrap_or(i64::MAX))
    }

    /// A name for its file, such as `quire-billing-2026-11-arts.csv`.
    #[must_use]
    pub fn file_name(&self) -> String {
        let sign = |sign: char| if sign.is_ascii_alphanumeric() { sign } else { '-' };
        let of = self.cost_centre.iter().flat_map(|name| ['-'].into_iter().chain(name.chars().take(60)));
        let of: String = of.map(sign).collect();
        format!("quire-billing-{}{of}.csv", self.month.name())
    }

    /// The next piece of the file; none after the last. The first has the header.
    ///
    /// # Errors
    /// If the database fails; the file is then not whole.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, EngineError> {
        let mut out = csv::Writer::from_writer(Vec::new());
        if !self.begun {
            self.begun = true;
            write(&mut out, COLUMNS);
        }
        let before = self.rows;
        while !self.ended && self.rows == before {
            self.read_on(&mut out).await?;
        }
        let piece = out.into_inner().expect("memory takes every record");
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }

    /// Reads the next lines, and writes the days that ended with them.
    async fn read_on(&mut self, out: &mut csv::Writer<Vec<u8>>) -> Result<(), EngineError> {
        let mut db = self.engine.db();
        let of = self.cost_centre.as_deref();
        let lines = store::spent(&mut db, &self.month, of, self.after, AT_ONCE).await?;
        self.ended = i64::try_from(lines.len()).unwrap_or(AT_ONCE) < AT_ONCE;
        for line in lines {
            let date = line.day;
            self.after = (date, line.at, line.id);
            if self.day.as_ref().is_some_and(|(open, _)| *open != date) {
                self.close_day(out);
            }
            let (account, usage, spent) = self.entry(line);
            let (_, day) = self.day.get_or_insert_with(|| (date, Day::default()));
            day.add(account, &usage, spent);
        }
        if self.ended {
            self.close_day(out);
        }
        Ok(())
    }

    fn entry(&mut self, line: Spent) -> (Account, Usage, NanoUsd) {
        let usage = Usage::from(line.tokens);
        let batch = line.batch_id.is_some();
        let booking = if line.kind == Kind::Lost {
            Booking::Lost
        } else if usage.by_kind() == [0; 5] {
            Booking::Unmetered
        } else {
            let prices = &self.model(&line.provider, &line.model).prices;
            explain(prices, line.at, &usage, batch, line.spent).map_or(Booking::Unpriced, Booking::Priced)
        };
        let account = Account {
            cost_centre: line.cost_centre,
            course_id: line.course_id,
            provider: line.provider,
            model: line.model,
            batch,
            booking,
        };
        (account, usage, line.spent)
    }

    /// The same for the whole of the file, whatever is set meanwhile.
    fn model(&mut self, provider: &str, model: &str) -> &Model {
        let engine = &self.engine;
        self.models.entry((provider.to_owned(), model.to_owned())).or_insert_with(|| Model {
            kind: engine.registry().kind(provider),
            prices: engine.every_price(provider, model),
        })
    }

    fn close_day(&mut self, out: &mut csv::Writer<Vec<u8>>) {
        let Some((date, day)) = self.day.take() else { return };
        let (month, date) = (self.month.period(), self.month.day(date));
        for charge in day.charges() {
            let account = charge.account;
            let kind = self.model(&account.provider, &account.model).kind;
            let course = self.courses.get(&account.course_id).map(String::as_str);
            write(out, focus::fields(&charge, &Context { month, day: date, kind, course }));
            self.rows += 1;
            self.billed += charge.billed;
        }
    }
}

fn write<T: AsRef<[u8]>>(out: &mut csv::Writer<Vec<u8>>, fields: impl IntoIterator<Item = T>) {
    out.write_record(fields).expect("memory takes every record, and all records are of one length");
}
