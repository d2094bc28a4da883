//! Pages, set with invented widths.

use super::*;
use crate::report::pdf::line::Invented;

fn laid(blocks: &[Block]) -> Set {
    let page = |page, pages| format!("{page}/{pages}");
    let margins =
        Margins {
            facility: "関所記念病院", mark: "取扱注意", foot: "報告書", page: &page
        };
    set(blocks, &margins, &Invented)
}

fn heading(level: u8, words: &str) -> Block {
    Block::Heading { level, words: words.to_owned(), anchor: words.to_owned() }
}

fn table(rows: usize, words: &str) -> Block {
    let row = |n: usize| vec![vec![Text::cell(format!("row{n}"))], vec![Text::cell(words)]];
    let columns = vec![("名前".to_owned(), 20.0), ("内容".to_owned(), 80.0)];
    Block::Table(Table { columns, rows: (0..rows).map(row).collect() })
}

/// The lines of text, with their pages, that belong to a part.
fn said(set: &Set) -> Vec<(usize, f32, f32, &str)> {
    let pages = set.pages.iter().enumerate();
    pages
        .flat_map(|(number, page)| page.iter().map(move |mark| (number, mark)))
        .filter_map(|(number, mark)| match mark {
            Mark::Line { x, y, words, part: Some(_), .. } => Some((number, *x, *y, &**words)),
            _ => None,
        })
        .collect()
}

#[test]
fn nothing_stands_outside_the_margins() {
    let long = "関所はexample.internalの道を守る。".repeat(400);
    let blocks = [
        Block::Paragraph(Text::new(&*long, Look::BODY)),
        table(3, &long),
        table(120, "x"),
        Block::List(vec![Text::new(&*long, Look::BODY)]),
    ];
    let set = laid(&blocks);
    assert!(set.pages.len() > 5);
    for mark in set.pages.iter().flatten() {
        let Mark::Line { x, y, words, look, part: Some(_), .. } = mark else { continue };
        let right = x + width(words, look.bold, &Invented) * look.size;
        assert!(*x >= SIDE && right <= PAPER.0 - SIDE + 0.1, "{words} ends at {right}");
        assert!(*y > TOP && *y < PAPER.1 - BOTTOM, "{words} stands at {y}");
    }
}

#[test]
fn every_row_is_there_once_and_in_order() {
    let set = laid(&[table(300, "関所")]);
    let rows: Vec<&str> = said(&set)
        .into_iter()
        .map(|(.., words)| words)
        .filter(|words| words.starts_with("row"))
        .collect();
    let wanted: Vec<String> = (0..300).map(|n| format!("row{n}")).collect();
    assert_eq!(rows, wanted);
    let headings = set.pages.iter().map(|page| {
        page.iter()
            .filter(|mark| matches!(mark, Mark::Line { words, .. } if words == "名前"))
            .count()
    });
    assert!(headings.eq(vec![1; set.pages.len()]), "every page repeats the headings");
}

#[test]
fn a_row_that_is_higher_than_a_page_goes_on_over_several() {
    let set = laid(&[table(1, &"関".repeat(3900))]);
    let letters: usize = said(&set).iter().map(|(.., words)| words.matches('関').count()).sum();
    assert_eq!(letters, 3900);
    assert!(set.pages.len() >= 2);
}

#[test]
fn a_heading_is_never_alone_at_the_foot_of_a_page() {
    for lines in 20..60 {
        let mut blocks = vec![Block::Paragraph(Text::new("関".repeat(lines * 40), Look::BODY))];
        blocks.push(heading(2, "見出し"));
        blocks.push(Block::Paragraph(Text::new("本文", Look::BODY)));
        let set = laid(&blocks);
        let page_of =
            |wanted: &str| said(&set).iter().find(|(.., words)| *words == wanted).map(|one| one.0);
        assert_eq!(page_of("見出し"), page_of("本文"), "{lines}");
    }
}

#[test]
fn the_contents_name_every_chapter_and_lead_to_it() {
    let blocks = [
        Block::Contents,
        heading(1, "一覧"),
        Block::Paragraph(Text::new("関".repeat(9000), Look::BODY)),
        heading(1, "用語"),
    ];
    let set = laid(&blocks);
    let numbers: Vec<&str> = set.pages[0]
        .iter()
        .filter_map(|mark| match mark {
            Mark::PageOf { anchor, .. } => Some(&**anchor),
            _ => None,
        })
        .collect();
    assert_eq!(numbers, ["一覧", "用語"]);
    let place = &set.places[set.anchors["用語"]];
    assert!(place.page > 0 && place.words == "用語");
}

#[test]
fn the_first_heading_of_a_name_is_the_one_that_is_led_to() {
    let set = laid(&[
        heading(1, "同じ"),
        Block::Paragraph(Text::new("関".repeat(9000), Look::BODY)),
        heading(1, "同じ"),
    ]);
    assert_eq!(set.places[set.anchors["同じ"]].page, 0);
    assert_eq!(set.places.len(), 2);
}

#[test]
fn every_page_says_which_it_is_and_of_how_many() {
    let set = laid(&[table(200, "関所")]);
    let pages = set.pages.len();
    for (number, page) in (1..).zip(&set.pages) {
        let wanted = format!("{number}/{pages}");
        assert!(
            page.iter().any(|mark| matches!(mark, Mark::Line { words, .. } if *words == wanted))
        );
        let marked =
            page.iter().any(|mark| matches!(mark, Mark::Line { words, .. } if words == "取扱注意"));
        assert_eq!(marked, number > 1, "the first page has its cover");
    }
}

#[test]
fn nothing_gives_one_page() {
    assert_eq!(laid(&[]).pages.len(), 1);
    assert_eq!(
        laid(&[Block::Chapter, Block::Chapter, Block::Table(Table::default())]).pages.len(),
        1
    );
}
