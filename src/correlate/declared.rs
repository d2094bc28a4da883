//! Points that only people and papers know: made of what was written down, never proved.

use std::collections::BTreeSet;

use super::{Because, Direction, Grade, Kind, Line, Point, Sides, weigh};
use crate::import::{
    Column, Entry,
    declared::{Way, way},
};

/// The rule of the because of a declared point.
pub const DECLARED: &str = "declared";

/// How likely a line is that somebody declared with something by which it can be looked up, and one without.
const LIKELY: f64 = 0.6;
const PERHAPS: f64 = 0.3;

/// How long the sentence of a because is, in characters.
const LONGEST_VALUE: usize = 160;

/// Columns with a number that no other line has.
const NUMBERS: [Column; 3] = [Column::LineNumber, Column::Serial, Column::AssetNumber];

/// Words for telephone lines.
const TELEPHONE: [&str; 14] = [
    "isdn",
    "ins64",
    "ins1500",
    "insネット",
    "アナログ",
    "公衆",
    "電話",
    "ダイヤル",
    "モデム",
    "pstn",
    "dial",
    "analog",
    "modem",
    "telephone",
];

/// Words for mobile telephony.
const MOBILE: [&str; 11] = [
    "モバイル",
    "携帯",
    "lte",
    "4g",
    "5g",
    "3g",
    "sim",
    "mobile",
    "cellular",
    "スマートフォン",
    "データ通信カード",
];

/// Words for networks that are closed to others.
const CLOSED: [&str; 11] = [
    "閉域",
    "ip-vpn",
    "ipvpn",
    "専用線",
    "広域イーサ",
    "広域ether",
    "closed",
    "leased",
    "private line",
    "wide-area",
    "mpls",
];

/// The point that a line makes; `cited` is where it is written. None where it says nothing by which it could be told from
/// others.
pub fn point(entry: &Entry, cited: &str) -> Option<Point> {
    let id = name(entry)?;
    let by_something = NUMBERS.iter().any(|column| entry.get(*column).is_some())
        || !entry.addresses.is_empty()
        || !entry.macs.is_empty();
    let by_somebody =
        entry.get(Column::AnsweredBy).or_else(|| entry.get(Column::Partner)).is_some();
    let (grade, confidence) = if by_something && by_somebody {
        (Grade::Inferred, LIKELY)
    } else {
        (Grade::Hint, PERHAPS)
    };
    Some(Point {
        id,
        kind: kind(entry),
        grade,
        confidence,
        direction: direction(entry).unwrap_or(Direction::Both),
        addresses: entry.addresses.clone(),
        macs: entry.macs.clone(),
        outside: entry.outside.clone(),
        services: BTreeSet::new(),
        product: None,
        names: entry.get(Column::Name).map(str::to_owned).into_iter().collect(),
        lines: Vec::<Line>::new(),
        because: vec![because(entry, cited)],
        sides: Sides { seen_from: BTreeSet::new(), ..Sides::default() },
    })
}

/// The because that a line of a form is.
pub fn because(entry: &Entry, cited: &str) -> Because {
    let told = [
        Column::Name,
        Column::System,
        Column::Line,
        Column::Carrier,
        Column::LineNumber,
        Column::Partner,
        Column::Purpose,
    ];
    let said: Vec<&str> = told.iter().filter_map(|column| entry.get(*column)).collect();
    let value: String = said.join(" / ").chars().take(LONGEST_VALUE).collect();
    Because {
        evidence: DECLARED.to_owned(),
        field: DECLARED.to_owned(),
        value,
        observation: cited.to_owned(),
    }
}

/// The name of the point that a line makes, by the surest that it says: a hardware address, an address, the line's number,
/// a serial number, an asset number, or else all that tells it from others. None where it says nothing of them. A box that
/// is seen by the same hardware address alone has the same name.
pub fn name(entry: &Entry) -> Option<String> {
    if !entry.macs.is_empty() || !entry.addresses.is_empty() {
        return Some(weigh::id(&entry.addresses, &entry.macs));
    }
    identity(entry).map(|identity| weigh::name(&identity))
}

