//! What a point is for, whose it is, and over which sort of line it leads: by what people wrote, and else by what was seen.

use super::{
    edition::{Keywords, Library},
    rules::short,
};
use crate::{
    correlate::{AccessLines, Kind, Point},
    import::{Column, Entry},
};

/// The purpose of what nobody says anything about.
pub const UNKNOWN: &str = "unknown";

/// The purpose of a vendor's line of which no department is known.
pub const MAINTENANCE: &str = "maintenance";

/// The purpose of a way to the Internet.
pub const INTERNET: &str = "internet";

/// Lines into a network that is closed to others.
pub(super) const CLOSED: &str = "closed";

/// Leased lines.
pub(super) const LEASED: &str = "leased";

/// Mobile telephony.
pub(super) const MOBILE: &str = "mobile";

/// Telephone lines.
pub(super) const TELEPHONE: &str = "telephone";

/// Purposes whose lines belong to others and stay: eligibility, regional networks.
pub(super) const OF_PARTNERS: [&str; 2] = ["eligibility", "regional"];

/// Columns that tell a purpose, the one that is about it first.
const PURPOSE: [Column; 6] = [
    Column::Purpose,
    Column::System,
    Column::Department,
    Column::Name,
    Column::Partner,
    Column::Note,
];

/// Columns that tell who is at the other end, or whose equipment it is.
const WHO: [Column; 2] = [Column::Partner, Column::Vendor];

/// What a point is for: an id of `checklists/purposes.toml`, or as the register says it, or by its kind.
pub(super) fn purpose(point: &Point, written: Option<&Entry>) -> String {
    let known = &Library::built_in().purposes.purposes;
    let columns = written
        .into_iter()
        .flat_map(|entry| PURPOSE.iter().filter_map(|column| entry.get(*column)));
    let product = point.product.as_ref().map(|product| product.name.as_str());
    let texts = columns.chain(point.names.iter().map(String::as_str)).chain(product);
    if let Some(id) = texts.into_iter().find_map(|text| named(known, text)) {
        return id.to_owned();
    }
    if let Some(text) = written.and_then(|entry| entry.get(Column::Purpose)) {
        return short(text);
    }
    let usual = match point.kind {
        Kind::InternetGateway | Kind::Ipv6Exit => INTERNET,
        Kind::ClosedNetworkGateway => "closed_network",
        Kind::VpnGateway | Kind::VpnClient | Kind::MaintenanceRouter | Kind::OutboundAgent => {
            MAINTENANCE
        }
        Kind::RemoteDesktop | Kind::RemoteControl | Kind::RemoteShell => "remote_operation",
        Kind::MobileRouter
        | Kind::DualHomedHost
        | Kind::OverlayNetwork
        | Kind::ProxyRelay
        | Kind::DialUp
        | Kind::DeclaredLine => UNKNOWN,
    };
    usual.to_owned()
}

/// Who is at the other end, or whose equipment it is; none where nobody says it.
pub(super) fn vendor(point: &Point, written: Option<&Entry>) -> Option<String> {
    let said = WHO.iter().find_map(|column| written?.get(*column));
    let made = point.product.as_ref().map(|product| product.vendor.as_str());
    said.or(made).filter(|text| !text.is_empty()).map(short)
}

/// The sort of line that a point leads over: `internet`, `closed`, `leased`, `mobile`, `telephone` or `tunnel`; none where
/// nothing tells.
pub(super) fn line(point: &Point, written: Option<&Entry>) -> Option<&'static str> {
    let known = &Library::built_in().purposes.lines;
    let said = written.and_then(|entry| named(known, entry.get(Column::Line)?));
    let seen = || {
        let sorts = AccessLines::built_in();
        let known = point.lines.iter().filter(|line| line.kind != UNKNOWN);
        known.into_iter().find_map(|line| sorts.reaches(&line.kind))
    };
    let usual = || match point.kind {
        Kind::MobileRouter => Some(MOBILE),
        Kind::ClosedNetworkGateway => Some(CLOSED),
        Kind::DialUp => Some(TELEPHONE),
        _ => None,
    };
    said.or_else(seen).or_else(usual)
}

/// The first of `known` of which a word stands in a text.
fn named<'k>(known: &'k [Keywords], text: &str) -> Option<&'k str> {
    let text: String = text.chars().take(4 * 60).flat_map(char::to_lowercase).collect();
    let found = known.iter().find(|one| one.words.iter().any(|word| stands(&text, word)));
    found.map(|one| one.id.as_str())
}

/// Whether a word stands in a text, both in lower case: a Latin one whole, others anywhere.
fn stands(text: &str, word: &str) -> bool {
    let latin = |c: char| c.is_ascii_alphanumeric();
    text.match_indices(word).any(|(at, found)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|text| text.chars().next());
        let joined = |end: Option<char>, beside: Option<char>| {
            end.is_some_and(latin) && beside.is_some_and(latin)
        };
        !joined(word.chars().next(), before) && !joined(word.chars().next_back(), after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_words_stand_whole_and_japanese_ones_anywhere() {
        let known = &Library::built_in().purposes.purposes;
        for (text, purpose) in [
            ("CT室 遠隔保守", Some("radiology")),
            ("ct-01", Some("radiology")),
            ("contact centre", None),
            ("オンライン資格確認用ルータ", Some("eligibility")),
            ("検体検査システム保守", Some("laboratory")),
            ("電子カルテ情報共有サービス", Some("regional")),
            ("電子カルテ保守", Some("records")),
            ("ナースコール", Some("nurse_call")),
            ("ＶＰＮ", None),
            ("保守用", Some("maintenance")),
            ("", None),
        ] {
            assert_eq!(named(known, text), purpose, "{text}");
        }
        let lines = &Library::built_in().purposes.lines;
        for (text, line) in [
            ("INSネット64", Some(TELEPHONE)),
            ("閉域IP網", Some(CLOSED)),
            ("IP-VPN", Some(CLOSED)),
            ("光回線（インターネット）", Some("internet")),
            ("LTE", Some(MOBILE)),
            ("専用線", Some(LEASED)),
            ("不明", None),
        ] {
            assert_eq!(named(lines, text), line, "{text}");
        }
    }
}
