//! What a replay measured, and what it could not see.

use super::{Coverage, CoverageState, noted};
use crate::{
    observe::{Heard, Observation},
    passive::Replay,
    scope::{Inside, inside::is_nowhere},
};

/// The lines of coverage of a replay, in the order in which reports show them; `names` are what its files are
/// cited by.
pub fn of_replay(replay: &Replay, names: &[String]) -> Vec<Coverage> {
    let gaps = replay.gaps;
    let packets: u64 = replay.files.iter().map(|file| file.packets).sum();
    let mut lines = vec![
        line("files_read", CoverageState::Measured, Some(replay.files.len() as u64), None),
        line("packets_read", CoverageState::Measured, Some(packets), None),
    ];
    let prefixes: Vec<String> = replay.inside.prefixes().iter().map(ToString::to_string).collect();
    let inside = if replay.inside.is_given() { "inside_given" } else { "inside_inferred" };
    let prefixes = (!prefixes.is_empty()).then(|| prefixes.join(", "));
    lines.push(line(inside, CoverageState::Measured, None, prefixes));
    for (file, name) in replay.files.iter().zip(names) {
        if let Some(fault) = &file.fault {
            let detail = format!("{name}: {fault}");
            lines.push(line("file_damaged", CoverageState::Partial, None, Some(detail)));
        }
        for (link_type, count) in &file.foreign {
            let detail = format!("{name}: LINKTYPE {link_type}");
            lines.push(line(
                "link_not_understood",
                CoverageState::Partial,
                Some(*count),
                Some(detail),
            ));
        }
        if file.unfinished {
            let detail = Some(name.clone());
            lines.push(line("run_not_finished", CoverageState::Partial, None, detail));
        }
        if file.out_of_order {
            lines.push(line("clock_order", CoverageState::Measured, None, Some(name.clone())));
        }
    }
    let counted = [
        ("packets_cut_short", CoverageState::Partial, gaps.cut),
        // A malformed packet says that much, and no more: the run is whole all the same.
        ("packets_unreadable", CoverageState::NotMeasured, gaps.unreadable),
        ("streams_not_followed", CoverageState::Partial, gaps.given_up),
        ("observations_not_kept", CoverageState::Partial, gaps.refused),
    ];
    for (subject, state, count) in counted.into_iter().filter(|(.., count)| *count > 0) {
        lines.push(line(subject, state, Some(count), None));
    }
    if !replay.observations.is_empty()
        && !replay.observations.iter().any(|o| is_of(o, &replay.inside))
    {
        lines.push(line("nothing_inside", CoverageState::NotMeasured, None, None));
    }
    if gaps.framed == 0 && packets > 0 {
        lines.push(line("no_link_layer", CoverageState::NotMeasured, None, None));
    }
    if replay.is_recording {
        let asked = [
            ("addresses_asked", replay.asked.addresses()),
            ("addresses_answered", replay.asked.answered()),
            ("questions_asked", replay.asked.questions),
            ("packets_sent", replay.asked.packets),
            ("bytes_sent", replay.asked.bytes),
        ];
        let lines_of = |(subject, count)| line(subject, CoverageState::Measured, Some(count), None);
        lines.extend(asked.map(lines_of));
        if !replay.asked.is_whole() {
            let (packets, _) = replay.asked.others();
            lines.push(line("sent_to_others", CoverageState::Measured, Some(packets), None));
        }
    } else {
        lines.push(line("listens_only", CoverageState::NotMeasured, None, None));
    }
    // Runs tell what they missed, and listeners do; other captures have nothing to tell.
    lines.extend(replay.files.iter().flat_map(|file| noted::lines(&file.notes)));
    lines
}

/// The line that says how many boxes lost something that they said to the bounds, if any did.
pub fn of_boxes(not_kept: usize) -> Option<Coverage> {
    let count = u64::try_from(not_kept).unwrap_or(u64::MAX);
    (count > 0).then(|| line("boxes_not_kept", CoverageState::Partial, Some(count), None))
}

/// The line that says how many boxes, or some of their services, are missing from the list of all that were heard, if any
/// are.
pub fn of_hosts(not_kept: usize) -> Option<Coverage> {
    let count = u64::try_from(not_kept).unwrap_or(u64::MAX);
    (count > 0).then(|| line("hosts_not_kept", CoverageState::Partial, Some(count), None))
}

/// Whether `observation` has an end inside that can be told apart from others.
fn is_of(observation: &Observation, inside: &Inside) -> bool {
    let ends = [Some(observation.speaker), observation.listener];
    let addresses = ends.into_iter().flatten().filter_map(|end| end.ip);
    // Boxes that only show their hardware address are on a link that was listened to: inside.
    observation.speaker.ip.is_none()
        // And so is whoever was asked.
        || observation.heard == Heard::Replied
        || addresses.into_iter().any(|ip| !is_nowhere(ip) && inside.contains(ip))
}

fn line(
    subject: &'static str,
    state: CoverageState,
    count: Option<u64>,
    detail: Option<String>,
) -> Coverage {
    Coverage::of_run(subject, state, count, detail)
}
