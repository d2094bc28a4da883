//! What other tools call devices, in the words that our signatures use for roles.

/// The role of what nobody calls by a word below: no way out by itself.
pub(super) const HOST: &str = "host";

/// Words for devices, in small letters, and the role of each.
static WORDS: &[(&str, &str)] = &[
    ("access control", "host"),
    ("adsl modem", "router"),
    ("adsl router", "router"),
    ("atm dsl unit", "router"),
    ("audio encoder", "camera"),
    ("bridge", "switch"),
    ("broadband router", "router"),
    ("cable modem", "router"),
    ("cloud network video recorder", "camera"),
    ("copier", "printer"),
    ("device hub", "device-server"),
    ("device server", "device-server"),
    ("docsis cable modem", "router"),
    ("dsl modem", "router"),
    ("dslam", "router"),
    ("dvr", "camera"),
    ("fax server", "telephony"),
    ("firewall", "firewall"),
    ("hub", "switch"),
    ("ids", "firewall"),
    ("ip camera", "camera"),
    ("ips", "firewall"),
    ("kvm", "management-controller"),
    ("lights out management", "management-controller"),
    ("load balancer", "proxy"),
    ("management processor", "management-controller"),
    ("media gateway", "telephony"),
    ("medical", "medical"),
    ("multifunction device", "printer"),
    ("multiplexer", "device-server"),
    ("nas", "storage"),
    ("onboard administrator", "management-controller"),
    ("pbx", "telephony"),
    ("pdu", "power-supply"),
    ("phone", "telephony"),
    ("power device", "power-supply"),
    ("power meter", "power-supply"),
    ("power relay", "power-supply"),
    ("power-device", "power-supply"),
    ("power-misc", "power-supply"),
    ("print server", "printer"),
    ("printer", "printer"),
    ("proxy server", "proxy"),
    ("remote access server", "vpn-gateway"),
    ("remote management", "management-controller"),
    ("remote terminal", "device-server"),
    ("router", "router"),
    ("scanner", "printer"),
    ("sd-wan appliance", "vpn-gateway"),
    ("security appliance", "firewall"),
    ("sip device", "telephony"),
    ("sip gateway", "telephony"),
    ("storage", "storage"),
    ("storage appliance", "storage"),
    ("storage-misc", "storage"),
    ("switch", "switch"),
    ("tape library", "storage"),
    ("telecom", "telephony"),
    ("telecom-misc", "telephony"),
    ("terminal server", "device-server"),
    ("ups", "power-supply"),
    ("usb server", "device-server"),
    ("video conferencing", "camera"),
    ("video decoder", "camera"),
    ("video encoder", "camera"),
    ("voice appliance", "telephony"),
    ("voip", "telephony"),
    ("voip adapter", "telephony"),
    ("voip gateway", "telephony"),
    ("voip phone", "telephony"),
    ("voip server", "telephony"),
    ("voip switch", "telephony"),
    ("vpn", "vpn-gateway"),
    ("wan accelerator", "router"),
    ("wap", "wireless"),
    ("web cam", "camera"),
    ("web proxy", "proxy"),
    ("webcam", "camera"),
    ("wireless controller", "wireless"),
    ("wlan repeater", "wireless"),
];

/// The role of a device that another tool calls by `word`.
pub(super) fn of(word: &str) -> &'static str {
    let word = word.trim().to_lowercase();
    WORDS.iter().find(|(known, _)| *known == word).map_or(HOST, |(_, role)| role)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::Vocabulary;

    #[test]
    fn words_are_sorted_and_roles_are_those_of_the_vocabulary() {
        assert!(WORDS.is_sorted_by(|a, b| a.0 < b.0));
        let known = Vocabulary::built_in().unwrap().roles;
        for (word, role) in WORDS {
            assert!(known.contains_key(*role), "{word}: {role}");
        }
        assert_eq!(of(" Broadband Router"), "router");
        assert_eq!(of("teapot"), HOST);
    }
}