/// Whether two entries are about one line: by the name that they make, or by a number of its own.
pub fn is_same(one: &Entry, other: &Entry) -> bool {
    let number = |column: &Column| {
        let (one, other) = (one.get(*column).map(bare), other.get(*column).map(bare));
        one.is_some_and(|one| !one.is_empty() && Some(one) == other)
    };
    NUMBERS.iter().any(number) || name(one).is_some_and(|one| Some(one) == name(other))
}

/// By what a line without addresses is known, as a text.
fn identity(entry: &Entry) -> Option<String> {
    for column in NUMBERS {
        let bare = entry.get(column).map(bare).filter(|bare| !bare.is_empty());
        if let Some(bare) = bare {
            return Some(format!("declared {} {bare}", column.name()));
        }
    }
    let told = [
        Column::Name,
        Column::Place,
        Column::Department,
        Column::System,
        Column::Partner,
        Column::Line,
    ];
    let parts: Vec<String> =
        told.iter().map(|column| entry.get(*column).map(bare).unwrap_or_default()).collect();
    parts.iter().any(|part| !part.is_empty()).then(|| format!("declared {}", parts.join("\0")))
}

/// Letters and digits alone: a number with and without its hyphens is the same.
fn bare(text: &str) -> String {
    text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

/// What a line is, by what is written of it.
pub fn kind(entry: &Entry) -> Kind {
    let text = |column| entry.get(column).unwrap_or_default().to_lowercase();
    let (line, method) = (text(Column::Line), text(Column::Method));
    let has = |text: &str, words: &[&str]| words.iter().any(|word| text.contains(word));
    let is_box =
        [Column::Vendor, Column::Model, Column::Serial].iter().any(|c| entry.get(*c).is_some())
            || !entry.addresses.is_empty()
            || !entry.macs.is_empty();
    if has(&line, &TELEPHONE) || line.trim() == "ins" {
        return Kind::DialUp;
    }
    if has(&line, &MOBILE) {
        return Kind::MobileRouter;
    }
    if has(&line, &CLOSED) {
        return if is_box { Kind::ClosedNetworkGateway } else { Kind::DeclaredLine };
    }
    if has(&method, &["遠隔操作", "remote control"]) {
        return Kind::RemoteControl;
    }
    if has(&method, &["リモートデスクトップ", "rdp", "vnc", "remote desktop"]) {
        return Kind::RemoteDesktop;
    }
    if has(&method, &["ダイヤル", "モデム", "dial", "modem"]) {
        return Kind::DialUp;
    }
    if has(&method, &["vpn", "ipsec", "l2tp", "pptp", "sstp", "wireguard"]) {
        return match direction(entry) {
            Some(Direction::Out) => Kind::VpnClient,
            Some(Direction::In | Direction::Both) => Kind::VpnGateway,
            None => Kind::DeclaredLine,
        };
    }
    if is_box && has(&line, &["インターネット", "internet", "光", "フレッツ", "adsl", "broadband"])
    {
        return Kind::InternetGateway;
    }
    Kind::DeclaredLine
}

/// Who opens connections, where it is written.
fn direction(entry: &Entry) -> Option<Direction> {
    Some(match way(entry.get(Column::Direction)?)? {
        Way::In => Direction::In,
        Way::Out => Direction::Out,
        Way::Both => Direction::Both,
    })
}

/// Whether a point that was seen is the box or the line of an entry: by a hardware address, an address, or an address
/// outside that is its own.
pub fn is_of(entry: &Entry, seen: &Point) -> bool {
    let own = |mac: &&crate::observe::Mac| !mac.is_virtual_router();
    let by_mac = entry.macs.iter().filter(own).any(|mac| seen.macs.contains(mac));
    let by_address = !entry.addresses.is_disjoint(&seen.addresses);
    let sides = &seen.sides;
    let by_face =
        !entry.outside.is_disjoint(&sides.faces) || !entry.outside.is_disjoint(&sides.claims);
    by_mac || by_address || by_face
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(written: &[(Column, &str)]) -> Entry {
        let written = written.iter().map(|(column, text)| (*column, (*text).to_owned())).collect();
        Entry { written, ..Entry::default() }
    }

    #[test]
    fn what_a_line_is_follows_from_what_is_written() {
        use Column::{Direction as Dir, Line, Method, Model};
        for (written, is) in [
            (&[(Line, "公衆網（ISDN）")][..], Kind::DialUp),
            (&[(Line, "INSネット64")], Kind::DialUp),
            (&[(Line, "アナログ電話")], Kind::DialUp),
            (&[(Line, "モバイル（LTE・5G）")], Kind::MobileRouter),
            (&[(Line, "閉域IP網（IP-VPN）")], Kind::DeclaredLine),
            (&[(Line, "閉域IP網（IP-VPN）"), (Model, "CPE-1")], Kind::ClosedNetworkGateway),
            (&[(Line, "専用線"), (Model, "CPE-1")], Kind::ClosedNetworkGateway),
            (&[(Line, "インターネット")], Kind::DeclaredLine),
            (&[(Line, "インターネット"), (Model, "X")], Kind::InternetGateway),
            (&[(Line, "インターネット"), (Method, "IPsec"), (Dir, "内から出る")], Kind::VpnClient),
            (
                &[(Line, "インターネット"), (Method, "SSL-VPN"), (Dir, "外から入る")],
                Kind::VpnGateway,
            ),
            (&[(Method, "IPsec")], Kind::DeclaredLine),
            (&[(Method, "遠隔操作ソフト"), (Dir, "内から出る")], Kind::RemoteControl),
            (&[(Method, "RDP")], Kind::RemoteDesktop),
            (&[(Column::Name, "ナースコール")], Kind::DeclaredLine),
        ] {
            assert_eq!(kind(&entry(written)), is, "{written:?}");
        }
    }

    #[test]
    fn what_a_person_says_is_never_proved() {
        let bare = entry(&[(Column::Name, "電話交換機"), (Column::Line, "ISDN")]);
        let told = point(&bare, "v.xlsx#回線!12").unwrap();
        assert_eq!((told.grade, told.kind), (Grade::Hint, Kind::DialUp));
        assert_eq!(told.direction, Direction::Both, "what nobody says is not taken for safe");
        assert!(told.sides.seen_from.is_empty());
        assert_eq!(told.because[0].observation, "v.xlsx#回線!12");
        assert_eq!(told.because[0].value, "電話交換機 / ISDN");
        let sure = entry(&[(Column::LineNumber, "03-0000-0000"), (Column::AnsweredBy, "佐藤")]);
        assert_eq!(point(&sure, "x!1").unwrap().grade, Grade::Inferred);
        assert_eq!(point(&entry(&[(Column::Note, "何か")]), "x!1"), None);
    }

    #[test]
    fn a_line_keeps_its_name_when_its_particulars_change() {
        let of = |written: &[(Column, &str)]| name(&entry(written)).unwrap();
        let number = of(&[(Column::LineNumber, "03-0000-0000"), (Column::Name, "電話交換機")]);
        assert_eq!(of(&[(Column::LineNumber, "0300000000"), (Column::Name, "交換機")]), number);
        assert_ne!(of(&[(Column::LineNumber, "03-0000-0001")]), number);
        assert_ne!(of(&[(Column::Serial, "0300000000")]), number);
        let mac =
            Entry { macs: [crate::observe::Mac([0, 0, 0x5e, 0, 0x53, 1])].into(), ..entry(&[]) };
        assert_eq!(name(&mac).unwrap(), weigh::name("00:00:5e:00:53:01"));
    }
}
