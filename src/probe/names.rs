//! The questions for names, in messages of the resolver that we do not let near a socket (ADR 14): they go the way
//! of every other packet. None asks for recursion, so that what is asked inside is not carried outside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hickory_resolver::proto::{
    op::{Message, MessageType, OpCode, Query},
    rr::{DNSClass, Name, RecordType},
};

use crate::{observe::Facts, wire::dns};

/// The fact, among what is known of a name server, that says which addresses it shall be asked about.
pub const WANTED: &str = "names.wanted";

/// How many addresses one dialogue with a server asks about.
pub const MOST: usize = 64;

/// The question for the name behind `address`.
pub fn ptr_question(id: u16, address: IpAddr) -> Vec<u8> {
    question(id, Name::from(address.to_canonical()), RecordType::PTR, DNSClass::IN)
}

/// The question for the version of a server's software (in the class in which servers tell about themselves).
pub fn version_question(id: u16) -> Vec<u8> {
    question(id, version(), RecordType::TXT, DNSClass::CH)
}

/// What to tell the probe [`super::dns::NAMES`] as known, so that it asks for the names of all `addresses`: one
/// lot for each dialogue.
pub fn wanted(addresses: &[IpAddr]) -> Vec<Facts> {
    let lot =
        |lot: &[IpAddr]| lot.iter().fold(Facts::default(), |facts, at| facts.with(WANTED, at));
    addresses.chunks(MOST).map(lot).collect()
}

/// The longest name of a host, in bytes.
const LONGEST_NAME: usize = 253;

/// The address and the name behind it that an answer to [`ptr_question`] tells.
pub fn answered(bytes: &[u8]) -> Option<(IpAddr, String)> {
    let message = dns::Message::parse(bytes).ok()?;
    let [question] = message.questions.as_slice() else { return None };
    if !message.answers() || question.kind != dns::PTR || question.class != dns::IN {
        return None;
    }
    let record = message.records.iter().find(|record| {
        record.kind == dns::PTR
            && record.class == dns::IN
            && record.name.eq_ignore_ascii_case(&question.name)
    })?;
    let name = String::from_utf8(message.name_in(record, 0).ok()?).ok()?.to_ascii_lowercase();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_name = !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(fits);
    Some((address(&question.name)?, name)).filter(|_| is_name)
}

/// The address that a reverse name stands for (RFC 1035, 3.5; RFC 3596, 2.5).
fn address(name: &[u8]) -> Option<IpAddr> {
    let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
    if let Some(labels) = name.strip_suffix(".in-addr.arpa") {
        let octets: Vec<u8> =
            labels.rsplit('.').map(|label| label.parse().ok()).collect::<Option<_>>()?;
        return Some(Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?).into());
    }
    let labels = name.strip_suffix(".ip6.arpa")?;
    let digits: Vec<&str> = labels.rsplit('.').collect();
    if digits.len() != 32 || digits.iter().any(|digit| digit.len() != 1) {
        return None;
    }
    Some(Ipv6Addr::from(u128::from_str_radix(&digits.concat(), 16).ok()?).into())
}

fn version() -> Name {
    Name::from_ascii("version.bind.").expect("two short labels are a name")
}

fn question(id: u16, name: Name, kind: RecordType, class: DNSClass) -> Vec<u8> {
    let mut query = Query::query(name, kind);
    query.set_query_class(class);
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = false;
    message.add_query(query);
    message.to_vec().expect("one question of a name that exists fits a message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::dns::{self, CHAOS, IN, PTR, TXT};

    #[test]
    fn the_resolver_writes_what_our_reader_reads() {
        let read = |bytes: &[u8]| {
            let message = dns::Message::parse(bytes).unwrap();
            assert_eq!((message.id, message.flags, message.length), (7, 0, bytes.len()));
            let question = message.questions[0].clone();
            (String::from_utf8(question.name).unwrap(), question.kind, question.class)
        };
        let name = |name: &str, kind, class| (name.to_owned(), kind, class);
        assert_eq!(read(&version_question(7)), name("version.bind", TXT, CHAOS));
        let four = read(&ptr_question(7, "192.0.2.1".parse().unwrap()));
        assert_eq!(four, name("1.2.0.192.in-addr.arpa", PTR, IN));
        let six = read(&ptr_question(7, "2001:db8::1".parse().unwrap()));
        assert!(six.0.starts_with("1.0.0.0.") && six.0.ends_with(".8.b.d.0.1.0.0.2.ip6.arpa"));
    }

    #[test]
    fn an_answer_tells_a_name_that_a_host_may_have() {
        let answer = |address: IpAddr, name: &str| {
            let labels: Vec<u8> = name
                .split('.')
                .flat_map(|label| {
                    [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat()
                })
                .chain([0])
                .collect();
            let length = u16::try_from(labels.len()).unwrap().to_be_bytes();
            let question = ptr_question(7, address);
            let record = [&[0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 9], &length[..], &labels].concat();
            [&[0, 7, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0], &question[12..], &record].concat()
        };
        for at in ["192.0.2.7", "2001:db8::7"].map(|at| at.parse::<IpAddr>().unwrap()) {
            let told = answered(&answer(at, "Gate.Example"));
            assert_eq!(told, Some((at, "gate.example".to_owned())));
            assert_eq!(answered(&answer(at, "gate example")), None);
            assert_eq!(answered(&ptr_question(7, at)), None, "a question is no answer");
        }
        assert_eq!(address(b"1.2.0.192.example"), None);
        assert_eq!(address(b"2.0.192.in-addr.arpa"), None);
    }

    #[test]
    fn many_addresses_are_asked_in_lots() {
        let addresses: Vec<IpAddr> = (0..130).map(|n| IpAddr::from([192, 0, 2, n])).collect();
        let lots = wanted(&addresses);
        let sizes: Vec<usize> = lots.iter().map(|lot| lot.all(WANTED).count()).collect();
        assert_eq!(sizes, [64, 64, 2]);
    }
}
