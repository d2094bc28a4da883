//! One TCP conversation of a simulated service: its own words, TLS, and pages.

use std::{io::Read as _, sync::Arc, time::Duration};

use rustls::ServerConnection;

use super::script::{Page, Service, Then, Uttered, reply};

/// The longest head of a request for a page.
const LONGEST_HEAD: usize = 64 << 10;

/// The longest body of a request that is waited for; of a longer one the head is answered.
const LONGEST_BODY: usize = 64 << 10;

/// A conversation, from the service's side.
pub(super) struct Talk {
    service: Arc<Service>,
    /// What was heard in clear and not answered yet.
    heard: Vec<u8>,
    tls: Option<Box<ServerConnection>>,
    turn: u32,
    over: bool,
}

impl Talk {
    /// Begins a conversation, with what the service says first.
    pub(super) fn begin(service: Arc<Service>) -> (Self, Vec<Uttered>) {
        let mut talk = Self { service, heard: Vec::new(), tls: None, turn: 0, over: false };
        if talk.service.encryption.as_ref().is_some_and(|encryption| !encryption.on_request) {
            talk.encrypt();
            return (talk, Vec::new());
        }
        let (bytes, after) = (talk.service.greets.say(&[]), talk.service.greets_after);
        let greeting = Uttered { bytes, after, then: Then::Stay };
        let said = if greeting.bytes.is_empty() { Vec::new() } else { vec![greeting] };
        (talk, said)
    }

    /// What the service says to these bytes of the stream.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Vec<Uttered> {
        if self.over {
            return Vec::new();
        }
        let mut said = match self.tls.take() {
            None => {
                self.heard.extend_from_slice(bytes);
                self.respond(false)
            }
            Some(mut tls) => {
                let said = self.hear_encrypted(&mut tls, bytes);
                self.tls = Some(tls);
                said
            }
        };
        for uttered in &mut said {
            match uttered.then {
                Then::Tls => {
                    self.heard.clear();
                    self.encrypt();
                    uttered.then = Then::Stay;
                }
                Then::Close | Then::Reset => self.over = true,
                Then::Stay => {}
            }
        }
        said
    }

    /// What the service says without being asked, and how long it is until it does.
    pub(super) fn drip(&self) -> Option<(Vec<u8>, Duration)> {
        let (saying, every) = self.service.drips.as_ref().filter(|_| !self.over)?;
        Some((saying.say(&[]), *every))
    }

    fn encrypt(&mut self) {
        let config = self.service.encryption.as_ref().map(|encryption| encryption.config.clone());
        let connection = config.and_then(|config| ServerConnection::new(config).ok());
        self.tls = connection.map(|mut connection| {
            connection.set_buffer_limit(None);
            Box::new(connection)
        });
        self.over |= self.tls.is_none();
    }

    fn hear_encrypted(&mut self, tls: &mut ServerConnection, mut bytes: &[u8]) -> Vec<Uttered> {
        let mut said = Vec::new();
        let mut broken = false;
        while !bytes.is_empty() && !broken {
            broken = tls.read_tls(&mut bytes).is_err();
            match tls.process_new_packets() {
                Ok(state) => {
                    let mut clear = vec![0; state.plaintext_bytes_to_read()];
                    broken |= tls.reader().read_exact(&mut clear).is_err();
                    self.heard.extend(clear);
                }
                Err(_) => broken = true,
            }
        }
        // The handshake's own messages, or the alert.
        let then = if broken { Then::Close } else { Then::Stay };
        said.extend(flush(tls, Duration::ZERO, then));
        if broken {
            self.over = true;
            if said.is_empty() {
                said.push(Uttered { bytes: Vec::new(), after: Duration::ZERO, then });
            }
            return said;
        }
        for uttered in self.respond(true) {
            if std::io::Write::write_all(&mut tls.writer(), &uttered.bytes).is_err() {
                break;
            }
            if uttered.then == Then::Close {
                tls.send_close_notify();
            }
            said.extend(flush(tls, uttered.after, uttered.then));
        }
        said
    }

    /// Answers what was heard, as far as it is whole.
    fn respond(&mut self, encrypted: bool) -> Vec<Uttered> {
        let service = self.service.clone();
        let on_request =
            service.encryption.as_ref().is_some_and(|encryption| encryption.on_request);
        let rules = if encrypted && on_request { &service.inside } else { &service.rules };
        let mut said = Vec::new();
        while !self.heard.is_empty() {
            if let Some(uttered) = reply(rules, &self.heard, self.turn + 1) {
                self.heard.clear();
                self.turn += 1;
                said.extend(uttered);
                break;
            }
            if service.missing.is_some() && (encrypted || service.encryption.is_none()) {
                match request(&self.heard) {
                    Request::Whole { method, target, length } => {
                        let page = page(&service, &method, &target);
                        self.heard.drain(..length);
                        self.turn += 1;
                        said.extend(page.map(|page| shown(page, &method)));
                        continue;
                    }
                    Request::Partial => break,
                    Request::Foreign => {}
                }
            }
            // A rule may still come to answer, once more was heard.
            let hoped = rules.iter().any(|rule| rule.begins.starts_with(&self.heard));
            if !hoped {
                self.heard.clear();
                if service.otherwise != Then::Stay {
                    let (bytes, after) = (Vec::new(), Duration::ZERO);
                    said.push(Uttered { bytes, after, then: service.otherwise });
                }
            }
            break;
        }
        said
    }
}

/// What TLS has to send.
fn flush(tls: &mut ServerConnection, after: Duration, then: Then) -> Option<Uttered> {
    let mut bytes = Vec::new();
    while tls.wants_write() {
        if tls.write_tls(&mut bytes).is_err() {
            break;
        }
    }
    (!bytes.is_empty() || then != Then::Stay).then_some(Uttered { bytes, after, then })
}

enum Request {
    Whole {
        method: String,
        target: String,
        /// Bytes of head and body.
        length: usize,
    },
    Partial,
    Foreign,
}

/// Reads a request for a page.
fn request(bytes: &[u8]) -> Request {
    let Some(head) = memchr::memmem::find(bytes, b"\r\n\r\n") else {
        let first = bytes.first().is_some_and(u8::is_ascii_uppercase);
        let partial = first && bytes.len() < LONGEST_HEAD;
        return if partial { Request::Partial } else { Request::Foreign };
    };
    let text = String::from_utf8_lossy(bytes.get(..head).unwrap_or_default()).into_owned();
    let mut lines = text.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next())
    else {
        return Request::Foreign;
    };
    if !version.starts_with("HTTP/") {
        return Request::Foreign;
    }
    let body = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .filter(|length| *length <= LONGEST_BODY)
        .unwrap_or(0);
    let length = head + 4 + body;
    if bytes.len() < length {
        return Request::Partial;
    }
    Request::Whole { method: method.to_owned(), target: target.to_owned(), length }
}

/// The page that is asked for: with its query, without, or the one for all that are missing.
fn page<'a>(service: &'a Service, method: &str, target: &str) -> Option<&'a Page> {
    let named = |path: &str| {
        let fits = |page: &&Page| page.method.as_deref().is_none_or(|wanted| wanted == method);
        service.pages.iter().filter(fits).find(|page| page.path == path)
    };
    let bare = target.split('?').next().unwrap_or(target);
    named(target).or_else(|| named(bare)).or(service.missing.as_deref())
}

fn shown(page: &Page, method: &str) -> Uttered {
    let body = if method == "HEAD" { &[][..] } else { &page.body };
    Uttered { bytes: [&page.head, body].concat(), after: page.after, then: page.then }
}
