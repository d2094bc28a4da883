//! Arguments in, exit code out.

fn main() -> std::process::ExitCode {
    sekisho::cli::run()
}
