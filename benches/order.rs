//! The place of a probe in the order of a sweep: one number for each packet that goes out.

use divan::{Bencher, black_box, counter::ItemsCount};
use sekisho::scope::{Blocks, Order, target};

fn main() {
    divan::main();
}

/// As many as a /24, a /8, a /8 with a hundred ports, and the most there are.
const COUNTS: [u64; 4] = [1 << 8, 1 << 24, 100 << 24, 1 << 48];

#[divan::bench(args = COUNTS)]
fn at(bencher: Bencher<'_, '_>, count: u64) {
    let order = Order::new(count, 7);
    let places = 0..1000_u64.min(count);
    bencher.counter(ItemsCount::new(places.clone().count())).bench(|| {
        places.clone().map(|place| order.at(black_box(place))).fold(0, u64::wrapping_add)
    });
}

#[divan::bench]
fn address_among_a_thousand_networks(bencher: Bencher<'_, '_>) {
    let networks = (0..1000_u32).map(|n| format!("10.{}.{}.0/25", n / 250, n % 250));
    let blocks: Blocks = target::blocks(networks).expect("they are networks");
    let order = Order::new(blocks.count_v4(), 7);
    bencher
        .counter(ItemsCount::new(1000_usize))
        .bench(|| (0..1000).filter_map(|place| blocks.nth_v4(order.at(black_box(place)))).count());
}
