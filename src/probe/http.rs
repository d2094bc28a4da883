//! A small web client without memory: one request a connection, no cookies, nothing sent but what a browser asks first.
//!
//! It fetches the first page, follows few redirects on the same host, fetches the icon, and then only the paths that a
//! signature asks for whose product was seen there before.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
};

use super::{Ask, Heard, Intrusion, Probe, Step};
use crate::{
    fingerprint::Matcher,
    observe::{self, Facts},
    wire::http::{Body, Head, Page, Start, body, decode, join_chunks},
};

/// How many redirects are followed.
const MOST_REDIRECTS: u8 = 2;

/// How many paths are fetched of one service, whoever asks for them.
const MOST_PATHS: usize = 10;

/// How much of a body is waited for, in bytes.
const MOST_BODY: usize = 40 << 10;

/// How long a path may be that a server sends us to, in bytes.
const LONGEST_PATH: usize = 1024;

/// Who asks.
const AGENT: &str = concat!("sekisho/", env!("CARGO_PKG_VERSION"), " (authorised inspection)");

/// The web in clear.
pub static PROBE: Probe = Probe {
    name: "http",
    asks: "fetches the first page, its icon, and the paths that a product seen there is known by",
    protocol: &observe::http::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[
        80, 8080, 8000, 8008, 8081, 8088, 8888, 81, 591, 3128, 5000, 5800, 5985, 7547, 8040, 8200,
        8280, 9080, 49_152,
    ],
    intrusion: Intrusion::Dialogue,
    source: "RFC 9112, 3",
    inside_tls: false,
    anywhere: true,
    next: ask,
};

/// The web inside TLS.
pub static INSIDE_TLS: Probe = Probe {
    name: "https",
    asks: "fetches the same inside TLS, whatever the certificate",
    protocol: &observe::http::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[443, 8443, 4443, 10_443, 9443, 4433, 5986, 8006],
    intrusion: Intrusion::Dialogue,
    source: "RFC 9112, 3; RFC 9110, 4.2.2",
    inside_tls: true,
    anywhere: true,
    next: ask,
};

/// The path that is asked for stands in the facts as `http.path`, so that one dialogue serves every request.
fn ask(ask: &Ask<'_>, heard: &Heard<'_>) -> Step {
    if heard.turn == 0 {
        // Who asks stands first: a reader of the recording keeps the beginning of a question beside its answer.
        let path = ask.known.get("http.path").unwrap_or("/");
        let host = host(ask.to, ask.known.get("tls.sni"));
        return Step::Say(
            format!(
                "GET {path} HTTP/1.1\r\nUser-Agent: {AGENT}\r\nHost: {host}\r\nAccept: */*\r\n\
                 Connection: close\r\n\r\n"
            )
            .into_bytes(),
        );
    }
    if heard.ended || heard.waited || is_whole(heard.bytes) { Step::Done } else { Step::Wait }
}

/// What a server is called: by its name, or by its address. A name that others told and that is no host name (RFC 1123,
/// 2.1) is none: it could end the line that it stands in.
pub(super) fn host(to: SocketAddr, name: Option<&str>) -> String {
    let fits = |letter: u8| letter.is_ascii_alphanumeric() || b".-_".contains(&letter);
    let name = name.filter(|name| (1..=253).contains(&name.len()) && name.bytes().all(fits));
    let host = match (name, to.ip()) {
        (Some(name), _) => name.to_owned(),
        (None, IpAddr::V4(v4)) => v4.to_string(),
        (None, IpAddr::V6(v6)) => format!("[{v6}]"),
    };
    match to.port() {
        80 | 443 => host,
        port => format!("{host}:{port}"),
    }
}

/// Whether all of an answer is there that is worth waiting for.
fn is_whole(bytes: &[u8]) -> bool {
    let head = match Head::parse(bytes) {
        Ok(head) => head,
        Err(error) => return !error.wants_more() && !bytes.is_empty(),
    };
    let there = bytes.get(head.length..).unwrap_or_default();
    let ended = match head.body(false) {
        Body::None => true,
        Body::Sized(length) => there.len() as u64 >= length,
        Body::Chunked => join_chunks(there, MOST_BODY).1.is_some(),
        Body::ToTheEnd => false,
    };
    ended || there.len() >= MOST_BODY
}

/// What is still to be fetched of one service.
#[derive(Debug)]
pub(super) struct Visit {
    to: SocketAddr,
    /// What the host is called, so that links by its name lead to it.
    name: Option<String>,
    secure: bool,
    waiting: VecDeque<String>,
    /// What was fetched, or waits to be.
    known: Vec<String>,
    redirects: u8,
    icon: bool,
}

