//! Recog: a folder of XML files, one for a kind of text, with their own examples.
//!
//! The first rule of a file that matches wins. A rule's `param`s are constants or what a group took; constants may name
//! other params in braces. A rule that misses one of its own examples is not what its author meant, and is not used.

mod params;

use std::collections::BTreeMap;

use super::{
    Error, File, Problem, Read, base64,
    book::{Book, Rule},
    dialect::{Dialect, Flags},
    pattern::Pattern,
    reading::{self, Reading, composed, letters},
    roles,
    says::{Piece, Says, Template},
    xml::{self, Xml},
};
use crate::observe::{Confidence, facts};
use params::{Param, Params};

/// How many params and examples a rule may have.
const MOST_PARAMS: usize = 64;
const MOST_EXAMPLES: usize = 1024;

/// How many bytes the examples of one file may have that stand in files beside it; several may name the same.
const LARGEST_EXAMPLES: usize = 64 << 20;

/// How much of a file is looked at to tell what it is, in bytes: comments may stand first.
const BEGINNING: usize = 64 << 10;

/// Below this certainty of its own a rule is weak.
const FIRM: f64 = 0.5;

/// The fields whose values are what a file of this name (`matches`, or without that the file's own) is about.
static FIELDS: &[(&str, &[Reading])] = &[
    ("dhcp_vendor_class", &[reading::of("dhcp.vendor_class")]),
    ("dns.versionbind", &[reading::of("dns.version")]),
    ("favicon.md5", &[reading::of("http.favicon.md5")]),
    ("ftp.banner", &[reading::of("ftp.banner")]),
    ("html_title", &[reading::of("http.title")]),
    ("http_header.cookie", &[reading::of("http.header.set_cookie")]),
    ("http_header.server", &[reading::of("http.header.server")]),
    ("http_header.wwwauth", &[reading::of("http.header.www_authenticate")]),
    ("http_header.x-powered-by", &[reading::of("http.header.x_powered_by")]),
    (
        "mdns.device-info.txt",
        &[
            Reading { around: &[&[("model=", "")]], ..reading::of("mdns.model") },
            Reading { around: &[&[("osxvers=", "")]], ..reading::of("mdns.system") },
        ],
    ),
    (
        "ntp.readvar",
        &[
            reading::of("ntp.readvar"),
            Reading { around: &[&[("version=\"", "\"")]], ..reading::of("ntp.software") },
        ],
    ),
    ("sip_header.server", &[reading::of("sip.server")]),
    ("sip_header.user_agent", &[reading::of("sip.user_agent")]),
    ("smb.native_lm", &[reading::of("smb.native_lan_manager")]),
    ("smb.native_os", &[reading::of("smb.native_os")]),
    ("smtp.banner", &[reading::of("smtp.banner")]),
    ("snmp.sys_description", &[reading::of("snmp.sysdescr")]),
    ("snmp.sys_object_id", &[reading::of("snmp.sysobjectid")]),
    ("ssh.banner", &[reading::of("ssh.banner")]),
    ("telnet_banners", &[reading::of("telnet.banner")]),
    ("x11.vendor", &[reading::of("x11.vendor")]),
    ("x509.issuer", &[reading::of("tls.cert.issuer")]),
    ("x509.subject", &[reading::of("tls.cert.subject")]),
];

/// A rule as it is written.
#[derive(Default)]
struct Written {
    line: usize,
    pattern: String,
    flags: Flags,
    /// A flag that nobody knows.
    odd_flag: Option<String>,
    description: String,
    certainty: Option<f64>,
    params: Params,
    examples: Vec<Example>,
}

struct Example {
    line: usize,
    /// What the rule must give.
    gives: Vec<(String, String)>,
    text: String,
}

/// Whether a text is such a file.
pub(super) fn is(text: &str) -> bool {
    let start = text.get(..text.floor_char_boundary(BEGINNING)).unwrap_or(text);
    start.trim_start_matches('\u{feff}').trim_start().starts_with('<')
        && start.contains("<fingerprints")
}

