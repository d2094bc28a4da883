//! Observations for programs: one JSON object a line.

use std::io::{self, Write};

use serde::{Serialize, Serializer};
use serde_json::ser::CompactFormatter;

use super::json::Plain;
use crate::{
    observe::{Confidence, Endpoint, Facts, Heard, Observation, PacketId, Side},
    time::Timestamp,
};

#[derive(Serialize)]
struct Line<'a> {
    at: Timestamp,
    heard: Heard,
    packet: Packet<'a>,
    speaker: &'a Endpoint,
    listener: Option<&'a Endpoint>,
    protocol: &'static str,
    side: Side,
    confidence: Confidence,
    facts: &'a Facts,
}

/// A packet as `file#number`.
struct Packet<'a> {
    id: PacketId,
    file: Option<&'a str>,
}

impl Serialize for Packet<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.file {
            Some(name) => serializer.collect_str(&format_args!("{name}#{}", self.id.number)),
            None => serializer.collect_str(&format_args!("{}#{}", self.id.file, self.id.number)),
        }
    }
}

/// Writes observations one a line, in the order given; `names` are those of the files that were read, as
/// [`PacketId::file`] counts them.
pub fn write_observations<'a>(
    observations: impl IntoIterator<Item = &'a Observation>,
    names: &[impl AsRef<str>],
    out: &mut impl Write,
) -> io::Result<()> {
    for observation in observations {
        let place = usize::try_from(observation.packet.file);
        let file = place.ok().and_then(|place| names.get(place)).map(AsRef::as_ref);
        let line = Line {
            at: observation.at,
            heard: observation.heard,
            packet: Packet { id: observation.packet, file },
            speaker: &observation.speaker,
            listener: observation.listener.as_ref(),
            protocol: observation.protocol,
            side: observation.side,
            confidence: observation.confidence,
            facts: &observation.facts,
        };
        let format = Plain(CompactFormatter);
        line.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, format))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Transport;

    #[test]
    fn a_line_holds_what_the_contract_says() {
        let end = |ip: &str, port| Endpoint {
            ip: Some(ip.parse().unwrap()),
            mac: Some("00:00:5e:00:53:01".parse().unwrap()),
            port: Some(port),
            transport: Transport::Tcp,
        };
        let observation = Observation {
            at: Timestamp::new(1_775_003_405, 0),
            packet: PacketId { file: 0, number: 12 },
            heard: Heard::Overheard,
            speaker: end("192.0.2.1", 22),
            listener: None,
            protocol: "ssh",
            side: Side::Server,
            confidence: Confidence::Certain,
            facts: Facts::default().with("ssh.banner", "a\u{202e}\u{1b}b"),
        };
        let mut out = Vec::new();
        write_observations([&observation], &["a.pcap"], &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"at":"2026-04-01T00:30:05Z","heard":"overheard","packet":"a.pcap#12","#,
                r#""speaker":{"ip":"192.0.2.1","mac":"00:00:5e:00:53:01","port":22,"transport":"tcp"},"#,
                r#""listener":null,"protocol":"ssh","side":"server","confidence":"certain","#,
                r#""facts":{"ssh.banner":"a\u202e\u001bb"}}"#,
                "\n"
            )
        );
    }
}
