//! Web pages.

use super::{ExtractError, Found, Kind};
use html2text::{
    Element, Handle, RcDom,
    config::{Config, with_decorator},
    render::TextDecorator,
};

const DAMAGED: ExtractError = ExtractError::Damaged { named: Kind::Html };

/// Wider than any paragraph, so that lines are not wrapped.
const WIDTH: usize = 4_000_000;

fn config() -> Config<Words> {
    with_decorator(Words).allow_width_overflow().raw_mode(true).no_link_wrapping()
}

/// Adds nothing to the words of a page but the marks of list items.
struct Words;

impl TextDecorator for Words {
    type Annotation = ();

    fn decorate_link_start(&mut self, _: &str) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_link_end(&mut self) -> String {
        String::new()
    }
    fn decorate_em_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_em_end(&self) -> String {
        String::new()
    }
    fn decorate_strong_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_strong_end(&self) -> String {
        String::new()
    }
    fn decorate_strikeout_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_strikeout_end(&self) -> String {
        String::new()
    }
    fn decorate_code_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_code_end(&self) -> String {
        String::new()
    }
    fn decorate_preformat_first(&self) {}
    fn decorate_preformat_cont(&self) {}
    fn decorate_image(&mut self, _: &str, _: &str) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_superscript_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_superscript_end(&self) -> String {
        String::new()
    }
    fn header_prefix(&self, _: usize) -> String {
        String::new()
    }
    fn quote_prefix(&self) -> String {
        String::new()
    }
    fn unordered_item_prefix(&self) -> String {
        "- ".to_owned()
    }
    fn ordered_item_prefix(&self, number: i64) -> String {
        format!("{number}. ")
    }
    fn make_subblock_decorator(&self) -> Self {
        Self
    }
}

/// The text of a page, its hidden parts apart.
pub(super) fn read(source: &str) -> Result<Found, ExtractError> {
    let config = config();
    let page = config.parse_html(source.as_bytes()).map_err(|_| DAMAGED)?;
    let mut found = Found::default();
    let mut walk = vec![page.document.clone()];
    while let Some(node) = walk.pop() {
        let mut children = node.children.borrow_mut();
        children.retain(|child| match what(child) {
            What::Shown => true,
            What::NotText => false,
            What::Picture => {
                found.pictures += 1;
                false
            }
            What::Hidden => {
                found.hidden.push_str(&hidden_text(child).unwrap_or_default());
                found.hidden.push('\n');
                false
            }
        });
        walk.extend(children.iter().cloned());
    }
    let tree = config.dom_to_render_tree(&page).map_err(|_| DAMAGED)?;
    found.text = config.render_to_string(tree, WIDTH).map_err(|_| DAMAGED)?;
    Ok(found)
}

enum What {
    Shown,
    NotText,
    Picture,
    Hidden,
}

fn what(node: &Handle) -> What {
    let Element { name, attrs, .. } = &node.data else { return What::Shown };
    match &*name.local {
        "script" | "style" | "template" | "head" | "noscript" | "iframe" | "object" | "svg" | "math"
        | "select" | "button" | "input" | "textarea" => return What::NotText,
        "img" | "picture" | "video" | "canvas" => return What::Picture,
        _ => {}
    }
    let hidden = attrs.borrow().iter().any(|attribute| match &*attribute.name.local {
        "hidden" => true,
        "style" => hides(&attribute.value),
        "color" => is_white(&attribute.value.to_ascii_lowercase()),
        _ => false,
    });
    if hidden { What::Hidden } else { What::Shown }
}

/// Whether an inline style makes its text unseen.
fn hides(style: &str) -> bool {
    style.split(';').filter_map(|rule| rule.split_once(':')).any(|(property, value)| {
        let value: String = value
            .to_ascii_lowercase()
            .replace("!important", "")
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect();
        match property.trim().to_ascii_lowercase().as_str() {
            "display" => value == "none",
            "visibility" => value == "hidden" || value == "collapse",
            "opacity" => value.trim_end_matches('%').parse() == Ok(0.0),
            "font-size" => {
                let digits = value.trim_end_matches(|c: char| c.is_alphabetic() || c == '%');
                digits.parse::<f64>().is_ok_and(|size| match &value[digits.len()..] {
                    "em" | "rem" => size <= 0.15,
                    "%" => size <= 15.0,
                    _ => size <= 2.0,
                })
            }
            "color" => is_white(&value),
            "left" | "top" | "text-indent" | "margin-left" | "margin-top" => {
                value.trim_end_matches(char::is_alphabetic).parse().is_ok_and(|to: f64| to <= -500.0)
            }
            _ => false,
        }
    })
}

fn is_white(colour: &str) -> bool {
    matches!(
        colour,
        "white" | "#fff" | "#ffffff" | "transparent" | "rgb(255,255,255)" | "rgba(255,255,255,1)"
    )
}

/// The text under a node that was taken out of its page.
fn hidden_text(node: &Handle) -> Option<String> {
    let config = config();
    let page = RcDom::default();
    page.document.children.borrow_mut().push(node.clone());
    let tree = config.dom_to_render_tree(&page).ok()?;
    config.render_to_string(tree, WIDTH).ok()
}
