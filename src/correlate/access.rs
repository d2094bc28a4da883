//! How the services of a box guard what passes and whom they let in, as far as they showed it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{device::Device, view::Views};
use crate::{
    observe::{Observation, Side, Transport},
    scope::Vantage,
};

/// How many services of one box are told.
const MOST: usize = 64;

/// How many versions of one service are told.
const MOST_VERSIONS: usize = 8;

/// How long the name of a version may be, in bytes.
const LONGEST: usize = 24;

/// Words of a page or a path that ask who somebody is, in lower case.
const OF_A_LOGIN: [&str; 10] = [
    "login",
    "log in",
    "logon",
    "log on",
    "signin",
    "sign in",
    "password",
    "ログイン",
    "ログオン",
    "認証",
];

/// Words of a path that leads elsewhere to log in, in lower case.
const OF_SIGN_ON: [&str; 6] = ["saml", "oauth", "openid", "adfs", "/sso", "sso."];

/// What a service showed of how it guards what passes, and of whom it lets in. What it did not show may be so all the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Access {
    /// What carries the service.
    pub transport: Transport,
    /// The port it listens on.
    pub port: Option<u16>,
    /// The versions in which it spoke: `TLS 1.2`, `SSL 3.0`, `SMB 1`. It may speak others too, older ones among them.
    pub versions: BTreeSet<String>,
    /// It asked for a client's certificate. False also where that cannot be seen.
    pub client_certificate: bool,
    /// A page of it asks for a login.
    pub login: bool,
    /// A page of it leads to another place to log in, as single sign-on does.
    pub sign_on: bool,
    /// The vantages from which that was seen. Never empty.
    pub seen_from: BTreeSet<Vantage>,
}

impl Access {
    /// The service as people write it: `tcp/443`.
    pub fn place(&self) -> String {
        let port = self.port.map(|port| format!("/{port}")).unwrap_or_default();
        format!("{}{port}", self.transport.name())
    }

    /// Whether both are about one service.
    fn is_of(&self, other: &Self) -> bool {
        (self.transport, self.port) == (other.transport, other.port)
    }

    /// Takes in what else was seen of the same service.
    fn absorb(&mut self, other: &Self) {
        let room = MOST_VERSIONS.saturating_sub(self.versions.len());
        let new: Vec<String> =
            other.versions.difference(&self.versions).take(room).cloned().collect();
        self.versions.extend(new);
        self.client_certificate |= other.client_certificate;
        self.login |= other.login;
        self.sign_on |= other.sign_on;
        self.seen_from.extend(other.seen_from.iter().cloned());
    }
}

/// Adds what was seen of services to what is known of them; more than [`MOST`] are not told.
pub(super) fn absorb(known: &mut Vec<Access>, others: &[Access]) {
    for other in others {
        let full = known.len() >= MOST;
        match known.iter_mut().find(|one| one.is_of(other)) {
            Some(one) => one.absorb(other),
            None if full => {}
            None => known.push(other.clone()),
        }
    }
    known.sort();
}

/// What the services of each box showed.
#[derive(Default)]
pub(super) struct Accesses {
    of: BTreeMap<Device, Vec<Access>>,
}

impl Accesses {
    /// Notes what `o` tells of a service of the box that says it.
    pub(super) fn note(&mut self, device: Device, o: &Observation, views: &Views<'_>) {
        if let Some(access) = shown(o, views.vantage(o)) {
            absorb(self.of.entry(device).or_default(), &[access]);
        }
    }

    /// What the services of a box showed, in their order.
    pub(super) fn take(&mut self, device: Device) -> Vec<Access> {
        self.of.remove(&device).unwrap_or_default()
    }
}