impl Visit {
    /// A visit that begins with `path`.
    pub(super) fn new(to: SocketAddr, name: Option<String>, secure: bool, path: &str) -> Self {
        let mut visit = Self {
            to,
            name,
            secure,
            waiting: VecDeque::new(),
            known: Vec::new(),
            redirects: 0,
            icon: false,
        };
        visit.add(path);
        visit
    }

    /// The question that fetches.
    pub(super) fn probe(&self) -> &'static Probe {
        if self.secure { &INSIDE_TLS } else { &PROBE }
    }

    /// The path to fetch next.
    pub(super) fn next(&self) -> Option<&str> {
        self.waiting.front().map(String::as_str)
    }

    /// Fetches one path more, if it may.
    pub(super) fn add(&mut self, path: &str) {
        let fits = path.starts_with('/')
            && path.len() <= LONGEST_PATH
            && path.bytes().all(|byte| byte.is_ascii_graphic())
            && self.known.len() < MOST_PATHS
            && !self.known.iter().any(|known| known == path);
        if fits {
            self.known.push(path.to_owned());
            self.waiting.push_back(path.to_owned());
        }
    }

    /// Nothing more is to be fetched: the service did not answer.
    pub(super) fn give_up(&mut self) {
        self.waiting.clear();
    }

    /// Takes in an answer to the path before, and what is known of the service by now. An address is another service
    /// of the same host that the answer sends us to, with the path there.
    pub(super) fn heard(
        &mut self,
        answer: &[u8],
        facts: &Facts,
        matcher: &Matcher<'_>,
    ) -> Option<(SocketAddr, String)> {
        let asked = self.waiting.pop_front()?;
        let Ok(head) = Head::parse_cut(answer) else {
            self.give_up();
            return None;
        };
        let Start::Response { status, .. } = head.start else { return None };
        let page = page(&head, answer);
        let mut elsewhere = None;
        let target = head.get("location").filter(|_| (300..400).contains(&status));
        let target = target.map(|target| String::from_utf8_lossy(target).into_owned());
        let written = page.redirects.first().cloned().filter(|_| status < 400);
        if let Some(target) = target.or(written) {
            match self.resolve(&target, &asked) {
                Some((to, path)) if to == self.to && self.redirects < MOST_REDIRECTS => {
                    self.redirects += 1;
                    self.add(&path);
                }
                Some((to, path)) if to != self.to && !self.secure => elsewhere = Some((to, path)),
                _ => {}
            }
        }
        if self.waiting.is_empty() && !self.icon {
            self.icon = true;
            let named = page.icon.as_deref().and_then(|icon| self.resolve(icon, &asked));
            match named {
                Some((to, path)) if to == self.to => self.add(&path),
                _ => self.add("/favicon.ico"),
            }
        }
        for path in matcher.paths(facts) {
            self.add(path);
        }
        elsewhere
    }

    /// Where a link leads that stands on the page `asked`, if it leads to this host. Only the port of the same or of
    /// a safer kind counts.
    fn resolve(&self, target: &str, asked: &str) -> Option<(SocketAddr, String)> {
        let target = target.split('#').next().unwrap_or_default().trim();
        let absolute = target.strip_prefix("//").map(|rest| (self.secure, rest));
        let absolute = absolute
            .or_else(|| Some((true, strip(target, "https://")?)))
            .or_else(|| Some((false, strip(target, "http://")?)));
        if let Some((secure, rest)) = absolute {
            let (authority, path) =
                rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
            let to = self.authority(authority, secure)?;
            let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
            let same = to == self.to && secure == self.secure;
            let safer = to != self.to && secure && !self.secure;
            return (same || safer).then_some((to, path));
        }
        if target.is_empty() || target.split('/').next().is_some_and(|part| part.contains(':')) {
            return None;
        }
        if target.starts_with('/') {
            return Some((self.to, target.to_owned()));
        }
        let page = asked.split('?').next().unwrap_or_default();
        let folder = page.rfind('/').and_then(|at| page.get(..=at)).unwrap_or("/");
        let target = target.strip_prefix("./").unwrap_or(target);
        Some((self.to, format!("{folder}{target}")))
    }

    fn authority(&self, authority: &str, secure: bool) -> Option<SocketAddr> {
        let usual = if secure { 443 } else { 80 };
        let named = self.name.as_deref().and_then(|name| {
            let (start, port) = authority.split_at_checked(name.len())?;
            let port = match port.strip_prefix(':') {
                Some(port) => port.parse().ok()?,
                None => Some(usual).filter(|_| port.is_empty())?,
            };
            start.eq_ignore_ascii_case(name).then(|| SocketAddr::new(self.to.ip(), port))
        });
        let to = authority.parse().ok().or(named).or_else(|| {
            let bare = authority.trim_start_matches('[').trim_end_matches(']');
            Some(SocketAddr::new(bare.parse().ok()?, usual))
        })?;
        (to.ip() == self.to.ip()).then_some(to)
    }
}

