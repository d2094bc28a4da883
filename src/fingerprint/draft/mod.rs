//! A signature, drafted from what one box said.
//!
//! 1. [`identity`] learns what in it would tell whose box it is: names, addresses, serial numbers, places.
//! 2. [`shape`] turns a value into a pattern: what is the product's stays, a version or model becomes a group, and
//!    what identifies becomes a class of characters, with something made up in the example.
//! 3. Each rule is tried: it must match what was said, prove itself as any signature does, and hold nothing that
//!    identifies. A rule that does not is left out, and a comment says so.
//!
//! The name of a box is not in its draft: it follows from its hardware address, which could be found by trying.

mod identity;
mod near;
mod shape;

use std::fmt::Write as _;

use super::{Error, Matcher, Sayer, Signatures, Vocabulary, common, matcher::plain};
use crate::observe::{Confidence, Mac};
use identity::Identity;
use shape::Shape;

/// Stands for a vendor that nobody named yet; checks refuse it.
pub const WHICH_VENDOR: &str = "who makes it?";

/// Stands for a product that nobody named yet; checks refuse it.
pub const WHICH_PRODUCT: &str = "what is it called?";

/// Stands for a role that nobody named yet; checks refuse it.
pub const WHICH_ROLE: &str = "what does it do?";

/// How many rules are made of one field.
const MOST_OF_FIELD: usize = 3;

/// How many lines say what was left out.
const MOST_LEFT_OUT: usize = 40;

/// How many letters in a row among bytes are taken for words.
const SHORTEST_HIDDEN: usize = 4;

/// How a rule is made of a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    /// A pattern, of its fixed words.
    Pattern,
    /// A pattern, but only where the certificate is the maker's own.
    Certificate,
    /// The value itself: a digest, or a number by which others tell the make.
    Exactly,
    /// The object identifier and those below it.
    ObjectId,
    /// The first half of a hardware address.
    Maker,
}

/// The fields that tell which product a box is, what tells most first, and how sure a rule may be.
static TELLING: &[(&str, Made, Confidence)] = &[
    ("http.title", Made::Pattern, Confidence::Firm),
    ("http.header.server", Made::Pattern, Confidence::Firm),
    ("http.wwwauth.realm", Made::Pattern, Confidence::Firm),
    ("http.favicon.md5", Made::Exactly, Confidence::Firm),
    ("favicon.mmh3", Made::Exactly, Confidence::Firm),
    ("http.generator", Made::Pattern, Confidence::Firm),
    ("http.cookie.name", Made::Pattern, Confidence::Firm),
    ("tls.cert.subject.o", Made::Certificate, Confidence::Weak),
    ("tls.cert.subject.ou", Made::Certificate, Confidence::Firm),
    ("tls.cert.subject.cn", Made::Certificate, Confidence::Firm),
    ("ssh.banner", Made::Pattern, Confidence::Firm),
    ("telnet.banner", Made::Pattern, Confidence::Firm),
    ("ftp.banner", Made::Pattern, Confidence::Firm),
    ("smtp.banner", Made::Pattern, Confidence::Firm),
    ("snmp.sysdescr", Made::Pattern, Confidence::Firm),
    ("snmp.model", Made::Pattern, Confidence::Firm),
    ("snmp.sysobjectid", Made::ObjectId, Confidence::Firm),
    ("snmp.engineid.pen", Made::Exactly, Confidence::Weak),
    ("snmp.manufacturer", Made::Pattern, Confidence::Weak),
    ("ike.vendor_text", Made::Pattern, Confidence::Firm),
    ("ike.vendor_id", Made::Exactly, Confidence::Firm),
    ("l2tp.vendor", Made::Pattern, Confidence::Weak),
    ("pptp.vendor", Made::Pattern, Confidence::Weak),
    ("dhcp.vendor_class", Made::Pattern, Confidence::Firm),
    ("upnp.model", Made::Pattern, Confidence::Firm),
    ("upnp.model_number", Made::Pattern, Confidence::Firm),
    ("upnp.manufacturer", Made::Pattern, Confidence::Weak),
    ("ssdp.server", Made::Pattern, Confidence::Firm),
    ("lldp.model", Made::Pattern, Confidence::Firm),
    ("lldp.system_description", Made::Pattern, Confidence::Firm),
    ("lldp.manufacturer", Made::Pattern, Confidence::Weak),
    ("cdp.platform", Made::Pattern, Confidence::Firm),
    ("cdp.software", Made::Pattern, Confidence::Firm),
    ("mndp.board", Made::Pattern, Confidence::Firm),
    ("mdns.model", Made::Pattern, Confidence::Firm),
    ("sip.server", Made::Pattern, Confidence::Firm),
    ("stun.software", Made::Pattern, Confidence::Firm),
    ("mac.oui", Made::Maker, Confidence::Weak),
];

