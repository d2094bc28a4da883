//! The facility file: who is inspected, which networks are its own, and what may be done there (docs/scope.md).

use std::{fmt::Display, fs, io, net::SocketAddr, path::Path};

use ipnetwork::IpNetwork;
use serde::Deserialize;
use toml::Spanned;

use super::{
    Blocks, Foreign, Inside, Maker, Profile, Rate, Request, Span, Tier,
    foreign::Word,
    inside::is_global,
    pace,
    page::{Page, nearest},
    reach,
    target::{self, shown},
};

/// What a facility file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facility {
    /// The hospital's name, as it stands on every report.
    pub name: String,
    /// The facility's own code; never sent anywhere.
    pub id: Option<String>,
    /// In whose name, by which order.
    pub authorisation: Option<String>,
    /// Whom to call.
    pub contact: Option<String>,
    /// What counts as inside.
    pub inside: Inside,
    /// What may be asked.
    pub include: Blocks,
    /// What may not; it wins over everything.
    pub exclude: Blocks,
    /// Where to ask from; empty for the interfaces with a route to what may be asked.
    pub interfaces: Vec<String>,
    /// How far a question may go.
    pub tier: Tier,
    /// When, in local time; empty for always.
    pub hours: Vec<Span>,
    /// The facility's own global networks.
    pub outside: Vec<IpNetwork>,
    /// The inspector's own responder outside.
    pub responder: Option<SocketAddr>,
    /// Hosts that may be asked what is only asked on request.
    pub on_request: Vec<Request>,
    /// Prefixes that are not the hospital's, and may be looked for on its wires all the same.
    pub foreign: Foreign,
    /// How fast.
    pub pace: pace::Limits,
    /// Makers whose equipment is fragile, beside those that are known.
    pub fragile_makers: Vec<Maker>,
    /// Ports that are not touched, beside those that are known.
    pub fragile_ports: Vec<u16>,
    /// Hosts that are asked for their hardware address and nothing else.
    pub fragile_hosts: Blocks,
    /// Communities of SNMP that the facility gave in writing.
    pub communities: Vec<String>,
}

/// Why a facility file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("{file}: {source}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// It is not TOML, or a value is not what its key takes.
    #[error("{file}: {message}")]
    Malformed {
        /// The file.
        file: String,
        /// Line, value and what was expected.
        message: String,
    },
    /// A key that no facility file has.
    #[error("{file}: line {line}: `{key}` is no key of {table}; {advice}")]
    UnknownKey {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// Where it stands.
        table: String,
        /// The nearest known key, or the list.
        advice: String,
    },
    /// A value that cannot be taken.
    #[error("{file}: line {line}: {what}")]
    Wrong {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The value, what is wrong, and the fix.
        what: String,
    },
}

/// The tables of a facility file and their keys.
pub const KEYS: &[(&str, &[&str])] = &[
    ("facility", &["name", "id", "authorisation", "contact"]),
    (
        "scope",
        &[
            "include",
            "exclude",
            "inside",
            "interfaces",
            "tier",
            "hours",
            "outside",
            "responder",
            "on_request",
            "foreign",
        ],
    ),
    ("scope.on_request", &["host", "probe", "ports"]),
    ("pace", &["profile", "rate", "per_host", "gateway_interval"]),
    ("fragile", &["ouis", "ports", "hosts"]),
    ("credentials", &["snmp_v2c"]),
];

/// Probes that are only asked on request, and where they are asked when nobody says where.
const USUAL_PORTS: &[(&str, &[u16])] = &[("dicom", &[104, 2761, 2762, 11_112]), ("hl7", &[2575])];

/// The longest text of `[facility]`, in characters.
const LONGEST_TEXT: usize = 200;
/// The longest community, in bytes.
const LONGEST_COMMUNITY: usize = 255;
/// The longest interval between two packets to a gateway, in seconds.
const LONGEST_INTERVAL: u64 = 3600;

type Text = Spanned<String>;
type List = Vec<Text>;

#[derive(Deserialize)]
struct File {
    facility: FacilityTable,
    #[serde(default)]
    scope: ScopeTable,
    #[serde(default)]
    pace: PaceTable,
    #[serde(default)]
    fragile: FragileTable,
    #[serde(default)]
    credentials: CredentialsTable,
}

