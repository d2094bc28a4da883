# Short names for what is typed often. `just` alone lists them; none is needed, each is one line of cargo.

# List the recipes
default:
    @just --list

# Run every test
test:
    cargo test --locked

# What CI refuses: formatting, lints, broken links in the documentation
check:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

# Everything CI does
ci:
    bash .ci/run

# Write the golden reports anew; look at the difference before you commit it
bless:
    BLESS=1 cargo test --locked --test reports

# Replay captures: just replay capture.pcap --report out
replay *arguments:
    cargo run --locked --release -- replay {{arguments}}

# The main job on the invented hospital
hospital:
    cargo run --locked --release -- replay fixtures/captures/hospital/hospital.pcap --scope fixtures/captures/hospital/facility.toml --store hospital.sqlite --report out --exit-zero

# Check a folder of signatures: every rule against its examples and near misses
signatures folder="signatures":
    cargo run --locked --quiet -- signatures check {{folder}}

# Licences, bans and sources of what is depended on (needs cargo-deny)
deny:
    cargo deny check licenses bans sources

# The documentation of the code
doc:
    cargo doc --locked --no-deps --open

# Take the README's picture anew (needs chromium)
picture: hospital
    chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1200,1470 --screenshot=docs/report.ja.png "file://$PWD/out/report.ja.html"
