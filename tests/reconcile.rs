//! A register of two thousand lines, with the faults that registers have, held against the boxes that it was made of: how
//! many of the pairs are right, and how many of the right ones are found. The faults know nothing of what pairs them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what the test makes itself is there"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr},
};

use sekisho::{
    assess::{Found, Outcome, Seen, reconcile},
    correlate::{Because, Direction, Grade, Host, Kind, Point, Product, Sides},
    import::{Column, File, Mapping, load},
    observe::Mac,
    time::Timestamp,
};

/// Numbers that look random and are the same every time: `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.roll() % most as u64).unwrap()
    }

    /// True in so many of a hundred.
    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// A box as it is.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "a box may be all of these")]
struct Real {
    mac: Mac,
    address: Ipv4Addr,
    host_name: String,
    label: String,
    asset: String,
    serial: String,
    vendor: usize,
    model: usize,
    /// Whether the run saw it.
    seen: bool,
    is_point: bool,
    says_name: bool,
    says_product: bool,
    dhcp: bool,
}

/// Makers, as boxes and as people write them, and their models.
const MAKERS: [(&str, &[&str], &[&str]); 6] = [
    (
        "Acme",
        &["アクメ", "Acme", "ACME Works", "㈱アクメ"],
        &["EG-60", "EG-100", "EG-200E", "EG-400"],
    ),
    ("Bolt Systems", &["Bolt Systems", "BOLT SYSTEMS", "ボルト"], &["BS1200", "BS2400", "BS4800"]),
    ("Kestrel", &["Kestrel", "KESTREL Inc."], &["K-Series 7", "K-Series 9"]),
    ("Maple", &["Maple", "メイプル"], &["Desk 3040", "Desk 5060", "Desk 7080", "Book 14"]),
    ("Orchid", &["Orchid", "Orchid Corp."], &["OR-CT16", "OR-MR3", "OR-US9"]),
    ("Pebble", &["Pebble Ltd.", "pebble"], &["P10", "P20", "P30"]),
];

const PLACES: [&str; 8] =
    ["放射線科", "検査科", "薬剤部", "医事課", "手術室", "透析室", "３階西病棟", "サーバ室"];

/// A hospital's boxes: batches with hardware addresses in a row, addresses in networks of departments.
fn hospital(dice: &mut Dice, count: usize) -> Vec<Real> {
    let mut boxes = Vec::new();
    let mut batch = (0u64, 0);
    for number in 0..count {
        if number % 12 == 0 {
            batch = (0x0200_5e00_0000 | dice.roll() & 0xff_ffff, dice.below(MAKERS.len()));
        }
        batch.0 += 1;
        let bytes = batch.0.to_be_bytes();
        let vendor = batch.1;
        let is_point = dice.chance(10);
        boxes.push(Real {
            mac: Mac(bytes[2..].try_into().unwrap()),
            address: Ipv4Addr::new(
                10,
                20,
                u8::try_from(number / 200).unwrap(),
                u8::try_from(number % 200 + 10).unwrap(),
            ),
            host_name: format!("{}-{number:04}", dice.of(&["PC", "SV", "RT", "MOD", "PR"])),
            label: format!(
                "{} {}{}",
                dice.of(&PLACES),
                dice.of(&["端末", "サーバ", "ルータ", "装置", "プリンタ"]),
                number % 97 + 1
            ),
            asset: format!("K{:05}", 10_000 + number),
            serial: format!("SN{:08}", dice.below(100_000_000)),
            vendor,
            model: dice.below(MAKERS[vendor].2.len()),
            seen: dice.chance(94),
            is_point,
            says_name: dice.chance(85),
            says_product: dice.chance(if is_point { 80 } else { 50 }),
            dhcp: dice.chance(40),
        });
    }
    boxes
}

/// The run that saw them.
fn run(boxes: &[Real]) -> (Vec<Point>, Vec<Host>, BTreeMap<String, usize>) {
    let (mut points, mut hosts, mut called) = (Vec::new(), Vec::new(), BTreeMap::new());
    for (number, real) in boxes.iter().enumerate().filter(|(_, real)| real.seen) {
        let (vendor, _, models) = MAKERS[real.vendor];
        let product = real.says_product.then(|| Product {
            vendor: vendor.to_owned(),
            name: vendor.to_owned(),
            model: Some(models[real.model].to_owned()),
            version: Some("9.1".to_owned()),
        });
        let names: BTreeSet<String> = real
            .says_name
            .then(|| format!("{}.hospital.example", real.host_name.to_lowercase()))
            .into_iter()
            .collect();
        let addresses = BTreeSet::from([IpAddr::V4(real.address)]);
        let macs = BTreeSet::from([real.mac]);
        if !real.is_point {
            called.insert(real.address.to_string(), number);
            hosts.push(Host { addresses, macs, names, product, ..Host::default() });
            continue;
        }
        let id = format!("p{number:08x}");
        called.insert(id.clone(), number);
        points.push(Point {
            id,
            kind: Kind::VpnGateway,
            grade: Grade::Proved,
            confidence: 0.9,
            direction: Direction::In,
            addresses,
            macs,
            outside: BTreeSet::new(),
            services: BTreeSet::new(),
            product,
            names,
            lines: Vec::new(),
            because: vec![Because {
                evidence: "test".into(),
                field: "x.y".into(),
                value: "z".into(),
                observation: "test.pcap#1".into(),
            }],
            sides: Sides::default(),
        });
    }
    (points, hosts, called)
}

