//! What is known about product lines: one file each, compiled in.

use std::collections::BTreeSet;

use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};

use super::{
    Error,
    range::{self, Branches, Range},
    support::{Ends, Lifetime},
    version::{SCHEMES, Scheme},
};
use crate::time::Day;

/// The advisories that come with the program.
static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/advisories");

/// The file that says which catalogue the others were held against.
const CATALOGUE: &str = "catalogue.toml";

/// Everything that is known about product lines.
#[derive(Debug, Clone)]
pub struct Advisories {
    /// The product lines, by their files' names.
    pub(super) lines: Vec<Line>,
    /// The day of the catalogue that came with the program.
    pub shipped: Day,
    /// The day of the catalogue that was brought along, if one was.
    pub brought: Option<Day>,
}

/// What is known about one product line.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its file's name without `.toml`.
    pub name: String,
    /// What it is called.
    pub products: Vec<Named>,
    /// What the catalogue calls it.
    pub catalogued: Vec<Catalogued>,
    /// How its versions are written.
    pub scheme: &'static Scheme,
    /// How many numbers make its versions whole.
    pub whole: usize,
    /// Its exploited vulnerabilities.
    pub exploited: Vec<Entry>,
    /// Its dates.
    pub lifetimes: Vec<Lifetime>,
}

/// A product by name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Who makes it, as signatures say.
    pub vendor: String,
    /// What it is called, as signatures say.
    pub product: String,
    /// What else people call it.
    #[serde(default)]
    pub also: Vec<String>,
    /// No signature names it yet; it can be asked about by hand.
    #[serde(default)]
    pub unnamed: bool,
}

/// A product by the catalogue's names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogued {
    /// The vendor there.
    pub vendor: String,
    /// Words that its products there contain, one behind the other.
    pub product: String,
    /// Products there that contain them and are others.
    #[serde(default)]
    pub unlike: Vec<String>,
}

/// A vulnerability that is exploited, or might be.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its number: CVE or JVN.
    pub id: String,
    /// Who knows it.
    pub known: Vec<Known>,
    /// When it came onto the catalogue.
    pub added: Option<Day>,
    /// Whether ransomware is known to use it.
    pub ransomware: bool,
    /// The versions it affects; empty where that is not known.
    pub affected: Vec<Range>,
    /// How complete they are.
    pub branches: Branches,
    /// What must be so besides.
    pub condition: Vec<Condition>,
    /// What mends it.
    pub fixed: Option<String>,
    /// Where that was learnt.
    pub source: String,
}

/// Who knows a vulnerability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// The catalogue of those that are known to be exploited.
    Kev,
    /// Japan's vulnerability notes.
    Jvn,
    /// The list of all; nobody is known to exploit it.
    Cve,
}

impl Known {
    /// Everybody who knows.
    pub const ALL: [Self; 3] = [Self::Kev, Self::Jvn, Self::Cve];

    /// The name in files, in JSON and in the word lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kev => "kev",
            Self::Jvn => "jvn",
            Self::Cve => "cve",
        }
    }
}

/// What must be so for a vulnerability to matter, which a version does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// A patch that has no version of its own is not on it.
    PatchMissing,
    /// Its VPN over TLS is on.
    SslVpn,
    /// Remote access, a portal or a gateway for users is on.
    RemoteAccess,
    /// It answers IKEv1.
    IkeV1,
    /// It answers IKEv2.
    IkeV2,
    /// Its settings pages can be reached.
    Management,
    /// Its user pages can be reached.
    UserPortal,
    /// Sign-in by SAML, or by the maker's cloud, is on.
    SingleSignOn,
    /// A portal that users sign in to before they may pass is on.
    CaptivePortal,
    /// Whoever uses it has signed in first.
    SignedIn,
    /// Whoever uses it is on the same network segment.
    SameSegment,
    /// Whoever uses it is on the box already.
    OnTheBox,
    /// A service that only some use is on.
    Service,
}

impl Condition {
    /// Every condition.
    pub const ALL: [Self; 13] = [
        Self::PatchMissing,
        Self::SslVpn,
        Self::RemoteAccess,
        Self::IkeV1,
        Self::IkeV2,
        Self::Management,
        Self::UserPortal,
        Self::SingleSignOn,
        Self::CaptivePortal,
        Self::SignedIn,
        Self::SameSegment,
        Self::OnTheBox,
        Self::Service,
    ];

    /// The name in files, in JSON and in the word lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PatchMissing => "patch_missing",
            Self::SslVpn => "ssl_vpn",
            Self::RemoteAccess => "remote_access",
            Self::IkeV1 => "ike_v1",
            Self::IkeV2 => "ike_v2",
            Self::Management => "management",
            Self::UserPortal => "user_portal",
            Self::SingleSignOn => "single_sign_on",
            Self::CaptivePortal => "captive_portal",
            Self::SignedIn => "signed_in",
            Self::SameSegment => "same_segment",
            Self::OnTheBox => "on_the_box",
            Self::Service => "service",
        }
    }
}