/// Reads every XML file among `files`; the others may be examples.
pub(super) fn read(name: &str, files: &[File], read: &mut Read) -> Result<(), Error> {
    let kept: BTreeMap<&str, &File> = files.iter().map(|file| (&*file.name, file)).collect();
    for file in files.iter().filter(|file| file.name.strip_suffix(".xml").is_some()) {
        let (key, written, protocol) = written(file, &kept)?;
        let readings =
            FIELDS.iter().find(|(known, _)| *known == key).map_or(&[][..], |(_, fields)| fields);
        // What is not used was proved when it was loaded.
        if readings.is_empty() && !read.proves {
            continue;
        }
        let mut rules = Vec::new();
        // The examples of every rule, by the place that it takes in the book.
        let mut examples = Vec::new();
        for rule in written {
            read.rule()?;
            let problem = |line: usize, reason: String, text: &str| Problem {
                file: file.name.clone(),
                line,
                reason,
                text: text.to_owned(),
            };
            if let Some(flag) = &rule.odd_flag {
                read.problem(problem(rule.line, "has a flag that nobody knows".to_owned(), flag));
                continue;
            }
            let id = format!("{name}:{}:{}", file.name, rule.line);
            let pattern = Pattern::read(&rule.pattern, Dialect::Ruby, rule.flags);
            let pattern = match read.checked(&id, pattern) {
                Ok(pattern) => pattern,
                Err(trouble) => {
                    read.problem(problem(rule.line, trouble.to_string(), &rule.pattern));
                    continue;
                }
            };
            let params = match rule.params.templates(&protocol) {
                Ok(params) => params,
                Err((reason, param)) => {
                    read.problem(problem(rule.line, reason.to_owned(), &param));
                    continue;
                }
            };
            if read.proves {
                let mut failed = None;
                for example in &rule.examples {
                    read.counts.examples += 1;
                    match failure(&pattern, &params, &rule.description, &key, example) {
                        None => read.counts.passed += 1,
                        Some(why) => {
                            failed.get_or_insert((example, why));
                        }
                    }
                }
                if let Some((example, why)) = failed {
                    read.problem(problem(
                        example.line,
                        format!("misses its own example: {why}"),
                        &example.text,
                    ));
                    read.left_out.insert(id);
                    continue;
                }
            }
            read.counts.usable += 1;
            let (says, certainty) = says(&params, rule.certainty);
            read.counts.silent += usize::from(says.is_none());
            let confidence = if certainty < FIRM { Confidence::Weak } else { Confidence::Firm };
            rules.push(Rule { id, pattern, says, confidence, soft: false });
            examples.push(rule.examples);
        }
        let book = Book::new(rules);
        if read.proves {
            measure(&book, &examples, readings, read);
        }
        if !readings.is_empty() {
            read.counts.observed += book.rules().len();
            read.books.push((readings.to_vec(), book));
        }
    }
    Ok(())
}

/// Why an example fails: that nothing matches, or which param is another.
fn failure(
    pattern: &Pattern,
    params: &BTreeMap<String, Template>,
    description: &str,
    key: &str,
    example: &Example,
) -> Option<String> {
    let Some(taken) = pattern.find(&example.text) else {
        return Some("nothing matches".to_owned());
    };
    example.gives.iter().find_map(|(name, wanted)| {
        let given = match name.as_str() {
            "matched" => Some(description.into()),
            "fingerprint_db" => Some(key.into()),
            name if name.starts_with("_tmp.") => None,
            name => params.get(name).and_then(|template| template.whole(&taken)),
        };
        (given.as_deref() != Some(wanted)).then(|| match given {
            Some(given) => format!("`{name}` is `{}`", xml::short(&given)),
            None => format!("there is no `{name}`"),
        })
    })
}

/// Counts how many examples reach their own rule before any other, and how many rules still match what is kept of
/// their examples as facts.
fn measure(book: &Book, examples: &[Vec<Example>], readings: &[Reading], read: &mut Read) {
    for (rule, examples) in book.rules().iter().zip(examples) {
        for example in examples {
            let first = book.evidence("", std::slice::from_ref(&example.text));
            let first = first.is_some_and(|(first, _)| first.id == rule.id);
            read.counts.first += usize::from(first);
            if readings.is_empty() {
                continue;
            }
            read.counts.observable += 1;
            let kept = readings.iter().any(|reading| {
                let mut value = facts::text(reading.bare(&example.text).as_bytes());
                value.truncate(value.floor_char_boundary(facts::LONGEST_VALUE));
                let mut texts = reading.texts(&value).into_iter().flatten();
                texts.any(|text| rule.pattern.find(&text).is_some())
            });
            read.counts.kept += usize::from(kept);
        }
    }
}

