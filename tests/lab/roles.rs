//! Who stands in the hospital with roads that lead outside. The last two digits of a hardware address are those of the
//! box's address in the office.

/// A box: its name, its legs (wire and hardware address), what sets it up, in the words of the topology's prelude, and
/// what it runs.
pub(crate) struct Role {
    pub(crate) name: &'static str,
    pub(crate) legs: &'static [(&'static str, &'static str)],
    pub(crate) script: &'static str,
    pub(crate) files: &'static [(&'static str, &'static str)],
    pub(crate) runs: &'static str,
}

/// A box without a program of its own.
const fn kernel(
    name: &'static str,
    legs: &'static [(&'static str, &'static str)],
    script: &'static str,
) -> Role {
    Role { name, legs, script, files: &[], runs: "" }
}

/// The wires: three networks of the hospital, the carrier's side of its lines, a vendor's line, a telephone's radio,
/// and what lies behind the carrier's and the vendor's first routers.
pub(crate) const WIRES: [&str; 8] =
    ["office", "ward", "archive", "line", "maintenance", "radio", "behind", "far"];

/// Where the scan runs: a foot in the office and one in the ward.
pub(crate) const SCANNER: Role = kernel(
    "scan",
    &[("office", "00:00:5e:00:53:fe"), ("ward", "00:00:5e:00:53:fd")],
    "echo 0 > /proc/sys/net/ipv6/conf/ward/accept_ra; six; lan 10.80.1.240; ip address add 10.80.2.240/24 dev ward; ip route add 10.80.3.0/24 via 10.80.2.254",
);

/// A: forwards nothing.
pub(crate) const PLAIN: Role = kernel(
    "plain",
    &[("office", "00:00:5e:00:53:10")],
    "lan 10.80.1.10; ip route add default via 10.80.1.1",
);

/// B: forwards, and has no road to the outside.
pub(crate) const ROADLESS: Role =
    kernel("roadless", &[("office", "00:00:5e:00:53:11")], "lan 10.80.1.11; forward");

/// C: an ordinary router with NAT.
pub(crate) const NAT: Role = kernel(
    "nat",
    &[("office", "00:00:5e:00:53:12"), ("line", "02:00:00:00:00:12")],
    "lan 10.80.1.12; forward; line 12; masquerade line",
);

/// D: hands everything on to C.
pub(crate) const RELAY: Role = kernel(
    "relay",
    &[("office", "00:00:5e:00:53:13")],
    "lan 10.80.1.13; forward; ip route add default via 10.80.1.12",
);

/// E: a router that never says that it dropped something.
pub(crate) const MUTE: Role = kernel(
    "mute",
    &[("office", "00:00:5e:00:53:14"), ("line", "02:00:00:00:00:14")],
    "lan 10.80.1.14; forward; line 14; masquerade line; drops output 'icmp type { destination-unreachable, time-exceeded }'",
);

/// F: a line of 1,454 bytes.
pub(crate) const NARROW: Role = kernel(
    "narrow",
    &[("office", "00:00:5e:00:53:15"), ("line", "02:00:00:00:00:15")],
    "lan 10.80.1.15; forward; ip link set line mtu 1454; line 15; masquerade line",
);

/// G: a router without NAT, to which the carrier knows the way back.
pub(crate) const ROUTED: Role = kernel(
    "routed",
    &[("office", "00:00:5e:00:53:16"), ("line", "02:00:00:00:00:16")],
    "lan 10.80.1.16; forward; line 16",
);

/// M: answers ARP for nothing but the address of the wire it is asked on, and has a foot elsewhere.
pub(crate) const STRICT: Role = kernel(
    "strict",
    &[("office", "00:00:5e:00:53:17"), ("radio", "02:00:00:00:00:17")],
    "lan 10.80.1.17; ip address add 192.168.42.17/24 dev radio; echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore",
);