#[derive(Deserialize)]
struct FacilityTable {
    name: Text,
    id: Option<Text>,
    authorisation: Option<Text>,
    contact: Option<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ScopeTable {
    include: List,
    exclude: List,
    inside: List,
    interfaces: List,
    tier: Option<Spanned<i64>>,
    hours: List,
    outside: List,
    responder: Option<Text>,
    on_request: Vec<Spanned<RequestTable>>,
    foreign: List,
}

#[derive(Deserialize)]
struct RequestTable {
    host: Text,
    probe: Text,
    ports: Option<Vec<Spanned<i64>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PaceTable {
    profile: Option<Text>,
    rate: Option<Spanned<i64>>,
    per_host: Option<Spanned<i64>>,
    gateway_interval: Option<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FragileTable {
    ouis: List,
    ports: Vec<Spanned<i64>>,
    hosts: List,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CredentialsTable {
    snmp_v2c: List,
}

impl Facility {
    /// Reads the facility file `path`.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let file = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|source| Error::Unreadable { file: file.clone(), source })?;
        Self::parse(&text, &file)
    }

    /// Reads the text of a facility file; `file` is for messages.
    pub fn parse(text: &str, file: &str) -> Result<Self, Error> {
        let page = Page { text, file };
        page.refuse_unknown_keys()?;
        let parsed: File = toml::from_str(text).map_err(|error| page.malformed(&error))?;
        let File { facility, scope, pace, fragile, credentials } = parsed;
        let name = page.text(&facility.name)?.ok_or_else(|| {
            page.wrong(facility.name.span(), "the name is empty; it stands on every report")
        })?;
        let optional = |text: &Option<Text>| match text {
            Some(text) => page.text(text),
            None => Ok(None),
        };
        let inside = page.each(&scope.inside, inside_network)?;
        let include = page.include(&scope.include, &Blocks::of_networks(&inside))?;
        let exclude = page.targets(&scope.exclude)?;
        if let Some(last) = scope.exclude.last()
            && !include.is_empty()
            && include.minus(&exclude).is_empty()
        {
            let what = "this and what stands before it exclude all that is included; leave something to ask";
            return Err(page.wrong(last.span(), what));
        }
        // What may be asked is the hospital's own, unless it says more exactly what is.
        let own = if inside.is_empty() {
            page.each(&scope.include, |word| {
                target::blocks([word]).map(|blocks| blocks.networks())
            })?
            .concat()
        } else {
            inside
        };
        let responder = page.maybe(scope.responder.as_ref(), responder)?;
        Ok(Self {
            name,
            id: optional(&facility.id)?,
            authorisation: optional(&facility.authorisation)?,
            contact: optional(&facility.contact)?,
            inside: Inside::given(own.clone()),
            tier: page.tier(scope.tier.as_ref(), responder.is_some())?,
            on_request: page.requests(&scope.on_request, &include.minus(&exclude))?,
            foreign: page.foreign(&scope.foreign, &include.union(&Blocks::of_networks(&own)))?,
            include,
            exclude,
            interfaces: page.each(&scope.interfaces, interface)?,
            hours: page.each(&scope.hours, str::parse)?,
            outside: page.each(&scope.outside, outside_network)?,
            responder,
            pace: pace::Limits {
                profile: page.maybe(pace.profile.as_ref(), str::parse::<Profile>)?,
                rate: page.rate(pace.rate.as_ref())?,
                per_host: page.rate(pace.per_host.as_ref())?,
                gateway_interval: page.maybe(pace.gateway_interval.as_ref(), interval)?,
            },
            fragile_makers: page.each(&fragile.ouis, str::parse)?,
            fragile_ports: page.ports(&fragile.ports)?,
            fragile_hosts: page.targets(&fragile.hosts)?,
            communities: page.each(&credentials.snmp_v2c, community)?,
        })
    }

    /// The profile that the file names, or the gentlest.
    pub fn profile(&self) -> Profile {
        self.pace.profile.unwrap_or(Profile::Clinic)
    }
}

impl Page<'_> {
    /// A text without what would command a terminal; none where it is blank.
    fn text(&self, text: &Text) -> Result<Option<String>, Error> {
        let value = text.get_ref();
        if value.chars().any(char::is_control) || value.chars().nth(LONGEST_TEXT).is_some() {
            let what = format!(
                "`{}` is not one line of at most {LONGEST_TEXT} characters; shorten it",
                shown(value)
            );
            return Err(self.wrong(text.span(), what));
        }
        Ok(Some(value.clone()).filter(|value| !value.trim().is_empty()))
    }

    /// What `read` makes of each text.
    fn each<T, E: Display>(
        &self,
        list: &[Text],
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Vec<T>, Error> {
        list.iter().map(|text| self.one(text, &read)).collect()
    }

    /// What `read` makes of a text, where there is one.
    fn maybe<T, E: Display>(
        &self,
        text: Option<&Text>,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Error> {
        text.map(|text| self.one(text, read)).transpose()
    }

    fn one<T, E: Display>(
        &self,
        text: &Text,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<T, Error> {
        read(text.get_ref()).map_err(|error| self.wrong(text.span(), error))
    }

    fn targets(&self, list: &[Text]) -> Result<Blocks, Error> {
        let ranges = self.each(list, target::ranges)?;
        Ok(Blocks::new(ranges.into_iter().flatten()))
    }

    fn include(&self, list: &[Text], own: &Blocks) -> Result<Blocks, Error> {
        for text in list {
            let blocks = self.one(text, |word| target::blocks([word]))?;
            reach::check(&blocks, own).map_err(|error| self.wrong(text.span(), error))?;
        }
        self.targets(list)
    }

    fn tier(&self, tier: Option<&Spanned<i64>>, has_responder: bool) -> Result<Tier, Error> {
        let Some(tier) = tier else { return Ok(Tier::Ask) };
        let number = u8::try_from(*tier.get_ref()).ok().and_then(Tier::of_number);
        let number = number.ok_or_else(|| {
            let what = format!(
                "{} is no tier; there are 0 (listen), 1 (ask hosts in scope), 2 (as far as the carrier's \
                 first router) and 3 (as far as the responder)",
                tier.get_ref()
            );
            self.wrong(tier.span(), what)
        })?;
        if number == Tier::Responder && !has_responder {
            let what = "tier 3 asks a responder outside, and there is none; add responder = \"ADDRESS:PORT\"";
            return Err(self.wrong(tier.span(), what));
        }
        Ok(number)
    }

    fn rate(&self, rate: Option<&Spanned<i64>>) -> Result<Option<Rate>, Error> {
        let Some(rate) = rate else { return Ok(None) };
        let number = u32::try_from(*rate.get_ref()).map_err(|_| {
            let what =
                format!("{} is no rate; write packets a second, or 0 for no cap", rate.get_ref());
            self.wrong(rate.span(), what)
        })?;
        Ok(Some(number.into()))
    }

    fn ports(&self, ports: &[Spanned<i64>]) -> Result<Vec<u16>, Error> {
        let port = |port: &Spanned<i64>| {
            let number = u16::try_from(*port.get_ref()).ok().filter(|number| *number != 0);
            number.ok_or_else(|| {
                let what = format!("{} is no port; there are 1 to 65535", port.get_ref());
                self.wrong(port.span(), what)
            })
        };
        ports.iter().map(port).collect()
    }

    fn foreign(&self, list: &[Text], own: &Blocks) -> Result<Foreign, Error> {
        let words = self.each(list, |word| Word::read(word, own))?;
        Foreign::of(&words, own).ok_or_else(|| {
            let place = list.last().map(Text::span).unwrap_or_default();
            self.wrong(
                place,
                "foreign names more networks than anybody knows of; write heard for them",
            )
        })
    }

    fn requests(
        &self,
        list: &[Spanned<RequestTable>],
        asked: &Blocks,
    ) -> Result<Vec<Request>, Error> {
        let mut all: Vec<Request> = Vec::new();
        for request in list {
            let one = self.request(request, asked)?;
            if all.iter().any(|other| (other.host, &other.probe) == (one.host, &one.probe)) {
                let what = format!("{} is asked {} twice; keep one", one.host, one.probe);
                return Err(self.wrong(request.span(), what));
            }
            all.push(one);
        }
        Ok(all)
    }

    fn request(&self, request: &Spanned<RequestTable>, asked: &Blocks) -> Result<Request, Error> {
        let RequestTable { host: host_text, probe: probe_text, ports } = request.get_ref();
        let host = self.one(host_text, |word| {
            let wrong = || format!("`{}` is no address; name one host by its address", shown(word));
            word.parse().map_err(|_| wrong())
        })?;
        if !asked.contains(host) {
            let what = format!(
                "{host} is not included, or excluded; what is asked on request is in the scope, too"
            );
            return Err(self.wrong(host_text.span(), what));
        }
        let probe = probe_text.get_ref().clone();
        let usual = USUAL_PORTS.iter().find(|(name, _)| *name == probe);
        let ports = match (ports, usual) {
            (Some(ports), _) if !ports.is_empty() => self.ports(ports)?,
            (_, Some((_, ports))) => ports.to_vec(),
            _ => {
                let names: Vec<&str> = USUAL_PORTS.iter().map(|(name, _)| *name).collect();
                let advice = nearest(&probe, &names)
                    .map(|name| format!("; or did you mean `{name}`?"))
                    .unwrap_or_default();
                let what = format!(
                    "nobody knows where `{}` is asked; add ports = [PORT]{advice}",
                    shown(&probe)
                );
                return Err(self.wrong(probe_text.span(), what));
            }
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if probe.is_empty() || !probe.chars().all(plain) {
            let what = format!("`{}` is no name of a probe, such as dicom or hl7", shown(&probe));
            return Err(self.wrong(probe_text.span(), what));
        }
        Ok(Request { host, probe, ports })
    }
}

fn inside_network(word: &str) -> Result<IpNetwork, String> {
    let network = target::network(word).map_err(|error| error.to_string())?;
    let least = if network.is_ipv4() { 8 } else { 7 };
    if network.prefix() < least {
        return Err(format!(
            "{network} is wider than a /{least}: nearly nothing would be outside; write the networks that there are"
        ));
    }
    Ok(network)
}

fn outside_network(word: &str) -> Result<IpNetwork, String> {
    let network = target::network(word).map_err(|error| error.to_string())?;
    if !is_global(network.network()) || !is_global(network.broadcast()) {
        return Err(format!(
            "{network} is not global; write the addresses by which the Internet knows the facility, or name it in inside"
        ));
    }
    Ok(network)
}

fn responder(word: &str) -> Result<SocketAddr, String> {
    let address: Option<SocketAddr> = word.parse().ok();
    address.filter(|address| address.port() != 0 && is_global(address.ip())).ok_or_else(|| {
        format!(
            "`{}` is no responder; write its global address and port, such as 198.51.100.9:3478",
            shown(word)
        )
    })
}

fn interface(word: &str) -> Result<String, String> {
    let strange = |c: char| c.is_control() || c.is_whitespace() || c == '/';
    if word.is_empty() || word.chars().any(strange) {
        return Err(format!("`{}` is no name of an interface, such as eth1", shown(word)));
    }
    Ok(word.to_owned())
}

fn interval(word: &str) -> Result<std::time::Duration, String> {
    let interval = pace::duration(word).map_err(|error| error.to_string())?;
    if interval.as_secs() > LONGEST_INTERVAL {
        return Err(format!("`{}` is longer than an hour; nothing would be asked", shown(word)));
    }
    Ok(interval)
}

/// A community, which no message shows.
fn community(word: &str) -> Result<String, String> {
    if word.is_empty() || word.len() > LONGEST_COMMUNITY || word.chars().any(char::is_control) {
        return Err(format!(
            "a community of snmp_v2c is empty, longer than {LONGEST_COMMUNITY} bytes, or no plain text; write it as the facility gave it"
        ));
    }
    Ok(word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file of docs/scope.md.
    const WHOLE: &str = r#"
[facility]
name = "関所記念病院"
id = "1310000"
authorisation = "委託 2026-041"
contact = "情報システム室 内線 1234"

[scope]
include = ["10.10.0.0/16", "10.20.0.1-20", "fd00:66::/64"]
exclude = ["10.10.1.101"]
inside = ["10.10.0.0/16", "10.20.0.0/24", "2001:db8:66::/64"]
interfaces = ["eth1", "eth2"]
tier = 3
hours = ["22:00-05:00"]
outside = ["203.0.113.0/29"]
responder = "198.51.100.9:3478"
on_request = [{ host = "10.10.1.50", probe = "dicom" }, { host = "10.10.1.50", probe = "x_ray", ports = [4242] }]
foreign = ["tethering", "heard", "192.168.1.0/24"]

[pace]
profile = "office"
rate = 20
per_host = 0
gateway_interval = "1s"

[fragile]
ouis = ["00:40:d1", "84:11:c2:3"]
ports = [8104]
hosts = ["10.10.1.50-59"]

[credentials]
snmp_v2c = ["community-of-this-hospital"]
"#;

    fn told(text: &str) -> String {
        Facility::parse(text, "f.toml")
            .map_or_else(|error| error.to_string(), |_| "taken".to_owned())
    }

    /// What is said of a line of `[scope]`, which is line 4.
    fn scope(line: &str) -> String {
        told(&format!("[facility]\nname = \"x\"\n[scope]\n{line}\n"))
    }

    #[test]
    fn every_key_is_read() {
        let facility = Facility::parse(WHOLE, "f.toml").unwrap();
        assert_eq!(facility.name, "関所記念病院");
        assert_eq!(facility.authorisation.as_deref(), Some("委託 2026-041"));
        assert_eq!(
            facility.include.to_string(),
            "10.10.0.0/16, 10.20.0.1-10.20.0.20, fd00:66::/64"
        );
        assert_eq!(facility.exclude.to_string(), "10.10.1.101");
        assert_eq!(facility.inside.prefixes().len(), 3);
        assert_eq!((facility.tier, facility.interfaces.len()), (Tier::Responder, 2));
        assert_eq!(facility.hours, ["22:00-05:00".parse().unwrap()]);
        assert_eq!(facility.responder.unwrap().port(), 3478);
        assert_eq!(facility.on_request[0].ports, [104, 2761, 2762, 11_112]);
        assert_eq!(facility.on_request[1].ports, [4242]);
        assert!(facility.foreign.counts_heard() && facility.foreign.networks().len() > 5);
        assert_eq!(facility.pace.rate, Some(Rate::from(20)));
        assert_eq!(facility.pace.per_host, Some(Rate::Uncapped));
        assert_eq!(facility.pace.gateway_interval, Some(std::time::Duration::from_secs(1)));
        assert_eq!((facility.profile(), facility.fragile_makers.len()), (Profile::Office, 2));
        assert_eq!(
            (&*facility.fragile_ports, facility.fragile_hosts.count_v4()),
            (&[8104][..], 10)
        );
        assert_eq!(facility.communities, ["community-of-this-hospital"]);
    }

    #[test]
    fn what_is_not_said_is_gentle() {
        let facility =
            Facility::parse("[facility]\nname = \"x\"\nauthorisation = \" \"\n", "f.toml").unwrap();
        assert_eq!((facility.tier, facility.profile()), (Tier::Ask, Profile::Clinic));
        assert_eq!(facility.authorisation, None, "a blank is nobody's name");
        assert!(facility.include.is_empty() && !facility.inside.is_given());
        assert!(facility.foreign.is_nothing());
    }

    #[test]
    fn what_may_be_asked_is_inside_unless_the_file_says_what_is() {
        let text =
            "[facility]\nname = \"x\"\n[scope]\ninclude = [\"10.10.0.0/16\", \"10.20.0.1-3\"]\n";
        let inside = Facility::parse(text, "f.toml").unwrap().inside;
        assert!(inside.is_given() && inside.contains([10, 10, 1, 1].into()));
        assert!(inside.contains([10, 20, 0, 3].into()) && inside.is_outside([10, 20, 0, 4].into()));
    }

    #[test]
    fn a_misspelt_key_is_told_with_its_line_and_the_nearest() {
        assert_eq!(
            scope("incluse = []"),
            "f.toml: line 4: `incluse` is no key of [scope]; did you mean `include`?"
        );
        assert_eq!(
            scope(
                "include = [\"10.0.0.0/8\"]\non_request = [{ host = \"10.0.0.1\", prob = \"dicom\" }]"
            ),
            "f.toml: line 5: `prob` is no key of [scope.on_request]; did you mean `probe`?"
        );
        // The word stands in the file before it stands there as a key.
        let text = "[facility]\nname = \"rates\"\n[pace]\nrates = 1\n";
        assert_eq!(told(text), "f.toml: line 4: `rates` is no key of [pace]; did you mean `rate`?");
    }

    #[test]
    fn a_value_that_cannot_be_is_told_with_its_line_and_the_fix() {
        for (line, wanted) in [
            ("inside = [\"10.10.1.0/16\"]", "did you mean 10.10.0.0/16?"),
            ("inside = [\"0.0.0.0/0\"]", "is wider than a /8"),
            ("inside = [\"10.0.0.1-9\"]", "`10.0.0.1-9` is no target"),
            ("include = [\"10.0.0.0/7\"]", "10.0.0.0-11.255.255.255 is wider than a /8"),
            (
                "include = [\"203.0.113.0/24\"]",
                "203.0.113.0 is a public address; if the network is the facility's own, name it",
            ),
            ("include = [\"224.0.0.0/24\"]", "is no host"),
            ("include = [\"pacs.local\"]", "is a host name"),
            (
                "include = [\"10.0.0.1\"]\nexclude = [\"10.0.0.0/24\"]",
                "exclude all that is included",
            ),
            ("tier = 4", "4 is no tier; there are 0"),
            ("tier = 3", "add responder"),
            (
                "hours = [\"22-5\"]",
                "`22-5` is no part of a day; write its beginning and end, such as 22:00-05:00",
            ),
            ("outside = [\"10.0.0.0/8\"]", "is not global"),
            ("responder = \"stun.example.org:3478\"", "write its global address and port"),
            ("responder = \"10.0.0.1:3478\"", "is no responder"),
            ("interfaces = [\"\"]", "is no name of an interface"),
            (
                "on_request = [{ host = \"10.0.0.1\", probe = \"dicom\" }]",
                "10.0.0.1 is not included",
            ),
            (
                "include = [\"10.0.0.1\"]\non_request = [{ host = \"10.0.0.1\", probe = \"dicmo\" }]",
                "did you mean `dicom`?",
            ),
            (
                "include = [\"10.0.0.1\"]\non_request = [{ host = \"10.0.0.1\", probe = \"hl7\", ports = [0] }]",
                "0 is no port",
            ),
            (
                "include = [\"10.0.0.1\"]\non_request = [{ host = \"10.0.0.1\", probe = \"hl7\" }, { host = \"10.0.0.1\", probe = \"hl7\" }]",
                "twice",
            ),
            ("foreign = [\"thetering\"]", "did you mean `tethering`?"),
            ("foreign = [\"heard\", \"8.8.8.0/24\"]", "8.8.8.0/24 is not private"),
            (
                "include = [\"192.168.1.0/24\"]\nforeign = [\"192.168.1.0/25\"]",
                "192.168.1.0/25 is the hospital's own",
            ),
            ("[pace]\nprofile = \"clinical\"", "`clinical` is no profile"),
            ("[pace]\nrate = -1", "-1 is no rate"),
            ("[pace]\ngateway_interval = \"1\"", "`1` is no length of time"),
            ("[pace]\ngateway_interval = \"2h\"", "longer than an hour"),
            ("[fragile]\nports = [65536]", "65536 is no port"),
            ("[fragile]\nouis = [\"00:40\"]", "`00:40` is no beginning of a hardware address"),
            ("[credentials]\nsnmp_v2c = [\"\"]", "a community of snmp_v2c is empty"),
        ] {
            let told = scope(line);
            let last = 3 + line.lines().count();
            assert!(told.contains(wanted), "{line}: {told}");
            assert!(told.starts_with(&format!("f.toml: line {last}: ")), "{line}: {told}");
        }
        assert!(told("[facility]\nname = \"\"\n").contains("line 2: the name is empty"));
        assert!(told("[facility]\nname = \"a\\u001bb\"\n").contains("is not one line"));
    }

    #[test]
    fn a_public_network_is_asked_when_it_is_the_facility_s_own() {
        let line = "include = [\"203.0.113.0/28\"]\ninside = [\"203.0.113.0/24\", \"10.0.0.0/8\"]";
        assert_eq!(scope(line), "taken");
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_line() {
        assert!(told("[facility]\nname = x\n").contains("line 2"));
        assert!(scope("tier = \"one\"").contains("line 4"));
    }
}
