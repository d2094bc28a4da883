//! The questions for names, in messages of the resolver that we do not let near a socket (ADR 14): they go the way
//! of every other packet. None asks for recursion, so that what is asked inside is not carried outside.

use std::net::IpAddr;

use hickory_resolver::proto::{
    op::{Message, MessageType, OpCode, Query},
    rr::{DNSClass, Name, RecordType},
};

use crate::observe::Facts;

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
    fn many_addresses_are_asked_in_lots() {
        let addresses: Vec<IpAddr> = (0..130).map(|n| IpAddr::from([192, 0, 2, n])).collect();
        let lots = wanted(&addresses);
        let sizes: Vec<usize> = lots.iter().map(|lot| lot.all(WANTED).count()).collect();
        assert_eq!(sizes, [64, 64, 2]);
    }
}
