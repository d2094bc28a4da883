//! Which frames come in: a classic BPF program (Linux `filter.rst`; USENIX Winter 1993), assembled from what
//! is wanted. Frames that go out are left out.

use std::ops::RangeInclusive;

/// A kind of frame that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// ARP.
    Arp,
    /// ICMP for IPv4, errors among it.
    Icmp,
    /// ICMP for IPv6: neighbour discovery, echoes, errors.
    Icmpv6,
    /// PPPoE while a session is looked for: what concentrators offer.
    AccessLines,
    /// TCP to these ports of ours, over either IP.
    Tcp(RangeInclusive<u16>),
    /// UDP to these ports of ours, over either IP.
    Udp(RangeInclusive<u16>),
    /// What routers, switches and gateways announce to groups without being asked: who stands in for whom, who routes,
    /// what they are; and PPPoE and DHCP as far as everybody hears them.
    Announced,
}

/// Numbers of IP protocols in which routers speak to groups of IPv4: IGMP, EIGRP, OSPF, PIM, VRRP and CARP.
const ANNOUNCED_OVER_4: [u8; 5] = [2, 88, 89, 103, 112];

/// The same of IPv6, where ICMPv6 has the groups' own messages.
const ANNOUNCED_OVER_6: [u8; 4] = [88, 89, 103, 112];

/// Ports to which announcements go: DHCP, RIP for both IPs, DHCPv6, SSDP, HSRP for both IPs, GLBP, mDNS, and two by which
/// makers of routers find theirs.
const ANNOUNCED_TO: [RangeInclusive<u16>; 10] = [
    67..=68,
    520..=521,
    546..=547,
    1900..=1900,
    1985..=1985,
    2029..=2029,
    3222..=3222,
    5353..=5353,
    5678..=5678,
    10_001..=10_001,
];

/// Types of frames that announce: LLDP, PPPoE discovery.
const ANNOUNCED_BY_TYPE: [u16; 2] = [0x88cc, 0x8863];

/// SNAP organisations and protocols that announce: CDP, VTP, EDP, and FDP in CDP's form.
const ANNOUNCED_BY_SNAP: [(u32, u16); 4] =
    [(0x00_000c, 0x2000), (0x00_000c, 0x2003), (0x00_e02b, 0x00bb), (0x00_e052, 0x2000)];

/// The LLC access point of IS-IS. That of spanning trees is left out: it is said every two seconds and tells no way out.
const ANNOUNCED_BY_LLC: u8 = 0xfe;

/// Where announcements go, so that network cards let them in: LLDP (3), IS-IS (3), CDP, FDP; of IPv4 all routers, OSPF (2), RIP, EIGRP, PIM, VRRP, IGMP, HSRP and GLBP, mDNS, SSDP; of IPv6 the same, and DHCPv6.
/// EDP goes to an address that is no group, and many cards could take it only by taking everything.
const GROUPS: [[u8; 6]; 29] = [
    [0x01, 0x80, 0xc2, 0, 0, 0x00],
    [0x01, 0x80, 0xc2, 0, 0, 0x03],
    [0x01, 0x80, 0xc2, 0, 0, 0x0e],
    [0x01, 0x80, 0xc2, 0, 0, 0x14],
    [0x01, 0x80, 0xc2, 0, 0, 0x15],
    [0x09, 0x00, 0x2b, 0, 0, 0x05],
    [0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc],
    [0x01, 0xe0, 0x52, 0xcc, 0xcc, 0xcc],
    [0x01, 0x00, 0x5e, 0, 0, 2],
    [0x01, 0x00, 0x5e, 0, 0, 5],
    [0x01, 0x00, 0x5e, 0, 0, 6],
    [0x01, 0x00, 0x5e, 0, 0, 9],
    [0x01, 0x00, 0x5e, 0, 0, 10],
    [0x01, 0x00, 0x5e, 0, 0, 13],
    [0x01, 0x00, 0x5e, 0, 0, 18],
    [0x01, 0x00, 0x5e, 0, 0, 22],
    [0x01, 0x00, 0x5e, 0, 0, 102],
    [0x01, 0x00, 0x5e, 0, 0, 251],
    [0x01, 0x00, 0x5e, 0x7f, 0xff, 0xfa],
    [0x33, 0x33, 0, 0, 0, 0x05],
    [0x33, 0x33, 0, 0, 0, 0x06],
    [0x33, 0x33, 0, 0, 0, 0x09],
    [0x33, 0x33, 0, 0, 0, 0x0a],
    [0x33, 0x33, 0, 0, 0, 0x0c],
    [0x33, 0x33, 0, 0, 0, 0x0d],
    [0x33, 0x33, 0, 0, 0, 0x12],
    [0x33, 0x33, 0, 0, 0, 0x66],
    [0x33, 0x33, 0, 0, 0, 0xfb],
    [0x33, 0x33, 0, 1, 0, 2],
];

