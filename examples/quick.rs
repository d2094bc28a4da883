use sekisho::passive;
use std::io::Write;
fn main() {
    let files: Vec<std::path::PathBuf> = std::env::args().skip(2).filter(|a| !a.starts_with("--") && a != "-").map(Into::into).collect();
    let heard = passive::replay(&files, None, &|_| {}).unwrap_or_else(|e| { eprintln!("{e}"); std::process::exit(3) });
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for o in &heard.observations {
        let v = serde_json::json!({"at": o.at, "speaker": o.speaker, "listener": o.listener, "protocol": o.protocol, "side": o.side, "confidence": o.confidence, "packet": o.packet.number, "facts": o.facts});
        writeln!(out, "{v}").unwrap();
    }
    eprintln!("{:?}", heard.gaps);
    for f in &heard.files { if let Some(x) = &f.fault { eprintln!("{} {x:?}", f.name); } }
}
