//! What people type, as it is kept and compared.

use crate::import::tidy;

/// `text` in half width where that exists, on one line. What stands for nothing, such as a dash, is empty.
pub fn tidy(text: &str) -> String {
    let kept = tidy::tidy(text).replace('\n', " ");
    let nothing = ["-", "--", "ー", "n/a", "N/A", "該当なし"];
    if nothing.contains(&kept.as_str()) { String::new() } else { kept }
}

/// A name of a field or a choice, as it is compared: without case, space, marks, and what stands in brackets behind it.
pub fn bare(text: &str) -> String {
    let tidy = tidy(text).to_lowercase();
    let head = tidy.split(['(', '【', '[']).next().filter(|head| !head.trim().is_empty());
    let kept = |c: &char| c.is_alphanumeric() || *c == '/';
    head.unwrap_or(&tidy).chars().filter(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_kept_in_half_width_on_one_line() {
        assert_eq!(tidy("　０３−１２３４　\r\n ＩＳＤＮ\t回線 "), "03-1234 ISDN 回線");
        for nothing in ["", "  ", "－", "ー", "N/A", "該当なし"] {
            assert_eq!(tidy(nothing), "", "{nothing}");
        }
    }

    #[test]
    fn a_name_of_a_field_is_known_however_it_is_decorated() {
        for written in
            ["回線番号", " 回線　番号 ", "回線番号（電話番号など）", "＊回線番号", "回線番号："]
        {
            assert_eq!(bare(written), "回線番号", "{written}");
        }
        assert_eq!(bare("Line_Number"), "linenumber");
        assert_eq!(bare("MDS/SDS"), "mds/sds");
        assert_eq!(bare("(any)"), "any");
    }
}