/// One digit of a text wrong, or two exchanged.
fn slip(dice: &mut Dice, text: &str, digits: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let places: Vec<usize> =
        (0..letters.len()).filter(|at| digits.contains(letters[*at])).collect();
    let at = *dice.of(&places);
    if dice.chance(50) && at + 1 < letters.len() && digits.contains(letters[at + 1]) {
        letters.swap(at, at + 1);
    } else {
        letters[at] = digits.chars().nth(dice.below(digits.len())).unwrap();
    }
    letters.into_iter().collect()
}

fn full_width(text: &str) -> String {
    let wide = |c: char| match c {
        '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap(),
        c => c,
    };
    text.chars().map(wide).collect()
}

fn mac_as_typed(dice: &mut Dice, mac: Mac) -> String {
    let plain = mac.to_string();
    let digits = plain.replace(':', "");
    match dice.below(4) {
        0 => plain,
        1 => plain.replace(':', "-").to_uppercase(),
        2 => digits,
        _ => format!("{}.{}.{}", &digits[..4], &digits[4..8], &digits[8..]),
    }
}

/// A line as somebody typed it: ten columns.
fn typed(dice: &mut Dice, real: &Real, pool: &[Ipv4Addr]) -> [String; 10] {
    let mut address = if real.dhcp && dice.chance(20) {
        // As it was when somebody wrote it down; another box may have it by now.
        dice.of(pool).to_string()
    } else {
        real.address.to_string()
    };
    if dice.chance(2) {
        address = slip(dice, &address, "0123456789");
    }
    if dice.chance(8) {
        address = if real.dhcp { "DHCP".to_owned() } else { String::new() };
    }
    let mut mac = if dice.chance(72) { mac_as_typed(dice, real.mac) } else { String::new() };
    if !mac.is_empty() && dice.chance(3) {
        mac = slip(dice, &mac.to_lowercase(), "0123456789abcdef");
    }
    let mut host_name = if dice.chance(65) { real.host_name.clone() } else { "-".to_owned() };
    if host_name != "-" && dice.chance(6) {
        let more = *dice.of(&["(旧)", "_予備", ".hospital.example"]);
        host_name.push_str(more);
    } else if host_name != "-" && dice.chance(2) {
        host_name = slip(dice, &host_name, "0123456789");
    }
    let (_, vendors, models) = MAKERS[real.vendor];
    let vendor = if dice.chance(85) { (*dice.of(vendors)).to_owned() } else { String::new() };
    let model = match dice.below(100) {
        0..4 => (*dice.of(models)).to_owned(),
        4..80 => models[real.model].to_owned(),
        _ => String::new(),
    };
    let serial = if dice.chance(60) { real.serial.clone() } else { String::new() };
    let asset = if dice.chance(92) { real.asset.clone() } else { String::new() };
    let place = (*dice.of(&PLACES)).to_owned();
    let note = (*dice.of(&["", "", "", "リース", "要更新"])).to_owned();
    let mut cells =
        [asset, real.label.clone(), host_name, address, mac, vendor, model, serial, place, note];
    if dice.chance(6) {
        for cell in &mut cells {
            *cell = full_width(cell);
        }
    }
    cells
}

#[test]
fn a_register_of_two_thousand_lines_finds_its_boxes() {
    for seed in [20_260_807, 1, 2, 3, 4] {
        held_against(seed);
    }
}

