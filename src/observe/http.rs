//! What HTTP requests and answers tell about the software at both ends, and where proxies lead.

use std::borrow::Cow;

use super::{Carrier, Facts, Finding, Protocol, Rest, Said, Side};
use crate::wire::{
    Error, Result,
    http::{self, Body, Head, Page, Start},
    statement,
    upnp::Description,
};

/// Where servers and proxies usually listen (TCP).
const PORTS: &[u16] =
    &[80, 81, 591, 3128, 5000, 5985, 7547, 8000, 8008, 8080, 8081, 8088, 8888, 9080];

/// How much of a head is waited for.
const MOST_HEAD: usize = 32 << 10;

/// How much of a page is waited for: what names the software stands early.
const MOST_PAGE: usize = 16 << 10;

/// How large an icon may be.
const LARGEST_ICON: usize = 32 << 10;

/// How many `meta` elements of a page are told.
const MOST_METAS: usize = 6;

/// How long a header's value is kept, in bytes.
const LONGEST_VALUE: usize = 200;

/// HTTP/1, on any port: the first line names it.
pub static PROTOCOL: Protocol = Protocol { name: "http", carriers: &[Carrier::Tcp(PORTS)], read };

/// Headers that tell nothing about the software although their names begin with `X-`.
const USUAL: &[&str] = &[
    "x-content-type-options",
    "x-dns-prefetch-control",
    "x-download-options",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-frame-options",
    "x-permitted-cross-domain-policies",
    "x-powered-by",
    "x-real-ip",
    "x-request-id",
    "x-requested-with",
    "x-robots-tag",
    "x-ua-compatible",
    "x-xss-protection",
];

/// Headers that a load balancer misspells to take them out of use.
const MISSPELT: &[&str] = &["cteonnt-length", "nncoection", "cneonction"];

fn read(said: &Said<'_>) -> Result<Finding> {
    let head = head(said)?;
    match head.start {
        Start::Request { method, target, version } => {
            Ok(request(said, &head, method, target, version))
        }
        Start::Response { version, status, reason } => {
            response(said, &head, version, status, reason)
        }
    }
}

/// Reads a head, waiting for its end while it can come.
pub(super) fn head<'a>(said: &Said<'a>) -> Result<Head<'a>> {
    match Head::parse(said.bytes) {
        Err(error) if error.wants_more() && said.open && said.bytes.len() < MOST_HEAD => Err(error),
        Err(_) => Head::parse_cut(said.bytes),
        whole => whole,
    }
}

fn request(
    said: &Said<'_>,
    head: &Head<'_>,
    method: &[u8],
    target: &[u8],
    version: &[u8],
) -> Finding {
    let mut facts = Facts::default();
    facts.add_text("http.method", method);
    facts.add_text("http.version", version);
    add(&mut facts, head, "http.host", "host");
    if method == b"CONNECT" {
        facts.add_text("http.connect", short(target));
    } else if let Some((host, path)) = absolute(target) {
        facts.add_text("http.absolute", short(host));
        facts.add_text("http.path", path_shape(path).as_bytes());
    } else {
        facts.add_text("http.path", path_shape(target).as_bytes());
    }
    add(&mut facts, head, "http.header.user_agent", "user-agent");
    add(&mut facts, head, "http.header.via", "via");
    add(&mut facts, head, "http.upgrade", "upgrade");
    for (field, name) in [
        ("http.authorization", "authorization"),
        ("http.proxy_authorization", "proxy-authorization"),
    ] {
        // Only how the client proves itself; what follows is the proof.
        let scheme = head.get(name).and_then(|v| v.split(|byte| *byte == b' ').next());
        facts.add_text(field, scheme.filter(|s| s.len() <= 16).unwrap_or_default());
    }
    add_names(&mut facts, head);
    let changes = method == b"CONNECT" || head.get("upgrade").is_some();
    let rest = match follows(said, head, head.body(false)) {
        Some(next) if changes => Rest::Other(next),
        Some(next) if version != b"2.0" => Rest::Same(next),
        _ => Rest::Done,
    };
    Finding::certain(Side::Client, facts).then(rest)
}