fn strip<'t>(text: &'t str, scheme: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// The page in an answer; empty where there is none.
fn page(head: &Head<'_>, answer: &[u8]) -> Page {
    let there = answer.get(head.length..).unwrap_or_default();
    let text = body(head, there, MOST_BODY);
    Page::read(&decode(&text, None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::Signatures;

    fn visit(to: &str) -> Visit {
        Visit::new(to.parse().unwrap(), None, false, "/a/b?c")
    }

    #[test]
    fn a_name_that_would_end_its_line_is_not_said() {
        let to = SocketAddr::from(([192, 0, 2, 1], 8443));
        assert_eq!(host(to, Some("gate.example")), "gate.example:8443");
        for name in ["gate\r\nX: y", "", "gate example", "門.example"] {
            assert_eq!(host(to, Some(name)), "192.0.2.1:8443", "{name:?}");
        }
    }

    #[test]
    fn links_lead_to_the_same_host_or_nowhere() {
        let visit = visit("192.0.2.1:80");
        let to =
            |target: &str| visit.resolve(target, "/a/b?c").map(|(to, path)| format!("{to}{path}"));
        for (target, leads) in [
            ("/x#y", Some("192.0.2.1:80/x")),
            ("x.html", Some("192.0.2.1:80/a/x.html")),
            ("./x.html", Some("192.0.2.1:80/a/x.html")),
            ("http://192.0.2.1/x", Some("192.0.2.1:80/x")),
            ("HTTPS://192.0.2.1", Some("192.0.2.1:443/")),
            ("https://192.0.2.1:8443?x", Some("192.0.2.1:8443/?x")),
            ("//192.0.2.1/x", Some("192.0.2.1:80/x")),
            ("http://192.0.2.1:8080/x", None),
            ("http://192.0.2.9/x", None),
            ("https://gate.example/x", None),
            ("javascript:alert(1)", None),
            ("http://", None),
            ("", None),
        ] {
            assert_eq!(to(target).as_deref(), leads, "{target}");
        }
        let named = Visit::new(visit.to, Some("gate.example".to_owned()), false, "/");
        let to = |target: &str| named.resolve(target, "/").map(|(to, path)| format!("{to}{path}"));
        for (target, leads) in [
            ("https://Gate.example/x", Some("192.0.2.1:443/x")),
            ("https://gate.example:8443/", Some("192.0.2.1:8443/")),
            ("https://gate.example.net/x", None),
            ("https://gate.example:x/", None),
        ] {
            assert_eq!(to(target).as_deref(), leads, "{target}");
        }
        let six = Visit::new("[2001:db8::1]:80".parse().unwrap(), None, false, "/");
        let leads = six.resolve("https://[2001:db8::1]/x", "/").unwrap();
        assert_eq!(leads, ("[2001:db8::1]:443".parse().unwrap(), "/x".to_owned()));
    }

    #[test]
    fn a_visit_ends_however_much_a_server_offers() {
        let signatures = Signatures::default();
        let matcher = Matcher::new(&signatures);
        let mut visit = visit("192.0.2.1:80");
        let mut fetched = 0;
        while let Some(path) = visit.next().map(str::to_owned) {
            fetched += 1;
            let answer = format!("HTTP/1.1 302 x\r\nLocation: {path}a\r\n\r\n");
            visit.heard(answer.as_bytes(), &Facts::default(), &matcher);
            visit.add(&format!("/{fetched}"));
            visit.add("/no path");
        }
        assert!(fetched <= MOST_PATHS, "{fetched}");
    }

    #[test]
    fn an_answer_is_waited_for_to_its_end_and_no_further() {
        for (answer, whole) in [
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"[..], true),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", false),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", true),
            (b"HTTP/1.1 200 OK\r\n\r\nabc", false),
            (b"HTTP/1.1 304 x\r\n\r\n", true),
            (b"HTTP/1.1 2", false),
            (b"SSH-2.0-x\r\n", true),
        ] {
            assert_eq!(is_whole(answer), whole, "{}", String::from_utf8_lossy(answer));
        }
        let long = [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &vec![b'a'; MOST_BODY]].concat();
        assert!(is_whole(&long));
    }
}