/// The rules of a file as they are written, what they are about and its protocol.
fn written(
    file: &File,
    others: &BTreeMap<&str, &File>,
) -> Result<(String, Vec<Written>, String), Error> {
    let mut xml = Xml::new(file)?;
    let stem = file.name.strip_suffix(".xml").unwrap_or(&file.name);
    let mut key = stem.to_owned();
    let mut protocol = String::new();
    let mut rules: Vec<Written> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut attributes = Vec::new();
    let mut line = 1;
    let mut beside = 0;
    while let Some(piece) = xml.next()? {
        match piece {
            xml::Piece::Begins(name, of_element) => {
                path.push(name);
                attributes = of_element;
                line = xml.line;
                match path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                    ["fingerprints"] => {
                        key = of(&attributes, "matches").map_or(key, str::to_owned);
                        of(&attributes, "protocol").unwrap_or_default().clone_into(&mut protocol);
                    }
                    [_] => {
                        return Err(
                            xml.wrong("begins with another element than `fingerprints`".to_owned())
                        );
                    }
                    ["fingerprints", "fingerprint"] => rules.push(begun(&xml, &attributes)?),
                    _ => {}
                }
            }
            xml::Piece::Ends(_, text) => {
                let names: Vec<&str> = path.iter().map(String::as_str).collect();
                if let (["fingerprints", "fingerprint", child], Some(rule)) =
                    (&names[..], rules.last_mut())
                {
                    match *child {
                        "description" => {
                            rule.description =
                                text.split_whitespace().collect::<Vec<_>>().join(" ");
                        }
                        "param" => add_param(&xml, rule, &attributes)?,
                        "example" => {
                            if rule.examples.len() >= MOST_EXAMPLES {
                                return Err(xml.wrong(format!(
                                    "has more than {MOST_EXAMPLES} examples in one rule"
                                )));
                            }
                            let file = example_file(&xml, stem, &attributes, others)?;
                            beside += file.map_or(0, |file| file.bytes.len());
                            if beside > LARGEST_EXAMPLES {
                                return Err(xml.wrong(format!(
                                    "has examples of more than {LARGEST_EXAMPLES} bytes in files beside it"
                                )));
                            }
                            let text = example(&xml, &attributes, text, file)?;
                            let gives = attributes.drain(..);
                            let gives = gives
                                .filter(|(name, _)| !matches!(&**name, "_encoding" | "_filename"))
                                .collect();
                            rule.examples.push(Example { line, gives, text });
                        }
                        _ => {}
                    }
                }
                path.pop();
            }
        }
    }
    Ok((key, rules, protocol.to_lowercase()))
}

fn of<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn begun(xml: &Xml<'_>, attributes: &[(String, String)]) -> Result<Written, Error> {
    let Some(pattern) = of(attributes, "pattern") else {
        return Err(xml.wrong("has a `fingerprint` without a `pattern`".to_owned()));
    };
    let mut rule = Written { line: xml.line, pattern: pattern.to_owned(), ..Written::default() };
    for flag in of(attributes, "flags").unwrap_or_default().split(',').map(str::trim) {
        match flag {
            "" => {}
            "REG_ICASE" | "IGNORECASE" => rule.flags.ignore_case = true,
            // Ruby calls it so that `.` takes line ends; that `^` and `$` are ends of lines needs no flag.
            "REG_DOT_NEWLINE" | "REG_MULTILINE" | "REG_LINE_ANY_CRLF" => {
                rule.flags.dot_is_line_end = true;
            }
            odd => rule.odd_flag = Some(odd.to_owned()),
        }
    }
    rule.certainty = of(attributes, "certainty").and_then(|text| text.trim().parse().ok());
    Ok(rule)
}

fn add_param(
    xml: &Xml<'_>,
    rule: &mut Written,
    attributes: &[(String, String)],
) -> Result<(), Error> {
    let Some(name) = of(attributes, "name") else {
        return Err(xml.wrong("has a `param` without a `name`".to_owned()));
    };
    if rule.params.0.len() >= MOST_PARAMS {
        return Err(xml.wrong(format!("has more than {MOST_PARAMS} params in one rule")));
    }
    let position = of(attributes, "pos").unwrap_or("0").trim();
    let Ok(position) = position.parse::<usize>() else {
        return Err(xml.wrong(format!("has a `pos` that is no number: `{}`", xml::short(position))));
    };
    let param = match position {
        0 => Param::Words(of(attributes, "value").unwrap_or_default().to_owned()),
        number => Param::Group(number),
    };
    rule.params.0.insert(name.to_owned(), param);
    Ok(())
}

/// The file beside that an example stands in, if it names one.
fn example_file<'f>(
    xml: &Xml<'_>,
    stem: &str,
    attributes: &[(String, String)],
    others: &BTreeMap<&str, &'f File>,
) -> Result<Option<&'f File>, Error> {
    let Some(name) = of(attributes, "_filename") else { return Ok(None) };
    let missing = || {
        let name = xml::short(name);
        xml.wrong(format!("has an example in `{stem}/{name}`, which is not there"))
    };
    others.get(&*format!("{stem}/{name}")).copied().map(Some).ok_or_else(missing)
}

