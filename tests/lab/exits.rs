use super::{roles, topology::Topology};

#[test]
#[ignore = "needs root; .ci/run runs it"]
fn hold() {
    let began = std::time::Instant::now();
    let topology = Topology::open("hold", &roles::ALL);
    topology.await_address("first", "10.80.1.1");
    eprintln!("{:?}", began.elapsed());
    while !std::path::Path::new("/tmp/e-end").exists() {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let began = std::time::Instant::now();
    drop(topology);
    eprintln!("{:?}", began.elapsed());
}