/// A program that says of each frame whether it comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    instructions: Vec<Instruction>,
    /// Hardware addresses that frames may go to, beside the interface's own.
    groups: &'static [[u8; 6]],
}

/// One instruction, as the kernel takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instruction {
    pub(super) code: u16,
    pub(super) when_true: u8,
    pub(super) when_false: u8,
    pub(super) operand: u32,
}

const LOAD_WORD: u16 = 0x20;
const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const LOAD_HALF_BEHIND_HEADER: u16 = 0x48;
const LOAD_HEADER_LENGTH: u16 = 0xb1;
const IF_EQUAL: u16 = 0x15;
const IF_GREATER: u16 = 0x25;
const IF_GREATER_OR_EQUAL: u16 = 0x35;
const IF_ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;

/// Where the kernel keeps what a packet is to it (`SKF_AD_OFF + SKF_AD_PKTTYPE`).
const PACKET_TYPE: u32 = 0xffff_f000 + 4;
/// A packet of our own.
const OUTGOING: u32 = 4;
/// How much of a frame is kept.
const WHOLE: u32 = 0xffff;

/// A condition: what is loaded, and how it is compared. All of a rule's must hold.
enum Test {
    Half(u32, u16),
    Byte(u32, u8),
    /// The whole packet or its first part, by the offset of the field.
    FirstPart(u32),
    HalfIn(u32, RangeInclusive<u16>),
    /// The half word so far behind an IPv4 header of any length.
    HalfBehindIn(u32, RangeInclusive<u16>),
    /// The frame goes to a group.
    ToGroup,
}

impl Filter {
    /// The filter that lets in all that is wanted, and nothing else.
    pub fn of(wanted: &[Want]) -> Self {
        let mut instructions = Self::not_ours();
        for rule in wanted.iter().flat_map(Want::rules) {
            add(&mut instructions, &rule);
        }
        instructions.push(Instruction::new(RETURN, 0));
        let groups = if wanted.contains(&Want::Announced) { &GROUPS[..] } else { &[] };
        Self { instructions, groups }
    }

    /// The filter that lets in all but what this machine sends itself.
    pub fn everything() -> Self {
        let mut instructions = Self::not_ours();
        instructions.push(Instruction::new(RETURN, WHOLE));
        Self { instructions, groups: &[] }
    }

    /// What a program begins with: whatever is not ours goes on behind it.
    fn not_ours() -> Vec<Instruction> {
        vec![
            Instruction::new(LOAD_WORD, PACKET_TYPE),
            Instruction { when_false: 1, ..Instruction::new(IF_EQUAL, OUTGOING) },
            Instruction::new(RETURN, 0),
        ]
    }

    /// Hardware addresses beside the interface's own that frames which are wanted go to.
    pub(super) fn groups(&self) -> &'static [[u8; 6]] {
        self.groups
    }

    /// The program.
    pub(super) fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// Whether a frame that came in passes: for systems that cannot be given the program, and for tests.
    pub fn passes(&self, frame: &[u8]) -> bool {
        let (mut accumulator, mut index) = (0_u32, 0_u32);
        let mut at = 0_usize;
        // Jumps go forward only, so that this ends.
        while let Some(instruction) = self.instructions.get(at) {
            let operand = instruction.operand;
            let half = |offset: u32| {
                let start = usize::try_from(offset).ok()?;
                let bytes = frame.get(start..)?.first_chunk::<2>()?;
                Some(u32::from(u16::from_be_bytes(*bytes)))
            };
            let byte =
                |offset: u32| frame.get(usize::try_from(offset).ok()?).map(|b| u32::from(*b));
            let jump = |holds: bool| {
                usize::from(if holds { instruction.when_true } else { instruction.when_false })
            };
            let loaded = match instruction.code {
                LOAD_WORD => Some(0),
                LOAD_HALF => half(operand),
                LOAD_BYTE => byte(operand),
                LOAD_HALF_BEHIND_HEADER => half(operand.saturating_add(index)),
                LOAD_HEADER_LENGTH => byte(operand).map(|first| (first & 15) * 4),
                IF_EQUAL => Some(u32::from(accumulator == operand)),
                IF_GREATER => Some(u32::from(accumulator > operand)),
                IF_GREATER_OR_EQUAL => Some(u32::from(accumulator >= operand)),
                IF_ANY_BIT => Some(u32::from(accumulator & operand != 0)),
                _ => return operand != 0,
            };
            // What lies behind the end of a frame ends the program, as in the kernel.
            let Some(value) = loaded else { return false };
            at += 1;
            match instruction.code {
                LOAD_HEADER_LENGTH => index = value,
                IF_EQUAL | IF_GREATER | IF_GREATER_OR_EQUAL | IF_ANY_BIT => at += jump(value == 1),
                _ => accumulator = value,
            }
        }
        false
    }
}

