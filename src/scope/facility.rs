//! The facility file: who is inspected, and which networks are its own (ARCHITECTURE, section 6).

use std::{fs, io, path::Path};

use ipnetwork::IpNetwork;
use serde::Deserialize;

use super::Inside;

/// What a facility file says, as far as listening needs it. Keys that only asking needs are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facility {
    /// The hospital's name, as it stands on every report.
    pub name: String,
    /// What counts as inside.
    pub inside: Inside,
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
        /// The line, from 1; 0 when it could not be told.
        line: usize,
        /// The key.
        key: String,
        /// Where it stands.
        table: String,
        /// The nearest known key, or the list.
        advice: String,
    },
    /// A prefix that is none.
    #[error("{file}: line {line}: `{value}` is no network: {reason}")]
    NotANetwork {
        /// The file.
        file: String,
        /// The line, from 1; 0 when it could not be told.
        line: usize,
        /// What stands there.
        value: String,
        /// What is wrong, and the fix.
        reason: String,
    },
}

/// The tables of a facility file and their keys.
const KEYS: &[(&str, &[&str])] = &[
    ("facility", &["name", "id", "authorisation", "contact"]),
    (
        "scope",
        &["include", "exclude", "inside", "interfaces", "tier", "hours", "outside", "responder"],
    ),
    ("pace", &["profile", "rate", "per_host", "gateway_interval"]),
    ("fragile", &["ouis", "ports", "hosts"]),
    ("credentials", &["snmp_v2c"]),
];

#[derive(Deserialize)]
struct File {
    facility: FacilityTable,
    #[serde(default)]
    scope: ScopeTable,
}

#[derive(Deserialize)]
struct FacilityTable {
    name: String,
}

#[derive(Deserialize, Default)]
struct ScopeTable {
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    inside: Vec<String>,
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
        let malformed = |error: toml::de::Error| Error::Malformed {
            file: file.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        };
        let table: toml::Table = toml::from_str(text).map_err(malformed)?;
        refuse_unknown_keys(&table, text, file)?;
        let parsed: File = toml::from_str(text).map_err(malformed)?;
        let ScopeTable { include, inside } = parsed.scope;
        // What may be asked is the hospital's own, unless it says more exactly what is.
        let own = if inside.is_empty() { include } else { inside };
        let own = own.iter().map(|value| network(value, text, file)).collect::<Result<_, _>>()?;
        Ok(Self { name: parsed.facility.name, inside: Inside::given(own) })
    }
}

fn refuse_unknown_keys(table: &toml::Table, text: &str, file: &str) -> Result<(), Error> {
    let refuse = |key: &str, place: &str, known: Vec<&str>| {
        let nearest = known.iter().min_by_key(|name| strsim::damerau_levenshtein(name, key));
        let advice = match nearest {
            Some(name) if strsim::damerau_levenshtein(name, key) <= 3 => {
                format!("did you mean `{name}`?")
            }
            _ => format!("known are {}", known.join(", ")),
        };
        let (file, key, table) = (file.to_owned(), key.to_owned(), place.to_owned());
        Err(Error::UnknownKey { file, line: line_of(text, &key), key, table, advice })
    };
    for (name, value) in table {
        let Some((_, keys)) = KEYS.iter().find(|(known, _)| known == name) else {
            return refuse(name, "a facility file", KEYS.iter().map(|(known, _)| *known).collect());
        };
        for key in value.as_table().into_iter().flat_map(toml::Table::keys) {
            if !keys.contains(&key.as_str()) {
                return refuse(key, &format!("[{name}]"), keys.to_vec());
            }
        }
    }
    Ok(())
}

fn network(value: &str, text: &str, file: &str) -> Result<IpNetwork, Error> {
    let refuse = |reason: String| Error::NotANetwork {
        file: file.to_owned(),
        line: line_of(text, value),
        value: value.to_owned(),
        reason,
    };
    let network: IpNetwork = value.parse().map_err(|_| {
        refuse("write an address and a prefix length, such as 10.10.0.0/16".to_owned())
    })?;
    if network.ip() != network.network() {
        let right = format!("{}/{}", network.network(), network.prefix());
        return Err(refuse(format!("it has bits beyond its prefix; did you mean {right}?")));
    }
    Ok(network)
}

/// The line, from 1, on which `word` first stands.
fn line_of(text: &str, word: &str) -> usize {
    text.lines().position(|line| line.contains(word)).map_or(0, |line| line + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_documentation_is_understood() {
        let text = "[facility]\nname = \"関所記念病院\"\nid = \"1310000\"\n[scope]\ninclude = [\"10.10.0.0/16\"]\ntier = 1\n";
        let facility = Facility::parse(text, "facility.toml").unwrap();
        assert_eq!(facility.name, "関所記念病院");
        assert!(facility.inside.is_given() && facility.inside.contains([10, 10, 1, 1].into()));
    }

    #[test]
    fn a_misspelt_key_is_told_with_its_line_and_the_nearest() {
        let error = Facility::parse("[facility]\nname = \"x\"\n[scope]\nincluse = []\n", "f.toml")
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "f.toml: line 4: `incluse` is no key of [scope]; did you mean `include`?"
        );
    }

    #[test]
    fn bits_beyond_a_prefix_are_told_with_the_fix() {
        let error = Facility::parse(
            "[facility]\nname = \"x\"\n[scope]\ninside = [\"10.10.1.0/16\"]\n",
            "f.toml",
        )
        .unwrap_err();
        assert!(error.to_string().ends_with("did you mean 10.10.0.0/16?"), "{error}");
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_line() {
        let error = Facility::parse("[facility]\nname = x\n", "f.toml").unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
