//! `frameloom doctor`: which libraries, codecs and devices there are, and the command that mends what is missing.

use serde_json::json;

use crate::{media, model};

use super::Exit;
use super::args::Format;
use super::load::Style;

/// One line of the report.
struct Finding {
    what: &'static str,
    good: bool,
    facts: Vec<String>,
    mend: Option<String>,
}

/// Prints the report; [`Exit::Failed`] when something is missing without which graphs do not run.
pub fn doctor(style: Style) -> Exit {
    let findings = [program(), onnx_runtime(), ffmpeg(), encoders(), store(), bundled_model()];
    match style.format {
        Format::Json => {
            let list: Vec<_> =
                findings.iter().map(|f| json!({ "what": f.what, "good": f.good, "facts": f.facts, "mend": f.mend })).collect();
            println!("{:#}", json!(list));
        }
        Format::Text => findings.iter().for_each(show),
    }
    if findings.iter().all(|finding| finding.good) { Exit::Done } else { Exit::Failed }
}

fn show(finding: &Finding) {
    let mut facts = finding.facts.iter();
    println!("{} {:13} {}", if finding.good { "ok  " } else { "FAIL" }, finding.what, facts.next().map_or("", String::as_str));
    facts.for_each(|fact| println!("                   {fact}"));
    if let Some(mend) = &finding.mend {
        println!("                   mend: {mend}");
    }
}

fn program() -> Finding {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let facts = vec![format!("{} on {} {}, {threads} cores", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH)];
    Finding { what: "frameloom", good: true, facts, mend: None }
}

fn onnx_runtime() -> Finding {
    let report = model::runtime_report();
    let mut facts = Vec::new();
    match (&report.version, &report.path) {
        (Some(version), Some(path)) if report.problem.is_none() => {
            facts.push(format!("{version} at {}", path.display()));
            facts.push(format!("devices: {}", report.providers.join(", ")));
            return Finding { what: "ONNX Runtime", good: true, facts, mend: None };
        }
        _ => facts.push(report.problem.clone().unwrap_or_else(|| "not found".into())),
    }
    facts.extend(report.searched.iter().map(|place| match &place.problem {
        Some(problem) => format!("looked at {}: {problem}", place.path.display()),
        None => format!("looked at {}", place.path.display()),
    }));
    let mend = "make setup, or set ORT_DYLIB_PATH to the library (docs/install.md)".to_owned();
    Finding { what: "ONNX Runtime", good: false, facts, mend: Some(mend) }
}

fn ffmpeg() -> Finding {
    let versions = media::versions();
    Finding { what: "FFmpeg", good: true, facts: versions, mend: None }
}

fn encoders() -> Finding {
    let codecs = media::available();
    let good = codecs.iter().any(|codec| codec.encoder.is_some());
    let facts = codecs.iter().map(|codec| match &codec.encoder {
        Some(encoder) => format!("{:7} by {encoder}", codec.name),
        None => format!("{:7} not in this FFmpeg", codec.name),
    });
    let mend = (!good).then(|| "install an FFmpeg with encoders, such as Debian's `libavcodec-extra`".to_owned());
    Finding { what: "encoders", good, facts: facts.collect(), mend }
}

fn store() -> Finding {
    let Some(folder) = model::store_folder() else {
        let mend = Some("set HOME, or name a folder with --models-dir".to_owned());
        return Finding { what: "models", good: true, facts: vec!["no folder for them is known".to_owned()], mend };
    };
    let count = super::models::count(&folder);
    let models = if count == 1 { "1 model".to_owned() } else { format!("{count} models") };
    let mend = (count == 0).then(|| "frameloom models add PATH|URL|owner/name (docs/models.md)".to_owned());
    Finding { what: "models", good: true, facts: vec![format!("{models} in {}", folder.display())], mend }
}

fn bundled_model() -> Finding {
    let here = std::env::current_dir().unwrap_or_default();
    match model::find_model("mini", &here) {
        Ok(path) => Finding { what: "model `mini`", good: true, facts: vec![path.display().to_string()], mend: None },
        Err(error) => Finding {
            what: "model `mini`",
            // Only the example graphs need it.
            good: true,
            facts: vec![format!("not found: {error}")],
            mend: Some("run inside the project's folder, or set FRAMELOOM_MODELS to the folder that holds `mini`".into()),
        },
    }
}
