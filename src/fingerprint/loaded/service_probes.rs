//! `nmap-service-probes`: what services answer to which probe, one rule a line.
//!
//! The rules of a probe are tried in their order; a softmatch only says what is spoken. Expressions are Perl's and read
//! bytes, so here both are letters by their numbers. What a service says unasked can be put together again from one fact,
//! and of what is answered to a request of HTTP or SIP, one line at a time; what is answered to the other probes is read,
//! checked and not used.

use std::collections::BTreeMap;

use super::{
    Error, File, Problem, Read,
    book::{Book, Rule},
    dialect::{Dialect, Flags},
    pattern::Pattern,
    reading::{Around, Reading, letters},
    roles,
    says::{Change, Piece, Says, Template},
};
use crate::observe::Confidence;

/// How long a line may be, in bytes.
const LONGEST_LINE: usize = 64 << 10;

/// How expressions begin that want telnet's commands first, which no fact keeps.
const COMMANDS: &str = "\\A\u{ff}";

/// Rules that can be tried on what is observed.
struct Use {
    /// The probes that they stand under.
    probes: &'static [&'static str],
    /// The services that they name.
    services: &'static [&'static str],
    /// What they are tried on.
    readings: &'static [Reading],
}

/// The probe that sends nothing.
const UNASKED: &[&str] = &["TCP NULL"];

/// What is said around a greeting of FTP or SMTP.
const GREETING: &[Around] = &[&[("220 ", "\r\n")], &[("220-", "\r\n")]];

/// What may be said around one value of an answer to a request of HTTP or SIP. A rule that matches however the answer
/// begins, and whatever else is in it, asks for nothing but the value.
const OF_SERVER: Around = &[
    (
        "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nServer: ",
        "\r\nConnection: close\r\n\r\n<html>",
    ),
    ("HTTP/1.0 401 Unauthorized\r\nServer: ", "\r\nX-A: a\r\n\r\n"),
    ("HTTP/1.1 302 Found\r\nX-B: b\r\nServer: ", "\r\n\r\nb"),
];
const OF_SIP_SERVER: Around = &[
    (
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP nm;received=192.0.2.1\r\nServer: ",
        "\r\nContent-Length: 0\r\n\r\n",
    ),
    ("SIP/2.0 404 Not Found\r\nServer: ", "\r\nX-A: a\r\n\r\n"),
];
const OF_SIP_AGENT: Around = &[
    (
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP nm;received=192.0.2.1\r\nUser-Agent: ",
        "\r\nContent-Length: 0\r\n\r\n",
    ),
    ("SIP/2.0 404 Not Found\r\nUser-Agent: ", "\r\nX-A: a\r\n\r\n"),
];

/// Which rules are tried on which fields.
static USES: &[Use] = &[
    Use {
        probes: UNASKED,
        services: &["ssh"],
        readings: &[bytes("ssh.banner", &[&[("SSH-2.0-", "\r\n")], &[("SSH-1.99-", "\r\n")]])],
    },
    Use {
        probes: UNASKED,
        services: &["ftp", "ftp-proxy"],
        readings: &[bytes("ftp.banner", GREETING)],
    },
    Use {
        probes: UNASKED,
        services: &["smtp", "smtp-proxy"],
        readings: &[bytes("smtp.banner", GREETING)],
    },
    Use {
        probes: UNASKED,
        services: &["telnet"],
        readings: &[bytes("telnet.banner", &[&[("", "")], &[("\r\n", "")]])],
    },
    Use { probes: UNASKED, services: &["vnc"], readings: &[bytes("vnc.banner", &[&[("", "\n")]])] },
    Use {
        probes: &["TCP GetRequest"],
        services: &["http", "http-proxy", "upnp"],
        readings: &[bytes("http.header.server", &[OF_SERVER])],
    },
    Use {
        probes: &["TCP SIPOptions", "UDP SIPOptions"],
        services: &["sip", "sip-proxy"],
        readings: &[
            bytes("sip.server", &[OF_SIP_SERVER]),
            bytes("sip.user_agent", &[OF_SIP_AGENT]),
        ],
    },
];

const fn bytes(field: &'static str, around: &'static [Around]) -> Reading {
    Reading { field, around, bytes: true }
}

/// A rule's line, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    soft: bool,
    service: String,
    pattern: String,
    flags: Flags,
    /// What is told, by the letter or word before it.
    told: BTreeMap<String, String>,
}

/// Whether a text is such a file.
pub(super) fn is(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("Probe TCP ") || line.starts_with("Probe UDP "))
}