/// How telling a field is, from 0 for the most; nothing where no rule is made of it.
pub fn telling(field: &str) -> Option<usize> {
    TELLING.iter().position(|(known, ..)| *known == field)
}

/// What one box said, and what else is known about it and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Its facts, with the port that told each, where it listens on one.
    pub facts: &'a [(Option<u16>, &'a str, &'a str)],
    /// Its hardware addresses.
    pub macs: &'a [Mac],
    /// Names and addresses that must not be told: the facility's, the box's.
    pub secrets: &'a [String],
    /// When it was seen: year and month.
    pub month: &'a str,
}

/// What a person knows about it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Named<'a> {
    /// Who makes it.
    pub vendor: Option<&'a str>,
    /// What it is called.
    pub product: Option<&'a str>,
    /// What it does at the edge.
    pub role: Option<&'a str>,
    /// The name of the file that the draft goes to, without folder and ending.
    pub file: Option<&'a str>,
}

/// A drafted signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The file.
    pub text: String,
    /// The name it should have: `<vendor>-<product>`.
    pub id: String,
    /// How many rules it has.
    pub rules: usize,
}

/// Drafts a signature of what `seen` said, in the words of `known`; `matcher` tells what is known already.
pub fn draft(
    seen: &Seen<'_>,
    named: &Named<'_>,
    known: &Vocabulary,
    matcher: &Matcher<'_>,
) -> Draft {
    let identity = Identity::of(seen, named);
    let id = named.file.map_or_else(|| id(named), str::to_owned);
    let mut desk =
        Desk { seen, id: &id, known, identity: &identity, rules: Vec::new(), left_out: Vec::new() };
    for (field, made, confidence) in TELLING {
        let mut values: Vec<(Option<u16>, &str)> = Vec::new();
        let of_field = seen.facts.iter().filter(|(_, name, _)| name == field);
        for (port, _, value) in of_field {
            if !values.iter().any(|(_, known)| known == value) {
                values.push((*port, value));
            }
        }
        let makers: Vec<String> = seen.macs.iter().map(ToString::to_string).collect();
        if *made == Made::Maker {
            values.extend(makers.iter().map(|mac| (None, mac.as_str())));
        }
        for (port, value) in values {
            desk.offer(field, *made, *confidence, port, value, matcher);
        }
    }
    let (rules, left_out) = (desk.rules, desk.left_out);
    Draft { text: text(named, &rules, &left_out), id, rules: rules.len() }
}

/// A rule as it will be written.
struct Rule {
    field: &'static str,
    text: String,
}

/// Why no rule was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    Anybodys,
    Known,
    Theirs,
    Meaningless,
    MadeUp,
    Unproven,
    Many,
}

impl Why {
    const fn words(self) -> &'static str {
        match self {
            Self::Anybodys => "boxes of many makers say this",
            Self::Known => "a signature that is there knows this, and it did not name the box",
            Self::Theirs => "the certificate seems to be the facility's, not the maker's",
            Self::Meaningless => {
                "without names, places, numbers and dates nothing remains that tells the product"
            }
            Self::MadeUp => "the hardware address is not one that a maker gave",
            Self::Unproven => {
                "no pattern was found that holds nothing of the facility and proves itself"
            }
            Self::Many => "there are rules enough of this field",
        }
    }
}

/// Where rules are made, one by one.
struct Desk<'a> {
    seen: &'a Seen<'a>,
    id: &'a str,
    known: &'a Vocabulary,
    identity: &'a Identity,
    rules: Vec<Rule>,
    left_out: Vec<(Why, &'static str)>,
}

