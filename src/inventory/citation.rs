//! Citations of packets, as they are kept: each without the name of its file where that is the one before it.

/// Shortens citations such as `night.pcapng#12`; those that stay in one file are `#12` from the second on.
pub(super) fn shortened<'a>(cited: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut last = None;
    let short = |whole: &'a str| {
        let (file, number) = whole.split_at(whole.rfind('#').unwrap_or(0));
        let same = last.replace(file) == Some(file);
        if same && !number.is_empty() { number } else { whole }
    };
    cited.into_iter().map(short).collect()
}

/// The citations that were shortened.
pub(super) fn whole(kept: Vec<String>) -> impl Iterator<Item = String> {
    let mut file = String::new();
    kept.into_iter().map(move |packet| {
        if packet.starts_with('#') {
            return format!("{file}{packet}");
        }
        let name = packet.rfind('#').and_then(|at| packet.get(..at)).unwrap_or_default();
        name.clone_into(&mut file);
        packet
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shortened_comes_back_whole() {
        for cited in [
            &["a.pcap#1", "a.pcap#2", "b#c.pcap#9", "b#c.pcap#10", "a.pcap#3"][..],
            &["", "", "#1", "#2", "x"],
            &["night.pcapng#1"],
            &[],
        ] {
            let short: Vec<String> =
                shortened(cited.iter().copied()).into_iter().map(str::to_owned).collect();
            assert_eq!(whole(short).collect::<Vec<_>>(), cited);
        }
        assert_eq!(shortened(["a.pcap#1", "a.pcap#22"]), ["a.pcap#1", "#22"]);
    }
}
