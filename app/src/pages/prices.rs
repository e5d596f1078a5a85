//! The price book: what each model costs, and what was negotiated.

use super::load_for_viewer;
use crate::components::{Cell, DataTable, EmptyState, Moment, PageTitle, Tag, Tone, col};
use crate::view::{BookPrice, NanoUsd, PriceStanding, Prices};
use crate::words;
use leptos::prelude::*;

/// `/admin/prices`
#[component]
pub fn PricesPage() -> impl IntoView {
    load_for_viewer(move |data, viewer| async move { data.prices(&viewer).await }, draw)
}

fn draw(page: Prices) -> AnyView {
    let used = if page.used.is_empty() {
        view! { <EmptyState title="No provider is set up." hint="The prices of its models appear here."/> }
            .into_any()
    } else {
        table("Prices of models that are in use", &page.used)
    };
    let others = (!page.others.is_empty()).then(|| {
        let table = table("Other prices", &page.others);
        view! { <details><summary>"Other models, and prices that held before"</summary>{table}</details> }
    });
    view! {
        <PageTitle text="Prices"/>
        <main id="main">
            <div class="stack-2">
                <p class="quiet"><a href="/admin/budget">"Budget"</a></p>
                <h1>"Prices"</h1>
                <p class="quiet">"In dollars for a million tokens, before what was negotiated. What was booked keeps the price of its day."</p>
            </div>
            <section class="stack" aria-labelledby="used"><h2 id="used">"In use"</h2>{used}</section>
            {others}
            <p class="small quiet">"Others are added by the set-up file, or by the API (POST /api/v1/prices). A provider’s own price goes before that of its kind."</p>
        </main>
    }
    .into_any()
}

fn table(caption: &'static str, prices: &[BookPrice]) -> AnyView {
    let rows = prices.iter().map(row).collect_view();
    let columns = vec![col("Model"), col("Holds"), col("Real time"), col("Batch"), col("Negotiated")];
    view! { <DataTable caption columns cards=true>{rows}</DataTable> }.into_any()
}

/// "$0.10 read, $0.01 from the cache, $0.50 written".
fn rates((read, cached, written): (NanoUsd, Option<NanoUsd>, NanoUsd)) -> String {
    let cached = cached.map_or_else(String::new, |cached| format!(" {} from the cache,", words::usd(cached)));
    format!("{} read,{cached} {} written", words::usd(read), words::usd(written))
}

fn row(price: &BookPrice) -> AnyView {
    let (model, whose, from) = (price.model.clone(), price.whose.clone(), price.from);
    let standing = match price.standing {
        PriceStanding::Past => None,
        PriceStanding::Holds => Some(view! { <Tag tone=Tone::Good text="Holds"/> }),
        PriceStanding::Coming => Some(view! { <Tag tone=Tone::On text="Coming"/> }),
    };
    let realtime = rates(price.realtime);
    let long = price.long_above.map(|above| {
        view! { <div class="small quiet">{format!("other prices above {} tokens read", words::count(above))}</div> }
    });
    let batch = price.batch.map_or_else(|| "as in real time".to_owned(), rates);
    let deal = if price.deal.is_empty() { "nothing".to_owned() } else { price.deal.join("; ") };
    view! {
        <tr role="row">
            <Cell label="Model"><b>{model}</b><div class="small quiet">{whose}</div></Cell>
            <Cell label="Holds">{standing}<div class="small quiet">"from "<Moment at=from/></div></Cell>
            <Cell label="Real time">{realtime}{long}</Cell>
            <Cell label="Batch">{batch}</Cell>
            <Cell label="Negotiated">{deal}</Cell>
        </tr>
    }
    .into_any()
}