impl Desk<'_> {
    /// Makes a rule of a value, or notes why there is none.
    fn offer(
        &mut self,
        field: &'static str,
        made: Made,
        confidence: Confidence,
        port: Option<u16>,
        value: &str,
        matcher: &Matcher<'_>,
    ) {
        let value = plain(value);
        let value = value.as_ref();
        let known = matcher.evidence(field, value);
        let firmly = known.iter().any(|evidence| evidence.confidence >= Confidence::Firm);
        let fields = self.rules.iter().filter(|rule| rule.field == field).count();
        let rule = if matches!(common::sayer(field, value), Some(Sayer::Anybody | Sayer::Computer))
        {
            Err(Why::Anybodys)
        } else if firmly {
            Err(Why::Known)
        } else if made == Made::Certificate && !self.is_makers(port) {
            Err(Why::Theirs)
        } else if fields >= MOST_OF_FIELD {
            Err(Why::Many)
        } else {
            self.rule(field, made, confidence, value)
        };
        match rule {
            Ok(text) if self.rules.iter().any(|rule| is_alike(&rule.text, &text)) => {}
            Ok(text) if self.adds(&text) => self.rules.push(Rule { field, text }),
            Ok(_) => {}
            Err(why) if self.left_out.contains(&(why, field)) => {}
            Err(why) => self.left_out.push((why, field)),
        }
    }

    /// Whether the certificate of a port is one that the maker put there: it signs itself, and names no host.
    fn is_makers(&self, port: Option<u16>) -> bool {
        let mut of_port = self.seen.facts.iter().filter(|(at, ..)| *at == port);
        let signs_itself =
            of_port.any(|(_, field, value)| *field == "tls.cert.self_signed" && *value == "true");
        let names = ["tls.cert.name", "tls.cert.san", "tls.cert.subject.cn"];
        let mut said =
            self.seen.facts.iter().filter(|(at, field, _)| *at == port && names.contains(field));
        signs_itself && !said.any(|(.., value)| self.identity.is_host(value))
    }

    /// The text of a rule that was tried.
    fn rule(
        &self,
        field: &'static str,
        made: Made,
        confidence: Confidence,
        value: &str,
    ) -> Result<String, Why> {
        let (condition, example, yields, unlike) = match made {
            Made::Pattern | Made::Certificate => {
                let shape = Shape::of(value, self.identity).ok_or(Why::Meaningless)?;
                if !shape.tells() {
                    return Err(Why::Meaningless);
                }
                let unlike = near::of_text(&shape);
                let condition = format!("matches = {}", literal(&shape.pattern));
                (condition, shape.example, shape.yields, unlike)
            }
            Made::Exactly => {
                if bytes_as_words(value).is_some_and(|words| self.identity.tells_whose(&words)) {
                    return Err(Why::Unproven);
                }
                let condition = format!("equals = {}", quoted(value));
                (condition, value.to_owned(), Vec::new(), near::of_digits(value))
            }
            Made::ObjectId => {
                let oid = value.trim_start_matches('.');
                let condition = format!("oid_prefix = {}", quoted(oid));
                (condition, oid.to_owned(), Vec::new(), near::of_object(oid))
            }
            Made::Maker => {
                let mac = value.parse::<Mac>().map_err(|_| Why::Unproven)?;
                // A made-up or shared address tells no maker.
                if mac.0[0] & 3 != 0 || mac.is_virtual_router() {
                    return Err(Why::MadeUp);
                }
                let [a, b, c, ..] = mac.0;
                let digits = format!("{a:02x}{b:02x}{c:02x}");
                let example = format!("{a:02x}:{b:02x}:{c:02x}:00:00:00");
                (format!("oui = {}", quoted(&digits)), example, Vec::new(), near::of_maker(mac))
            }
        };
        if self.identity.is_in(&condition) || self.identity.is_in(&example) {
            return Err(Why::Unproven);
        }
        // The enterprise alone is shared by all that its owner makes.
        let alone = made == Made::ObjectId && example.split('.').count() <= 7;
        let confidence = if alone { Confidence::Weak } else { confidence };
        let name = field.replace('.', "-");
        let alike = self.rules.iter().filter(|rule| rule.field == field).count();
        let number = if alike > 0 { format!("-{}", alike + 1) } else { String::new() };
        let mut text =
            format!("[[rule]]\nid = {}\n", quoted(&format!("{}.{name}{number}", self.id)));
        let _ = writeln!(text, "field = {}\n{condition}", quoted(field));
        let confidence = if confidence == Confidence::Weak { "weak" } else { "firm" };
        let _ = writeln!(text, "confidence = \"{confidence}\"");
        let _ = writeln!(
            text,
            "source = {}",
            quoted(&format!("seen at a facility, {}", self.seen.month))
        );
        let told: Vec<String> =
            yields.iter().map(|(name, value)| format!("{name} = {}", quoted(value))).collect();
        let told = if told.is_empty() {
            String::new()
        } else {
            format!(", yields = {{ {} }}", told.join(", "))
        };
        let _ = writeln!(text, "example = [{{ value = {}{told} }}]", quoted(&example));
        let unlike: Vec<String> = unlike.iter().map(|value| quoted(value)).collect();
        let _ = writeln!(text, "unlike = [{}]", unlike.join(", "));
        if self.proves_itself(field, value, &text) { Ok(text) } else { Err(Why::Unproven) }
    }

    /// Whether a rule passes the checks that every signature passes, and matches what was said.
    fn proves_itself(&self, field: &str, value: &str, rule: &str) -> bool {
        let (alone, errors) = self.read(rule);
        errors.is_empty() && !Matcher::new(&alone).evidence(field, value).is_empty()
    }

    /// Whether the rules that there are leave something for this one to say.
    fn adds(&self, rule: &str) -> bool {
        let mut rules: Vec<&str> = self.rules.iter().map(|rule| rule.text.as_str()).collect();
        rules.push(rule);
        self.read(&rules.join("\n")).1.is_empty()
    }

    /// Rules as a signature that has a vendor, a product and a role, and its faults.
    fn read(&self, rules: &str) -> (Signatures, Vec<Error>) {
        let (vendor, role) = ("Vendor", "role");
        let mut words = self.known.clone();
        words.vendors.insert(vendor.to_owned());
        words.roles.insert(role.to_owned(), String::new());
        let head = format!("vendor = \"{vendor}\"\nproduct = \"product\"\nrole = \"{role}\"\n");
        let name = format!("{role}/{}.toml", self.id);
        Signatures::from_text(&name, &format!("{head}{rules}"), &words)
    }
}

