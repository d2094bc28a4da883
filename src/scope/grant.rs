//! How consent comes about: a facility file grants it, or, for networks next to us alone, whoever types targets.
//!
//! The command line changes the pace, and narrows everything else.

use std::net::IpAddr;

use ipnetwork::IpNetwork;

use super::{
    Blocks, Consent, Facility, Foreign, Hours, Maker, Pace, Profile, Tier, Vantage,
    pace::Limits,
    reach::{self, loopback, private},
};

/// Ports of equipment that is upset by questions, or prints them: Siemens S7 and other ISO-TSAP (102), DICOM (104, 2761,
/// 2762, 11112), HL7 (2575), and printers that print what they hear (9100 to 9107).
pub const FRAGILE_PORTS: [u16; 14] =
    [102, 104, 2575, 2761, 2762, 9100, 9101, 9102, 9103, 9104, 9105, 9106, 9107, 11_112];

/// What the command line says beside, or instead of, a facility file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overrides {
    /// Only these; none for all that is included.
    pub targets: Option<Blocks>,
    /// Nor these.
    pub exclude: Blocks,
    /// No further than this.
    pub tier: Option<Tier>,
    /// How fast.
    pub pace: Limits,
    /// From where; from outside it is the facility's own addresses in the Internet that are asked, and nothing else.
    pub vantage: Vantage,
}

/// Why there is no consent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Targets that are not in the facility file.
    #[error(
        "{0} is not in the scope of the facility file; add its network to [scope] include, or leave it out"
    )]
    NotInScope(IpAddr),
    /// A view from outside of a facility whose addresses there are not known.
    #[error(
        "the facility file names no addresses of its own in the Internet, so there is nothing to ask from outside; write them into [scope] outside, such as outside = [\"203.0.113.0/29\"]"
    )]
    NoOutside,
    /// Targets of a view from outside that are not the facility's own.
    #[error(
        "{0} is not among the facility's own addresses in the Internet, and from outside nothing else is asked; add its network to [scope] outside, or leave it out"
    )]
    NotOutside(IpAddr),
    /// A view from outside in nobody's name.
    #[error(
        "from outside only a facility's own addresses are asked, as its file names them; name the file by --scope"
    )]
    OutsideWithoutFile,
    /// A tier beyond the facility file's.
    #[error("tier {asked} goes further than tier {allowed}, which is allowed; {advice}")]
    Tier {
        /// What the command line says.
        asked: u8,
        /// What is allowed.
        allowed: u8,
        /// What to do.
        advice: &'static str,
    },
    /// More than the networks next to us, in nobody's name.
    #[error(
        "{0} is in no directly connected private network, and [facility] authorisation is empty; write there in whose name, by which order"
    )]
    Authorisation(IpAddr),
    /// Prefixes of others, in nobody's name.
    #[error(
        "[scope] foreign looks for prefixes of others, and [facility] authorisation is empty; write there in whose name, by which order"
    )]
    Foreign,
    /// Hours, and a system that does not know what time it is here.
    #[error(
        "the system does not say its time zone, and [scope] hours are in local time; set TZ, such as TZ=Asia/Tokyo"
    )]
    TimeZone,
    /// Nothing to ask.
    #[error("there is nothing to ask; {0}")]
    Nothing(&'static str),
    /// Targets on the command line alone, and nobody who says that they may be asked.
    #[error(
        "{0} and more are asked without a facility file only with --yes; say so if the network is yours to ask"
    )]
    Yes(IpAddr),
    /// Targets on the command line alone, which are not next to us.
    #[error(
        "{0} is neither loopback nor in a directly connected private network; write a facility file and name it by --scope"
    )]
    NotConnected(IpAddr),
    /// Something that no consent covers.
    #[error(transparent)]
    Reach(#[from] reach::Error),
}

