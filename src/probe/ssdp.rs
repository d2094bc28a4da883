//! Asks a host whether it is a UPnP gateway, or any UPnP device, and where it describes itself.

use super::{Intrusion, Probe, either};
use crate::{observe, wire::ssdp};

/// A gateway of a line to the outside.
const GATEWAY: &str = "urn:schemas-upnp-org:device:InternetGatewayDevice:1";

/// Any device.
const ROOT: &str = "upnp:rootdevice";

/// Within how many seconds an answer is wanted.
const SECONDS: u8 = 2;

/// A search sent to one host, not to the group.
pub static PROBE: Probe = Probe {
    name: "ssdp",
    asks: "asks whether a gateway stands here and, to silence, any device; the answer tells its software and where it describes itself",
    protocol: &observe::ssdp::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[1900],
    intrusion: Intrusion::Ordinary,
    source: "UPnP Device Architecture 1.1, 1.3.2",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| {
        either(heard, || ssdp::search(GATEWAY, SECONDS), || ssdp::search(ROOT, SECONDS))
    },
};

#[cfg(test)]
mod tests {
    use super::{
        super::{Step, rehearsal::*},
        *,
    };
    use crate::observe::{Confidence, Side};

    #[test]
    fn a_gateway_tells_where_it_describes_itself() {
        let ask = ask("192.0.2.1:1900");
        let question = question(&PROBE, &ask);
        let answer = reply("ssdp/answer");
        assert_eq!(hears(&PROBE, &ask, 1, &answer), Step::Done);
        let finding = understood(&PROBE, &ask, &question, &answer);
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Certain));
        assert!(finding.facts.get("ssdp.location").is_some());
    }

    #[test]
    fn silence_is_asked_once_more_for_any_device() {
        let ask = ask("192.0.2.1:1900");
        let second = said(waits(&PROBE, &ask, 1));
        assert!(String::from_utf8(second).unwrap().contains("ST: upnp:rootdevice\r\n"));
        assert_eq!(waits(&PROBE, &ask, 2), Step::Done);
    }
}
