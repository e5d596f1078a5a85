//! The columns of FOCUS 1.2 (dataset Cost and Usage), and our own behind them.
//!
//! Texts of FOCUS's own columns are ASCII, as its public validator wants them: other signs are percent-encoded, and
//! escaped in JSON. Identifiers begin with a word, so that no reader takes a cost centre such as `4711` for a number.

use super::{Charge, Period, Quantity, charge::meter};
use crate::provider::{ProviderKind, price::TokenKind};
use chrono::{DateTime, SecondsFormat, Utc};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::json;
use std::fmt::Write as _;

/// All columns: FOCUS's own in the order of the alphabet, then ours.
pub const COLUMNS: [&str; 65] = [
    "AvailabilityZone",
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "CapacityReservationId",
    "CapacityReservationStatus",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountQuantity",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "CommitmentDiscountUnit",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
    "x_Booking",
    "x_CostCentre",
    "x_CourseCode",
    "x_CourseId",
    "x_Model",
    "x_Provider",
    "x_TokenKind",
    "x_Way",
];

/// What a row tells that is not in its charge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    /// The month.
    pub(super) month: Period,
    /// The day.
    pub(super) day: Period,
    /// The provider's kind; none where it is not set up any more.
    pub(super) kind: Option<ProviderKind>,
    /// The course's code; none where it is not there any more.
    pub(super) course: Option<&'a str>,
}

/// The fields of a row, in the order of [`COLUMNS`].
pub(super) fn fields(charge: &Charge<'_>, context: &Context<'_>) -> [String; COLUMNS.len()] {
    COLUMNS.map(|column| field(column, charge, context).unwrap_or_default())
}

/// One field; none where FOCUS wants null.
fn field(column: &str, charge: &Charge<'_>, context: &Context<'_>) -> Option<String> {
    let text = |text: &str| Some(text.to_owned());
    let account = charge.account;
    let quantity = charge.quantity.as_ref();
    // FOCUS wants the costs of a charge without a price to be what is billed.
    let cost = |cost: fn(&Quantity) -> String| Some(quantity.map_or_else(|| charge.billed_cost(), cost));
    let pays = || Some(ascii(&account.cost_centre)).filter(|name| !name.trim().is_empty());
    match column {
        "BilledCost" | "EffectiveCost" | "PricingCurrencyEffectiveCost" => Some(charge.billed_cost()),
        "BillingAccountId" => Some(format!("{}/{}", slug(context.kind), account.provider)),
        "BillingAccountName" => Some(format!("Account {}", account.provider)),
        "BillingAccountType" => text("API account"),
        "BillingCurrency" | "PricingCurrency" => text("USD"),
        "BillingPeriodStart" => Some(time(context.month.from)),
        "BillingPeriodEnd" => Some(time(context.month.to)),
        "ChargeCategory" => text(if quantity.is_some() { "Usage" } else { "Adjustment" }),
        "ChargeDescription" => Some(ascii(&charge.description())),
        "ChargeFrequency" => text("Usage-Based"),
        "ChargePeriodStart" => Some(time(context.day.from)),
        "ChargePeriodEnd" => Some(time(context.day.to)),
        "ConsumedQuantity" => quantity.map(Quantity::consumed),
        "ConsumedUnit" => quantity.and(text("Tokens")),
        "ContractedCost" => cost(Quantity::contracted_cost),
        "ContractedUnitPrice" | "PricingCurrencyContractedUnitPrice" => {
            quantity.map(Quantity::contracted_price)
        }
        "ListCost" => cost(Quantity::list_cost),
        "ListUnitPrice" | "PricingCurrencyListUnitPrice" => quantity.map(Quantity::list_price),
        "PricingCategory" => quantity.and(text("Standard")),
        "PricingQuantity" => quantity.map(Quantity::priced),
        "PricingUnit" => quantity.and(text("1000000 Tokens")),
        "ProviderName" | "PublisherName" | "InvoiceIssuerName" => {
            Some(organisation(context.kind, &account.provider))
        }
        "ServiceCategory" => text("AI and Machine Learning"),
        "ServiceSubcategory" => text("Generative AI"),
        "ServiceName" => Some(service(context.kind, &account.provider)),
        "SkuId" => quantity.map(|quantity| sku(charge, quantity, context.kind)),
        "SkuMeter" => quantity.and_then(|quantity| text(meter(quantity.kind))),
        "SkuPriceDetails" => quantity.map(|quantity| details(charge, quantity)),
        "SkuPriceId" => quantity.map(|quantity| sku_price(charge, quantity, context.kind)),
        "SubAccountId" => pays().map(|name| format!("cost-centre/{name}")),
        "SubAccountName" => pays().map(|name| format!("Cost centre {name}")),
        "SubAccountType" => pays().and(text("Cost centre")),
        "Tags" => Some(tags(charge, context)),
        "x_Booking" => text(account.booking.word()),
        "x_CostCentre" => text(&account.cost_centre),
        "x_CourseCode" => context.course.map(str::to_owned),
        "x_CourseId" => Some(account.course_id.to_string()),
        "x_Model" => text(&account.model),
        "x_Provider" => text(&account.provider),
        "x_TokenKind" => quantity.and_then(|quantity| text(word(quantity.kind))),
        "x_Way" => text(way(account.batch)),
        // Nothing is committed or reserved, no charge is for a resource or a region, and the number of the provider's
        // invoice is not known here.
        _ => None,
    }
}