/// R: a router that drops whatever is sent to it or by it in the office.
pub(crate) const DARK: Role = kernel(
    "dark",
    &[("office", "00:00:5e:00:53:18"), ("line", "02:00:00:00:00:18")],
    "lan 10.80.1.18; forward; line 18; masquerade line; drops input 'iifname office'; drops output 'oifname office'",
);

/// V: a vendor's router, with the vendor's network alone behind it, and roads that it closes in each way there is.
pub(crate) const VENDOR: Role = kernel(
    "vendor",
    &[("office", "00:00:5e:00:53:19"), ("maintenance", "02:00:00:00:00:19")],
    "lan 10.80.1.19; forward; ip address add 172.30.255.2/30 dev maintenance; ip route add 172.30.0.0/16 via 172.30.255.1; \
     masquerade maintenance; \
     ip route add unreachable 172.20.0.0/16; ip route add prohibit 172.21.0.0/16; ip route add blackhole 172.22.0.0/16",
);

/// A router that somebody plugged in as it came out of its box, in a prefix of its own on the same wire.
pub(crate) const FOREIGN: Role = kernel(
    "foreign",
    &[("office", "00:00:5e:00:53:20"), ("line", "02:00:00:00:00:20")],
    "ip address add 192.168.1.1/24 dev office; forward; line 20; masquerade line",
);

/// The one that uses it, and asks for it now and then.
pub(crate) const GUEST: Role = Role {
    name: "guest",
    legs: &[("office", "00:00:5e:00:53:2a")],
    script: "ip address add 192.168.1.50/24 dev office",
    files: &[],
    runs: "while :; do ip neighbour flush dev office; echo | socat - UDP-SENDTO:192.168.1.1:9; sleep 2; done",
};

/// A computer with a telephone on its cable: it forwards nothing and answers for all its addresses.
pub(crate) const WEAK: Role = kernel(
    "weak",
    &[("office", "00:00:5e:00:53:21"), ("radio", "02:00:00:00:00:21")],
    "lan 10.80.1.21; ip address add 192.168.42.21/24 dev radio",
);

/// A router of IPv6 in the ward that tells everybody so.
pub(crate) const SIX: Role = Role {
    name: "six",
    legs: &[("ward", "00:00:5e:00:53:22"), ("line", "02:00:00:00:00:22")],
    script: "six; ip address add 10.80.2.22/24 dev ward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding; \
             ip address add 2001:db8:80::1/64 dev ward; ip address add 2001:db8:ffff::22/64 dev line; \
             ip -6 route add default via 2001:db8:ffff::1",
    files: &[(
        "radvd.conf",
        "interface ward { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; prefix 2001:db8:80::/64 {}; };\n",
    )],
    runs: "exec radvd -n -m stderr -C radvd.conf -p /run/radvd.pid",
};

/// A host with IPv6 that knows no way out and says so when it is asked: not a router.
pub(crate) const SIX_PLAIN: Role = kernel(
    "sixplain",
    &[("ward", "00:00:5e:00:53:23")],
    "echo 0 > /proc/sys/net/ipv6/conf/ward/accept_ra; six; ip address add 10.80.2.23/24 dev ward; \
     ip address add 2001:db8:80::23/64 dev ward",
);

/// A router each second of whose own errors is lost.
pub(crate) const LOSSY: Role = kernel(
    "lossy",
    &[("office", "00:00:5e:00:53:24"), ("line", "02:00:00:00:00:24")],
    "lan 10.80.1.24; forward; line 24; masquerade line; drops output 'icmp type { destination-unreachable, time-exceeded } numgen inc mod 2 0'",
);

/// One of a pair of routers with one virtual address, by VRRP version 3.
pub(crate) const FIRST: Role = Role {
    name: "first",
    legs: &[("office", "00:00:5e:00:53:02"), ("line", "02:00:00:00:00:02")],
    script: "lan 10.80.1.2; ip route add 10.80.0.0/16 via 10.80.1.254; forward; line 2; masquerade line",
    files: &[(
        "keepalived.conf",
        "global_defs { vrrp_version 3 }\nvrrp_instance office { state MASTER\ninterface office\nuse_vmac vrrp80\n\
         virtual_router_id 80\npriority 200\nadvert_int 0.5\nvirtual_ipaddress { 10.80.1.1/24 } }\n",
    )],
    runs: KEEPALIVED,
};

