//! The responder tells whoever asks from which address the question came, tells nothing else, to nobody at length, and
//! writes down each answer. All of it on loopback.
#![expect(clippy::disallowed_types, reason = "the other end of a test's conversation")]
#![expect(clippy::unwrap_used, reason = "what goes wrong should fail the test")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream, UdpSocket},
    process::{Child, Command, Stdio},
    time::Duration,
};

use sekisho::wire::stun::{self, Message, XOR_MAPPED_ADDRESS};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(20);

/// A responder of our own, which ends with this value.
struct Responder {
    child: Child,
    at: Vec<SocketAddr>,
}

impl Responder {
    /// Listens at a port that the system chooses, over both transports.
    fn open(listen: &[&str]) -> Self {
        // The port that one transport is given may be taken over the other.
        (0..5).find_map(|_| Self::try_open(listen)).expect("a port that is free over both")
    }

    fn try_open(listen: &[&str]) -> Option<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        command.args(["responder", "--tcp"]);
        for address in listen {
            command.args(["--listen", address]);
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut at = Vec::new();
        for _ in 0..listen.len() * 2 {
            let mut line = String::new();
            said.read_line(&mut line).unwrap();
            let words: Vec<&str> = line.split_whitespace().collect();
            let ["sekisho:", "answers", "on", address, "over", transport] = words[..] else {
                assert!(line.contains("another program"), "{line}");
                child.wait().unwrap();
                return None;
            };
            if transport == "udp" {
                at.push(address.parse().unwrap());
            }
        }
        child.stderr = Some(said.into_inner());
        Some(Self { child, at })
    }

    /// Ends it as Ctrl-C does; its lines, and what it said last.
    fn end(mut self) -> (Vec<Value>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(0));
        let (mut lines, mut said) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut lines).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), said)
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn asking(to: SocketAddr) -> UdpSocket {
    let own = if to.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let socket = UdpSocket::bind(own).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(to).unwrap();
    socket
}

/// What an answer says: the number of the exchange, and the address.
fn read(answer: &[u8]) -> ([u8; 12], SocketAddr) {
    let message = Message::parse(answer).unwrap();
    let [(XOR_MAPPED_ADDRESS, value)] = message.attributes[..] else { panic!("{message:?}") };
    assert_eq!((message.class, message.length), (stun::Class::Success, answer.len()));
    (message.transaction(), message.address(value, true).unwrap())
}

fn number(digit: u8) -> [u8; 12] {
    [digit; 12]
}

#[test]
fn a_question_over_either_ip_and_transport_is_answered_with_its_source_and_written_down() {
    let responder = Responder::open(&["127.0.0.1:0", "[::1]:0"]);
    let mut expected = Vec::new();
    for (to, length) in responder.at.iter().zip([32, 44]) {
        let socket = asking(*to);
        socket.send(&stun::ask(number(1))).unwrap();
        let mut buffer = [0; 100];
        let heard = socket.recv(&mut buffer).unwrap();
        let own = socket.local_addr().unwrap();
        assert_eq!((heard, read(&buffer[..heard])), (length, (number(1), own)));
        expected.push(("udp", own, "01".repeat(12)));

        let mut stream = TcpStream::connect(to).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let own = stream.local_addr().unwrap();
        // In two pieces, as a stream may bring it; then the next.
        let question = stun::ask(number(2));
        stream.write_all(&question[..7]).unwrap();
        stream.write_all(&question[7..]).unwrap();
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(read(&answer), (number(2), own));
        stream.write_all(&stun::ask(number(3))).unwrap();
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(read(&answer), (number(3), own));
        expected.push(("tcp", own, "02".repeat(12)));
        expected.push(("tcp", own, "03".repeat(12)));
    }
    let (lines, said) = responder.end();
    let line = |line: &Value| {
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        assert!(text("at").starts_with("20") && text("at").ends_with('Z'), "{line}");
        (text("transport"), text("from"), text("transaction"))
    };
    let of = |(transport, from, transaction): &(&str, SocketAddr, String)| {
        ((*transport).to_owned(), from.to_string(), transaction.clone())
    };
    assert_eq!(
        lines.iter().map(line).collect::<Vec<_>>(),
        expected.iter().map(of).collect::<Vec<_>>()
    );
    assert!(
        said.contains("6 questions answered, 0 came too fast, 0 asked something else"),
        "{said}"
    );
}

#[test]
fn what_is_no_plain_question_is_left_without_an_answer() {
    let responder = Responder::open(&["127.0.0.1:0"]);
    let socket = asking(responder.at[0]);
    let plain = stun::ask(number(7));
    let others = [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0; 1400],
        Vec::new(),
        // It asks to be answered from elsewhere, as RFC 3489 had it.
        [&plain[..2], &[0, 8], &plain[4..], &[0, 3, 0, 4, 0, 0, 0, 6]].concat(),
        // TURN: it would borrow an address.
        [&[0, 3], &plain[2..]].concat(),
        stun::tell(number(7), "203.0.113.9:1".parse().unwrap()),
    ];
    for said in &others {
        socket.send(said).unwrap();
        let mut stream = TcpStream::connect(responder.at[0]).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // It may be gone before it was told all.
        let _ = stream.write_all(said);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty(), "{said:02x?}: {answer:02x?}");
    }
    // Datagrams on loopback keep their order: the first answer is to the last question.
    socket.send(&stun::ask(number(8))).unwrap();
    let mut buffer = [0; 100];
    let heard = socket.recv(&mut buffer).unwrap();
    assert_eq!(read(&buffer[..heard]).0, number(8));
    let (lines, _) = responder.end();
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[test]
fn whoever_asks_too_fast_is_left_waiting() {
    let responder = Responder::open(&["127.0.0.1:0"]);
    let socket = asking(responder.at[0]);
    for digit in 0..200 {
        socket.send(&stun::ask(number(digit))).unwrap();
    }
    let other = UdpSocket::bind("127.0.0.2:0").unwrap();
    other.set_read_timeout(Some(PATIENCE)).unwrap();
    other.send_to(&stun::ask(number(201)), responder.at[0]).unwrap();
    let mut buffer = [0; 100];
    let (heard, _) = other.recv_from(&mut buffer).unwrap();
    assert_eq!(read(&buffer[..heard]).0, number(201), "another source is answered");
    let (lines, said) = responder.end();
    // Ten at once, and one more for each second that all this took.
    let own = lines.iter().filter(|line| line["from"].as_str().unwrap().starts_with("127.0.0.1:"));
    let own = own.count();
    assert!((10..200).contains(&own), "{own} answers");
    assert!(said.contains(" came too fast"), "{said}");
}

#[test]
fn a_source_holds_four_connections_and_the_next_one_is_ended() {
    let responder = Responder::open(&["127.0.0.1:0"]);
    let mut held: Vec<TcpStream> =
        (0..5).map(|_| TcpStream::connect(responder.at[0]).unwrap()).collect();
    let mut last = held.pop().unwrap();
    last.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(last.read(&mut [0; 9]).unwrap(), 0, "it is ended without a word");
    for stream in &mut held {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&stun::ask(number(4))).unwrap();
        stream.read_exact(&mut [0; 32]).unwrap();
    }
    drop(held);
}

#[test]
fn an_address_that_is_taken_is_told_with_the_way_out() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    let done = command.args(["responder", "--listen", &address]).output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(3), "{said}");
    assert!(said.contains(&address) && said.contains("another program listens there"), "{said}");
}
