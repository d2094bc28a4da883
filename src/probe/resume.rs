//! What an earlier part of a run did, as the journal in its recording tells.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
};

use super::engine::Past;
use crate::{link::journal::Journal, observe::Transport};

/// What was asked before a run was stopped or killed. The default is a run that begins.
#[derive(Debug, Clone, Default)]
pub struct Resumed {
    done: BTreeSet<Question>,
    times: BTreeMap<Question, u32>,
    finished: BTreeSet<Service>,
    clear: BTreeMap<Service, String>,
    inside: BTreeMap<Service, String>,
    names: BTreeMap<IpAddr, String>,
    addresses: BTreeSet<(IpAddr, IpAddr)>,
}

type Service = (SocketAddr, Transport);
type Question = (SocketAddr, Transport, String);

impl Resumed {
    /// Reads the lines that the engine noted. Those of others are skipped.
    pub fn of(journal: &Journal) -> Self {
        let mut past = Self::default();
        for ((to, transport, probe), question) in &journal.questions {
            past.times.insert((*to, *transport, probe.clone()), question.times);
        }
        for note in &journal.notes {
            let words: Vec<&str> = note.split(' ').collect();
            match words[..] {
                ["done", transport, to, probe, _] => {
                    let question = service(transport, to)
                        .map(|(to, transport)| (to, transport, probe.to_owned()));
                    past.done.extend(question);
                }
                ["finished", transport, to] => past.finished.extend(service(transport, to)),
                ["spoke", transport, to, protocol] => {
                    let Some(service) = service(transport, to) else { continue };
                    match protocol.strip_prefix("tls/") {
                        Some(inside) => past.inside.insert(service, inside.to_owned()),
                        None => past.clear.insert(service, protocol.to_owned()),
                    };
                }
                ["name", address, name] => {
                    past.names.extend(address.parse().ok().map(|at: IpAddr| (at, name.to_owned())));
                }
                ["address", host, other] => {
                    past.addresses.extend(host.parse().ok().zip(other.parse().ok()));
                }
                _ => {}
            }
        }
        past
    }
}

fn service(transport: &str, to: &str) -> Option<Service> {
    let transport =
        [Transport::Tcp, Transport::Udp].into_iter().find(|known| known.name() == transport)?;
    Some((to.parse().ok()?, transport))
}

impl Past for Resumed {
    fn done(&self, to: &SocketAddr, transport: Transport, probe: &str) -> bool {
        self.done.contains(&(*to, transport, probe.to_owned()))
    }

    fn attempts(&self, to: &SocketAddr, transport: Transport, probe: &str) -> u32 {
        self.times.get(&(*to, transport, probe.to_owned())).copied().unwrap_or_default()
    }

    fn finished(&self, to: &SocketAddr, transport: Transport) -> bool {
        self.finished.contains(&(*to, transport))
    }

    fn spoke(&self, to: &SocketAddr, transport: Transport) -> (Option<String>, Option<String>) {
        let service = (*to, transport);
        (self.clear.get(&service).cloned(), self.inside.get(&service).cloned())
    }

    fn names(&self) -> BTreeMap<IpAddr, String> {
        self.names.clone()
    }

    fn addresses(&self) -> BTreeSet<(IpAddr, IpAddr)> {
        self.addresses.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_not_asked_again() {
        let notes = [
            "sweep arp 7",
            "spoke tcp 192.0.2.1:443 tls",
            "spoke tcp 192.0.2.1:443 tls/http",
            "done tcp 192.0.2.1:443 tls answered",
            "finished udp 192.0.2.1:161",
            "done tcp nowhere tls answered",
            "name 192.0.2.1 gate.example",
        ];
        let notes = notes.map(str::to_owned).to_vec();
        let past = Resumed::of(&Journal { notes, ..Journal::default() });
        let (web, agent) = ("192.0.2.1:443".parse().unwrap(), "192.0.2.1:161".parse().unwrap());
        assert!(
            past.done(&web, Transport::Tcp, "tls") && !past.done(&web, Transport::Tcp, "https")
        );
        assert!(past.finished(&agent, Transport::Udp) && !past.finished(&agent, Transport::Tcp));
        let spoken = (Some("tls".to_owned()), Some("http".to_owned()));
        assert_eq!(past.spoke(&web, Transport::Tcp), spoken);
        assert_eq!(past.names(), BTreeMap::from([(web.ip(), "gate.example".to_owned())]));
    }
}