impl Facility {
    /// What may be sent by this file, where the command line says `overrides`. `connected` are the networks on our
    /// own links, `offset` the seconds that local time is ahead of UTC; none where the system does not say.
    pub fn consent(
        &self,
        overrides: &Overrides,
        connected: &[IpNetwork],
        offset: Option<i32>,
    ) -> Result<Consent, Error> {
        let from_outside = overrides.vantage.is_outside();
        let mut include =
            if from_outside { self.own_in_the_internet()? } else { self.include.clone() };
        if let Some(targets) = &overrides.targets {
            if let Some(address) = targets.minus(&include).first() {
                return Err(if from_outside {
                    Error::NotOutside(address)
                } else {
                    Error::NotInScope(address)
                });
            }
            include = targets.clone();
        }
        if include.is_empty() {
            return Err(Error::Nothing(
                "write what may be asked into [scope] include of the facility file",
            ));
        }
        let exclude = self.exclude.union(&overrides.exclude);
        let asked = include.minus(&exclude);
        if asked.is_empty() {
            return Err(Error::Nothing("everything is excluded"));
        }
        if let (None, Some(address)) = (&self.authorisation, asked.minus(&near(connected)).first())
        {
            return Err(Error::Authorisation(address));
        }
        if self.authorisation.is_none() && !self.foreign.is_nothing() {
            return Err(Error::Foreign);
        }
        if offset.is_none() && !self.hours.is_empty() {
            return Err(Error::TimeZone);
        }
        // From outside nothing is sent but ordinary questions to whoever has these addresses.
        let (allowed, advice, responder) = if from_outside {
            (self.tier.min(Tier::Ask), "from outside nothing goes further than tier 1", None)
        } else {
            (self.tier, "it is [scope] tier of the facility file", self.responder)
        };
        let foreign = if from_outside { Foreign::default() } else { self.foreign.clone() };
        let requested = |request: &&super::Request| !from_outside || include.contains(request.host);
        let on_request = self.on_request.iter().filter(requested).cloned().collect();
        let pace = Pace::of(self.profile()).with(&self.pace);
        let mut consent = Consent {
            on_request,
            include,
            exclude,
            tier: lowered(overrides.tier, allowed, advice)?,
            hours: Hours::of(&self.hours, offset.unwrap_or_default()),
            pace: pace.with(&overrides.pace),
            responder,
            foreign,
            // What is fragile is the facility's to say, whatever the pace.
            ..careful(self.profile())
        };
        consent.fragile_ports.extend(&self.fragile_ports);
        consent.fragile_makers.extend(&self.fragile_makers);
        consent.fragile_hosts = self.fragile_hosts.clone();
        Ok(consent)
    }

    /// The facility's own addresses in the Internet. Private ones that lie between them are nobody's there.
    fn own_in_the_internet(&self) -> Result<Blocks, Error> {
        let own = Blocks::of_networks(&self.outside).minus(private());
        if own.is_empty() {
            return Err(Error::NoOutside);
        }
        reach::check(&own, &own)?;
        Ok(own)
    }
}

impl Consent {
    /// What may be sent without a facility file: to loopback and to private networks on our own links, when somebody
    /// says `yes`.
    pub fn of_connected(
        overrides: &Overrides,
        connected: &[IpNetwork],
        yes: bool,
    ) -> Result<Self, Error> {
        if overrides.vantage.is_outside() {
            return Err(Error::OutsideWithoutFile);
        }
        let include = overrides.targets.clone().unwrap_or_default();
        let asked = include.minus(&overrides.exclude);
        let Some(first) = asked.first() else {
            return Err(Error::Nothing(if include.is_empty() {
                "name targets, or a facility file by --scope"
            } else {
                "everything is excluded"
            }));
        };
        reach::check(&include, &near(connected)).map_err(|error| match error {
            // Whether a file may name it is another question.
            reach::Error::Public(address) => Error::NotConnected(address),
            other => other.into(),
        })?;
        if let Some(address) = asked.minus(&near(connected)).first() {
            return Err(Error::NotConnected(address));
        }
        if !yes {
            return Err(Error::Yes(first));
        }
        let advice = "what leaves the building needs a facility file";
        let profile = overrides.pace.profile.unwrap_or(Profile::Clinic);
        Ok(Self {
            include,
            exclude: overrides.exclude.clone(),
            tier: lowered(overrides.tier, Tier::Ask, advice)?,
            pace: Pace::of(profile).with(&overrides.pace),
            ..careful(profile)
        })
    }
}

/// Loopback and the private networks among `connected`.
fn near(connected: &[IpNetwork]) -> Blocks {
    Blocks::of_networks(connected).intersection(private()).union(loopback())
}

fn lowered(asked: Option<Tier>, allowed: Tier, advice: &'static str) -> Result<Tier, Error> {
    match asked {
        Some(asked) if asked > allowed => {
            Err(Error::Tier { asked: asked.number(), allowed: allowed.number(), advice })
        }
        asked => Ok(asked.unwrap_or(allowed)),
    }
}