impl Instruction {
    const fn new(code: u16, operand: u32) -> Self {
        Self { code, when_true: 0, when_false: 0, operand }
    }
}

impl Want {
    fn rules(&self) -> Vec<Vec<Test>> {
        match self {
            Self::Arp => vec![vec![Test::Half(12, 0x0806)]],
            Self::Icmp => vec![vec![Test::Half(12, 0x0800), Test::Byte(23, 1)]],
            Self::Icmpv6 => vec![vec![Test::Half(12, 0x86dd), Test::Byte(20, 58)]],
            Self::AccessLines => vec![vec![Test::Half(12, 0x8863)]],
            Self::Tcp(ports) => with_ports(6, ports),
            Self::Udp(ports) => with_ports(17, ports),
            Self::Announced => announced(),
        }
    }
}

fn announced() -> Vec<Vec<Test>> {
    let mut rules = Vec::new();
    for number in ANNOUNCED_OVER_4 {
        rules.push(vec![Test::ToGroup, Test::Half(12, 0x0800), Test::Byte(23, number)]);
    }
    for number in ANNOUNCED_OVER_6 {
        rules.push(vec![Test::ToGroup, Test::Half(12, 0x86dd), Test::Byte(20, number)]);
    }
    for ports in &ANNOUNCED_TO {
        for mut rule in with_ports(17, ports) {
            rule.insert(0, Test::ToGroup);
            rules.push(rule);
        }
    }
    for number in ANNOUNCED_BY_TYPE {
        rules.push(vec![Test::ToGroup, Test::Half(12, number)]);
    }
    // What stands where a type would is then a length.
    let length = || Test::HalfIn(12, 0..=0x05ff);
    for (organisation, number) in ANNOUNCED_BY_SNAP {
        let [_, first, second, last] = organisation.to_be_bytes();
        rules.push(vec![
            length(),
            Test::Half(14, 0xaaaa),
            Test::Byte(17, first),
            Test::Byte(18, second),
            Test::Byte(19, last),
            Test::Half(20, number),
        ]);
    }
    let access_point = u16::from_be_bytes([ANNOUNCED_BY_LLC; 2]);
    rules.push(vec![Test::ToGroup, length(), Test::Half(14, access_point)]);
    rules
}

fn with_ports(protocol: u8, ports: &RangeInclusive<u16>) -> Vec<Vec<Test>> {
    let over_4 = vec![
        Test::Half(12, 0x0800),
        Test::Byte(23, protocol),
        Test::FirstPart(20),
        Test::HalfBehindIn(16, ports.clone()),
    ];
    let over_6 =
        vec![Test::Half(12, 0x86dd), Test::Byte(20, protocol), Test::HalfIn(56, ports.clone())];
    vec![over_4, over_6]
}