/// What the bytes of hexadecimal digits say, with spaces for those that are no letters; digits may hide a name.
fn bytes_as_words(digits: &str) -> Option<String> {
    let pairs = digits.as_bytes().as_chunks::<2>();
    let (pairs, []) = pairs else { return None };
    let pair = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Vec<u8> = pairs.iter().map(pair).collect::<Option<_>>()?;
    let words = bytes.split(|byte| !(b' '..=b'~').contains(byte));
    let words: Vec<String> = words
        .filter(|words| words.len() >= SHORTEST_HIDDEN)
        .map(|words| String::from_utf8_lossy(words).into_owned())
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// Whether two rules differ in nothing but their names and examples.
fn is_alike(one: &str, other: &str) -> bool {
    let condition =
        |text: &str| text.lines().skip(2).take(2).map(str::to_owned).collect::<Vec<_>>();
    condition(one) == condition(other)
}

/// The file.
fn text(named: &Named<'_>, rules: &[Rule], left_out: &[(Why, &'static str)]) -> String {
    let is_named = [named.vendor, named.product, named.role].iter().all(Option::is_some);
    let next = if is_named {
        "try it"
    } else {
        "say below what it is, put the file into a folder of its role, and try it"
    };
    let mut text = format!(
        "# A draft, made of what one box said; what tells whose box it is was taken out. Read it before you give it away.\n\
         # Next: {next}: sekisho signatures check FOLDER\n\n",
    );
    let of = |given: Option<&str>, else_: &str| quoted(given.unwrap_or(else_));
    let _ = writeln!(text, "vendor = {}", of(named.vendor, WHICH_VENDOR));
    let _ = writeln!(text, "product = {}", of(named.product, WHICH_PRODUCT));
    let _ = writeln!(text, "role = {}", of(named.role, WHICH_ROLE));
    for rule in rules {
        let _ = write!(text, "\n{}", rule.text);
    }
    if rules.is_empty() {
        text.push_str("\n# No rule could be made: nothing that the box said tells its product.\n");
    }
    if !left_out.is_empty() {
        text.push_str("\n# Left out:\n");
    }
    for (why, field) in left_out.iter().take(MOST_LEFT_OUT) {
        let _ = writeln!(text, "#   {field}: {}", why.words());
    }
    text
}

/// The name of the file of a product, from what is known.
fn id(named: &Named<'_>) -> String {
    let part = |given: Option<&str>, else_: &str| {
        let words = given.map(slug).filter(|slug| !slug.is_empty());
        words.unwrap_or_else(|| else_.to_owned())
    };
    format!("{}-{}", part(named.vendor, "vendor"), part(named.product, "product"))
}

/// A name in lower-case letters, digits and single dashes.
fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

/// A text as TOML writes it on one line.
fn quoted(text: &str) -> String {
    toml::Value::String(text.replace(char::is_control, " ")).to_string()
}

/// A pattern as TOML writes it: as it is, between single quotes.
fn literal(pattern: &str) -> String {
    format!("'{}'", pattern.replace('\'', r"\x27"))
}

#[cfg(test)]
mod tests;