/// Reads such a file.
pub(super) fn read(name: &str, file: &File, read: &mut Read) -> Result<(), Error> {
    let mut probe = String::new();
    let mut books: Vec<Vec<Rule>> = USES.iter().map(|_| Vec::new()).collect();
    for (at, line) in file.bytes.split(|byte| *byte == b'\n').enumerate() {
        let number = at + 1;
        if line.len() > LONGEST_LINE {
            let problem = format!("is longer than {LONGEST_LINE} bytes");
            return Err(Error::Malformed { file: file.name.clone(), line: number, problem });
        }
        let line = letters(line);
        let line = line.trim_end_matches('\r');
        if let Some(said) = line.strip_prefix("Probe ") {
            probe = said.split(' ').take(2).collect::<Vec<_>>().join(" ");
            continue;
        }
        if !line.starts_with("match ") && !line.starts_with("softmatch ") {
            continue;
        }
        read.rule()?;
        let problem = |reason: String, text: &str| Problem {
            file: file.name.clone(),
            line: number,
            reason,
            text: text.to_owned(),
        };
        let Some(apart) = taken_apart(line) else {
            read.problem(problem(
                "is no match with an expression between two marks".to_owned(),
                line,
            ));
            continue;
        };
        let tried = |one: &Use| {
            one.probes.contains(&probe.as_str()) && one.services.contains(&apart.service.as_str())
        };
        let place = USES.iter().position(tried);
        // What is not used was proved when it was loaded.
        if place.is_none() && !read.proves {
            continue;
        }
        let id = format!("{name}:{}:{number}", file.name);
        let pattern = Pattern::read(&apart.pattern, Dialect::Perl, apart.flags);
        let pattern = match read.checked(&id, pattern) {
            Ok(pattern) => pattern,
            Err(trouble) => {
                read.problem(problem(trouble.to_string(), &apart.pattern));
                continue;
            }
        };
        read.counts.usable += 1;
        let place = place.filter(|_| !pattern.begins(COMMANDS));
        let Some(rules) = place.and_then(|place| books.get_mut(place)) else { continue };
        let says = apart.says();
        read.counts.observed += 1;
        read.counts.silent += usize::from(says.is_none());
        rules.push(Rule {
            id,
            pattern,
            says,
            confidence: if apart.soft { Confidence::Weak } else { Confidence::Firm },
            soft: apart.soft,
        });
    }
    for (one, rules) in USES.iter().zip(books) {
        read.books.push((one.readings.to_vec(), Book::new(rules)));
    }
    Ok(())
}

/// Takes `match ssh m|^SSH-(.*)|s p/Gate/ v/$1/ cpe:/a:acme:gate/a` apart.
fn taken_apart(line: &str) -> Option<Line> {
    let (word, rest) = line.split_once(' ')?;
    let (service, rest) = rest.trim_start().split_once(' ')?;
    let (pattern, rest) = marked(rest.trim_start().strip_prefix('m')?)?;
    let (flags, mut rest) = rest.split_at(rest.find([' ', '\t']).unwrap_or(rest.len()));
    if !flags.chars().all(|flag| matches!(flag, 'i' | 's')) {
        return None;
    }
    let mut told = BTreeMap::new();
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { break };
        let key = if rest.starts_with("cpe:") { "cpe" } else { rest.get(..first.len_utf8())? };
        let after = rest.get(key.len()..)?;
        let (text, after) =
            marked(after.strip_prefix(':').filter(|_| key == "cpe").unwrap_or(after))?;
        // Of several identifiers the one of the hardware tells most, then that of the system.
        let part = text.chars().next();
        let key = match (key, part) {
            ("cpe", Some(part @ ('a' | 'o' | 'h'))) => format!("cpe:{part}"),
            (key, _) => key.to_owned(),
        };
        told.entry(key).or_insert_with(|| text.to_owned());
        rest = after.get(after.find([' ', '\t']).unwrap_or(after.len())..)?;
    }
    Some(Line {
        soft: word == "softmatch",
        service: service.to_owned(),
        pattern: pattern.to_owned(),
        flags: Flags { ignore_case: flags.contains('i'), dot_is_line_end: flags.contains('s') },
        told,
    })
}

/// What stands between a mark and its next, and what follows.
fn marked(text: &str) -> Option<(&str, &str)> {
    let mark = text.chars().next().filter(|mark| !mark.is_whitespace())?;
    text.get(mark.len_utf8()..)?.split_once(mark)
}

impl Line {
    /// What the rule says, if it names anything.
    fn says(&self) -> Option<Says> {
        let told =
            |key: &str| self.told.get(key).map(|text| template(text)).unwrap_or_default().tidy();
        let mut product = told("p");
        if product.is_empty() {
            product = told("o");
        }
        if product.is_empty() && self.soft {
            product = Template::words(&self.service);
        }
        let identifier = ["cpe:h", "cpe:o", "cpe:a"].iter().find_map(|key| self.told.get(*key));
        let vendor = identifier.and_then(|text| text.split(':').nth(1)).unwrap_or_default();
        let vendor = spelt(&vendor.replace('_', " "), &product);
        if product.is_empty() {
            return None;
        }
        // The vendor is not said twice.
        if let ([Piece::Words(vendor)], Some(Piece::Words(words))) =
            (&vendor.0[..], product.0.first_mut())
            && let Some(rest) = words.strip_prefix(vendor.as_str())
            && let Some(rest) = rest.strip_prefix(' ')
        {
            *words = rest.to_owned();
        }
        Some(Says {
            vendor,
            product,
            version: told("v"),
            role: self.told.get("d").map_or(roles::HOST, |word| roles::of(word)),
            ..Says::default()
        })
    }
}

