//! Word documents: Office Open XML (ECMA-376), a zip of XML parts. Read are the main part, its footnotes and endnotes.

use super::{ExtractError, ExtractLimits, Found, Kind};
use quick_xml::{
    Reader,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
};
use std::{
    collections::HashMap,
    io::{Cursor, ErrorKind, Read},
};
use zip::ZipArchive;

const DAMAGED: ExtractError = ExtractError::Damaged { named: Kind::Docx };

/// The text of a docx.
pub(super) fn read(bytes: &[u8], limits: &ExtractLimits) -> Result<Found, ExtractError> {
    let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| DAMAGED)?;
    if archive.len() as u64 > u64::from(limits.entries) {
        return Err(ExtractError::Bomb);
    }
    let packed = bytes.len() as u64;
    // A small file may well pack tighter than the ratio allows.
    let most = limits.unpacked_bytes.min(packed.saturating_mul(u64::from(limits.ratio)).max(1_000_000));
    let mut parts = Parts { archive, left: most };
    let main = parts.main()?;
    let Some(document) = parts.read(&main)? else { return Err(parts.not_a_document()) };
    let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut notes = HashMap::new();
    for (file, tag) in [("footnotes.xml", "footnote"), ("endnotes.xml", "endnote")] {
        if let Some(part) = parts.read(&format!("{folder}/{file}"))? {
            for (id, text) in Body::read_notes(&part, tag)? {
                notes.insert((tag, id), text);
            }
        }
    }
    Body::read_document(&document, &notes)
}

/// The parts of the package, unpacked one at a time within one allowance.
struct Parts<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Bytes that may still be unpacked. Counted while unpacking: what the zip says of its sizes is not believed.
    left: u64,
}

impl Parts<'_> {
    fn read(&mut self, name: &str) -> Result<Option<String>, ExtractError> {
        let Some(index) = self.archive.index_for_name(name) else { return Ok(None) };
        if self.archive.by_index_raw(index).map_err(|_| DAMAGED)?.encrypted() {
            return Err(ExtractError::Password { named: Kind::Docx });
        }
        let part = self.archive.by_index(index).map_err(|_| DAMAGED)?;
        let mut bytes = Vec::new();
        part.take(self.left + 1).read_to_end(&mut bytes).map_err(|error| match error.kind() {
            ErrorKind::OutOfMemory => ExtractError::TooHard,
            _ => DAMAGED,
        })?;
        match self.left.checked_sub(bytes.len() as u64) {
            Some(left) => self.left = left,
            None => return Err(ExtractError::Bomb),
        }
        super::kind::decode(&bytes).map(Some).map_err(|_| DAMAGED)
    }

    /// The name of the main part: the package's relationships tell it, nearly always `word/document.xml`.
    fn main(&mut self) -> Result<String, ExtractError> {
        let mut main = None;
        if let Some(relations) = self.read("_rels/.rels")? {
            let mut reader = Reader::from_str(&relations);
            loop {
                match reader.read_event().map_err(|_| DAMAGED)? {
                    Event::Start(tag) | Event::Empty(tag)
                        if tag.local_name().as_ref() == "Relationship"
                            && attribute(&tag, "Type")
                                .is_some_and(|kind| kind.ends_with("/officeDocument")) =>
                    {
                        main = attribute(&tag, "Target");
                    }
                    Event::Eof => break,
                    _ => {}
                }
            }
        }
        Ok(main
            .map_or_else(|| "word/document.xml".to_owned(), |main| main.trim_start_matches('/').to_owned()))
    }

    /// What a zip without a document is.
    fn not_a_document(&self) -> ExtractError {
        let has = |folder: &str| {
            self.archive.file_names().any(|name| name.is_ok_and(|name| name.starts_with(folder)))
        };
        let found = if has("xl/") {
            "a table"
        } else if has("ppt/") {
            "a set of slides"
        } else if has("content.xml") {
            "an OpenDocument text (.odt)"
        } else {
            "a packed folder (zip)"
        };
        ExtractError::Mismatch { named: Kind::Docx, found: found.to_owned() }
    }
}