/// A file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    scheme: String,
    whole: Option<usize>,
    product: Vec<Named>,
    #[serde(default)]
    kev: Vec<Catalogued>,
    #[serde(default)]
    exploited: Vec<WrittenEntry>,
    #[serde(default)]
    support: Vec<WrittenLifetime>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEntry {
    id: String,
    known: Vec<Known>,
    added: Option<Day>,
    #[serde(default)]
    ransomware: bool,
    #[serde(default)]
    affected: Vec<range::Written>,
    #[serde(default)]
    branches: Branches,
    #[serde(default)]
    condition: Vec<Condition>,
    fixed: Option<String>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLifetime {
    versions: Option<range::Written>,
    #[serde(default)]
    models: Vec<String>,
    ends: Ends,
    until: Day,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCatalogue {
    released: Day,
}

impl Advisories {
    /// What comes with the program.
    pub fn built_in() -> Result<Self, Error> {
        let mut files: Vec<(String, &str)> = BUILT_IN
            .files()
            .filter(|file| file.path().extension().is_some_and(|end| end == "toml"))
            .map(|file| {
                let name = file.path().to_string_lossy().into_owned();
                (name, file.contents_utf8().unwrap_or_default())
            })
            .collect();
        files.sort();
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&**name, *text)).collect();
        Self::read(&files)
    }

    /// Reads files, each by its name and text; one of them is `catalogue.toml`.
    pub fn read(files: &[(&str, &str)]) -> Result<Self, Error> {
        let mut lines = Vec::new();
        let mut shipped = None;
        for (name, text) in files {
            if *name == CATALOGUE {
                let read: WrittenCatalogue =
                    toml::from_str(text).map_err(|error| malformed(name, text, &error))?;
                shipped = Some(read.released);
            } else {
                lines.push(line(name, text)?);
            }
        }
        let shipped = shipped.ok_or_else(|| Error::Malformed {
            file: CATALOGUE.to_owned(),
            line: 1,
            problem: "it is not there; it says `released = \"…\"`".to_owned(),
        })?;
        Ok(Self { lines, shipped, brought: None })
    }

    /// The product lines, by their files' names.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The day of the newest catalogue that counts.
    pub fn day(&self) -> Day {
        self.brought.map_or(self.shipped, |brought| brought.max(self.shipped))
    }
}

impl Line {
    /// Whether it goes by these names, both [`plain`].
    pub(super) fn is_called(&self, vendor: &str, product: &str) -> bool {
        self.products.iter().any(|named| {
            plain(&named.vendor) == vendor
                && (plain(&named.product) == product
                    || named.also.iter().any(|also| plain(also) == product))
        })
    }
}

/// A product by the catalogue's names, in words as they are compared.
pub(super) struct InWords {
    vendor: Vec<String>,
    product: Vec<String>,
    unlike: Vec<Vec<String>>,
}

impl Catalogued {
    /// The same in words.
    pub(super) fn in_words(&self) -> InWords {
        InWords {
            vendor: words(&self.vendor),
            product: words(&self.product),
            unlike: self.unlike.iter().map(|unlike| words(unlike)).collect(),
        }
    }
}

impl InWords {
    /// Whether an entry of the catalogue, its names in [`words`], is about it.
    pub(super) fn is_about(&self, vendor: &[String], product: &[String]) -> bool {
        self.vendor == vendor
            && !self.product.is_empty()
            && product.windows(self.product.len()).any(|part| part == self.product)
            && !self.unlike.iter().any(|unlike| unlike == product)
    }
}

/// A name without what people write differently: case and everything but letters and digits.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(200).collect()
}

/// The words of a name, each [`plain`].
pub(super) fn words(name: &str) -> Vec<String> {
    name.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '.')
        .map(plain)
        .filter(|word| !word.is_empty())
        .take(64)
        .collect()
}

fn malformed(file: &str, text: &str, error: &toml::de::Error) -> Error {
    let start = error.span().map_or(0, |span| span.start);
    let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
    Error::Malformed { file: file.to_owned(), line, problem: error.message().to_owned() }
}

