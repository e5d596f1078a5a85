//! Rules dragged to their places. The arrows beside each do the same, with the keyboard and without JavaScript.

#![expect(missing_docs, reason = "the macro of an island makes a struct without them")]

use leptos::prelude::*;

/// Lets the rules of the list `.rules` be dragged by their numbers, and sends where one was dropped with the form that it
/// draws. Until it is awake, and without JavaScript, it says nothing.
#[island]
pub fn RuleOrder(
    /// The token that proves that the form came from a page of this session.
    csrf: String,
    /// The version of the rules that the page shows.
    version: String,
) -> impl IntoView {
    let (awake, set_awake) = signal(false);
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| match dragging::watch() {
        Ok(()) => set_awake.set(true),
        Err(error) => leptos::logging::warn!("rules can't be dragged: {error:?}"),
    });
    #[cfg(not(feature = "hydrate"))]
    let _ = set_awake;
    view! {
        <form method="post" action="/admin/rules" id="rule-order" class="no-print">
            <input type="hidden" name="csrf" value=csrf/>
            <input type="hidden" name="based_on" value=version/>
            <input type="hidden" name="do" id="rule-order-do"/>
            <p class="small quiet" hidden=move || !awake.get()>"Drag a rule by its number, or move it by its arrows."</p>
        </form>
    }
}

#[cfg(feature = "hydrate")]
mod dragging {
    use leptos::prelude::*;
    use std::{cell::RefCell, rc::Rc};
    use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
    use web_sys::{DragEvent, Element, HtmlFormElement, HtmlInputElement};

    /// The rule that is dragged, and what stood after it.
    struct Dragged {
        rule: Element,
        next: Option<Element>,
    }

    /// Makes the rules draggable and follows them.
    pub(super) fn watch() -> Result<(), JsValue> {
        let list = document().query_selector("ol.rules")?.ok_or(JsValue::NULL)?;
        let handles = list.query_selector_all(".rule[id] > .place")?;
        for index in 0..handles.length() {
            let handle = handles.item(index).and_then(|node| node.dyn_into::<Element>().ok());
            if let Some(handle) = handle {
                handle.set_attribute("draggable", "true")?;
            }
        }
        let dragged: Rc<RefCell<Option<Dragged>>> = Rc::default();
        let begun = dragged.clone();
        on(&list, "dragstart", move |event| begin(&begun, event))?;
        let (over, within) = (dragged.clone(), list.clone());
        on(&list, "dragover", move |event| hover(&over, &within, event))?;
        let (dropped, within) = (dragged.clone(), list.clone());
        on(&list, "drop", move |event| {
            event.prevent_default();
            match dropped.borrow_mut().take() {
                Some(dragged) => send(&within, &dragged.rule),
                None => Ok(()),
            }
        })?;
        // Dropped beside the list it goes back to where it was.
        on(&list, "dragend", move |_| match dragged.borrow_mut().take() {
            Some(Dragged { rule, next }) => {
                rule.set_class_name(&rule.class_name().replace(" dragged", ""));
                let parent = rule.parent_node().ok_or(JsValue::NULL)?;
                parent.insert_before(&rule, next.as_ref().map(AsRef::as_ref)).map(drop)
            }
            None => Ok(()),
        })
    }

    fn on(
        list: &Element,
        name: &str,
        what: impl Fn(DragEvent) -> Result<(), JsValue> + 'static,
    ) -> Result<(), JsValue> {
        let listener = Closure::<dyn Fn(DragEvent)>::new(move |event| {
            if let Err(error) = what(event) {
                leptos::logging::warn!("a rule can't be dragged: {error:?}");
            }
        });
        list.add_event_listener_with_callback(name, listener.as_ref().unchecked_ref())?;
        // It lives as long as the page.
        listener.forget();
        Ok(())
    }

    /// The rule that an event is about.
    fn rule_of(event: &DragEvent) -> Option<Element> {
        let target = event.target()?.dyn_into::<Element>().ok()?;
        target.closest(".rule[id]").ok().flatten()
    }

    fn begin(dragged: &RefCell<Option<Dragged>>, event: DragEvent) -> Result<(), JsValue> {
        let Some(rule) = rule_of(&event) else { return Ok(()) };
        if let Some(transfer) = event.data_transfer() {
            transfer.set_effect_allowed("move");
            transfer.set_data("text/plain", &rule.id())?;
            transfer.set_drag_image(&rule, 16, 16);
        }
        rule.set_class_name(&format!("{} dragged", rule.class_name()));
        let next = rule.next_element_sibling();
        *dragged.borrow_mut() = Some(Dragged { rule, next });
        Ok(())
    }

    /// Moves what is dragged to before or after the rule that it is over.
    fn hover(dragged: &RefCell<Option<Dragged>>, list: &Element, event: DragEvent) -> Result<(), JsValue> {
        let dragged = dragged.borrow();
        let Some(Dragged { rule, .. }) = dragged.as_ref() else { return Ok(()) };
        event.prevent_default();
        let Some(other) = rule_of(&event).filter(|other| other != rule) else { return Ok(()) };
        let place = other.get_bounding_client_rect();
        let below = f64::from(event.client_y()) > place.top() + place.height() / 2.0;
        let before = if below { other.next_element_sibling() } else { Some(other) };
        list.insert_before(rule, before.as_ref().map(AsRef::as_ref)).map(drop)
    }

    /// Sends where a rule stands now.
    fn send(list: &Element, rule: &Element) -> Result<(), JsValue> {
        let rules = list.query_selector_all(".rule[id]")?;
        let place = (0..rules.length())
            .find(|index| rules.item(*index).is_some_and(|node| rule.is_same_node(Some(&node))));
        let field = document().get_element_by_id("rule-order-do").ok_or(JsValue::NULL)?;
        let field = field.dyn_into::<HtmlInputElement>()?;
        field.set_value(&format!("to:{}:{}", place.unwrap_or(0) + 1, rule.id()));
        let form = document().get_element_by_id("rule-order").ok_or(JsValue::NULL)?;
        form.dyn_into::<HtmlFormElement>()?.submit()
    }
}