/// A consent to nothing, as careful as `profile` is.
fn careful(profile: Profile) -> Consent {
    let (fragile_ports, fragile_makers) = match profile {
        Profile::Clinic | Profile::Office => {
            (FRAGILE_PORTS.to_vec(), Maker::built_in().iter().map(|(maker, _)| *maker).collect())
        }
        Profile::Lab => (Vec::new(), Vec::new()),
    };
    Consent {
        include: Blocks::default(),
        exclude: Blocks::default(),
        tier: Tier::Listen,
        hours: Hours::default(),
        pace: Pace::of(profile),
        fragile_ports,
        fragile_hosts: Blocks::default(),
        fragile_makers,
        on_request: Vec::new(),
        responder: None,
        foreign: Foreign::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::{Contact, Refusal, target};

    const FILE: &str = "[facility]\nname = \"x\"\nauthorisation = \"2026-041\"\n[scope]\ninclude = [\"10.10.0.0/16\"]\nexclude = [\"10.10.1.101\"]\n";

    fn facility(text: &str) -> Facility {
        Facility::parse(text, "f.toml").unwrap()
    }

    fn connected() -> Vec<IpNetwork> {
        ["10.10.0.0/24", "203.0.113.0/29"].map(|network| network.parse().unwrap()).to_vec()
    }

    fn only(words: &[&str]) -> Overrides {
        Overrides { targets: Some(target::blocks(words).unwrap()), ..Overrides::default() }
    }

    #[test]
    fn the_command_line_narrows_what_the_file_allows() {
        let file = facility(FILE);
        let consent = file.consent(&only(&["10.10.1.0/24"]), &[], None).unwrap();
        assert_eq!(consent.include.count_v4(), 256);
        assert!(consent.exclude.contains([10, 10, 1, 101].into()), "the file's exclusion stays");
        let beyond = file.consent(&only(&["10.11.0.1"]), &[], None).unwrap_err();
        assert!(beyond.to_string().starts_with("10.11.0.1 is not in the scope"), "{beyond}");
        let further = Overrides { tier: Some(Tier::FirstRouter), ..Overrides::default() };
        let error = file.consent(&further, &[], None).unwrap_err();
        assert!(error.to_string().starts_with("tier 2 goes further than tier 1"), "{error}");
        let nearer = Overrides { tier: Some(Tier::Listen), ..Overrides::default() };
        assert_eq!(file.consent(&nearer, &[], None).unwrap().tier, Tier::Listen);
    }

    #[test]
    fn from_outside_exactly_the_facilitys_own_addresses_are_asked() {
        let file = facility(&format!(
            "{FILE}outside = [\"203.0.113.0/29\", \"2001:db8:66::1/128\"]\ntier = 2\nresponder = \"198.51.100.9:3478\"\n\
             on_request = [{{ host = \"10.10.1.50\", probe = \"dicom\" }}]\n"
        ));
        let from = |overrides: Overrides| Overrides { vantage: Vantage::outside(), ..overrides };
        let consent = file.consent(&from(Overrides::default()), &connected(), None).unwrap();
        assert_eq!(consent.include.to_string(), "203.0.113.0/29, 2001:db8:66::1");
        assert_eq!((consent.tier, consent.responder), (Tier::Ask, None));
        assert!(consent.on_request.is_empty() && !consent.include.contains([10, 10, 1, 1].into()));
        let some = file.consent(&from(only(&["203.0.113.2"])), &[], None).unwrap();
        assert_eq!(some.include.to_string(), "203.0.113.2");
        let told = |overrides| file.consent(&from(overrides), &[], None).unwrap_err().to_string();
        assert!(
            told(only(&["10.10.1.1"])).starts_with("10.10.1.1 is not among the facility's own")
        );
        let further = Overrides { tier: Some(Tier::FirstRouter), ..Overrides::default() };
        assert!(told(further).contains("from outside nothing goes further than tier 1"));

        let named = Overrides { vantage: "ward-3".parse().unwrap(), ..Overrides::default() };
        let consent = file.consent(&named, &[], None).unwrap();
        assert!(consent.include.contains([10, 10, 1, 1].into()) && consent.responder.is_some());

        let without = facility(FILE).consent(&from(Overrides::default()), &[], None).unwrap_err();
        assert!(without.to_string().contains("write them into [scope] outside"), "{without}");
        let nameless =
            facility("[facility]\nname = \"x\"\n[scope]\noutside = [\"203.0.113.0/29\"]\n");
        let error = nameless.consent(&from(Overrides::default()), &connected(), None).unwrap_err();
        assert!(matches!(error, Error::Authorisation(_)), "{error}");
        let wide = facility(&FILE.replace("include", "outside = [\"32.0.0.0/3\"]\ninclude"));
        let error = wide.consent(&from(Overrides::default()), &[], None).unwrap_err();
        assert!(error.to_string().contains("is wider than a /8"), "{error}");
        let error = Consent::of_connected(&from(only(&["10.10.0.1"])), &connected(), true);
        assert!(matches!(error, Err(Error::OutsideWithoutFile)));
    }

    #[test]
    fn more_than_the_networks_next_to_us_needs_somebody_s_name() {
        let nameless = facility(&FILE.replace("2026-041", " "));
        let error = nameless.consent(&Overrides::default(), &connected(), None).unwrap_err();
        assert!(
            matches!(error, Error::Authorisation(_)) && error.to_string().starts_with("10.10.1.0 "),
            "{error}"
        );
        assert!(nameless.consent(&only(&["10.10.0.0/24"]), &connected(), None).is_ok());
        assert!(facility(FILE).consent(&Overrides::default(), &[], None).is_ok());
    }

    #[test]
    fn prefixes_of_others_are_looked_for_in_somebody_s_name_or_not_at_all() {
        let file = format!("{FILE}foreign = [\"tethering\"]\n");
        let consent = facility(&file).consent(&Overrides::default(), &[], None).unwrap();
        let phone = Contact {
            address: [192, 168, 42, 129].into(),
            mac: None,
            port: None,
            resolves: true,
            tier: Tier::Ask,
        };
        let now = crate::time::Timestamp::default();
        assert_eq!(consent.allows_foreign(&phone, now), Ok(()));
        assert!(consent.allows(&phone, now).is_err(), "it is not included for that");
        let excluded = Consent { exclude: target::blocks(["192.168.42.0/24"]).unwrap(), ..consent };
        assert_eq!(excluded.allows_foreign(&phone, now), Err(Refusal::Excluded(phone.address)));
        let off = facility(FILE).consent(&Overrides::default(), &[], None).unwrap();
        assert_eq!(off.allows_foreign(&phone, now), Err(Refusal::NotIncluded(phone.address)));
        let nameless = facility(&file.replace("2026-041", " "));
        let near = nameless.consent(&only(&["10.10.0.0/24"]), &connected(), None);
        assert!(matches!(near, Err(Error::Foreign)), "{near:?}");
    }

    #[test]
    fn hours_need_to_know_what_time_it_is_here() {
        let night = facility(&format!("{FILE}hours = [\"22:00-05:00\"]\n"));
        assert!(matches!(night.consent(&Overrides::default(), &[], None), Err(Error::TimeZone)));
        assert!(night.consent(&Overrides::default(), &[], Some(9 * 3600)).is_ok());
    }

    #[test]
    fn a_quicker_pace_leaves_the_fragile_alone() {
        let quick = Limits { profile: Some(Profile::Lab), ..Limits::default() };
        let quick = Overrides { pace: quick, ..Overrides::default() };
        let consent = facility(FILE).consent(&quick, &[], None).unwrap();
        assert_eq!(consent.pace, Pace::of(Profile::Lab));
        assert!(consent.fragile_ports.contains(&104) && !consent.fragile_makers.is_empty());
        let lab =
            facility(&format!("{FILE}[pace]\nprofile = \"lab\"\n[fragile]\nports = [8104]\n"));
        let consent = lab.consent(&Overrides::default(), &[], None).unwrap();
        assert_eq!((&*consent.fragile_ports, &*consent.fragile_makers), (&[8104][..], &[][..]));
    }

    #[test]
    fn without_a_file_only_what_is_next_to_us_is_asked_and_only_on_purpose() {
        let told = |words: &[&str], yes| Consent::of_connected(&only(words), &connected(), yes);
        assert!(told(&["10.10.0.1-20", "127.0.0.1", "::1"], true).is_ok());
        assert!(matches!(told(&["10.10.0.1"], false), Err(Error::Yes(_))));
        for far in ["10.11.0.1", "203.0.113.1", "8.8.8.8", "10.10.0.0/16"] {
            assert!(matches!(told(&[far], true), Err(Error::NotConnected(_))), "{far}");
        }
        assert!(matches!(told(&["224.0.0.1"], true), Err(Error::Reach(_))));
        assert!(matches!(told(&[], true), Err(Error::Nothing(_))));
        let further = Overrides { tier: Some(Tier::FirstRouter), ..only(&["10.10.0.1"]) };
        assert!(Consent::of_connected(&further, &connected(), true).is_err());
        let consent = told(&["10.10.0.1"], true).unwrap();
        assert_eq!((consent.pace, consent.tier), (Pace::of(Profile::Clinic), Tier::Ask));
        assert!(FRAGILE_PORTS.iter().all(|port| consent.fragile_ports.contains(port)));
    }
}