/// Reads one product line and refuses what could not be answered from.
fn line(file: &str, text: &str) -> Result<Line, Error> {
    let written: Written = toml::from_str(text).map_err(|error| malformed(file, text, &error))?;
    let refused = |about: &str, problem, value: &str, remedy: &str| Error::Advisory {
        file: file.to_owned(),
        about: about.to_owned(),
        problem,
        value: value.to_owned(),
        remedy: remedy.to_owned(),
    };
    let scheme = Scheme::named(&written.scheme).ok_or_else(|| {
        let names: Vec<&str> = SCHEMES.iter().map(|scheme| scheme.name).collect();
        refused(
            "scheme",
            "there is none called",
            &written.scheme,
            &format!("use one of {}", names.join(", ")),
        )
    })?;
    let whole = written.whole.unwrap_or(scheme.whole);
    if !(1..=8).contains(&whole) {
        return Err(refused("whole", "no count of numbers is", &whole.to_string(), "use 1 to 8"));
    }
    if written.product.is_empty() {
        return Err(refused("product", "an empty", "product", "name what it is about"));
    }
    let range = |about: &str, written: &range::Written| {
        let range = written.read(scheme).map_err(|text| {
            refused(
                about,
                "cannot be read as a version:",
                &text,
                &format!("write it like {}", scheme.like),
            )
        })?;
        if !range.is_ordered() {
            let remedy = "let it end behind its beginning";
            return Err(refused(
                about,
                "the range is turned round:",
                &format!("{written:?}"),
                remedy,
            ));
        }
        if range.line && range.from.is_none() {
            let remedy = "say by `from` which builds it is about";
            return Err(refused(about, "a line without a beginning:", "line", remedy));
        }
        Ok(range)
    };
    let mut ids = BTreeSet::new();
    let mut exploited = Vec::new();
    for entry in written.exploited {
        if !is_number(&entry.id) {
            return Err(refused(
                &entry.id,
                "no number is",
                &entry.id,
                "write CVE-2024-0001 or JVN00000001",
            ));
        }
        if !ids.insert(entry.id.clone()) {
            return Err(refused(&entry.id, "a second entry for", &entry.id, "make one of the two"));
        }
        if entry.known.is_empty() || entry.source.trim().is_empty() {
            return Err(refused(
                &entry.id,
                "an empty",
                "known or source",
                "say who knows it, and where it was learnt",
            ));
        }
        if entry.known.contains(&Known::Kev) != entry.added.is_some() {
            let remedy = "give `added` with \"kev\", and with nothing else";
            return Err(refused(
                &entry.id,
                "a day that belongs to the catalogue:",
                "added",
                remedy,
            ));
        }
        let affected =
            entry.affected.iter().map(|one| range(&entry.id, one)).collect::<Result<_, _>>()?;
        exploited.push(Entry {
            id: entry.id,
            known: entry.known,
            added: entry.added,
            ransomware: entry.ransomware,
            affected,
            branches: entry.branches,
            condition: entry.condition,
            fixed: entry.fixed,
            source: entry.source,
        });
    }
    let mut lifetimes = Vec::new();
    for lifetime in written.support {
        let about = format!("support until {}", lifetime.until);
        if lifetime.versions.is_none() && lifetime.models.is_empty() {
            return Err(refused(
                &about,
                "nothing to be about:",
                "versions",
                "say which versions or models",
            ));
        }
        let versions = lifetime.versions.as_ref().map(|one| range(&about, one)).transpose()?;
        lifetimes.push(Lifetime {
            versions,
            models: lifetime.models,
            ends: lifetime.ends,
            until: lifetime.until,
            source: lifetime.source,
        });
    }
    Ok(Line {
        name: file.strip_suffix(".toml").unwrap_or(file).to_owned(),
        catalogued: catalogued(written.kev, &written.product),
        products: written.product,
        scheme,
        whole,
        exploited,
        lifetimes,
    })
}

/// What a catalogue calls products: as is written, or, where nothing is because none of them was ever listed, as the
/// products are called here.
fn catalogued(written: Vec<Catalogued>, products: &[Named]) -> Vec<Catalogued> {
    if !written.is_empty() {
        return written;
    }
    let names = |named: &Named| {
        let names = std::iter::once(&named.product).chain(&named.also).cloned();
        let listed =
            |product| Catalogued { vendor: named.vendor.clone(), product, unlike: Vec::new() };
        names.map(listed).collect::<Vec<_>>()
    };
    products.iter().flat_map(names).collect()
}

/// Whether a text is a number of the lists: `CVE-2024-21762`, `JVN86318557`, `JVNVU95001899`.
pub(super) fn is_number(id: &str) -> bool {
    let digits =
        |text: &str, least| text.len() >= least && text.bytes().all(|b| b.is_ascii_digit());
    if id.len() > 24 {
        return false;
    }
    if let Some((year, number)) = id.strip_prefix("CVE-").and_then(|rest| rest.split_once('-')) {
        return year.len() == 4 && digits(year, 4) && digits(number, 4);
    }
    id.strip_prefix("JVN").is_some_and(|rest| digits(rest.strip_prefix("VU").unwrap_or(rest), 8))
}
