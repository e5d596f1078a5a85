//! Reading rows of work from a CSV file (RFC 4180, UTF-8), each good or bad on its own.

use csv::{ByteRecord, ReaderBuilder};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{self, Read},
};

/// Which columns hold what, by their names in the first row.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// The work's text.
    pub(super) text: String,
    /// The row's id; none: `id`, else the first column whose name ends in `id`.
    pub(super) id: Option<String>,
    /// The student's e-mail address; none: each row is its own student.
    pub(super) student: Option<String>,
}

/// The work of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Line on which the row begins, from 1.
    pub(super) line: u64,
    /// Bytes of the file before the next row.
    pub(super) end: u64,
    /// The row's id.
    pub(super) id: String,
    /// The student's address, where a column holds it.
    pub(super) student: Option<String>,
    /// The text.
    pub(super) text: String,
}

/// A row that can't be handed in.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct BadRow {
    /// Line on which it begins, from 1.
    pub(super) line: u64,
    /// Its id, where it could be read.
    pub(super) id: Option<String>,
    /// What is wrong and what to do.
    pub(super) reason: String,
}

/// The file can't be read as rows at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// It can't be read.
    #[error("the file can't be read: {0}")]
    Io(#[from] io::Error),
    /// It is not CSV.
    #[error("the file is not CSV: {0}")]
    Csv(#[from] csv::Error),
    /// The first row names no such column.
    #[error("the file has no column \"{wanted}\"; its columns are {found}. {flag} names another")]
    NoColumn {
        /// The column looked for.
        wanted: String,
        /// The columns there are.
        found: String,
        /// The flag that names another.
        flag: &'static str,
    },
    /// A column is there twice.
    #[error("the file has two columns \"{0}\"; rename one")]
    Twice(String),
}

/// The rows of a file, one by one.
pub(super) struct Rows<R> {
    reader: csv::Reader<R>,
    text: usize,
    id: usize,
    student: Option<usize>,
    width: usize,
    /// Ids seen, as digests, with their lines.
    seen: HashMap<[u8; 16], u64>,
    record: ByteRecord,
}

impl<R: Read> Rows<R> {
    /// Reads the first row and finds the columns.
    pub(super) fn new(file: R, columns: &Columns, delimiter: u8) -> Result<Self, FileError> {
        // A carriage return before the line's end stays in the last field and is trimmed there: so line numbers are
        // right, which the reader's own way with both signs makes one too small.
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .terminator(csv::Terminator::Any(b'\n'))
            .flexible(true)
            .from_reader(file);
        let mut names: Vec<String> = reader
            .byte_headers()?
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim().to_owned())
            .collect();
        if let Some(first) = names.first_mut() {
            // Spreadsheets put a byte order mark before the first name.
            *first = first.trim_start_matches('\u{feff}').trim_matches('"').to_owned();
        }
        let find = |wanted: &str, flag| {
            let mut places =
                names.iter().enumerate().filter(|(_, name)| *name == wanted).map(|(place, _)| place);
            match (places.next(), places.next()) {
                (Some(place), None) => Ok(place),
                (Some(_), Some(_)) => Err(FileError::Twice(wanted.to_owned())),
                (None, _) => {
                    let found = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
                    Err(FileError::NoColumn { wanted: wanted.to_owned(), found, flag })
                }
            }
        };
        let id = match &columns.id {
            Some(name) => find(name, "--id-column")?,
            None => match names.iter().position(|name| name.to_lowercase().ends_with("id") && name != "id") {
                Some(place) if !names.iter().any(|name| name == "id") => place,
                _ => find("id", "--id-column")?,
            },
        };
        let student = columns.student.as_ref().map(|name| find(name, "--student-column")).transpose()?;
        let text = find(&columns.text, "--text-column")?;
        Ok(Self {
            text,
            id,
            student,
            width: names.len(),
            seen: HashMap::new(),
            record: ByteRecord::new(),
            reader,
        })
    }

    /// The next row; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Result<Row, BadRow>>, FileError> {
        loop {
            if !self.reader.read_byte_record(&mut self.record)? {
                return Ok(None);
            }
            if self.record.len() > 1 || self.record.iter().any(|field| !field.trim_ascii().is_empty()) {
                break;
            }
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        let end = self.reader.position().byte();
        Ok(Some(self.row(line, end)))
    }

    fn row(&mut self, line: u64, end: u64) -> Result<Row, BadRow> {
        let readable = |place: usize| {
            self.record.get(place).and_then(|field| std::str::from_utf8(field).ok()).map(str::trim)
        };
        let id = readable(self.id).filter(|id| !id.is_empty()).map(str::to_owned);
        let bad = |reason: String| BadRow { line, id: id.clone(), reason };
        if self.record.len() != self.width {
            return Err(bad(format!(
                "the row has {} fields, the first row {}; check its quotes and commas",
                self.record.len(),
                self.width
            )));
        }
        let columns = [(self.id, "id"), (self.text, "text")].into_iter();
        for (place, what) in columns.chain(self.student.map(|place| (place, "student"))) {
            if let Some(field) = self.record.get(place)
                && let Err(error) = std::str::from_utf8(field)
            {
                return Err(bad(format!(
                    "the {what} is not UTF-8 (after {} bytes of it); save the file as UTF-8",
                    error.valid_up_to()
                )));
            }
        }
        let text = readable(self.text).unwrap_or_default().to_owned();
        let student = self.student.and_then(readable).map(str::to_owned);
        let Some(id) = id.clone() else { return Err(bad("the id is empty; every row needs one".to_owned())) };
        if text.is_empty() {
            return Err(bad("the text is empty".to_owned()));
        }
        if student.as_ref().is_some_and(String::is_empty) {
            return Err(bad("the student's address is empty".to_owned()));
        }
        let mut digest = [0; 16];
        digest.copy_from_slice(&Sha256::digest(&id)[..16]);
        if let Some(first) = self.seen.get(&digest) {
            return Err(bad(format!("the id is that of line {first} too; ids must differ")));
        }
        self.seen.insert(digest, line);
        Ok(Row { line, end, id, student, text })
    }
}

