//! The same workload in the engine that browsers run, by Node.

use std::process::{Command, Stdio};

use domain::economics::draw::GENERATOR;
use domain::economics::workload::{Row, Workload};
use serde_json::{Value, json};

use super::Arguments;
use crate::http::engine_files;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Beside the engine's own two files, in a folder of its own.
const SCRIPT: &str = include_str!("wasm.mjs");

pub(super) fn run(rows: &[Row], arguments: &Arguments) -> Result<Value, Failure> {
    let Some((script, module)) = engine_files() else {
        return Err(
            "this program was built without its browser bundle: `make build` makes both".into()
        );
    };
    let folder = std::env::temp_dir().join(format!("ternion-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let said = (|| {
        std::fs::write(folder.join("engine.mjs"), script)?;
        std::fs::write(folder.join("engine_bg.wasm"), module)?;
        std::fs::write(folder.join("wasm.mjs"), SCRIPT)?;
        std::fs::write(folder.join("tenants.json"), serde_json::to_vec(rows)?)?;
        let question = json!({
            "workload": Workload::from(arguments.workload),
            "seed": arguments.seed.to_string(),
            "draws": arguments.draws,
            "runs": arguments.runs,
        });
        let node = Command::new("node")
            .arg("wasm.mjs")
            .arg(question.to_string())
            .current_dir(&folder)
            .stderr(Stdio::inherit())
            .output()
            .map_err(|cause| {
                format!("Node, which runs the engine here, cannot be started: {cause}")
            })?;
        if !node.status.success() {
            return Err(format!("Node ended with {}", node.status).into());
        }
        Ok::<Value, Failure>(serde_json::from_slice(&node.stdout)?)
    })();
    // What is left behind in a folder of temporary files does no harm.
    let _ = std::fs::remove_dir_all(&folder);
    let mut line = said?;
    line["tenants"] = json!(rows.len());
    line["generator"] = json!(GENERATOR);
    Ok(line)
}
