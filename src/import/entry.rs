//! What people wrote down about one box or one line, by column.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use serde::{Deserialize, Serialize};

use crate::{observe::Mac, time::Timestamp};

/// What a column of a register, a list of lines or a form is about. A closed list: the columns of the list of external
/// connection points, and those that registers have besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// What it is called: 名称.
    Name,
    /// Its number in the register: 管理番号, 資産番号.
    AssetNumber,
    /// What sort of thing it is: 種別.
    Sort,
    /// Where it stands: 設置場所.
    Place,
    /// Whose it is in the house: 部門.
    Department,
    /// The system that it belongs to: 接続先システム.
    System,
    /// Who is at the other end: 相手先, 事業者.
    Partner,
    /// What for: 用途.
    Purpose,
    /// Which sort of line: 回線種別.
    Line,
    /// Whose line: 通信事業者.
    Carrier,
    /// The line's number: 回線番号.
    LineNumber,
    /// Who made it: メーカ.
    Vendor,
    /// 型番.
    Model,
    /// シリアル.
    Serial,
    /// 版.
    Version,
    /// Which operating system.
    Os,
    /// The name that the box calls itself: ホスト名.
    HostName,
    /// Its addresses inside.
    Address,
    /// Its hardware addresses.
    Mac,
    /// VLAN or segment.
    Vlan,
    /// Its addresses outside: WAN側IP.
    Outside,
    /// By what it is reached: 方式, such as IPsec or SSL-VPN.
    Method,
    /// Who opens connections: 方向.
    Direction,
    /// Always or on demand: 常時接続か都度か.
    Connected,
    /// From where it may be reached: 接続元制限.
    Restriction,
    /// By what those who come are known: 認証.
    Authentication,
    /// Whether a log is kept: ログ取得.
    Logging,
    /// Until when it has maintenance: 保守期限.
    SupportUntil,
    /// Whose property: 所有者.
    Owner,
    /// Who is responsible: 管理責任者.
    Manager,
    /// Where the parties' responsibilities meet: 責任分界.
    Boundary,
    /// Whom to call: 連絡先.
    Contact,
    /// Since when it is there: 導入日.
    Installed,
    /// Whether it is in use: 使用状況.
    Status,
    /// When somebody looked last: 確認日.
    Checked,
    /// Anything else: 備考.
    Note,
    /// The connection point that it is about, by its name: 接続点ID.
    Point,
    /// Whether it is maintained from afar: リモート保守の有無.
    RemoteMaintenance,
    /// Whether its disclosure statement was handed in: MDS/SDS.
    Disclosure,
    /// Who keeps it up to date: 更新の担当.
    PatchedBy,
    /// Who answered, or told it: 回答者.
    AnsweredBy,
    /// The file name of a picture of it: 写真.
    Photo,
}

impl Column {
    /// Every column, in the order of the list of connection points; then those that forms ask for besides.
    pub const ALL: [Self; 42] = [
        Self::Name,
        Self::AssetNumber,
        Self::Sort,
        Self::Place,
        Self::Department,
        Self::System,
        Self::Partner,
        Self::Purpose,
        Self::Line,
        Self::Carrier,
        Self::LineNumber,
        Self::Vendor,
        Self::Model,
        Self::Serial,
        Self::Version,
        Self::Os,
        Self::HostName,
        Self::Address,
        Self::Mac,
        Self::Vlan,
        Self::Outside,
        Self::Method,
        Self::Direction,
        Self::Connected,
        Self::Restriction,
        Self::Authentication,
        Self::Logging,
        Self::SupportUntil,
        Self::Owner,
        Self::Manager,
        Self::Boundary,
        Self::Contact,
        Self::Installed,
        Self::Status,
        Self::Checked,
        Self::Note,
        Self::Point,
        Self::RemoteMaintenance,
        Self::Disclosure,
        Self::PatchedBy,
        Self::AnsweredBy,
        Self::Photo,
    ];

    /// The name in mapping files, in JSON and in the word lists (section `column`).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::AssetNumber => "asset_number",
            Self::Sort => "sort",
            Self::Place => "place",
            Self::Department => "department",
            Self::System => "system",
            Self::Partner => "partner",
            Self::Purpose => "purpose",
            Self::Line => "line",
            Self::Carrier => "carrier",
            Self::LineNumber => "line_number",
            Self::Vendor => "vendor",
            Self::Model => "model",
            Self::Serial => "serial",
            Self::Version => "version",
            Self::Os => "os",
            Self::HostName => "host_name",
            Self::Address => "address",
            Self::Mac => "mac",
            Self::Vlan => "vlan",
            Self::Outside => "outside",
            Self::Method => "method",
            Self::Direction => "direction",
            Self::Connected => "connected",
            Self::Restriction => "restriction",
            Self::Authentication => "authentication",
            Self::Logging => "logging",
            Self::SupportUntil => "support_until",
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::Boundary => "boundary",
            Self::Contact => "contact",
            Self::Installed => "installed",
            Self::Status => "status",
            Self::Checked => "checked",
            Self::Note => "note",
            Self::Point => "point",
            Self::RemoteMaintenance => "remote_maintenance",
            Self::Disclosure => "disclosure",
            Self::PatchedBy => "patched_by",
            Self::AnsweredBy => "answered_by",
            Self::Photo => "photo",
        }
    }
}

/// One line of a register or of a form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The sheet that it stands on; none in a file without sheets.
    pub sheet: Option<String>,
    /// Its row there, from 1, as a spreadsheet numbers them.
    pub row: u32,
    /// Its addresses inside.
    pub addresses: BTreeSet<IpAddr>,
    /// Its hardware addresses.
    pub macs: BTreeSet<Mac>,
    /// Its addresses outside.
    pub outside: BTreeSet<IpAddr>,
    /// What stands in each column: in half width where that exists, without space around it, dates as `2026-08-07`.
    /// Never empty texts.
    pub written: BTreeMap<Column, String>,
}

impl Entry {
    /// What stands in a column.
    pub fn get(&self, column: Column) -> Option<&str> {
        self.written.get(&column).map(String::as_str)
    }
}

/// A register as it was loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// The file's name, without its folder.
    pub name: String,
    /// When it was loaded.
    pub loaded: Timestamp,
    /// Its lines, in their order.
    pub entries: Vec<Entry>,
}
