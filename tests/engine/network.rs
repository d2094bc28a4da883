//! A network in memory that counts what is sent, with servers that are closures.

use std::{
    cell::Cell,
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    rc::Rc,
    time::Duration,
};

use sekisho::{
    link::{Act, Call, CallId, Event, Link, Refused, Speaker, What},
    scope::Refusal,
    time::Timestamp,
};

/// What an end says when something is said to it, and whether it then ends.
type Answer = Box<dyn FnMut(&[u8]) -> (Vec<u8>, bool)>;

/// One connection's other end.
pub(crate) struct Server {
    /// Milliseconds until it opens.
    opens_after: u64,
    first: Vec<u8>,
    answer: Answer,
    drip: Option<(Vec<u8>, u64)>,
    flood: u64,
    heard: Vec<u8>,
}

impl Server {
    pub(crate) fn mute() -> Self {
        Self::decides(|_| (Vec::new(), false))
    }

    pub(crate) fn speaks(first: &[u8]) -> Self {
        Self { first: first.to_owned(), ..Self::mute() }
    }

    /// Opens after so many milliseconds.
    pub(crate) fn late(self, opens_after: u64) -> Self {
        Self { opens_after, ..self }
    }

    /// Says this to everything.
    pub(crate) fn answers(mut answer: impl FnMut(&[u8]) -> Vec<u8> + 'static) -> Self {
        Self::decides(move |bytes| (answer(bytes), false))
    }

    /// Says this to the first thing, then ends.
    pub(crate) fn ends_after(mut answer: impl FnMut(&[u8]) -> Vec<u8> + 'static) -> Self {
        Self::decides(move |bytes| (answer(bytes), true))
    }

    pub(crate) fn decides(answer: impl FnMut(&[u8]) -> (Vec<u8>, bool) + 'static) -> Self {
        Self {
            opens_after: 1,
            first: Vec::new(),
            answer: Box::new(answer),
            drip: None,
            flood: 0,
            heard: Vec::new(),
        }
    }

    /// Says this again and again, so many milliseconds apart, without end.
    pub(crate) fn drips(bytes: &[u8], every: u64) -> Self {
        Self { drip: Some((bytes.to_owned(), every)), ..Self::mute() }
    }

    /// Says so many bytes as fast as it can.
    pub(crate) fn floods(bytes: u64) -> Self {
        Self { flood: bytes, ..Self::mute() }
    }
}

/// A web server of one page.
pub(crate) fn web(html: &'static str) -> Server {
    Server::ends_after(move |_| crate::page(html))
}

#[derive(Default)]
pub(crate) struct Network {
    now: u64,
    /// Nanoseconds that went by while somebody looked at the clock.
    looked: Cell<u64>,
    events: BTreeMap<(u64, u64), What>,
    number: u64,
    servers: BTreeMap<SocketAddr, Rc<dyn Fn() -> Server>>,
    refusing: Vec<SocketAddr>,
    open: BTreeMap<CallId, (Call, Option<Server>)>,
    last: BTreeMap<IpAddr, u64>,
    /// Milliseconds between two packets to one host.
    gap: u64,
    stop_at: Option<u64>,
    /// What was opened: when, with whom, for which probe.
    pub(crate) opened: Vec<(u64, SocketAddr, &'static str)>,
    /// What was said: when, in which call.
    pub(crate) said: Vec<(u64, Call, Vec<u8>)>,
    pub(crate) clear: Vec<(CallId, Speaker, Vec<u8>)>,
    pub(crate) notes: Vec<String>,
    pub(crate) most_open: usize,
    pub(crate) most_with_one_host: usize,
    pub(crate) too_soon: u64,
    pub(crate) heard: usize,
}

impl Network {
    /// One that takes a packet to a host every so many milliseconds.
    pub(crate) fn paced(gap: u64) -> Self {
        Self { gap, ..Self::default() }
    }