/// Makes a hospital, its register and a run of a seed, and scores what comes of them.
fn held_against(seed: u64) {
    let mut dice = Dice(seed);
    let mut boxes = hospital(&mut dice, 2_000);
    let pool: Vec<Ipv4Addr> =
        boxes.iter().filter(|real| real.dhcp).map(|real| real.address).collect();
    // Boxes that are gone, and still in the register; some of their addresses are another's by now.
    let mut retired = hospital(&mut dice, 140);
    for (number, real) in retired.iter_mut().enumerate() {
        real.host_name = format!("OLD-{number:04}");
        real.asset = format!("K{number:05}");
        real.address = if dice.chance(35) {
            *dice.of(&pool)
        } else {
            Ipv4Addr::new(10, 20, 90, u8::try_from(number + 1).unwrap())
        };
    }
    boxes.iter_mut().step_by(311).for_each(|real| real.is_point = true);

    // What each row is in truth: none, one box, or the two that share it.
    let mut truth: Vec<Vec<usize>> = Vec::new();
    let mut text = String::from(
        "管理番号,機器名,ホスト名,IPアドレス,MACアドレス,メーカー,型番,製造番号,設置場所,備考\n",
    );
    let mut write = |cells: &[String]| {
        let cells: Vec<String> =
            cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
        writeln!(text, "{}", cells.join(",")).unwrap();
    };
    let mut number = 0;
    while number < boxes.len() {
        let here = number;
        number += 1;
        if dice.chance(7) {
            // Nobody wrote it down.
            continue;
        }
        let mut cells = typed(&mut dice, &boxes[here], &pool);
        let mut of = vec![here];
        if dice.chance(1) && number < boxes.len() {
            // Two boxes of a pair in one line.
            let other = typed(&mut dice, &boxes[number], &pool);
            for column in [3, 4] {
                cells[column] = format!("{}\n{}", cells[column], other[column]);
            }
            of.push(number);
            number += 1;
        }
        write(&cells);
        truth.push(of);
        if dice.chance(3) {
            // Another department wrote it down too.
            write(&typed(&mut dice, &boxes[here], &pool));
            truth.push(vec![here]);
        }
    }
    for real in &retired {
        write(&typed(&mut dice, real, &pool));
        truth.push(Vec::new());
    }
    assert!((1_950..2_150).contains(&truth.len()), "{} lines", truth.len());

    let file = File::parse("register.csv", text.as_bytes()).unwrap();
    let loaded = load(&[file], &Mapping::default(), &[], Timestamp::default()).unwrap();
    let register = loaded.register;
    assert_eq!(register.entries.len(), truth.len());
    let taken: Vec<Column> =
        loaded.readings[0].columns.iter().filter_map(|column| column.taken_for).collect();
    assert_eq!(taken.len(), 10, "{taken:?}");

    let (points, hosts, called) = run(&boxes);
    let held = reconcile(&register, &Seen { points: &points, hosts: &hosts, coverage: &[] });
    let (mut found, mut right, mut there) = (0, 0, 0);
    let mut wrong = Vec::new();
    for (line, of) in held.lines.iter().zip(&truth) {
        there += usize::from(of.iter().any(|number| boxes[*number].seen));
        let Some(Found::Point(name) | Found::Host(name)) = line.outcome.found() else { continue };
        found += 1;
        if of.contains(&called[name]) {
            right += 1;
        } else {
            wrong.push(format!("row {} as {name}: {:?}", line.entry.row, line.entry.written));
        }
    }
    let number = |count: usize| f64::from(u32::try_from(count).unwrap());
    let share = |part: usize, whole: usize| number(part) / number(whole);
    let (precision, recall) = (share(right, found), share(right, there));
    let mismatches =
        held.lines.iter().filter(|line| matches!(line.outcome, Outcome::Mismatch { .. })).count();
    let figures = format!(
        "seed {seed}: {} lines, {there} of boxes that were seen: {found} found, {right} right, {mismatches} with differences; precision \
         {precision:.4}, recall {recall:.4}",
        truth.len()
    );
    println!("{figures}");
    wrong.truncate(20);
    assert!(precision >= 0.98 && recall >= 0.95, "{figures}\n{}", wrong.join("\n"));

    // Every point that nobody wrote down is undeclared, and no other, as far as the pairs are right.
    let declared: BTreeSet<usize> = truth.iter().flatten().copied().collect();
    let undeclared = held.undeclared(&points);
    let truly = undeclared.iter().filter(|point| !declared.contains(&called[&point.id])).count();
    let missing = boxes
        .iter()
        .enumerate()
        .filter(|(n, real)| real.is_point && real.seen && !declared.contains(n))
        .count();
    assert!(truly * 100 >= missing * 95, "{truly} of {missing} undeclared points are told as such");
}

#[test]
fn the_same_register_gives_the_same_answer() {
    let mut dice = Dice(7);
    let boxes = hospital(&mut dice, 100);
    let pool = [Ipv4Addr::new(10, 20, 0, 10)];
    let mut text = String::from("機器名,IPアドレス,MACアドレス\n");
    for real in &boxes {
        let cells = typed(&mut dice, real, &pool);
        writeln!(text, "{},{},{}", cells[1], cells[3], cells[4]).unwrap();
    }
    let register = || {
        let file = File::parse("register.csv", text.as_bytes()).unwrap();
        load(&[file], &Mapping::default(), &[], Timestamp::default()).unwrap().register
    };
    let (points, hosts, _) = run(&boxes);
    let seen = Seen { points: &points, hosts: &hosts, coverage: &[] };
    assert_eq!(register(), register());
    assert_eq!(reconcile(&register(), &seen), reconcile(&register(), &seen));
}
