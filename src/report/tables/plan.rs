//! The plan: points that belong together in the order of the work, and those about which somebody has to do something.

use super::{Cell, Column, Row, Table, Tone, action::actions, points::verdicts};
use crate::{
    assess::Group,
    correlate::Point,
    import,
    report::{Report, Words},
};

/// The plan.
pub(super) fn table(report: &Report<'_>) -> Table {
    let words = report.words;
    let tones = [
        ("close", Tone::Bad),
        ("renew", Tone::Bad),
        ("merge", Tone::Warn),
        ("ask", Tone::Warn),
        ("keep", Tone::Good),
    ];
    let columns = vec![
        Column::new("order", 8, words),
        Column::new("id", 12, words),
        Column::new("about", 26, words),
        Column::new("proposal", 16, words).tones("plan_proposal", &tones, words),
        Column::new("why", 46, words),
        Column::new("before_after", 12, words),
        verdicts(Column::new("verdict", 16, words).open(), words),
        Column::new("action", 28, words).open(),
        Column::new("due", 12, words).open(),
        Column::new("person", 14, words).open(),
        Column::new("done", 12, words).open(),
    ];
    let mut table = Table::new("plan", columns);
    let plan = &report.meaning.plan;
    if plan.groups.is_empty() {
        table.notes.push(words.get("sheet_note", "no_plan").to_owned());
    } else {
        let (before, after) = (plan.before.to_string(), plan.after.to_string());
        let values = [("before", &*before), ("after", &after)];
        table.notes.push(words.fill("sheet_note", "plan", &values));
    }
    table.notes.push(words.get("sheet_note", "plan_rows").to_owned());
    let points = report.points();
    let mut placed = std::collections::BTreeSet::new();
    for group in &plan.groups {
        table.add(heading(group, words));
        let of_it = points.iter().filter(|point| group.points.contains(&point.id));
        for (at, point) in (1..).zip(of_it) {
            placed.insert(&point.id);
            let order = format!("{}-{at}", group.order);
            table_row(&mut table, report, point, &order);
        }
    }
    for point in points.iter().filter(|point| !placed.contains(&point.id)) {
        table_row(&mut table, report, point, "—");
    }
    Table { link: Some(1), fixed: 2, ..table }
}

/// A row that says what is proposed for a group.
fn heading(group: &Group, words: &Words) -> Row {
    let purpose = words.purpose(&group.purpose);
    let line = group.line.as_deref().map(|line| words.line_sort(line));
    let about = [Some(&*purpose), group.vendor.as_deref(), line];
    let (before, after) = (group.points.len().to_string(), group.after.to_string());
    let values = [("before", &*before), ("after", &after)];
    let mut cells = vec![
        Cell::of(&group.order.to_string()),
        Cell::dash(),
        Cell::lines(about.into_iter().flatten()),
        Cell::of(words.get("plan_proposal", group.proposal.name())),
        Cell::lines(group.reasons.iter().map(|why| words.why(why))),
        Cell::of(&words.fill("plan_proposal", "before_after", &values)),
    ];
    cells.extend(std::iter::repeat_n(Cell::dash(), 5));
    Row { cells, point: None, heads: true }
}

/// A row for a point, if somebody has to do something about it.
fn table_row(table: &mut Table, report: &Report<'_>, point: &Point, order: &str) {
    let actions = actions(report, point);
    if actions.is_empty() {
        return;
    }
    let words = report.words;
    let review = report.review(&point.id);
    let wrote = |column| report.written(&point.id).and_then(|entry| entry.get(column));
    let about = [Some(words.kind(point.kind)), wrote(import::Column::Name)];
    let address = point.addresses.iter().next().map(ToString::to_string);
    let product = point.product.as_ref().map(ToString::to_string);
    let about = about.into_iter().flatten().map(str::to_owned).chain(address).chain(product);
    let cells = vec![
        Cell::of(order),
        Cell::of(&point.id),
        Cell::lines(about),
        Cell::dash(),
        Cell::lines(actions),
        Cell::dash(),
        Cell::lines(review.map(|one| words.get("verdict", one.state.name()))),
        Cell::default(),
        Cell::default(),
        Cell::default(),
        Cell::default(),
    ];
    table.add(Row { cells, point: Some(point.id.clone()), heads: false });
}