/// The text of an example: as it stands, decoded, or from a file beside.
fn example(
    xml: &Xml<'_>,
    attributes: &[(String, String)],
    text: String,
    file: Option<&File>,
) -> Result<String, Error> {
    let bytes = file.map_or_else(|| text.into_bytes(), |file| file.bytes.clone());
    let bytes = match of(attributes, "_encoding") {
        None => bytes,
        Some("base64") => base64::decode(&String::from_utf8_lossy(&bytes)),
        Some(odd) => {
            let odd = xml::short(odd);
            return Err(
                xml.wrong(format!("has an example in an encoding that nobody knows: `{odd}`"))
            );
        }
    };
    Ok(match String::from_utf8(bytes) {
        Ok(text) => composed(&text).into_owned(),
        Err(error) => letters(error.as_bytes()),
    })
}

/// What a rule says of the box, and how certain it is of that: of the hardware if it tells one, of a system that is a
/// device's, of the service, and of what else is told.
fn says(params: &BTreeMap<String, Template>, certainty: Option<f64>) -> (Option<Says>, f64) {
    let told =
        |group: &str, name: &str| params.get(&format!("{group}.{name}")).filter(|t| !t.is_empty());
    let words = |template: Option<&Template>| match template.map(|template| &template.0[..]) {
        Some([Piece::Words(words)]) => Some(words.clone()),
        _ => None,
    };
    let certain = |group: &str| {
        words(told(group, "certainty"))
            .and_then(|text| text.trim().parse().ok())
            .or(certainty)
            .unwrap_or(1.0)
    };
    let named = |group: &&str| {
        told(group, "vendor").is_some()
            && told(group, "product").or(told(group, "family")).is_some()
    };
    let any = |group: &&str| {
        told(group, "vendor").or(told(group, "product")).or(told(group, "family")).is_some()
    };
    let believed = |group: &&str| certain(group) > 0.0;
    let device = |group: &str| words(told(group, "device"));
    let is_device = device("os").or(device("hw")).is_some();
    let system_first: &[&str] =
        if is_device { &["hw", "os", "service"] } else { &["hw", "service", "os"] };
    let believed_groups = || system_first.iter().copied().filter(|group| believed(group));
    let Some(group) = believed_groups()
        .find(|group| named(group))
        .or_else(|| believed_groups().find(|group| any(group)))
    else {
        return (None, 0.0);
    };
    let device = ["hw", "os", "service"].iter().find_map(|group| device(group));
    let pick = |names: &[(&str, &str)]| {
        let found = names.iter().find_map(|(group, name)| told(group, name));
        found.cloned().unwrap_or_default().tidy()
    };
    let mut product =
        pick(&[(group, "product"), (group, "family"), ("hw", "family"), ("os", "family")]);
    if product.is_empty() {
        product = Template::words(device.as_deref().unwrap_or_default()).tidy();
    }
    let model = match group {
        "hw" => pick(&[("hw", "model")]),
        _ => pick(&[("hw", "model"), ("hw", "product")]),
    };
    let version = match group {
        "hw" => pick(&[("hw", "version"), ("os", "version")]),
        "os" => pick(&[("os", "version")]),
        _ => pick(&[("service", "version")]),
    };
    let says = Says {
        vendor: pick(&[(group, "vendor")]),
        product,
        model,
        version,
        serial: pick(&[("hw", "serial_number")]),
        role: device.as_deref().map_or(roles::HOST, roles::of),
    };
    (Some(says), certain(group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_is_told_by_its_hardware_then_its_system_then_its_service() {
        let params = |pairs: &[(&str, &str)]| -> BTreeMap<String, Template> {
            pairs.iter().map(|(name, words)| ((*name).to_owned(), Template::words(words))).collect()
        };
        let service = [("service.vendor", "Acme"), ("service.product", "Web")];
        let system = [("os.vendor", "Other"), ("os.product", "System"), ("os.version", "7")];
        let told = |pairs: &[(&str, &str)]| {
            let (says, certainty) = says(&params(pairs), None);
            says.map(|says| (says.product, says.version, says.role, certainty))
        };
        let words = Template::words;
        let both = [&service[..], &system[..]].concat();
        assert_eq!(told(&both), Some((words("Web"), words(""), "host", 1.0)));
        let device = [&both[..], &[("os.device", "Router")]].concat();
        assert_eq!(told(&device), Some((words("System"), words("7"), "router", 1.0)));
        let nobody = [&both[..], &[("service.certainty", "0.0"), ("os.certainty", "0.0")]].concat();
        assert_eq!(told(&nobody), None);
        let maker = [("hw.vendor", "Acme"), ("hw.device", "Firewall"), ("hw.certainty", "0.3")];
        assert_eq!(told(&maker), Some((words("Firewall"), words(""), "firewall", 0.3)));
    }
}
