//! What a form asks for, and by which names its fields are known.

use super::text::bare;
use crate::import::Column;

/// A field of a form.
#[derive(Debug)]
pub struct Field {
    /// What it is about. Its name is the key in forms that are written by hand.
    pub column: Column,
    /// What it may be called, in Japanese and in English, as [`bare`] gives it.
    labels: &'static [&'static str],
}

/// Every field.
pub static FIELDS: &[Field] = &[
    Field { column: Column::Point, labels: &["接続点id", "connectionpointid", "pointid"] },
    Field { column: Column::Name, labels: &["名称", "名前", "機器名", "whatitiscalled"] },
    Field {
        column: Column::Place, labels: &["設置場所", "場所", "whereitstands", "location"]
    },
    Field { column: Column::Department, labels: &["部門", "部署", "department"] },
    Field {
        column: Column::System,
        labels: &["対象のシステム機器", "接続先システム", "systemorequipment"],
    },
    Field {
        column: Column::Partner,
        labels: &["相手先", "事業者", "事業者名", "vendorname", "otherend", "partner"],
    },
    Field { column: Column::Purpose, labels: &["用途", "whatfor"] },
    Field {
        column: Column::Line,
        labels: &["回線種別", "回線の種別", "回線", "sortofline", "linetype"],
    },
    Field { column: Column::Carrier, labels: &["通信事業者", "whoseline"] },
    Field { column: Column::LineNumber, labels: &["回線番号", "電話番号", "linenumber"] },
    Field {
        column: Column::Vendor,
        labels: &["装置のメーカ", "メーカ", "メーカー", "maker", "manufacturer"],
    },
    Field { column: Column::Model, labels: &["装置の型番", "型番", "model"] },
    Field {
        column: Column::Serial,
        labels: &["シリアル", "シリアル番号", "製造番号", "serialnumber"],
    },
    Field {
        column: Column::Version,
        labels: &["版", "ファームウェアの版", "バージョン", "firmwareversion"],
    },
    Field {
        column: Column::Address,
        labels: &["院内のipアドレス", "ipアドレス", "ip", "addressinside"],
    },
    Field { column: Column::Mac, labels: &["macアドレス", "hardwareaddress", "macaddress"] },
    Field { column: Column::Vlan, labels: &["vlan"] },
    Field {
        column: Column::Outside,
        labels: &["外側のipアドレス", "wan側ip", "wan側ipアドレス", "addressoutside"],
    },
    Field { column: Column::Method, labels: &["接続の方式", "方式", "bywhatitisreached"] },
    Field {
        column: Column::Direction, labels: &["接続を始める側", "方向", "whoopensconnections"]
    },
    Field {
        column: Column::Connected,
        labels: &["常時か都度か", "常時接続か都度か", "alwaysorondemand"],
    },
    Field {
        column: Column::Restriction,
        labels: &["接続元制限", "fromwhereitmaybereached", "sourcerestriction"],
    },
    Field { column: Column::Authentication, labels: &["認証", "howusersareknown"] },
    Field { column: Column::Logging, labels: &["ログの取得", "ログ取得", "isalogkept"] },
    Field {
        column: Column::PatchedBy, labels: &["更新の担当", "更新担当", "whokeepsituptodate"]
    },
    Field {
        column: Column::SupportUntil, labels: &["保守の期限", "保守期限", "maintenanceuntil"]
    },
    Field { column: Column::Owner, labels: &["所有者", "owner"] },
    Field { column: Column::Manager, labels: &["管理責任者", "whoisresponsible"] },
    Field { column: Column::Boundary, labels: &["責任分界", "whereresponsibilitiesmeet"] },
    Field {
        column: Column::RemoteMaintenance,
        labels: &["リモート保守", "リモート保守の有無", "remotemaintenance"],
    },
    Field {
        column: Column::Disclosure,
        labels: &["mds/sdsの提出", "mds/sds", "disclosurestatement"],
    },
    Field { column: Column::Contact, labels: &["連絡先", "contact"] },
    Field { column: Column::Status, labels: &["使用状況", "isitinuse"] },
    Field { column: Column::Photo, labels: &["写真", "写真のファイル名", "photo"] },
    Field {
        column: Column::AnsweredBy, labels: &["回答者", "確認者", "answeredby", "toldby"]
    },
    Field { column: Column::Checked, labels: &["回答日", "確認日", "answeredon", "toldon"] },
    Field { column: Column::Installed, labels: &["導入日", "installed"] },
    Field { column: Column::Note, labels: &["備考", "notes", "remarks"] },
];

/// Names of the field that says whose form it is.
pub(super) const FACILITY: [&str; 3] = ["医療機関", "医療機関名", "facility"];

/// Fields that a form may say once for all of its lines.
pub const FOR_ALL: [Column; 6] = [
    Column::Partner,
    Column::AnsweredBy,
    Column::Contact,
    Column::Checked,
    Column::RemoteMaintenance,
    Column::Disclosure,
];

/// The field that is called `label`.
pub fn named(label: &str) -> Option<Column> {
    if label.len() > 128 {
        return None;
    }
    let label = bare(label);
    let is_it = |field: &&Field| {
        field.labels.contains(&&*label) || field.column.name().replace('_', "") == label
    };
    FIELDS.iter().find(is_it).map(|field| field.column)
}

/// Whether `label` is the name of the field that says whose form it is.
pub(super) fn is_facility(label: &str) -> bool {
    label.len() <= 128 && FACILITY.contains(&&*bare(label))
}

/// The key that is most like `key`.
pub(super) fn nearest(key: &str, keys: &[&'static str]) -> &'static str {
    let key: String = key.chars().take(64).collect();
    let far = |known: &&&str| strsim::damerau_levenshtein(&key, known);
    keys.iter().min_by_key(far).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_fields_have_the_same_name() {
        let mut seen = BTreeSet::new();
        for field in FIELDS {
            for label in field.labels {
                assert_eq!(bare(label), *label, "labels stand as they are compared");
                assert!(seen.insert(*label), "{label}");
                assert_eq!(named(label), Some(field.column));
            }
            assert_eq!(named(field.column.name()), Some(field.column));
        }
        assert_eq!(named("ひとこと"), None);
    }

    #[test]
    fn a_wrong_key_is_told_the_right_one() {
        let keys = ["line", "line_number", "carrier"];
        assert_eq!(nearest("line_nunber", &keys), "line_number");
        assert_eq!(nearest("carier", &keys), "carrier");
    }
}