    /// One whose user wants an end after so many milliseconds.
    pub(crate) fn stopping_at(moment: u64) -> Self {
        Self { stop_at: Some(moment), ..Self::default() }
    }

    pub(crate) fn serve(&mut self, to: &str, server: impl Fn() -> Server + 'static) {
        self.servers.insert(to.parse().unwrap(), Rc::new(server));
    }

    pub(crate) fn refuse(&mut self, to: &str) {
        self.refusing.push(to.parse().unwrap());
    }

    pub(crate) fn elapsed(&self) -> u64 {
        self.now
    }

    pub(crate) fn open_now(&self) -> usize {
        self.open.len()
    }

    /// The names of the probes, as they were opened.
    pub(crate) fn questions(&self) -> Vec<&'static str> {
        self.opened.iter().map(|(_, _, probe)| *probe).collect()
    }

    pub(crate) fn sent_to(&self, host: IpAddr) -> Vec<u64> {
        let opened = self.opened.iter().filter(|(_, to, _)| to.ip() == host).map(|(at, ..)| *at);
        let said = self.said.iter().filter(|(_, call, _)| call.to.ip() == host);
        let mut sent: Vec<u64> = opened.chain(said.map(|(at, ..)| *at)).collect();
        sent.sort_unstable();
        sent
    }

    pub(crate) fn said_at(&self, probe: &str) -> Vec<u64> {
        let of = self.said.iter().filter(|(_, call, _)| call.probe == probe);
        of.map(|(at, ..)| *at).collect()
    }

    pub(crate) fn said_by(&self, probe: &str) -> Vec<&[u8]> {
        let of = self.said.iter().filter(|(_, call, _)| call.probe == probe);
        of.map(|(_, _, said)| said.as_slice()).collect()
    }

    /// The paths that were asked for in clear.
    pub(crate) fn paths(&self) -> Vec<String> {
        let paths = self.said.iter().filter_map(|(_, _, said)| path(said));
        paths.collect()
    }

    pub(crate) fn paths_of(&self, to: &str) -> Vec<String> {
        let to: SocketAddr = to.parse().unwrap();
        let said = self.said.iter().filter(|(_, call, _)| call.to == to);
        said.filter_map(|(_, _, said)| path(said)).collect()
    }

