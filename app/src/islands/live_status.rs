//! The wait of a submission, live.

#![expect(missing_docs, reason = "the macro of an island makes a struct without them")]

use crate::view::{Leaves, Live, Step, StepState};
use leptos::prelude::*;

/// The wait as it is, following the snapshots that the server sends. When the submission leaves the wait the page is
/// loaded again, since it is then another page. Without JavaScript it is what it was when the page was rendered.
#[island]
pub fn LiveStatus(
    /// The first snapshot.
    first: Live,
    /// Where the snapshots come from.
    events: String,
) -> impl IntoView {
    let (live, set_live) = signal(first);
    let (spoken, set_spoken) = signal(String::new());
    let (lost, set_lost) = signal(false);
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| follow::start(&events, live, set_live, set_spoken, set_lost));
    #[cfg(not(feature = "hydrate"))]
    let _ = (events, set_live, set_spoken, set_lost);
    let text = move |part: fn(&Live) -> &String| move || live.with(|live| part(live).clone());
    view! {
        <section class="sheet state" aria-labelledby="now">
            <div class="row between">
                <h2 id="now">{text(|live| &live.heading)}</h2>
                <span class="tag on">{text(|live| &live.tag)}</span>
            </div>
            <div class="stack-2">
                <p class="when">{text(|live| &live.when)}</p>
                <p class="quiet">{text(|live| &live.note)}</p>
            </div>
            <div class="stack-2" hidden=move || live.with(|live| live.leaves.is_none())>
                <div class="leaves" aria-hidden="true">{move || live.with(|live| live.leaves).map(draw_leaves)}</div>
                <p><b>{text(|live| &live.place)}</b>" "<span class="quiet">{text(|live| &live.place_note)}</span></p>
            </div>
            <ol class="steps">{move || live.with(|live| live.steps.iter().map(draw_step).collect_view())}</ol>
            <p class="small quiet" hidden=move || live.with(|live| live.left.is_empty())>{text(|live| &live.left)}</p>
            <p class="small quiet" hidden=move || !lost.get()>
                "The connection is lost. Your work is safe; we keep trying, and this page shows what we last knew."
            </p>
            <p class="unseen" role="status" aria-atomic="true">{spoken}</p>
        </section>
    }
}

fn draw_leaves(leaves: Leaves) -> impl IntoView {
    (0..leaves.total)
        .map(|leaf| {
            let class = match leaf {
                leaf if leaf == leaves.mine => "mine",
                leaf if leaf < leaves.done => "done",
                _ => "",
            };
            view! { <i class=class></i> }
        })
        .collect_view()
}

fn draw_step(step: &Step) -> impl IntoView + use<> {
    let current = step.state == StepState::Current;
    let class = if step.state == StepState::Ahead { "" } else { "done" };
    view! {
        <li class=class aria-current=current.then_some("step")>
            <b>{step.label.clone()}</b>
            <span>{step.time.clone()}</span>
        </li>
    }
}

#[cfg(feature = "hydrate")]
mod follow {
    use super::super::browser;
    use super::super::politeness::wait_before;
    use crate::view::Live;
    use leptos::prelude::*;
    use std::time::Duration;
    use wasm_bindgen::JsCast;
    use wasm_bindgen::closure::Closure;
    use web_sys::{Event, EventSource, MessageEvent};

    /// How long to wait before connecting again after the server refused, in milliseconds.
    const RECONNECT_MS: u64 = 10_000;

    /// What a follower changes.
    #[derive(Clone, Copy)]
    struct Follower {
        live: ReadSignal<Live>,
        set_live: WriteSignal<Live>,
        set_spoken: WriteSignal<String>,
        set_lost: WriteSignal<bool>,
        /// When something was last spoken, and whether an announcement waits for its time.
        last_spoken: StoredValue<Option<f64>>,
        waits: StoredValue<bool>,
    }

    pub(super) fn start(
        events: &str,
        live: ReadSignal<Live>,
        set_live: WriteSignal<Live>,
        set_spoken: WriteSignal<String>,
        set_lost: WriteSignal<bool>,
    ) {
        let follower = Follower {
            live,
            set_live,
            set_spoken,
            set_lost,
            last_spoken: StoredValue::new(None),
            waits: StoredValue::new(false),
        };
        follower.connect(events.to_owned());
    }

    impl Follower {
        fn connect(self, events: String) {
            let Ok(source) = EventSource::new(&events) else {
                self.set_lost.set(true);
                return;
            };
            let on_message = {
                let source = source.clone();
                Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                    self.set_lost.set(false);
                    let snapshot = event.data().as_string();
                    if let Some(Ok(next)) = snapshot.map(|text| serde_json::from_str::<Live>(&text)) {
                        self.take(next, &source);
                    }
                })
            };
            source.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
            on_message.forget();
            let on_error = {
                let source = source.clone();
                Closure::<dyn FnMut(Event)>::new(move |_| {
                    self.set_lost.set(true);
                    // A dropped connection is taken up again by the browser; a refused one is not.
                    if source.ready_state() == EventSource::CLOSED {
                        let events = events.clone();
                        set_timeout(move || self.connect(events), Duration::from_millis(RECONNECT_MS));
                    }
                })
            };
            source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
            on_error.forget();
        }

        fn take(self, next: Live, source: &EventSource) {
            let before = self.live.get_untracked();
            if next.status != before.status && !(next.status.waits() && before.status.waits()) {
                source.close();
                if window().location().reload().is_err() {
                    self.set_lost.set(true);
                }
                return;
            }
            if next.interim_ready && !before.interim_ready {
                leptos::task::spawn_local(async {
                    if browser::renew("interim").await.is_err() {
                        leptos::logging::warn!("the remarks could not be fetched");
                    }
                });
            }
            let news = next.spoken != before.spoken;
            if next != before {
                self.set_live.set(next);
            }
            if news && !self.waits.get_value() {
                self.waits.set_value(true);
                let wait = wait_before(self.last_spoken.get_value(), js_sys::Date::now());
                set_timeout(move || self.speak(), Duration::from_millis(wait as u64));
            }
        }

        fn speak(self) {
            self.waits.set_value(false);
            self.last_spoken.set_value(Some(js_sys::Date::now()));
            self.set_spoken.set(self.live.with_untracked(|live| live.spoken.clone()));
        }
    }
}