/// Adds a rule: each test that fails goes on behind it.
fn add(instructions: &mut Vec<Instruction>, rule: &[Test]) {
    // Where a jump leads behind the rule, and whether it does so when its condition holds.
    let mut away: Vec<(usize, bool)> = Vec::new();
    let within = |range: &RangeInclusive<u16>| {
        [
            (Instruction::new(IF_GREATER_OR_EQUAL, (*range.start()).into()), false),
            (Instruction::new(IF_GREATER, (*range.end()).into()), true),
        ]
    };
    for test in rule {
        let (loads, jumps) = match test {
            Test::Half(offset, value) => (
                vec![Instruction::new(LOAD_HALF, *offset)],
                vec![(Instruction::new(IF_EQUAL, (*value).into()), false)],
            ),
            Test::Byte(offset, value) => (
                vec![Instruction::new(LOAD_BYTE, *offset)],
                vec![(Instruction::new(IF_EQUAL, (*value).into()), false)],
            ),
            Test::ToGroup => (
                vec![Instruction::new(LOAD_BYTE, 0)],
                vec![(Instruction::new(IF_ANY_BIT, 1), false)],
            ),
            Test::FirstPart(offset) => (
                vec![Instruction::new(LOAD_HALF, *offset)],
                vec![(Instruction::new(IF_ANY_BIT, 0x1fff), true)],
            ),
            Test::HalfIn(offset, range) => {
                (vec![Instruction::new(LOAD_HALF, *offset)], within(range).to_vec())
            }
            Test::HalfBehindIn(offset, range) => (
                vec![
                    Instruction::new(LOAD_HEADER_LENGTH, 14),
                    Instruction::new(LOAD_HALF_BEHIND_HEADER, *offset),
                ],
                within(range).to_vec(),
            ),
        };
        instructions.extend(loads);
        for (jump, when_true) in jumps {
            away.push((instructions.len(), when_true));
            instructions.push(jump);
        }
    }
    instructions.push(Instruction::new(RETURN, WHOLE));
    let end = instructions.len();
    for (at, when_true) in away {
        // A rule has far fewer than 256 instructions.
        let distance = u8::try_from(end - at - 1).unwrap_or(u8::MAX);
        if let Some(jump) = instructions.get_mut(at) {
            if when_true {
                jump.when_true = distance;
            } else {
                jump.when_false = distance;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    const TO_61000: &[u8] = &hex!(
        "00005e005301 00005e005302 0800
         46 00 0030 0000 4000 40 06 0000 c0000202 c0000201 01010101
         0050 ee48 00000000 00000001 5012 0000 0000 0000"
    );
    const ARP: &[u8] = &hex!("00005e005301 00005e005302 0806 0001080006040002");

    #[test]
    fn lets_in_what_is_wanted() {
        let filter = Filter::of(&[Want::Arp, Want::Tcp(61_000..=61_000)]);
        assert!(filter.passes(ARP) && filter.passes(TO_61000), "options lengthen the header");
        let other = Filter::of(&[Want::Icmp, Want::Tcp(61_001..=65_535), Want::Udp(0..=65_535)]);
        assert!(!other.passes(ARP) && !other.passes(TO_61000));
        let mut later_part = TO_61000.to_vec();
        later_part[21] = 1;
        assert!(!filter.passes(&later_part), "a later part has no ports");
    }

    #[test]
    fn lets_in_what_concentrators_and_dhcp_servers_offer() {
        let offer = hex!("00005e005301 00005e005302 8863 1107 0000 0000");
        let wanted = Filter::of(&[Want::AccessLines, Want::Udp(68..=68)]);
        assert!(wanted.passes(&offer) && !Filter::of(&[Want::Arp]).passes(&offer));
        let mut session = offer;
        session[13] = 0x64;
        assert!(!wanted.passes(&session), "what a session carries is another's");
        let lease = hex!(
            "ffffffffffff 00005e005302 0800
             45 00 0024 0000 4000 40 11 0000 c0000202 ffffffff
             0043 0044 0010 0000 0000000000000000"
        );
        assert!(wanted.passes(&lease) && !Filter::of(&[Want::AccessLines]).passes(&lease));
    }

    #[test]
    fn lets_in_ip_version_6() {
        let mut frame = hex!("00005e005301 00005e005302 86dd").to_vec();
        frame.extend(hex!("60000000 0014 06 40"));
        frame.extend([0x20; 32]);
        frame.extend(hex!("0050 ee48 00000000 00000001 5012 0000 0000 0000"));
        assert!(Filter::of(&[Want::Tcp(61_000..=61_000)]).passes(&frame));
        assert!(!Filter::of(&[Want::Tcp(1..=60_999), Want::Icmpv6]).passes(&frame));
        frame[20] = 58;
        assert!(Filter::of(&[Want::Icmpv6]).passes(&frame));
    }

    #[test]
    fn refuses_every_truncation() {
        let filter = Filter::of(&[Want::Arp, Want::Tcp(0..=65_535)]);
        // The destination port ends with byte 42.
        for end in 0..42 {
            assert!(!filter.passes(&TO_61000[..end]), "{end} bytes");
        }
        assert!(filter.passes(&TO_61000[..42]));
    }

    #[test]
    fn wants_nothing_when_nothing_is_wanted() {
        assert!(!Filter::of(&[]).passes(ARP));
        assert!(Filter::everything().passes(ARP) && Filter::everything().passes(&[0]));
    }

    /// A frame to `to`, of this kind; `payload` as hexadecimal stands behind the type or length.
    fn frame(to: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
        [&to[..], &hex!("00005e005302"), &kind.to_be_bytes(), payload].concat()
    }

    fn over_4(protocol: u8, to_port: u16) -> Vec<u8> {
        let header = [0x46, 0, 0, 40, 0, 0, 0, 0, 1, protocol, 0, 0, 10, 0, 0, 2, 224, 0, 0, 18];
        let ports = [0x12, 0x34, to_port.to_be_bytes()[0], to_port.to_be_bytes()[1]];
        [&header[..], &hex!("94040000"), &ports, &[0; 12]].concat()
    }

    fn over_6(protocol: u8, to_port: u16) -> Vec<u8> {
        let ports = [0x12, 0x34, to_port.to_be_bytes()[0], to_port.to_be_bytes()[1]];
        [&[0x60, 0, 0, 0, 0, 16, protocol, 1][..], &[0xfe; 32], &ports, &[0; 12]].concat()
    }

    #[test]
    fn lets_in_what_is_announced_to_groups_and_nobodys_conversation() {
        let filter = Filter::of(&[Want::Announced]);
        let group = hex!("01005e000012");
        let one = hex!("00005e005301");
        for protocol in [2, 88, 89, 103, 112] {
            assert!(filter.passes(&frame(group, 0x0800, &over_4(protocol, 0))), "{protocol}");
            assert!(!filter.passes(&frame(one, 0x0800, &over_4(protocol, 0))), "{protocol} to one");
        }
        for protocol in [88, 89, 103, 112] {
            assert!(filter.passes(&frame(group, 0x86dd, &over_6(protocol, 0))), "{protocol}");
        }
        for port in [67, 68, 520, 521, 546, 547, 1900, 1985, 2029, 3222, 5353, 5678, 10_001] {
            for (kind, packet) in [(0x0800, over_4(17, port)), (0x86dd, over_6(17, port))] {
                assert!(filter.passes(&frame(group, kind, &packet)), "{port}");
                assert!(!filter.passes(&frame(one, kind, &packet)), "{port} to one");
            }
        }
        for port in [53, 137, 1984, 5004, 10_000] {
            assert!(!filter.passes(&frame(group, 0x0800, &over_4(17, port))), "{port}");
        }
        assert!(!filter.passes(&frame(group, 0x0800, &over_4(6, 5353))), "a stream");
        let length = 60;
        let snap = |rest: [u8; 5]| [&hex!("aaaa03")[..], &rest, &[0; 20]].concat();
        let to_all_cdp = hex!("01000ccccccc");
        for rest in [hex!("00000c2000"), hex!("00000c2003"), hex!("00e0522000")] {
            assert!(filter.passes(&frame(to_all_cdp, length, &snap(rest))), "{rest:02x?}");
        }
        // EDP goes to an address that is no group.
        assert!(filter.passes(&frame(hex!("00e02b000000"), length, &snap(hex!("00e02b00bb")))));
        assert!(!filter.passes(&frame(to_all_cdp, length, &snap(hex!("00000c010b")))));
        let bridges = hex!("0180c2000000");
        assert!(filter.passes(&frame(hex!("0180c200000e"), 0x88cc, &[2, 7])));
        assert!(filter.passes(&frame([0xff; 6], 0x8863, &hex!("1109 0000"))));
        assert!(!filter.passes(&frame(one, 0x8864, &hex!("1100 0001"))), "a line's traffic");
        assert!(filter.passes(&frame(hex!("0180c2000014"), length, &hex!("fefe03 83"))));
        assert!(!filter.passes(&frame(bridges, 38, &hex!("424203 0000"))), "spanning trees");
    }

    #[test]
    fn the_kernel_takes_the_longest_program() {
        let all = [
            Want::Arp,
            Want::Icmp,
            Want::Icmpv6,
            Want::Tcp(1..=2),
            Want::Udp(1..=2),
            Want::Announced,
        ];
        let program = Filter::of(&all);
        // Linux takes 4096 instructions; jumps reach 255 ahead.
        assert!(program.instructions().len() < 1024, "{}", program.instructions().len());
        assert_eq!((program.groups().len(), Filter::of(&[Want::Arp]).groups().len()), (29, 0));
    }
}