    /// What a side said inside TLS.
    pub(crate) fn revealed(&self, by: Speaker) -> String {
        let parts = self.clear.iter().filter(|(_, speaker, _)| *speaker == by);
        parts.map(|(_, _, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    fn later(&mut self, after: u64, what: What) {
        self.number += 1;
        self.events.insert((self.now + after, self.number), what);
    }

    fn pace(&mut self, host: IpAddr) {
        let last = self.last.insert(host, self.now);
        self.too_soon += u64::from(last.is_some_and(|last| self.now < last + self.gap));
    }

    fn begin(&mut self, call: Call) {
        self.pace(call.to.ip());
        self.opened.push((self.now, call.to, call.probe));
        let id = call.id;
        assert!(!self.open.contains_key(&id), "{id:?} is used twice");
        if self.refusing.contains(&call.to) {
            return self.later(1, What::Refused { id, how: Refused::Port });
        }
        let server = self.servers.get(&call.to).map(|server| server());
        let from = SocketAddr::from(([192, 0, 2, 250], 50_000));
        let datagram = call.transport == sekisho::observe::Transport::Udp;
        if let Some(after) = server.as_ref().map(|s| s.opens_after).or(datagram.then_some(1)) {
            self.later(after, What::Opened { id, from });
            if let Some(first) = server.as_ref().map(|s| s.first.clone()).filter(|f| !f.is_empty())
            {
                self.later(after + 1, What::Heard { id, bytes: first });
            }
            if let Some((bytes, every)) = server.as_ref().and_then(|server| server.drip.clone()) {
                self.later(after + every, What::Heard { id, bytes });
            }
            if server.as_ref().is_some_and(|server| server.flood > 0) {
                self.later(after + 1, What::Heard { id, bytes: vec![b'a'; 1 << 14] });
            }
        }
        self.open.insert(id, (call, server));
        self.most_open = self.most_open.max(self.open.len());
        let with = |host| self.open.values().filter(|(call, _)| call.to.ip() == host).count();
        if self.open.len() < 100 {
            self.most_with_one_host = self.most_with_one_host.max(with(call.to.ip()));
        }
    }

    fn speak(&mut self, id: CallId, bytes: &[u8]) {
        let Some((call, _)) = self.open.get(&id) else { panic!("{id:?} is not open") };
        let call = *call;
        self.pace(call.to.ip());
        self.said.push((self.now, call, bytes.to_owned()));
        let Some((_, Some(server))) = self.open.get_mut(&id) else { return };
        server.heard.extend_from_slice(bytes);
        let (answer, ends) = (server.answer)(bytes);
        if !answer.is_empty() {
            self.later(1, What::Heard { id, bytes: answer });
        }
        if ends {
            self.later(2, What::Ended { id, reset: false });
        }
    }
}

fn path(said: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(said);
    Some(text.strip_prefix("GET ")?.split(' ').next()?.to_owned())
}

impl Link for Network {
    fn now(&self) -> Timestamp {
        // Real clocks go on between two looks.
        self.looked.set(self.looked.get() + 1);
        let moment = Duration::from_millis(self.now) + Duration::from_nanos(self.looked.get());
        Timestamp::default().after(moment)
    }

    fn ready(&self, to: IpAddr, _: u32) -> Timestamp {
        let at = self.last.get(&to).map_or(0, |last| last + self.gap);
        self.now().max(Timestamp::default().after(Duration::from_millis(at)))
    }

    fn send(&mut self, act: Act<'_>) -> Result<(), Refusal> {
        match act {
            Act::Frame { .. } => panic!("the engine sends no frames"),
            Act::Open(call) => self.begin(call),
            Act::Say { id, bytes } => self.speak(id, bytes),
            Act::Close { id } => {
                self.open.remove(&id);
            }
        }
        Ok(())
    }

    fn wait(&mut self, until: Timestamp) -> Option<Event> {
        let until = u64::try_from(until.nanoseconds()).unwrap().div_ceil(1_000_000);
        let next = self.events.keys().next().copied().map(|(at, _)| at);
        if let Some(stop) = self.stop_at.filter(|stop| *stop <= next.unwrap_or(until).min(until)) {
            self.stop_at = None;
            self.now = self.now.max(stop);
            return Some(Event { at: self.now(), what: What::Stop });
        }
        while let Some(&(at, number)) = self.events.keys().next() {
            if at > until {
                break;
            }
            let what = self.events.remove(&(at, number)).unwrap();
            self.now = self.now.max(at);
            let id = match &what {
                What::Opened { id, .. } | What::Heard { id, .. } | What::Ended { id, .. } => *id,
                What::Refused { id, .. } => {
                    self.open.remove(id);
                    return Some(Event { at: self.now(), what });
                }
                _ => continue,
            };
            let Some((_, server)) = self.open.get_mut(&id) else { continue };
            if let What::Heard { bytes, .. } = &what {
                self.heard += bytes.len();
                let drip = server.as_ref().and_then(|server| server.drip.clone());
                if let Some((bytes, every)) = drip {
                    self.later(every, What::Heard { id, bytes });
                } else if let Some(server) = server.as_mut().filter(|server| server.flood > 0) {
                    server.flood -= 1 << 14;
                    self.later(0, What::Heard { id, bytes: vec![b'a'; 1 << 14] });
                }
            }
            return Some(Event { at: self.now(), what });
        }
        self.now = self.now.max(until);
        None
    }

    fn reveal(&mut self, call: CallId, speaker: Speaker, bytes: &[u8]) {
        self.clear.push((call, speaker, bytes.to_owned()));
    }

    fn note(&mut self, line: &str) {
        self.notes.push(line.to_owned());
    }
}