/// What a server's words show of how it lets in; none where they show nothing of it.
fn shown(o: &Observation, vantage: &Vantage) -> Option<Access> {
    if o.side != Side::Server {
        return None;
    }
    let mut access = Access {
        transport: o.speaker.transport,
        port: o.speaker.port,
        versions: BTreeSet::new(),
        client_certificate: false,
        login: false,
        sign_on: false,
        seen_from: BTreeSet::from([vantage.clone()]),
    };
    let has = |field, words: &[&str]| {
        o.facts.all(field).any(|text| {
            let text = text.to_lowercase();
            words.iter().any(|word| text.contains(word))
        })
    };
    match o.protocol {
        "tls" | "dtls" => {
            // A refusal has a version too, and speaks none.
            let chose = o.facts.get("tls.cipher").is_some() || o.facts.get("tls.alert").is_none();
            let version = o.facts.get("tls.version").filter(|name| chose && name.len() <= LONGEST);
            access.versions.extend(version.map(str::to_owned));
            access.client_certificate = o.facts.get("tls.client_certificate") == Some("requested");
        }
        "smb" => {
            let dialect = o.facts.get("smb.dialect").filter(|name| name.len() <= LONGEST);
            access.versions.extend(dialect.map(|dialect| format!("SMB {dialect}")));
        }
        "http" => {
            let leads = ["http.header.location", "http.redirect", "http.form"];
            access.sign_on = leads.into_iter().any(|field| has(field, &OF_SIGN_ON));
            access.login = access.sign_on
                || o.facts.get("http.wwwauth.realm").is_some()
                || has("http.title", &OF_A_LOGIN)
                || leads.into_iter().any(|field| has(field, &OF_A_LOGIN));
        }
        _ => {}
    }
    let tells = !access.versions.is_empty() || access.client_certificate || access.login;
    tells.then_some(access)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Confidence, Endpoint, Facts, Heard, PacketId};

    fn said(protocol: &'static str, side: Side, facts: &[(&'static str, &str)]) -> Option<Access> {
        let mut all = Facts::default();
        for (field, value) in facts {
            all.add(field, value);
        }
        let ip = Some([10, 0, 0, 1].into());
        let o = Observation {
            at: crate::time::Timestamp::default(),
            packet: PacketId::default(),
            heard: Heard::Replied,
            speaker: Endpoint { ip, mac: None, port: Some(443), transport: Transport::Tcp },
            listener: None,
            protocol,
            side,
            confidence: Confidence::Certain,
            facts: all,
        };
        shown(&o, &Vantage::default())
    }

    fn tls(facts: &[(&'static str, &str)]) -> Vec<String> {
        let access = said("tls", Side::Server, facts);
        access.map(|access| access.versions.into_iter().collect()).unwrap_or_default()
    }

    #[test]
    fn a_refusal_speaks_no_version_and_a_choice_does() {
        assert_eq!(tls(&[("tls.version", "TLS 1.2"), ("tls.cipher", "c02f")]), ["TLS 1.2"]);
        assert_eq!(tls(&[("tls.version", "TLS 1.0"), ("tls.alert", "handshake_failure")]), [""; 0]);
        let both =
            [("tls.version", "TLS 1.0"), ("tls.cipher", "002f"), ("tls.alert", "close_notify")];
        assert_eq!(tls(&both), ["TLS 1.0"]);
        assert_eq!(tls(&[("tls.version", "SSL 2.0"), ("tls.ciphers", "010080")]), ["SSL 2.0"]);
        assert!(said("tls", Side::Client, &[("tls.version", "TLS 1.0")]).is_none());
        assert_eq!(tls(&[("tls.version", "a version that is far too long to be one")]), [""; 0]);
    }

    #[test]
    fn a_page_that_asks_for_a_login_is_told_and_where_it_leads() {
        let page = |facts: &[(&'static str, &str)]| {
            said("http", Side::Server, facts).map(|access| (access.login, access.sign_on))
        };
        assert_eq!(page(&[("http.title", "EdgeGate ログイン")]), Some((true, false)));
        assert_eq!(page(&[("http.wwwauth.realm", "admin")]), Some((true, false)));
        let saml = [("http.header.location", "https://id.example/x?SAMLRequest&RelayState")];
        assert_eq!(page(&saml), Some((true, true)));
        assert_eq!(page(&[("http.title", "外来のご案内")]), None);
        assert_eq!(page(&[("http.title", "Assorted passages")]), None);
    }

    #[test]
    fn services_seen_twice_are_one_and_too_many_are_not_kept() {
        let one = said("smb", Side::Server, &[("smb.dialect", "1")]).unwrap();
        assert_eq!(one.place(), "tcp/443");
        let mut known = Vec::new();
        for port in (0..200).chain(0..200) {
            let other = Access {
                port: Some(port),
                versions: (0..40).map(|n| format!("SMB {n}")).collect(),
                ..one.clone()
            };
            absorb(&mut known, &[one.clone(), other]);
        }
        assert_eq!(known.len(), MOST);
        let smb = known.iter().find(|access| access.port == Some(443)).unwrap();
        assert_eq!(smb.versions, BTreeSet::from(["SMB 1".to_owned()]));
        let mut twice = vec![one.clone()];
        let many = (0..40).map(|n| format!("SMB {n}")).collect();
        absorb(&mut twice, &[Access { versions: many, login: true, ..one }]);
        assert_eq!(
            (twice.len(), twice[0].versions.len(), twice[0].login),
            (1, MOST_VERSIONS, true)
        );
    }
}
