//! What commands that ask have in common: whom, how far, how fast and for how long; and how users of other scanners
//! spell it.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use ipnetwork::IpNetwork;

use crate::scope::{
    Blocks, Consent, Facility, Overrides, Profile, Rate, Tier, Vantage, facility, grant, pace,
    target,
};

/// Options of every command that asks.
#[derive(Debug, Clone, Default, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(next_help_heading = "Scope and pace")]
pub(super) struct Limits {
    /// Whom to ask: addresses, networks and ranges such as 10.0.0.1-20 or 10.0.0-3.1-254; with --scope, only
    /// these of it
    #[arg(value_name = "TARGET")]
    pub(super) targets: Vec<String>,
    /// The facility file: what may be asked, when, how far and how fast
    #[arg(long, value_name = "FILE")]
    pub(super) scope: Option<PathBuf>,
    /// Read targets from a file; `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub(super) input_list: Vec<PathBuf>,
    /// Leave these targets out, with commas between them
    #[arg(long, value_name = "TARGETS")]
    pub(super) exclude: Vec<String>,
    /// Leave the targets in a file out
    #[arg(long, alias = "excludefile", value_name = "FILE")]
    pub(super) exclude_file: Vec<PathBuf>,
    /// The most packets a second in all; 0 for no cap
    #[arg(long, alias = "max-rate", value_name = "PACKETS")]
    pub(super) rate: Option<u32>,
    /// The most packets a second to one host; 0 for no cap
    #[arg(long, value_name = "PACKETS")]
    pub(super) per_host_rate: Option<u32>,
    /// The least time between two packets that one gateway must answer itself, such as 500ms
    #[arg(long, value_name = "TIME", value_parser = pace::duration)]
    pub(super) gateway_interval: Option<Duration>,
    /// Begin nothing new after this time, such as 30m or 2h; what is missing is told
    #[arg(long, value_name = "TIME", value_parser = run_time)]
    pub(super) max_runtime: Option<Duration>,
    /// How far packets may go: 0 nowhere, 1 to hosts in scope, 2 to the carrier's first router, 3 to the responder
    #[arg(long, value_name = "TIER", value_parser = tier)]
    pub(super) tier: Option<Tier>,
    /// How hard: clinic, office or lab; --rate and its kin override parts
    #[arg(long, value_name = "PROFILE", value_parser = profile())]
    pub(super) profile: Option<Profile>,
    /// How hard, as other scanners say it
    #[arg(short = 'T', value_name = "TEMPLATE", value_parser = template, hide = true, conflicts_with = "profile")]
    pub(super) template: Option<Profile>,
    /// Ask from this interface only; may be given several times
    #[arg(long, short = 'e', value_name = "NAME")]
    pub(super) interface: Vec<String>,
    /// The networks that are named here without a facility file are ours to ask
    #[arg(long)]
    pub(super) yes: bool,
    /// Say what would be asked and how many packets it takes, and send nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// List the addresses that would be asked, one a line, and send nothing
    #[arg(long)]
    pub(super) list: bool,
    /// List the interfaces of this machine, and send nothing
    #[arg(long)]
    pub(super) iflist: bool,
    /// From where; only some commands ask.
    #[arg(skip)]
    pub(super) vantage: Vantage,
}