fn response(
    said: &Said<'_>,
    head: &Head<'_>,
    version: &[u8],
    status: u16,
    reason: &[u8],
) -> Result<Finding> {
    let tunnel = (200..300).contains(&status)
        && (said.answering.starts_with(b"CONNECT ")
            || (head.get("content-length").is_none()
                && http::contains(reason, b"connection established")));
    let body = if tunnel { Body::None } else { head.body(said.answering.starts_with(b"HEAD ")) };
    let content = content(said, head, body)?;

    let mut facts = Facts::default();
    facts.add("http.status", status);
    facts.add_text("http.version", version);
    add(&mut facts, head, "http.header.server", "server");
    add(&mut facts, head, "http.header.x_powered_by", "x-powered-by");
    for value in head.all("www-authenticate").take(6) {
        add_challenge(&mut facts, "http.header.www_authenticate", value);
        facts.add_text("http.wwwauth.realm", realm(value).as_bytes());
    }
    for value in head.all("proxy-authenticate").take(6) {
        add_challenge(&mut facts, "http.header.proxy_authenticate", value);
        facts.add_text("http.proxyauth.realm", realm(value).as_bytes());
    }
    for cookie in head.all("set-cookie").take(8) {
        let name = cookie.split(|byte| *byte == b'=').next().unwrap_or_default();
        facts.add_text("http.cookie.name", short(name));
        facts.add_text("http.header.set_cookie", cookie_shape(cookie).as_bytes());
    }
    if let Some(target) = head.get("location") {
        facts.add_text("http.header.location", path_shape(target).as_bytes());
    }
    add(&mut facts, head, "http.header.via", "via");
    add(&mut facts, head, "http.header.etag", "etag");
    add(&mut facts, head, "http.header.last_modified", "last-modified");
    if let (200, Some(made), Some(path)) = (status, head.get("last-modified"), path_we_asked(said))
    {
        let made = http::decode(short(made), None);
        facts.add_text("http.modified", format!("{path}: {made}").as_bytes());
    }
    add(&mut facts, head, "http.upgrade", "upgrade");
    add_names(&mut facts, head);
    match content {
        Content::Page(page, device) => {
            add_page(&mut facts, &page);
            for (field, value) in device {
                facts.add_text(field, value.as_bytes());
            }
        }
        Content::Icon(image) => {
            facts.add_hex("http.favicon.md5", &http::icon_md5(&image));
            facts.add("favicon.mmh3", http::icon_mmh3(&image));
        }
        Content::Stated(stated) => {
            for (field, value) in stated {
                facts.add_text(field, value.as_bytes());
            }
        }
        Content::Nothing => {}
    }
    let rest = match follows(said, head, body) {
        Some(next) if tunnel || status == 101 => Rest::Other(next),
        Some(next) => Rest::Same(next),
        None => Rest::Done,
    };
    Ok(Finding::certain(Side::Server, facts).then(rest))
}