/// Percent-encodes what is not ASCII, and the percent sign, by which it can be read back.
fn ascii(text: &str) -> String {
    const KEPT: &AsciiSet = &CONTROLS.add(b'%');
    utf8_percent_encode(text, KEPT).to_string()
}

fn ascii_json(value: &serde_json::Value) -> String {
    let mut out = String::new();
    for sign in value.to_string().chars() {
        if sign.is_ascii() {
            out.push(sign);
        } else {
            for unit in sign.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

const fn slug(kind: Option<ProviderKind>) -> &'static str {
    match kind {
        Some(ProviderKind::Openai) => "openai",
        Some(ProviderKind::Anthropic) => "anthropic",
        Some(ProviderKind::Gemini) => "gemini",
        Some(ProviderKind::Compatible) => "compatible",
        None => "unknown",
    }
}

/// Who sells it.
fn organisation(kind: Option<ProviderKind>, provider: &str) -> String {
    match kind {
        Some(ProviderKind::Openai) => "OpenAI".to_owned(),
        Some(ProviderKind::Anthropic) => "Anthropic".to_owned(),
        Some(ProviderKind::Gemini) => "Google".to_owned(),
        Some(ProviderKind::Compatible) | None => format!("Provider {provider}"),
    }
}

fn service(kind: Option<ProviderKind>, provider: &str) -> String {
    match kind {
        Some(ProviderKind::Gemini) => "Gemini API".to_owned(),
        _ => format!("{} API", organisation(kind, provider)),
    }
}

const fn word(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Input => "input",
        TokenKind::CachedInput => "cached_input",
        TokenKind::CacheWrite => "cache_write",
        TokenKind::CacheWriteLong => "cache_write_long",
        TokenKind::Output => "output",
    }
}

const fn way(batch: bool) -> &'static str {
    if batch { "batch" } else { "realtime" }
}

const fn length(quantity: &Quantity) -> &'static str {
    if quantity.booked.long { "long" } else { "standard" }
}

/// What is sold: a kind of token of a model, whatever its price.
fn sku(charge: &Charge<'_>, quantity: &Quantity, kind: Option<ProviderKind>) -> String {
    let account = charge.account;
    let seller = match kind {
        // Each such server has models of its own.
        Some(ProviderKind::Compatible) | None => format!("{}/{}", slug(kind), account.provider),
        Some(_) => slug(kind).to_owned(),
    };
    format!("{seller}/{}/{}", ascii(&account.model), word(quantity.kind))
}

/// A row of the price book, for one kind of token.
fn sku_price(charge: &Charge<'_>, quantity: &Quantity, kind: Option<ProviderKind>) -> String {
    let own = if quantity.booked.own { format!("/{}", charge.account.provider) } else { String::new() };
    format!(
        "{}/{}/{}/{}{own}",
        sku(charge, quantity, kind),
        way(charge.account.batch),
        length(quantity),
        since(quantity)
    )
}

fn details(charge: &Charge<'_>, quantity: &Quantity) -> String {
    ascii_json(&json!({
        "x_Length": length(quantity),
        "x_ValidFrom": since(quantity),
        "x_Way": way(charge.account.batch),
    }))
}

fn since(quantity: &Quantity) -> String {
    quantity.booked.from.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn tags(charge: &Charge<'_>, context: &Context<'_>) -> String {
    ascii_json(&json!({ "cost_centre": charge.account.cost_centre, "course": context.course }))
}