/// The other of the pair, which waits.
pub(crate) const SECOND: Role = Role {
    name: "second",
    legs: &[("office", "00:00:5e:00:53:03"), ("line", "02:00:00:00:00:03")],
    script: "lan 10.80.1.3; ip route add 10.80.0.0/16 via 10.80.1.254; forward; line 3; masquerade line",
    files: &[(
        "keepalived.conf",
        "global_defs { vrrp_version 3 }\nvrrp_instance office { state BACKUP\ninterface office\nuse_vmac vrrp80\n\
         virtual_router_id 80\npriority 100\nadvert_int 0.5\nvirtual_ipaddress { 10.80.1.1/24 } }\n",
    )],
    runs: KEEPALIVED,
};

const KEEPALIVED: &str = "exec keepalived -n -l -P -f $PWD/keepalived.conf";

/// The router between the hospital's own networks, which leaves by the pair. As such routers do, it has one hardware
/// address in all of them.
pub(crate) const CORE: Role = kernel(
    "core",
    &[
        ("office", "00:00:5e:00:53:25"),
        ("ward", "00:00:5e:00:53:25"),
        ("archive", "00:00:5e:00:53:25"),
    ],
    "ip address add 10.80.1.254/24 dev office; ip address add 10.80.2.254/24 dev ward; \
     ip address add 10.80.3.254/24 dev archive; forward; ip route add default via 10.80.1.1",
);

/// A bedside computer in the ward, which takes the way out by IPv6 that it is offered.
pub(crate) const BEDSIDE: Role = kernel(
    "bedside",
    &[("ward", "00:00:5e:00:53:26")],
    "six; ip address add 10.80.2.26/24 dev ward; ip route add default via 10.80.2.254",
);

/// A router in the ward that answers by ARP for everything it has a road to.
pub(crate) const PROXY: Role = kernel(
    "proxy",
    &[("ward", "00:00:5e:00:53:28"), ("line", "02:00:00:00:00:28")],
    "ip address add 10.80.2.28/24 dev ward; ip route add 10.80.0.0/16 via 10.80.2.254; forward; line 28; masquerade line; \
     echo 1 > /proc/sys/net/ipv4/conf/ward/proxy_arp",
);

/// A computer in the ward that gives addresses, and tells a router, a road of a vendor and a proxy with them.
pub(crate) const LEASES: Role = Role {
    name: "leases",
    legs: &[("ward", "00:00:5e:00:53:29")],
    script: "ip address add 10.80.2.29/24 dev ward",
    files: &[(
        "dnsmasq.conf",
        "port=0\nkeep-in-foreground\nuser=root\npid-file=/run/dnsmasq.pid\ndhcp-leasefile=/run/leases\n\
         dhcp-range=10.80.2.100,10.80.2.150\ndhcp-option=3,10.80.2.28\ndhcp-option=121,172.30.0.0/16,10.80.2.19\n\
         dhcp-option=252,http://proxy.example/wpad.dat\n",
    )],
    runs: "exec dnsmasq -C dnsmasq.conf",
};

/// The far end of a carrier's line that is patched into the ward.
pub(crate) const CONCENTRATOR: Role = Role {
    name: "bras",
    legs: &[("ward", "00:00:5e:00:53:30")],
    script: "ip address add 10.80.2.30/24 dev ward",
    files: &[("options", "")],
    runs: "exec pppoe-server -F -I ward -C bas7-example -S internet -O $PWD/options",
};

