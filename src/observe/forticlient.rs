//! Fortinet's SSL-VPN (`FortiClient`, openfortivpn), where its HTTP is seen in clear: behind something that
//! ends TLS. What its TLS tells is for signatures.

use super::{Carrier, Facts, Finding, Protocol, Said, Side, http};
use crate::wire::{
    Result,
    http::{Head, Start, contains},
    require,
};

/// Where gateways usually listen (TCP).
const PORTS: &[u16] = &[443, 4443, 8443, 10_443];

/// Paths only this gateway has. `/remote/login` and `/remote/info` could be anybody's.
const OWN_PATHS: &[&[u8]] = &[
    b"/remote/fortisslvpn",
    b"/remote/sslvpn-tunnel",
    b"/remote/logincheck",
    b"/remote/licensecheck",
    b"/remote/hostcheck_",
    b"/remote/saml/start",
];

/// The cookies of its sessions.
const COOKIES: &[&[u8]] = &[b"SVPNCOOKIE=", b"SVPNNETWORKCOOKIE=", b"SVPNTMPCOOKIE="];

/// Fortinet's SSL-VPN: by its cookies, its paths, or its client's name.
pub static PROTOCOL: Protocol =
    Protocol { name: "forticlient", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let head = http::head(said)?;
    let mut facts = Facts::default();
    match head.start {
        Start::Request { target, .. } => {
            let agent = head.get("user-agent").unwrap_or_default();
            let named = contains(agent, b"fortisslvpn") || contains(agent, b"forticlient");
            // The first clients called themselves this, and gateways came to ask for it.
            let plain = agent == b"Mozilla/5.0 SV1" && target.starts_with(b"/remote/");
            let own = OWN_PATHS.iter().any(|path| target.starts_with(path));
            let session = carries_session(&head, "cookie");
            require("request", named || plain || own || session)?;
            facts.add_text("forticlient.host", head.get("host").unwrap_or_default());
            let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
            facts.add_text("forticlient.path", path);
            facts.add_text("forticlient.agent", agent);
            let finding = if session || named { Finding::certain } else { Finding::firm };
            Ok(finding(Side::Client, facts))
        }
        Start::Response { status, .. } => {
            require("cookie", carries_session(&head, "set-cookie"))?;
            facts.add("forticlient.status", status);
            facts.add_text("forticlient.server", head.get("server").unwrap_or_default());
            Ok(Finding::certain(Side::Server, facts))
        }
    }
}

fn carries_session(head: &Head<'_>, header: &str) -> bool {
    let is_one = |part: &[u8]| COOKIES.iter().any(|cookie| part.trim_ascii().starts_with(cookie));
    head.all(header).any(|value| value.split(|byte| *byte == b';').any(is_one))
}