/// An attribute's value by its local name.
fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag.attributes().flatten().find(|a| a.key.local_name().as_ref() == name)?;
    Some(found.value.into_owned())
}

/// Whether an on/off property is on: it is unless it says otherwise.
fn is_on(tag: &BytesStart<'_>) -> bool {
    !matches!(attribute(tag, "val").as_deref(), Some("0" | "false" | "off" | "none"))
}

/// One paragraph while it is read; they nest where a paragraph holds a text box.
#[derive(Default)]
struct Paragraph {
    text: String,
    is_item: bool,
}

/// A part while it is read.
#[derive(Default)]
struct Body<'n> {
    found: Found,
    open: Vec<Paragraph>,
    last_was_item: bool,
    /// In the properties of a run; what they say holds until the run's end.
    in_run_properties: bool,
    in_paragraph_properties: bool,
    hidden_run: bool,
    in_text: bool,
    /// Depth inside an element whose content does not count (deleted, or given a second time).
    skipped: usize,
    notes: Option<&'n HashMap<(&'static str, String), String>>,
    cited: Vec<String>,
}

impl<'n> Body<'n> {
    fn read_document(
        xml: &str,
        notes: &'n HashMap<(&'static str, String), String>,
    ) -> Result<Found, ExtractError> {
        let mut body = Self { notes: Some(notes), ..Self::default() };
        let mut reader = Reader::from_str(xml);
        let mut any = false;
        loop {
            match reader.read_event().map_err(|_| DAMAGED)? {
                Event::Eof => break,
                event => {
                    any |= matches!(event, Event::Start(_));
                    body.take(&event);
                }
            }
        }
        if !any {
            return Err(DAMAGED);
        }
        // A file cut off in the middle of a paragraph still shows what it has.
        while !body.open.is_empty() {
            body.end_paragraph();
        }
        for (i, note) in std::mem::take(&mut body.cited).iter().enumerate() {
            body.found.text.push_str(if i == 0 { "\n\n" } else { "\n" });
            body.found.text.push_str(&format!("[{}] {note}", i + 1));
        }
        Ok(body.found)
    }

    /// The notes of a part by their ids.
    fn read_notes(xml: &str, tag: &str) -> Result<Vec<(String, String)>, ExtractError> {
        let mut notes = Vec::new();
        let mut open: Option<(String, Body<'_>)> = None;
        let mut reader = Reader::from_str(xml);
        loop {
            match reader.read_event().map_err(|_| DAMAGED)? {
                Event::Eof => return Ok(notes),
                Event::Start(start) if start.local_name().as_ref() == tag => {
                    // Separators between text and notes have a type; real notes have none.
                    open = match (attribute(&start, "type"), attribute(&start, "id")) {
                        (None, Some(id)) => Some((id, Body::default())),
                        _ => None,
                    };
                }
                Event::End(end) if end.local_name().as_ref() == tag => {
                    if let Some((id, body)) = open.take() {
                        notes.push((id, body.found.text.split_whitespace().collect::<Vec<_>>().join(" ")));
                    }
                }
                event => {
                    if let Some((_, body)) = &mut open {
                        body.take(&event);
                    }
                }
            }
        }
    }

    fn take(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(tag) => {
                let name = tag.local_name();
                if self.skipped > 0 || is_skipped(name.as_ref()) {
                    self.skipped += 1;
                } else {
                    self.start(name.as_ref(), tag);
                }
            }
            Event::Empty(tag) if self.skipped == 0 => {
                let name = tag.local_name();
                if !is_skipped(name.as_ref()) {
                    self.start(name.as_ref(), tag);
                    self.end(name.as_ref());
                }
            }
            Event::End(tag) => {
                if self.skipped > 0 {
                    self.skipped -= 1;
                } else {
                    self.end(tag.local_name().as_ref());
                }
            }
            Event::Text(text) if self.in_text => self.push(&text.xml10_content()),
            Event::CData(text) if self.in_text => self.push(&text.xml10_content()),
            Event::GeneralRef(entity) if self.in_text => {
                if let Ok(Some(c)) = entity.resolve_char_ref() {
                    self.push(c.encode_utf8(&mut [0; 4]));
                } else if let Some(text) = resolve_predefined_entity(&entity.xml10_content()) {
                    self.push(text);
                }
            }
            _ => {}
        }
    }

    fn start(&mut self, name: &str, tag: &BytesStart<'_>) {
        match name {
            "p" => self.open.push(Paragraph::default()),
            "pPr" => self.in_paragraph_properties = true,
            "r" => self.hidden_run = false,
            "rPr" => self.in_run_properties = !self.in_paragraph_properties,
            "numPr" if self.in_paragraph_properties => {
                if let Some(paragraph) = self.open.last_mut() {
                    paragraph.is_item = true;
                }
            }
            "vanish" | "specVanish" | "webHidden" if self.in_run_properties => self.hidden_run |= is_on(tag),
            "color" if self.in_run_properties => {
                let colour = attribute(tag, "val").unwrap_or_default();
                self.hidden_run |= colour.eq_ignore_ascii_case("ffffff");
            }
            // Half points: two points and less can't be read.
            "sz" if self.in_run_properties => {
                self.hidden_run |= attribute(tag, "val")
                    .and_then(|size| size.parse::<u32>().ok())
                    .is_some_and(|size| size <= 4);
            }
            "t" if !self.open.is_empty() => self.in_text = true,
            "tab" | "ptab" if !self.in_paragraph_properties => self.push(" "),
            "br" | "cr" => self.push("\n"),
            "noBreakHyphen" => self.push("-"),
            "footnoteReference" | "endnoteReference" => self.cite(name.trim_end_matches("Reference"), tag),
            "pict" | "blip" => self.found.pictures += u64::from(name == "blip"),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "p" => self.end_paragraph(),
            "pPr" => self.in_paragraph_properties = false,
            "rPr" => self.in_run_properties = false,
            "r" => self.hidden_run = false,
            "t" => self.in_text = false,
            _ => {}
        }
    }

    fn push(&mut self, text: &str) {
        if self.hidden_run {
            self.found.hidden.push_str(text);
        } else if let Some(paragraph) = self.open.last_mut() {
            paragraph.text.push_str(text);
        }
    }

    fn end_paragraph(&mut self) {
        let Some(Paragraph { text, is_item }) = self.open.pop() else { return };
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let out = &mut self.found.text;
        if !out.is_empty() {
            out.push_str(if is_item && self.last_was_item { "\n" } else { "\n\n" });
        }
        if is_item {
            out.push_str("- ");
        }
        // Two line breaks by hand are what other programs call a paragraph.
        out.push_str(text);
        self.last_was_item = is_item;
    }

    /// Puts a note's number into the text, and the note on the list at its end.
    fn cite(&mut self, kind: &str, tag: &BytesStart<'_>) {
        let Some(notes) = self.notes else { return };
        let kind = if kind == "footnote" { "footnote" } else { "endnote" };
        let note = attribute(tag, "id").and_then(|id| notes.get(&(kind, id)));
        if let Some(note) = note.filter(|note| !note.is_empty()) {
            self.cited.push(note.clone());
            let number = format!("[{}]", self.cited.len());
            self.push(&number);
        }
    }
}

/// Elements whose content is not the work: what was deleted or moved away under tracked changes, a drawing's second form,
/// field codes.
fn is_skipped(name: &str) -> bool {
    matches!(name, "del" | "moveFrom" | "Fallback" | "instrText" | "delText")
}