/// A router with NAT in the archive, where the scan has no foot.
pub(crate) const REMOTE: Role = kernel(
    "remote",
    &[("archive", "00:00:5e:00:53:27"), ("line", "02:00:00:00:00:27")],
    "ip address add 10.80.3.27/24 dev archive; ip route add 10.80.0.0/16 via 10.80.3.254; forward; line 27; masquerade line",
);

/// A console beside an examination, whose network card says who made it. It would forward, if it were asked.
pub(crate) const MODALITY: Role = kernel(
    "modality",
    &[("office", "00:09:1f:00:53:70"), ("line", "02:00:00:00:00:70")],
    "lan 10.80.1.70; forward; line 70; masquerade line",
);

/// A router that the facility leaves out.
pub(crate) const EXCLUDED: Role = kernel(
    "excluded",
    &[("office", "00:00:5e:00:53:80"), ("line", "02:00:00:00:00:80")],
    "lan 10.80.1.80; forward; line 80; masquerade line",
);

/// The carrier's first router: where every line of the hospital ends.
pub(crate) const CARRIER: Role = kernel(
    "carrier",
    &[
        ("line", "02:00:00:00:01:01"),
        ("radio", "02:00:00:00:01:02"),
        ("behind", "02:00:00:00:01:03"),
    ],
    "ip address add 203.0.113.1/24 dev line; ip address add 192.168.42.129/24 dev radio; \
     ip address add 192.0.2.1/30 dev behind; forward; ip route add default via 192.0.2.2; \
     ip route add 10.80.1.0/24 via 203.0.113.16; six; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding; \
     ip address add 2001:db8:ffff::1/64 dev line; ip address add 2001:db8:fffe::1/64 dev behind; \
     ip -6 route add default via 2001:db8:fffe::2; ip -6 route add 2001:db8:80::/64 via 2001:db8:ffff::22",
);

/// The first router of the vendor's network.
pub(crate) const FAR_END: Role = kernel(
    "farend",
    &[("maintenance", "02:00:00:00:01:11"), ("far", "02:00:00:00:01:12")],
    "ip address add 172.30.255.1/30 dev maintenance; ip address add 192.0.2.5/30 dev far; forward; \
     ip route add 172.30.0.0/16 via 192.0.2.6",
);

/// Everything beyond the first routers: the hosts that questions are addressed to, and what a vendor has.
pub(crate) const BEYOND: Role = kernel(
    "beyond",
    &[("behind", "02:00:00:00:01:21"), ("far", "02:00:00:00:01:22")],
    "ip address add 192.0.2.2/30 dev behind; ip address add 192.0.2.6/30 dev far; forward; \
     for host in 198.41.0.4 8.8.8.8 1.1.1.1 198.51.100.9; do ip address add $host/32 dev lo; done; \
     ip address add 172.30.5.5/32 dev lo; ip route add 203.0.113.0/24 via 192.0.2.1; \
     ip route add 10.80.1.0/24 via 192.0.2.1; ip route add 172.30.255.0/30 via 192.0.2.5; \
     six; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding; \
     ip address add 2001:db8:fffe::2/64 dev behind; ip -6 route add 2001:db8::/32 via 2001:db8:fffe::1",
);

/// Everybody but the pair and what is behind it.
pub(crate) const MOST: [&Role; 25] = [
    &CARRIER,
    &FAR_END,
    &BEYOND,
    &PLAIN,
    &ROADLESS,
    &NAT,
    &RELAY,
    &MUTE,
    &NARROW,
    &ROUTED,
    &STRICT,
    &DARK,
    &VENDOR,
    &FOREIGN,
    &GUEST,
    &WEAK,
    &SIX,
    &SIX_PLAIN,
    &LOSSY,
    &PROXY,
    &LEASES,
    &CONCENTRATOR,
    &BEDSIDE,
    &MODALITY,
    &EXCLUDED,
];

/// The pair, and the networks that leave by it.
pub(crate) const PAIRED: [&Role; 7] =
    [&CARRIER, &BEYOND, &FIRST, &SECOND, &CORE, &BEDSIDE, &REMOTE];
