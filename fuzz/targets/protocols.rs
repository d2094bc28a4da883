//! Every protocol is asked about anything, on any port and in any situation, and answers within its bounds.
//!
//! Input: which protocol (one byte; above all of them, all), flags, two ports, how long `answering` and `earlier`
//! are (one byte each, times 4), then these two and the message.

use sekisho::observe::{
    End, Facts, PROTOCOLS, Protocol, Rest, Said, Transport, facts::LONGEST_VALUE,
};

/// How many facts a message may give.
const MOST_FACTS: usize = 96;

/// Asks as the input says.
pub(crate) fn run(input: &[u8]) {
    let Some(([which, flags, a, b, c, d, answering, earlier], rest)) = input.split_first_chunk()
    else {
        return;
    };
    let (answering, rest) = rest.split_at(rest.len().min(usize::from(*answering) * 4));
    let (earlier, bytes) = rest.split_at(rest.len().min(usize::from(*earlier) * 4));
    let transport = match flags & 3 {
        0 => Transport::Ethernet,
        1 => Transport::Ip,
        2 => Transport::Udp,
        _ => Transport::Tcp,
    };
    let begun_by = match flags >> 2 & 3 {
        0 => None,
        1 => Some(End::Speaker),
        _ => Some(End::Listener),
    };
    let said = Said {
        transport,
        answering,
        earlier,
        begun_by,
        open: flags & 16 != 0,
        ..Said::datagram(u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]), bytes)
    };
    match PROTOCOLS.get(usize::from(*which)) {
        Some(protocol) => ask(protocol, &said),
        None => PROTOCOLS.iter().for_each(|protocol| ask(protocol, &said)),
    }
}

fn ask(protocol: &Protocol, said: &Said<'_>) {
    let Ok(finding) = (protocol.read)(said) else { return };
    bounded(protocol.name, &finding.facts);
    assert_ne!(finding.rest, Rest::Same(0), "{} would be read again and again", protocol.name);
    assert_eq!(
        (protocol.read)(said).as_ref(),
        Ok(&finding),
        "{} reads the same bytes differently",
        protocol.name
    );
}

fn bounded(name: &str, facts: &Facts) {
    assert!(facts.iter().count() <= MOST_FACTS, "{name}: {} facts", facts.iter().count());
    for (field, value) in facts.iter() {
        assert!(value.len() <= LONGEST_VALUE, "{field}: {} bytes", value.len());
        assert!(!value.contains(char::is_control), "{field}: {value:?} holds control characters");
    }
}