/// A vendor as the product's name spells it where that begins with it; identifiers have small letters.
fn spelt(vendor: &str, product: &Template) -> Template {
    let vendor = vendor.replace('\\', "");
    if vendor.contains('$') {
        return Template::default();
    }
    if let [Piece::Words(words), ..] = &product.0[..]
        && let Some(beginning) = words.get(..vendor.len())
        && beginning.eq_ignore_ascii_case(&vendor)
    {
        return Template::words(beginning);
    }
    Template::words(&vendor).tidy()
}

/// A text with `$1`, `$P(1)`, `$SUBST(1,"a","b")` and `$I(1,">")`.
fn template(text: &str) -> Template {
    let mut pieces = Vec::new();
    let mut words = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        words.push_str(before);
        let Some((number, change, after)) = place(after) else {
            words.push('$');
            rest = after;
            continue;
        };
        if !words.is_empty() {
            pieces.push(Piece::Words(std::mem::take(&mut words)));
        }
        pieces.push(Piece::Group { number, change, otherwise: Some("") });
        rest = after;
    }
    words.push_str(rest);
    if !words.is_empty() {
        pieces.push(Piece::Words(words));
    }
    Template(pieces)
}

/// What follows a `$`: which group, what is done with it, and what follows that.
fn place(text: &str) -> Option<(usize, Change, &str)> {
    let first = text.chars().next()?;
    if let Some(number) = first.to_digit(10).filter(|number| *number > 0) {
        return Some((number as usize, Change::None, text.get(1..)?));
    }
    let (name, rest) = text.split_once('(')?;
    let (inside, after) = rest.split_once(')')?;
    let mut arguments = inside.split(',').map(|argument| argument.trim_matches('"'));
    let number = arguments.next()?.parse().ok().filter(|number| (1..=9).contains(number))?;
    let mut text = || arguments.next().map(str::to_owned);
    let change = match name {
        "P" => Change::Printed,
        "SUBST" => Change::Replaced(text()?, text()?),
        "I" => Change::Number { little: text()? == "<" },
        _ => return None,
    };
    Some((number, change, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart_at_its_marks() {
        let line = taken_apart(
            r#"match ssh m=^SSH-([\d.]+)-Acme_([\w]+)\r\n=is p|Acme Gate| v/$SUBST(2,"_",".")/ d/VPN/ cpe:/a:acme:gate:$1/ cpe:/h:acme_works:gate/a"#,
        )
        .unwrap();
        assert_eq!(line.service, "ssh");
        assert_eq!(line.pattern, r"^SSH-([\d.]+)-Acme_([\w]+)\r\n");
        assert!(line.flags.ignore_case && line.flags.dot_is_line_end && !line.soft);
        let says = line.says().unwrap();
        assert_eq!(says.vendor, Template::words("acme works"));
        assert_eq!(says.product, Template::words("Acme Gate"));
        assert_eq!(says.role, "vpn-gateway");
        assert_eq!(says.version.told(&vec![None, None, Some("9_1")]).as_deref(), Some("9.1"));
        let line = taken_apart("match ssh m|^x| p/Acme Gate $1/ cpe:/a:acme:gate/").unwrap();
        let says = line.says().unwrap();
        assert_eq!(says.vendor, Template::words("Acme"));
        assert_eq!(says.product.0[0], Piece::Words("Gate ".to_owned()));
        assert!(taken_apart("match ssh m|^SSH").is_none());
        assert!(taken_apart("match ssh q|x|").is_none());
        assert!(taken_apart("match ssh m|x|g").is_none());
    }

    #[test]
    fn a_vendor_is_spelt_as_its_product_begins() {
        assert_eq!(spelt("acme", &Template::words("ACME Gate")), Template::words("ACME"));
        assert_eq!(spelt("acme", &Template::words("Gate")), Template::words("acme"));
        assert_eq!(spelt("$1", &Template::words("Gate")), Template::default());
    }

    #[test]
    fn what_is_no_place_stays_as_it_is() {
        let taken = vec![None, Some("a\u{1}b"), None];
        let filled = |text: &str| template(text).told(&taken).map(std::borrow::Cow::into_owned);
        assert_eq!(filled("US$ $1").as_deref(), Some("US$ a b"));
        assert_eq!(filled("$P(1)$2").as_deref(), Some("ab"));
        assert_eq!(filled(r#"$I(1,">")"#).as_deref(), Some("6357346"));
        assert_eq!(filled("$X(1) $SUBST(1)").as_deref(), Some("$X(1) $SUBST(1)"));
    }
}