/// Why there is nobody to ask.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The facility file.
    #[error(transparent)]
    Facility(#[from] facility::Error),
    /// A target on the command line, or in a file that it names.
    #[error("{option}: {source}")]
    Target {
        /// Where it stands.
        option: &'static str,
        /// What is wrong.
        source: target::Error,
    },
    /// What is asked for goes further than what is allowed.
    #[error(transparent)]
    Grant(#[from] grant::Error),
}

impl Limits {
    /// What may be sent, and the facility that says so, if there is a facility file. `connected` are the networks on
    /// our own links, `offset` the seconds that local time is ahead of UTC; none where the system does not say.
    pub(super) fn consent(
        &self,
        connected: &[IpNetwork],
        offset: Option<i32>,
    ) -> Result<(Option<Facility>, Consent), Error> {
        let overrides = self.overrides()?;
        match self.scope.as_deref().map(Facility::load).transpose()? {
            Some(facility) => {
                let consent = facility.consent(&overrides, connected, offset)?;
                Ok((Some(facility), consent))
            }
            None => Ok((None, Consent::of_connected(&overrides, connected, self.yes)?)),
        }
    }

    /// Whom the command line names, if anybody.
    pub(super) fn named(&self) -> Result<Option<Blocks>, Error> {
        if self.targets.is_empty() && self.input_list.is_empty() {
            return Ok(None);
        }
        all("TARGET", &self.targets, "--input-list", &self.input_list).map(Some)
    }

    /// Whom the command line leaves out.
    pub(super) fn left_out(&self) -> Result<Blocks, Error> {
        all("--exclude", &self.exclude, "--exclude-file", &self.exclude_file)
    }

    /// What the command line alone says.
    fn overrides(&self) -> Result<Overrides, Error> {
        Ok(Overrides {
            targets: self.named()?,
            exclude: self.left_out()?,
            tier: self.tier,
            vantage: self.vantage.clone(),
            pace: pace::Limits {
                profile: self.profile.or(self.template),
                rate: self.rate.map(Rate::from),
                per_host: self.per_host_rate.map(Rate::from),
                gateway_interval: self.gateway_interval,
            },
        })
    }
}

/// The addresses that words and files name.
fn all(
    option: &'static str,
    words: &[String],
    file_option: &'static str,
    files: &[PathBuf],
) -> Result<Blocks, Error> {
    let blocks = target::blocks(words).map_err(|source| Error::Target { option, source })?;
    files.iter().try_fold(blocks, |blocks, file| {
        let more = target::read(file);
        let more = more.map_err(|source| Error::Target { option: file_option, source })?;
        Ok(blocks.union(&more))
    })
}

fn tier(text: &str) -> Result<Tier, String> {
    let number = text.parse().ok().and_then(Tier::of_number);
    number.ok_or_else(|| "there are the tiers 0, 1, 2 and 3".to_owned())
}

/// The profiles by their names, which help and completions show.
fn profile() -> impl clap::builder::TypedValueParser<Value = Profile> {
    use clap::builder::TypedValueParser as _;
    let names = Profile::ALL.map(Profile::name);
    clap::builder::PossibleValuesParser::new(names).try_map(|name| name.parse::<Profile>())
}

/// A timing template of nmap. The ones that hurry are not offered: what they mean in a hospital is said in full.
fn template(text: &str) -> Result<Profile, String> {
    match text {
        "0" | "1" | "2" | "paranoid" | "sneaky" | "polite" => Ok(Profile::Clinic),
        "3" | "normal" => Ok(Profile::Office),
        _ => Err("there are -T0 to -T3; for more, say --profile lab or --rate".to_owned()),
    }
}

fn run_time(text: &str) -> Result<Duration, String> {
    let time = pace::duration(text).map_err(|error| error.to_string())?;
    if time.is_zero() { Err("a run of no time asks nothing".to_owned()) } else { Ok(time) }
}

/// The commands whose arguments may be spelt as nmap spells them.
const ASKING: &[&str] = &["scan", "sweep"];

/// How nmap spells options in a way that this command line reads otherwise, how it is spelt here, and whether a value
/// may follow at once.
const SPELT: &[(&str, &str, bool)] = &[
    ("-iL", "--input-list", true),
    ("-sL", "--list", false),
    ("-sn", "--no-ports", false),
    ("-p", "--ports", true),
];

/// The arguments of a command line, with the options of nmap spelt as they are here. Arguments of commands that ask
/// nobody stay as they are, and so does what stands behind `--`.
pub(super) fn spelt(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut all: Vec<OsString> = arguments.into_iter().collect();
    let asks = all.get(1).and_then(|command| command.to_str());
    if asks.is_some_and(|command| ASKING.contains(&command)) {
        let options = all.iter_mut().skip(2).take_while(|argument| *argument != "--");
        for argument in options {
            if let Some(right) = argument.to_str().and_then(respelt) {
                *argument = right.into();
            }
        }
    }
    all
}

fn respelt(argument: &str) -> Option<String> {
    SPELT.iter().find_map(|(theirs, ours, takes)| match argument.strip_prefix(theirs)? {
        "" => Some((*ours).to_owned()),
        value if *takes => Some(format!("{ours}={}", value.strip_prefix('=').unwrap_or(value))),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        limits: Limits,
    }

    fn parsed(arguments: &[&str]) -> Result<Limits, String> {
        let words = ["sekisho", "scan"].iter().chain(arguments).map(OsString::from);
        let mut words = spelt(words);
        words.remove(1);
        Line::try_parse_from(words).map(|line| line.limits).map_err(|error| error.to_string())
    }

    fn read(arguments: &[&str]) -> Limits {
        parsed(arguments).unwrap()
    }

    fn respelt_all(arguments: &[&str]) -> Vec<String> {
        let words = spelt(arguments.iter().map(OsString::from));
        words.into_iter().map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn options_are_taken_as_nmap_spells_them() {
        assert_eq!(
            respelt_all(&[
                "sekisho", "scan", "-iL", "f", "-sL", "-sn", "-p", "80", "-p80,443", "-p-", "-iLf"
            ]),
            [
                "sekisho",
                "scan",
                "--input-list",
                "f",
                "--list",
                "--no-ports",
                "--ports",
                "80",
                "--ports=80,443",
                "--ports=-",
                "--input-list=f",
            ]
        );
        for others in [
            &["sekisho", "replay", "-p", "f"][..],
            &["sekisho", "sweep", "--", "-sL"],
            &["sekisho", "scan", "-snx", "--ports", "-e", "eth0"],
            &["sekisho"],
        ] {
            assert_eq!(respelt_all(others), others, "{others:?}");
        }
    }

    #[test]
    fn limits_are_read_from_the_command_line() {
        let limits = read(&[
            "10.0.0.0/24",
            "--exclude",
            "10.0.0.1",
            "--excludefile",
            "x",
            "--rate",
            "0",
            "--per-host-rate",
            "5",
            "--gateway-interval",
            "500ms",
            "--max-runtime",
            "2h",
            "--tier",
            "1",
            "-e",
            "eth1",
            "--interface",
            "eth2",
            "-sL",
            "-T3",
            "-iL",
            "-",
        ]);
        assert_eq!(
            (limits.rate, limits.per_host_rate, limits.tier),
            (Some(0), Some(5), Some(Tier::Ask))
        );
        assert_eq!(limits.max_runtime, Some(Duration::from_hours(2)));
        assert_eq!(limits.template, Some(Profile::Office));
        assert_eq!(
            (limits.interface, limits.list),
            (vec!["eth1".to_owned(), "eth2".to_owned()], true)
        );
        assert_eq!((limits.input_list, limits.exclude_file), (vec!["-".into()], vec!["x".into()]));
        assert_eq!(read(&["--profile", "lab"]).profile, Some(Profile::Lab));
        for (wrong, told) in [
            (&["-T4"][..], "say --profile lab"),
            (&["--profile", "clinical"], "clinic, office, lab"),
            (&["--tier", "4"], "there are the tiers 0, 1, 2 and 3"),
            (&["--max-runtime", "0s"], "asks nothing"),
            (&["--max-runtime", "30"], "write a number and a unit"),
            (&["-T1", "--profile", "lab"], "cannot be used with"),
        ] {
            let error = parsed(wrong).unwrap_err();
            assert!(error.contains(told), "{wrong:?}: {error}");
        }
    }

    #[test]
    fn a_command_line_becomes_consent() {
        let desk = tempfile::tempdir().unwrap();
        let path = |name: &str| desk.path().join(name).to_str().unwrap().to_owned();
        let facility = "[facility]\nname = \"x\"\nauthorisation = \"y\"\n[scope]\ninclude = [\"10.10.0.0/16\"]\n";
        fs::write(path("facility.toml"), facility).unwrap();
        fs::write(path("wards"), "10.10.1.0/24 # the first\n10.10.2.0/24\n").unwrap();
        fs::write(path("not"), "10.10.1.7\n").unwrap();
        let limits = read(&[
            "--scope",
            &path("facility.toml"),
            "-iL",
            &path("wards"),
            "10.10.3.1",
            "--excludefile",
            &path("not"),
            "--exclude",
            "10.10.2.0/25,10.10.2.255",
            "--rate",
            "5",
        ]);
        let (facility, consent) = limits.consent(&[], None).unwrap();
        assert_eq!(facility.unwrap().name, "x");
        assert_eq!(consent.include.count_v4(), 513);
        assert_eq!(consent.exclude.to_string(), "10.10.1.7, 10.10.2.0/25, 10.10.2.255");
        assert_eq!(consent.pace.rate, Some(5));

        let told = |arguments: &[&str]| read(arguments).consent(&[], None).unwrap_err().to_string();
        assert_eq!(
            told(&[]),
            "there is nothing to ask; name targets, or a facility file by --scope"
        );
        assert!(told(&["127.0.0.1"]).contains("only with --yes"));
        assert!(told(&["8.8.8.8", "--yes"]).contains("write a facility file"));
        assert!(told(&["pacs"]).starts_with("TARGET: `pacs` is a host name"));
        assert!(told(&["--exclude", "x/8", "127.0.0.1"]).starts_with("--exclude: "));
        assert!(
            told(&["--scope", &path("facility.toml"), "10.11.0.1"]).contains("not in the scope")
        );
        assert!(told(&["--scope", &path("none.toml")]).contains("none.toml"));
        let (facility, consent) = read(&["127.0.0.0/30", "--yes"]).consent(&[], None).unwrap();
        assert!(facility.is_none() && consent.include.count_v4() == 4);
    }
}
