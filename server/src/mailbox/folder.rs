//! Mails in a folder, one file each, named by the time they came.

use chrono::{DateTime, Utc};
use mail_parser::{MessageParser, MimeHeaders, PartType};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};
use uuid::Uuid;

/// The folder can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the mailbox folder {path} can't be used: {cause}", path = .path.display())]
pub struct FolderError {
    /// The folder.
    path: PathBuf,
    /// Why.
    cause: io::Error,
}

/// A folder of mails. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Folder {
    path: Arc<Path>,
}

/// What a list shows of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// By which it is found again.
    pub id: String,
    /// To whom.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// When it came.
    pub at: DateTime<Utc>,
}

/// A whole mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What a list shows of it.
    pub heading: Heading,
    /// From whom.
    pub from: String,
    /// The text part, or one made from the HTML part.
    pub text: String,
    /// The HTML part, where it has one.
    pub html: Option<String>,
}

impl Folder {
    /// Opens the folder, and makes it if it is missing.
    ///
    /// # Errors
    /// If it can't be made.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        std::fs::create_dir_all(path).map_err(|cause| FolderError { path: path.to_owned(), cause })?;
        Ok(Self { path: path.into() })
    }

    fn error(&self, cause: io::Error) -> FolderError {
        FolderError { path: self.path.to_path_buf(), cause }
    }

    /// Keeps a mail and answers its id. The envelope goes before it as header lines, as mail stores write it.
    ///
    /// # Errors
    /// If it can't be written.
    pub async fn keep(&self, from: &str, to: &[String], mail: &[u8]) -> Result<String, FolderError> {
        let id = Uuid::now_v7().simple().to_string();
        let mut bytes = format!("Return-Path: <{from}>\r\n").into_bytes();
        for to in to {
            bytes.extend_from_slice(format!("Delivered-To: {to}\r\n").as_bytes());
        }
        bytes.extend_from_slice(mail);
        // Written under another name first, so that a list never sees half a mail.
        let (half, whole) = (self.path.join(format!("{id}.part")), self.path.join(format!("{id}.eml")));
        tokio::fs::write(&half, &bytes).await.map_err(|e| self.error(e))?;
        tokio::fs::rename(&half, &whole).await.map_err(|e| self.error(e))?;
        Ok(id)
    }

    /// The newest mails after leaving out `skip` of them, at most `most`; and how many there are in all.
    ///
    /// # Errors
    /// If the folder can't be read.
    pub async fn list(&self, skip: usize, most: usize) -> Result<(Vec<Heading>, usize), FolderError> {
        let folder = self.clone();
        blocking(move || {
            let mut ids = Vec::new();
            for entry in std::fs::read_dir(&folder.path).map_err(|e| folder.error(e))? {
                let name = entry.map_err(|e| folder.error(e))?.file_name();
                if let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".eml")) {
                    ids.push(id.to_owned());
                }
            }
            let total = ids.len();
            ids.sort_unstable_by(|a, b| b.cmp(a));
            let shown = ids.iter().skip(skip).take(most);
            let headings =
                shown.filter_map(|id| folder.parse(id).transpose()).collect::<Result<Vec<_>, _>>()?;
            Ok((headings.into_iter().map(|message| message.heading).collect(), total))
        })
        .await
    }

    /// One mail; `None` where there is none of this id.
    ///
    /// # Errors
    /// If the folder can't be read.
    pub async fn read(&self, id: &str) -> Result<Option<Message>, FolderError> {
        let (folder, id) = (self.clone(), id.to_owned());
        blocking(move || folder.parse(&id)).await
    }

    fn parse(&self, id: &str) -> Result<Option<Message>, FolderError> {
        // Only what `keep` names: nothing that leads out of the folder.
        let Ok(uuid) = Uuid::try_parse(id) else { return Ok(None) };
        let bytes = match std::fs::read(self.path.join(format!("{}.eml", uuid.simple()))) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.error(error)),
        };
        let at = uuid.get_timestamp().map_or(DateTime::UNIX_EPOCH, |stamp| {
            let (seconds, nanos) = stamp.to_unix();
            i64::try_from(seconds).ok().and_then(|s| DateTime::from_timestamp(s, nanos)).unwrap_or_default()
        });
        Ok(Some(message(uuid.simple().to_string(), at, &bytes)))
    }
}

fn message(id: String, at: DateTime<Utc>, bytes: &[u8]) -> Message {
    let Some(mail) = MessageParser::default().parse(bytes) else {
        let heading = Heading { id, to: String::new(), subject: "(can't be read)".to_owned(), at };
        return Message {
            heading,
            from: String::new(),
            text: String::from_utf8_lossy(bytes).into_owned(),
            html: None,
        };
    };
    let addresses = |list: Option<&mail_parser::Address<'_>>| {
        let one = |a: &mail_parser::Addr<'_>| match (a.name(), a.address()) {
            (Some(name), Some(address)) => format!("{name} <{address}>"),
            (None, Some(address)) => address.to_owned(),
            (Some(name), None) => name.to_owned(),
            (None, None) => String::new(),
        };
        list.map(|list| list.iter().map(one).collect::<Vec<_>>().join(", ")).unwrap_or_default()
    };
    let html = mail.html_bodies().find_map(|part| match &part.body {
        PartType::Html(html) if !part.is_content_type("message", "rfc822") => Some(html.to_string()),
        _ => None,
    });
    Message {
        heading: Heading {
            id,
            to: addresses(mail.to()),
            subject: mail.subject().unwrap_or("(no subject)").to_owned(),
            at,
        },
        from: addresses(mail.from()),
        text: mail.body_text(0).map(|text| text.into_owned()).unwrap_or_default(),
        html,
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FolderError> + Send + 'static,
) -> Result<T, FolderError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn newest_first_and_page_by_page() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        let to = vec!["ada@x".to_owned()];
        for n in 0..5 {
            let mail = format!(
                "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_{n}?=\r\nFrom: Quire <q@x>\r\nTo: Ada <ada@x>\r\n\r\nText"
            );
            folder.keep("q@x", &to, mail.as_bytes()).await.unwrap();
        }
        let (page, total) = folder.list(1, 2).await.unwrap();
        assert_eq!(total, 5);
        assert_eq!(page.iter().map(|h| h.subject.as_str()).collect::<Vec<_>>(), ["Grüße 3", "Grüße 2"]);
        assert_eq!(page[0].to, "Ada <ada@x>");
        assert!((Utc::now() - page[0].at).num_seconds() < 60);
        assert_eq!(folder.list(10, 2).await.unwrap().0.len(), 0);
    }

    #[tokio::test]
    async fn both_parts_and_garbage() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        let mail = b"Subject: Two\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>rich</p>\r\n--b--\r\n";
        let id = folder.keep("q@x", &[], mail).await.unwrap();
        let message = folder.read(&id).await.unwrap().unwrap();
        assert_eq!(
            (message.text.trim(), message.html.as_deref().map(str::trim)),
            ("plain", Some("<p>rich</p>"))
        );
        let id = folder.keep("q@x", &[], b"\xff\xfe\x00").await.unwrap();
        folder.read(&id).await.unwrap().unwrap();
        for id in ["../../etc/passwd", "nonsense", "", "00000000-0000-7000-8000-000000000000"] {
            assert!(folder.read(id).await.unwrap().is_none(), "{id}");
        }
    }
}
