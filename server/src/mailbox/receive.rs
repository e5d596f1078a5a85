//! The receiving side of SMTP (RFC 5321), as much as a local sender needs: no sign-in, no encryption, no relaying.

use super::Folder;
use std::{io, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

/// Most bytes of one mail.
const MOST_BYTES: usize = 10_000_000;

/// Most bytes of one command line (RFC 5321 4.5.3.1.4 asks for 512; some senders write longer ones).
const MOST_LINE: u64 = 4_096;

/// Most recipients of one mail (RFC 5321 4.5.3.1.8 asks for 100 at least).
const MOST_RECIPIENTS: usize = 1_000;

/// A sender that is silent for this long is let go (RFC 5321 4.5.3.2.7).
const PATIENCE: Duration = Duration::from_secs(300);

/// Receives mail into the folder until told to stop.
pub async fn serve(listener: TcpListener, folder: Folder, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let (folder, stop) = (folder.clone(), stop.clone());
                tokio::spawn(async move {
                    let talk = talk(stream, &folder);
                    let ended = tokio::select! {
                        () = stop.cancelled() => Ok(()),
                        ended = talk => ended,
                    };
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a mail connection ended early");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the mailbox could not accept a connection");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// One mail being received.
#[derive(Default)]
struct Envelope {
    from: Option<String>,
    to: Vec<String>,
}

async fn talk(stream: TcpStream, folder: &Folder) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    say(&mut stream, "220 localhost Quire mailbox").await?;
    let mut envelope = Envelope::default();
    loop {
        let Some(line) = line(&mut stream).await? else { return Ok(()) };
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                envelope = Envelope::default();
                say(
                    &mut stream,
                    &format!("250-localhost\r\n250-SIZE {MOST_BYTES}\r\n250-8BITMIME\r\n250 SMTPUTF8"),
                )
                .await?;
            }
            "HELO" => {
                envelope = Envelope::default();
                say(&mut stream, "250 localhost").await?;
            }
            "MAIL" => match path(rest, "FROM:") {
                Some(from) => {
                    envelope = Envelope { from: Some(from), to: Vec::new() };
                    say(&mut stream, "250 OK").await?;
                }
                None => say(&mut stream, "501 Syntax: MAIL FROM:<address>").await?,
            },
            "RCPT" => match path(rest, "TO:") {
                _ if envelope.from.is_none() => say(&mut stream, "503 MAIL comes first").await?,
                Some(to) if !to.is_empty() && envelope.to.len() < MOST_RECIPIENTS => {
                    envelope.to.push(to);
                    say(&mut stream, "250 OK").await?;
                }
                Some(to) if !to.is_empty() => say(&mut stream, "452 Too many recipients").await?,
                _ => say(&mut stream, "501 Syntax: RCPT TO:<address>").await?,
            },
            "DATA" => {
                let (Some(from), false) = (&envelope.from, envelope.to.is_empty()) else {
                    say(&mut stream, "503 RCPT comes first").await?;
                    continue;
                };
                say(&mut stream, "354 End with a dot on a line of its own").await?;
                match data(&mut stream).await? {
                    Some(mail) => match folder.keep(from, &envelope.to, &mail).await {
                        Ok(id) => say(&mut stream, &format!("250 Kept as {id}")).await?,
                        Err(error) => {
                            tracing::warn!(%error, "a mail could not be kept");
                            say(&mut stream, "451 The mail could not be kept; try again later").await?;
                        }
                    },
                    None => say(&mut stream, "552 The mail is too large").await?,
                }
                envelope = Envelope::default();
            }
            "RSET" => {
                envelope = Envelope::default();
                say(&mut stream, "250 OK").await?;
            }
            "NOOP" => say(&mut stream, "250 OK").await?,
            "VRFY" => say(&mut stream, "252 Send it and see").await?,
            "QUIT" => return say(&mut stream, "221 Bye").await,
            _ => say(&mut stream, "502 Not a command of this server").await?,
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, words: &str) -> io::Result<()> {
    stream.write_all(format!("{words}\r\n").as_bytes()).await
}

/// The next line without its end; `None` at the end of the connection.
async fn line(stream: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut limited = (&mut *stream).take(MOST_LINE);
    let read = tokio::time::timeout(PATIENCE, limited.read_until(b'\n', &mut bytes)).await;
    read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.last() != Some(&b'\n') {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a line was too long or cut off"));
    }
    Ok(Some(String::from_utf8_lossy(&bytes).trim_end().to_owned()))
}

/// The mail's bytes up to the dot on its own line; `None` where it is too large (it is read to its end all the same).
async fn data(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let (mut mail, mut too_large, mut at_line_start) = (Vec::new(), false, true);
    loop {
        let mut piece = Vec::new();
        // A line may be longer than a piece; only at its beginning does a dot count.
        let mut limited = (&mut *stream).take(65_536);
        let read = tokio::time::timeout(PATIENCE, limited.read_until(b'\n', &mut piece)).await;
        if read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        if at_line_start && (piece == b".\r\n" || piece == b".\n") {
            return Ok((!too_large).then_some(mail));
        }
        let text = if at_line_start && piece.first() == Some(&b'.') { &piece[1..] } else { &piece[..] };
        at_line_start = piece.last() == Some(&b'\n');
        too_large |= mail.len() + text.len() > MOST_BYTES;
        if !too_large {
            mail.extend_from_slice(text);
        }
    }
}

/// The address in `FROM:<address> PARAMETERS`.
fn path(rest: &str, keyword: &str) -> Option<String> {
    let start = rest.get(..keyword.len())?;
    if !start.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let (address, _) = rest[keyword.len()..].trim_start().strip_prefix('<')?.split_once('>')?;
    (!address.contains(char::is_whitespace)).then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    struct Talk {
        stream: BufReader<TcpStream>,
    }

    impl Talk {
        async fn ask(&mut self, words: &str) -> String {
            self.stream.write_all(words.as_bytes()).await.unwrap();
            self.stream.write_all(b"\r\n").await.unwrap();
            self.hear().await
        }
        async fn hear(&mut self) -> String {
            loop {
                let heard = line(&mut self.stream).await.unwrap().unwrap();
                if heard.as_bytes().get(3) != Some(&b'-') {
                    return heard;
                }
            }
        }
    }

    async fn start() -> (tempfile::TempDir, Folder, Talk, CancellationToken) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(&dir.path().join("mailbox")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(serve(listener, folder.clone(), stop.clone()));
        let mut talk = Talk { stream: BufReader::new(TcpStream::connect(address).await.unwrap()) };
        assert!(talk.hear().await.starts_with("220"));
        (dir, folder, talk, stop)
    }

    #[tokio::test]
    async fn a_mail_is_kept() {
        let (_dir, folder, mut talk, stop) = start().await;
        assert_eq!(talk.ask("EHLO me").await, "250 SMTPUTF8");
        assert_eq!(talk.ask("mail from:<quire@x> SIZE=100").await, "250 OK");
        assert_eq!(talk.ask("RCPT TO:<ada@x>").await, "250 OK");
        assert!(talk.ask("DATA").await.starts_with("354"));
        let mail = "Subject: Marks\r\nTo: ada@x\r\n\r\nHello\r\n..dotted\r\n.";
        assert!(talk.ask(mail).await.starts_with("250 Kept"));
        assert!(talk.ask("QUIT").await.starts_with("221"));
        let (headings, total) = folder.list(0, 10).await.unwrap();
        assert_eq!((headings.len(), total), (1, 1));
        assert_eq!((headings[0].subject.as_str(), headings[0].to.as_str()), ("Marks", "ada@x"));
        let message = folder.read(&headings[0].id).await.unwrap().unwrap();
        assert_eq!(message.text.trim_end(), "Hello\r\n.dotted");
        stop.cancel();
    }

    #[tokio::test]
    async fn wrong_words_are_answered() {
        let (_dir, folder, mut talk, _stop) = start().await;
        for (words, answer) in [
            ("HELO me", "250"),
            ("RCPT TO:<a@x>", "503"),
            ("DATA", "503"),
            ("MAIL FROM:", "501"),
            ("MAIL FROM:<a b>", "501"),
            ("MAIL TO:<a>", "501"),
            ("MAIL FROM:<>", "250"),
            ("RCPT TO:<>", "501"),
            ("RCPT", "501"),
            ("NOOP", "250"),
            ("RSET", "250"),
            ("STARTTLS", "502"),
            ("é", "502"),
        ] {
            let heard = talk.ask(words).await;
            assert!(heard.starts_with(answer), "{words}: {heard}");
        }
        assert_eq!(folder.list(0, 10).await.unwrap().1, 0);
    }

    #[tokio::test]
    async fn a_mail_too_large_is_refused_and_the_talk_goes_on() {
        let (_dir, folder, mut talk, _stop) = start().await;
        for words in ["HELO me", "MAIL FROM:<a@x>", "RCPT TO:<b@x>", "DATA"] {
            talk.ask(words).await;
        }
        let line = format!("{}\r\n", "x".repeat(99_998));
        for _ in 0..101 {
            talk.stream.write_all(line.as_bytes()).await.unwrap();
        }
        assert!(talk.ask(".").await.starts_with("552"));
        assert!(talk.ask("NOOP").await.starts_with("250"));
        assert_eq!(folder.list(0, 10).await.unwrap().1, 0);
    }
}