/// The key by which a row that is handed in again is known to be the same.
pub(super) fn idempotency_key(assignment: &str, id: &str) -> String {
    let digest = Sha256::new().chain_update(assignment).chain_update([0]).chain_update(id).finalize();
    hex("import-", &digest[..20])
}

/// An address for the student that a row without one is. Its domain can't exist (RFC 2606), so that no mail is ever
/// sent there.
pub(super) fn own_student(assignment: &str, id: &str) -> String {
    let plain = id.len() <= 40 && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let course: String = assignment.chars().filter(char::is_ascii_alphanumeric).rev().take(12).collect();
    let course = course.to_lowercase();
    if plain {
        format!("row-{id}@{course}.import.invalid")
    } else {
        // Letters that differ only in case, or that an address can't hold, must not meet.
        format!("{}@{course}.import.invalid", hex("row-", &Sha256::digest(id)[..12]))
    }
}

fn hex(start: &str, bytes: &[u8]) -> String {
    bytes.iter().fold(start.to_owned(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn columns() -> Columns {
        Columns { text: "text".to_owned(), id: None, student: None }
    }

    fn read(file: &[u8], columns: &Columns) -> Vec<Result<Row, BadRow>> {
        let mut rows = Rows::new(file, columns, b',').unwrap();
        std::iter::from_fn(|| rows.next().unwrap()).collect()
    }

    #[test]
    fn good_rows_go_in_and_bad_ones_are_named() {
        let file = b"\xef\xbb\xbfessay_id,rater,text\r\n\
            1,4,\"Two\nlines, and a \"\"quote\"\".\"\r\n\
            2,4,\"  \"\r\n\
            ,4,text\r\n\
            3,4\r\n\r\n\
            1,4,again\r\n\
            4,4,bad \xff utf-8\r\n\
            5,4,last";
        let rows = read(file, &columns());
        assert_eq!(rows[0].as_ref().unwrap().text, "Two\nlines, and a \"quote\".");
        let told: Vec<_> = rows
            .iter()
            .filter_map(|row| row.as_ref().err())
            .map(|bad| (bad.line, bad.id.as_deref(), bad.reason.as_str()))
            .collect();
        let expected = [
            (4, Some("2"), "the text is empty"),
            (5, None, "the id is empty"),
            (6, Some("3"), "the row has 2 fields, the first row 3"),
            (8, Some("1"), "that of line 2"),
            (9, Some("4"), "not UTF-8 (after 4 bytes"),
        ];
        assert_eq!(told.len(), expected.len(), "{told:?}");
        for ((line, id, reason), (line_, id_, part)) in told.into_iter().zip(expected) {
            assert_eq!((line, id), (line_, id_));
            assert!(reason.contains(part), "{reason}");
        }
        let last = rows.last().unwrap().as_ref().unwrap();
        assert_eq!((last.line, last.id.as_str(), last.end), (10, "5", file.len() as u64));
    }

    #[test]
    fn columns_are_found_by_name() {
        let error = |file: &[u8], columns: &Columns| match Rows::new(file, columns, b',') {
            Ok(_) => panic!("the columns were found"),
            Err(error) => error.to_string(),
        };
        let message = error(b"a,b\n1,2\n", &columns());
        assert!(
            message.contains("\"id\"") && message.contains("\"a\", \"b\"") && message.contains("--id-column")
        );
        let message = error(b"id,body\n1,2\n", &columns());
        assert!(message.contains("--text-column"), "{message}");
        let message = error(b"id,text,text\n1,2,3\n", &columns());
        assert!(message.contains("two columns"), "{message}");
        let named =
            Columns { text: "body".to_owned(), id: Some("n".to_owned()), student: Some("who".to_owned()) };
        let rows = read(b"who,n,body,id\nada@x,7,hello,9\n,8,hello,9\n", &named);
        let row = rows[0].as_ref().unwrap();
        assert_eq!(
            (row.id.as_str(), row.student.as_deref(), row.text.as_str()),
            ("7", Some("ada@x"), "hello")
        );
        assert!(rows[1].as_ref().unwrap_err().reason.contains("address is empty"));
        let rows = read(b"other_id,id,text\n1,2,x\n", &columns());
        assert_eq!(rows[0].as_ref().unwrap().id, "2", "a column named id goes first");
    }

    #[test]
    fn keys_and_students_belong_to_assignment_and_row() {
        let (a, b) = (idempotency_key("A", "1"), idempotency_key("B", "1"));
        assert_ne!(a, b);
        assert_ne!(a, idempotency_key("A", "2"));
        assert_eq!(a, idempotency_key("A", "1"));
        assert!(a.len() < 60);
        assert_eq!(own_student("0190-ABCD", "17"), "row-17@dcba0910.import.invalid");
        assert_ne!(own_student("A", "x y"), own_student("A", "X y"));
        for id in ["17", "Ähre", "a@b", &"x".repeat(500)] {
            let address: quire_engine::identity::Email = own_student("0190-abcd", id).parse().unwrap();
            assert!(address.as_str().ends_with(".import.invalid"));
        }
    }
}
