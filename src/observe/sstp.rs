//! SSTP, Microsoft's VPN inside HTTPS ([MS-SSTP]), where its HTTP request is seen in clear: behind
//! something that ends TLS.

use super::{Carrier, Facts, Finding, Protocol, Said, Side, http};
use crate::wire::{
    Reader, Result,
    http::Start,
    require,
    sstp::{ENDLESS, METHOD, PATH},
};

/// Where servers listen behind what ends TLS, and where they usually do (TCP).
const PORTS: &[u16] = &[80, 443];

/// SSTP, on any port: the method names it.
pub static PROTOCOL: Protocol = Protocol { name: "sstp", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let answers = said.answering.starts_with(METHOD);
    let expected: &[u8] = if answers { b"HTTP/1." } else { METHOD };
    Reader::new(said.bytes).expect_bytes("method", expected)?;
    let head = http::head(said)?;
    let mut facts = Facts::default();
    let side = match head.start {
        Start::Request { target, .. } => {
            facts.add_text("sstp.host", head.get("host").unwrap_or_default());
            if !target.eq_ignore_ascii_case(PATH.as_bytes()) {
                facts.add_text("sstp.path", target);
            }
            facts.add_text("sstp.user_agent", head.get("user-agent").unwrap_or_default());
            Side::Client
        }
        Start::Response { status, .. } => {
            require("status", answers)?;
            facts.add("sstp.status", status);
            facts.add_text("sstp.server", head.get("server").unwrap_or_default());
            // A server that can SSTP promises an endless body ([MS-SSTP] 3.3.4.1); many others say 200 to anything.
            let length = head.get("content-length").unwrap_or_default();
            require("content length", length == ENDLESS.as_bytes())?;
            Side::Server
        }
    };
    Ok(Finding::certain(side, facts))
}