/// What of a body is worth reading.
enum Content<'a> {
    Nothing,
    /// A page, and what a device says of itself in it.
    Page(Page, Vec<(&'static str, String)>),
    Icon(Cow<'a, [u8]>),
    /// What an answer to our own question states.
    Stated(Vec<(&'static str, String)>),
}

fn content<'a>(said: &Said<'a>, head: &Head<'_>, body: Body) -> Result<Content<'a>> {
    let encoding = head.get("content-encoding");
    let endless = matches!(body, Body::Sized(length) if length >= 1 << 40);
    if body == Body::None || endless || !head.whole {
        return Ok(Content::Nothing);
    }
    let there = said.bytes.get(head.length..).unwrap_or_default();
    let kind = head.get("content-type").unwrap_or_default();
    let ours = path_we_asked(said);
    let is_image = kind.starts_with(b"image/") && (ours.is_some() || asked_for_icon(said));
    if encoding.is_none() && (http::contains(kind, b"icon") || is_image) {
        return icon(said, there, body);
    }
    let is_page = http::contains(kind, b"html")
        || http::contains(kind, b"xml")
        || (kind.is_empty() && (there.is_empty() || there.trim_ascii_start().starts_with(b"<")));
    if !is_page && ours.is_none() {
        return Ok(Content::Nothing);
    }
    let (joined, ended);
    let page = match body {
        Body::Chunked => {
            let end;
            (joined, end) = http::join_chunks(there, MOST_PAGE);
            ended = end.is_some();
            &joined[..]
        }
        Body::Sized(length) => {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            ended = there.len() >= length;
            there.get(..length.min(MOST_PAGE)).unwrap_or(there)
        }
        _ => {
            ended = false;
            there.get(..MOST_PAGE).unwrap_or(there)
        }
    };
    // What names the software stands before the page's visible part.
    let enough = ended
        || page.len() >= MOST_PAGE
        || there.len() >= 2 * MOST_PAGE
        || http::contains(page, b"</html")
        || http::contains(page, b"</root>");
    if said.open && !enough {
        return Err(Error::Truncated { field: "page", missing: 1 });
    }
    let inflated;
    let page = match encoding {
        Some(encoding) => {
            inflated = http::inflate(encoding, page, MOST_PAGE);
            &inflated[..]
        }
        None => page,
    };
    let label = http::charset(kind).or_else(|| http::charset(page));
    let text = http::decode(page, label);
    let found = matches!(head.start, Start::Response { status: 200..=299, .. });
    let mut stated = match ours.filter(|_| found) {
        Some(path) => stated(&path, page, &text),
        None => Vec::new(),
    };
    if !is_page {
        return Ok(Content::Stated(stated));
    }
    stated.extend(device(text.as_bytes()));
    Ok(Content::Page(Page::read(&text), stated))
}

/// The image in a body, once all of it is there.
fn icon<'a>(said: &Said<'a>, there: &'a [u8], body: Body) -> Result<Content<'a>> {
    let wait = |missing| {
        if said.open && there.len() <= LARGEST_ICON {
            Err(Error::Truncated { field: "icon", missing })
        } else {
            Ok(Content::Nothing)
        }
    };
    let image = match body {
        Body::Sized(length) => {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if length > LARGEST_ICON {
                return Ok(Content::Nothing);
            }
            let Some(image) = there.get(..length) else { return wait(length - there.len()) };
            Cow::Borrowed(image)
        }
        Body::Chunked => match http::join_chunks(there, LARGEST_ICON) {
            (image, Some(_)) => Cow::Owned(image),
            _ => return wait(1),
        },
        _ if said.open || there.len() > LARGEST_ICON => return wait(1),
        _ => Cow::Borrowed(there),
    };
    Ok(if image.is_empty() { Content::Nothing } else { Content::Icon(image) })
}

/// What an answer states of the software behind it, and when a compressed file was made. The path stands before it:
/// what a version is of depends on where it was found.
fn stated(path: &str, bytes: &[u8], text: &str) -> Vec<(&'static str, String)> {
    if let [0x1f, 0x8b, 8, _, a, b, c, d, ..] = *bytes {
        let made = u32::from_le_bytes([a, b, c, d]);
        return vec![("http.gzip.made", format!("{path}: {made}"))];
    }
    // Some pages carry JSON with its quotes escaped.
    let text = text.replace("\\u0022", "\"");
    let told = statement::read(&text).into_iter();
    told.map(|(name, value)| ("http.statement", format!("{path}: {name}={value}"))).collect()
}

/// What a device says of itself in a UPnP description, or a gateway in an answer.
fn device(xml: &[u8]) -> Vec<(&'static str, String)> {
    let Some(found) = Description::read(xml) else { return Vec::new() };
    let fields = [
        ("upnp.friendly_name", found.name),
        ("upnp.manufacturer", found.manufacturer),
        ("upnp.model", found.model),
        ("upnp.model_number", found.number),
        ("upnp.outside", found.outside),
        ("upnp.service", found.service),
        ("upnp.control", found.control),
        ("upnp.status", found.status),
    ];
    let told = fields.into_iter().filter_map(|(field, value)| Some((field, value?)));
    let told = told.map(|(field, value)| (field, String::from_utf8_lossy(value).into_owned()));
    let way_in = found.mapping.map(|mapping| {
        let field = if mapping.enabled { "upnp.mapping" } else { "upnp.mapping_off" };
        (field, mapping.to_string())
    });
    told.chain(way_in).collect()
}

/// The path of a question of ours that this answers: only then is more read of it than of what is said anyway.
fn path_we_asked(said: &Said<'_>) -> Option<String> {
    if !http::contains(said.answering, b"user-agent: sekisho/") {
        return None;
    }
    let line = said.answering.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let path = line.split(|byte| *byte == b' ').nth(1)?;
    Some(String::from_utf8_lossy(short(path)).into_owned())
}

fn asked_for_icon(said: &Said<'_>) -> bool {
    let line = said.answering.split(|byte| *byte == b'\n').next().unwrap_or_default();
    http::contains(line, b"favicon")
}

/// How far on the next message begins, where that is known.
fn follows(said: &Said<'_>, head: &Head<'_>, body: Body) -> Option<usize> {
    if !head.whole {
        return None;
    }
    match body {
        Body::None => Some(head.length),
        Body::Sized(length) => {
            let length = usize::try_from(length).ok().filter(|length| *length < 1 << 40)?;
            Some(head.length + length)
        }
        Body::Chunked => {
            let there = said.bytes.get(head.length..).unwrap_or_default();
            let (_, end) = http::join_chunks(there, 2 * MOST_PAGE);
            end.map(|end| head.length + end)
        }
        Body::ToTheEnd => None,
    }
}

fn add_page(facts: &mut Facts, page: &Page) {
    if let Some(title) = &page.title {
        facts.add_text("http.title", title.as_bytes());
    }
    let mut told = 0;
    for (name, content) in &page.metas {
        match name.as_str() {
            "generator" => facts.add_text("http.generator", content.as_bytes()),
            name if tells_of_software(name) && told < MOST_METAS && !content.contains('@') => {
                let mut text = format!("{name}: {content}");
                text.truncate(text.floor_char_boundary(LONGEST_VALUE));
                facts.add_text("http.meta", text.as_bytes());
                told += 1;
            }
            _ => {}
        }
    }
    for asset in &page.assets {
        facts.add_text("http.asset", asset.as_bytes());
    }
    for target in &page.redirects {
        facts.add_text("http.redirect", path_shape(target.as_bytes()).as_bytes());
    }
    // What follows a semicolon is a session's.
    let action = page.form.as_deref().and_then(|action| action.split(';').next());
    facts.add_text("http.form", path_shape(action.unwrap_or_default().as_bytes()).as_bytes());
}

/// Whether a `meta` element of this name, in lower case, may tell what made a page. Others describe the page, or the
/// browser that it is for, or are new each time.
fn tells_of_software(name: &str) -> bool {
    let known = ["author", "company", "copyright", "description", "manufacturer", "model"];
    let changes = ["csrf", "nonce", "token"].iter().any(|part| name.contains(part));
    let told =
        ["application", "build", "product", "version"].iter().any(|part| name.contains(part));
    let for_a_browser = name.starts_with("msapplication");
    name.len() <= 32 && !changes && !for_a_browser && (told || known.contains(&name))
}

/// Adds a header's first value.
fn add(facts: &mut Facts, head: &Head<'_>, field: &'static str, name: &str) {
    let value = head.get(name).unwrap_or_default();
    facts.add_text(field, http::decode(short(value), None).as_bytes());
}

/// Adds the names of unusual headers.
fn add_names(facts: &mut Facts, head: &Head<'_>) {
    let mut seen = Vec::new();
    for (name, _) in &head.headers {
        let lower = name.to_ascii_lowercase();
        let is_in = |list: &[&str]| list.iter().any(|usual| usual.as_bytes() == lower);
        let unusual = (lower.starts_with(b"x-") && !is_in(USUAL)) || is_in(MISSPELT);
        if unusual && name.len() <= 64 && seen.len() < 12 && !seen.contains(&lower) {
            facts.add_text("http.header.name", name);
            seen.push(lower);
        }
    }
}

/// Adds a challenge, without what is new each time.
fn add_challenge(facts: &mut Facts, field: &'static str, value: &[u8]) {
    let mut text = http::decode(short(value), None);
    for name in ["nonce=\"", "opaque=\""] {
        if let Some(at) = text.to_ascii_lowercase().find(name) {
            let start = at + name.len();
            let end = text.get(start..).and_then(|rest| rest.find('"'));
            text.replace_range(start..end.map_or(text.len(), |end| start + end), "*");
        }
    }
    facts.add_text(field, text.as_bytes());
}

/// The realm a challenge names.
fn realm(value: &[u8]) -> String {
    let text = http::decode(short(value), None);
    let at = text.to_ascii_lowercase().find("realm=");
    let rest = at.and_then(|at| text.get(at + 6..)).unwrap_or_default();
    let realm = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => rest.split([',', ' ']).next(),
    };
    realm.unwrap_or_default().to_owned()
}

/// Host and path of an address with a scheme, as clients send it to a proxy.
fn absolute(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memmem::find(target.get(..16).unwrap_or(target), b"://")?;
    let rest = target.get(at + 3..)?;
    let slash = memchr::memchr(b'/', rest).unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(slash)?;
    let host = host.rsplit(|byte| *byte == b'@').next()?;
    Some((host, if path.is_empty() { b"/" } else { path }))
}

/// A path without what may be about a person: values of a query, and parts that are long numbers.
fn path_shape(target: &[u8]) -> String {
    let text = http::decode(short(target), None);
    let text = text.split('#').next().unwrap_or_default();
    let (path, query) =
        text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
    let is_number = |part: &str| {
        let digits = part.chars().filter(char::is_ascii_digit).count();
        digits >= 5 && part.chars().all(|c| c.is_ascii_digit() || ".-_".contains(c))
    };
    let parts: Vec<&str> =
        path.split('/').map(|part| if is_number(part) { "*" } else { part }).collect();
    let mut shape = parts.join("/");
    if let Some(query) = query {
        let names: Vec<&str> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, _)| name)
            .filter(|name| name.len() <= 32 && !is_number(name))
            .take(8)
            .collect();
        shape.push('?');
        shape.push_str(&names.join("&"));
    }
    shape
}

/// A cookie without what is new each time: a long value and when it ends.
fn cookie_shape(cookie: &[u8]) -> String {
    let text = http::decode(cookie.get(..1024).unwrap_or(cookie), None);
    let mut parts = text.split(';').map(str::trim);
    let first = parts.next().unwrap_or_default();
    let (name, value) = first.split_once('=').unwrap_or((first, ""));
    // F5 writes the address of the server behind it into the value.
    let keeps = value.len() <= 4 || name.starts_with("BIGipServer");
    let value = if keeps { value } else { "*" };
    let mut shape = format!("{name}={value}");
    for part in parts {
        let lower = part.to_ascii_lowercase();
        let changes = lower.starts_with("max-age") || lower.starts_with("expires");
        if !changes || lower.contains("1970") {
            shape.push_str("; ");
            shape.push_str(part);
        }
    }
    shape.truncate(shape.floor_char_boundary(LONGEST_VALUE));
    shape
}

fn short(value: &[u8]) -> &[u8] {
    value.get(..LONGEST_VALUE).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tell(from: u16, to: u16, text: &[u8], answering: &[u8]) -> Finding {
        read(&Said { answering, ..Said::stream(from, to, text) }).unwrap()
    }

    #[test]
    fn the_next_message_follows_the_body() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\n";
        assert_eq!(tell(80, 51_000, text, b"").rest, Rest::Same(text.len() + 5));
        assert_eq!(tell(80, 51_000, text, b"HEAD / HTTP/1.1\r\n").rest, Rest::Same(text.len()));
        let text = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
        let finding = tell(6080, 51_000, text, b"");
        assert_eq!(finding.rest, Rest::Other(text.len()));
        assert_eq!(finding.facts.get("http.upgrade"), Some("websocket"));
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n";
        assert_eq!(tell(80, 51_000, text, b"SSTP_DUPLEX_POST /").rest, Rest::Done);
    }

    #[test]
    fn another_protocol_follows_a_tunnel() {
        let text = b"CONNECT vendor.example:443 HTTP/1.1\r\nHost: vendor.example:443\r\n\r\n";
        let finding = tell(51_000, 3128, text, b"");
        assert_eq!(finding.rest, Rest::Other(text.len()));
        assert_eq!(finding.facts.get("http.connect"), Some("vendor.example:443"));
        let answer = b"HTTP/1.0 200 Connection Established\r\n\r\n";
        assert_eq!(tell(3128, 51_000, answer, text).rest, Rest::Other(answer.len()));
        assert_eq!(tell(3128, 51_000, answer, b"").rest, Rest::Other(answer.len()));
    }

    #[test]
    fn nothing_about_a_person_is_kept() {
        let text =
            b"GET /patients/0012345/list?name=Taro&0012345&ward=3 HTTP/1.1\r\nHost: a.example\r\n\
            Authorization: Basic dXNlcjpwYXNz\r\nCookie: SID=secret\r\n\r\n";
        let facts = tell(51_000, 80, text, b"").facts;
        assert_eq!(facts.get("http.path"), Some("/patients/*/list?name&ward"));
        assert_eq!(facts.get("http.authorization"), Some("Basic"));
        let all: Vec<_> = facts.iter().map(|(_, value)| value).collect();
        assert!(
            !all.iter().any(|v| v.contains("12345") || v.contains("secret") || v.contains("dXN"))
        );
        let text = b"GET http://user:pass@a.example:8080/x HTTP/1.1\r\n\r\n";
        assert_eq!(tell(51_000, 80, text, b"").facts.get("http.absolute"), Some("a.example:8080"));
    }

    #[test]
    fn what_is_new_each_time_is_no_fact() {
        let text = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\
            WWW-Authenticate: Digest realm=\"Aterm(admin)\", nonce=\"abc123\", qop=\"auth\"\r\n\
            Set-Cookie: webvpn=; expires=Thu, 01 Jan 1970 22:00:00 GMT; path=/; secure\r\n\
            Set-Cookie: DSID=0123456789abcdef; expires=Thu, 01 Jan 2026 22:00:00 GMT; path=/\r\n\r\n";
        let facts = tell(80, 51_000, text, b"").facts;
        assert_eq!(facts.get("http.wwwauth.realm"), Some("Aterm(admin)"));
        let challenge = facts.get("http.header.www_authenticate").unwrap();
        assert!(challenge.contains("nonce=\"*\"") && challenge.contains("qop"), "{challenge}");
        let cookies: Vec<_> = facts.all("http.header.set_cookie").collect();
        assert_eq!(cookies[1], "DSID=*; path=/");
        assert!(cookies[0].starts_with("webvpn=; expires=Thu, 01 Jan 1970"));
        assert_eq!(facts.all("http.cookie.name").collect::<Vec<_>>(), ["webvpn", "DSID"]);
    }

    #[test]
    fn a_page_is_waited_for_and_read_in_its_encoding() {
        let (title, ..) = encoding_rs::EUC_JP.encode("関所ルータ 設定");
        let head = b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n\
            <meta http-equiv=\"Content-Type\" content=\"text/html; charset=EUC-JP\"><title>";
        let begun = [&head[..], &title, b"</title>"].concat();
        let said = Said::stream(80, 51_000, &begun);
        assert!(read(&said).is_err_and(|e| e.wants_more()));
        let finding = read(&Said { open: false, ..said }).unwrap();
        assert_eq!(finding.facts.get("http.title"), Some("関所ルータ 設定"));
        let whole = [&begun[..], b"</html>"].concat();
        assert!(read(&Said::stream(80, 51_000, &whole)).is_ok());
    }

    #[test]
    fn compressed_pages_are_read_as_far_as_a_page_is() {
        use std::io::Write as _;
        let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: text/html\r\n\r\n";
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"<title>Gate</title>").unwrap();
        gzip.write_all(&vec![b' '; 8 << 20]).unwrap();
        let text = [&head[..], &gzip.finish().unwrap()].concat();
        let facts = read(&Said { open: false, ..Said::stream(80, 51_000, &text) }).unwrap().facts;
        assert_eq!(facts.get("http.title"), Some("Gate"));
        let text = [&head[..], b"\x1f\x8bno gzip at all"].concat();
        let facts = read(&Said { open: false, ..Said::stream(80, 51_000, &text) }).unwrap().facts;
        assert_eq!(facts.get("http.title"), None);
    }

    #[test]
    fn what_our_own_question_brings_is_read_for_versions_and_no_more() {
        let text =
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 39\r\n\r\n\
            {\"clientVersion\":\"8.4\",\"user\":\"Hanako\"}";
        let ours = b"GET /info HTTP/1.1\r\nUser-Agent: sekisho/1 (authorised inspection)\r\n\r\n";
        let facts = tell(80, 51_000, text, ours).facts;
        assert_eq!(facts.all("http.statement").collect::<Vec<_>>(), ["/info: clientVersion=8.4"]);
        let facts = tell(80, 51_000, text, b"GET / HTTP/1.1\r\n\r\n").facts;
        assert_eq!(facts.get("http.statement"), None);
        let page =
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>EdgeGate v6.4.1</h1></html>";
        let facts = tell(80, 51_000, page, ours).facts;
        assert_eq!(facts.get("http.statement"), Some("/info: EdgeGate=6.4.1"));
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n\x1f\x8b\x08\x08\x01\0\0\x60\0\0";
        let facts = tell(80, 51_000, text, ours).facts;
        assert_eq!(facts.get("http.gzip.made"), Some("/info: 1610612737"));
    }

    #[test]
    fn what_a_page_says_of_its_software_is_told_and_what_is_about_people_or_new_each_time_is_not() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n\
            <meta name=viewport content=w><meta name=keywords content=a><meta name=robots content=none>\
            <meta name=\"csrf-token\" content=\"0badc0de\"><meta name=\"build-token\" content=\"0badc0de\">\
            <meta name=author content=\"taro@hospital.example\">\
            <META NAME=\"Description\" CONTENT=\"EdgeGate X20 control pages\">\
            <meta name=\"edgegate-version\" content=\"24.2.5\">\
            <form action=\"/edge/login.do;jsessionid=0badc0de?next=/patients/12345\"></form></html>";
        let facts = tell(80, 51_000, text, b"").facts;
        let told: Vec<_> = facts.all("http.meta").collect();
        assert_eq!(told, ["description: EdgeGate X20 control pages", "edgegate-version: 24.2.5"]);
        assert_eq!(facts.get("http.form"), Some("/edge/login.do"));
        let many =
            "<meta name=version content=\"\u{95a2}".to_owned() + &"\u{95a2}".repeat(80) + "\">";
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n";
        let text: String =
            (0..40).map(|n| many.replace("version", &format!("version{n}"))).collect();
        let facts = tell(80, 51_000, format!("{head}{text}</html>").as_bytes(), b"").facts;
        let told: Vec<_> = facts.all("http.meta").collect();
        assert_eq!(told.len(), MOST_METAS);
        assert!(told.iter().all(|told| told.len() <= LONGEST_VALUE), "{told:?}");
    }

    #[test]
    fn an_icon_without_a_length_ends_with_the_stream() {
        let text = b"HTTP/1.0 200 OK\r\nContent-Type: image/x-icon\r\n\r\nabc";
        let said = Said::stream(80, 51_000, text);
        assert!(read(&said).is_err_and(|e| e.wants_more()));
        let facts = read(&Said { open: false, ..said }).unwrap().facts;
        assert_eq!(facts.get("http.favicon.md5"), Some("900150983cd24fb0d6963f7d28e17f72"));
    }

    #[test]
    fn an_icon_is_hashed_when_it_is_whole() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: image/x-icon\r\nContent-Length: 3\r\n\r\n";
        let cut = [&head[..], b"ab"].concat();
        assert!(read(&Said::stream(80, 51_000, &cut)).is_err_and(|e| e.wants_more()));
        let whole = [&head[..], b"abcHTTP"].concat();
        let facts = tell(80, 51_000, &whole, b"").facts;
        assert_eq!(facts.get("http.favicon.md5"), Some("900150983cd24fb0d6963f7d28e17f72"));
        assert!(facts.get("favicon.mmh3").is_some());
    }
}
