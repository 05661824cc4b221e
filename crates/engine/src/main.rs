//! The engine alone, as `footfall engine` runs it; the crate's tests start this.

use std::process::ExitCode;

use footfall_engine::EngineOptions;

const USAGE: &str = "usage: footfall-engine engine --data DIR [--listen ADDR] [--memory-cap BYTES] [--supervised]";

#[allow(clippy::print_stderr, reason = "this is a command line")]
#[tokio::main]
async fn main() -> ExitCode {
    let Some(options) = parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match footfall_engine::run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Option<EngineOptions> {
    if arguments.next()? != "engine" {
        return None;
    }
    let mut options = EngineOptions::new("./data");
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--data" => options.data = arguments.next()?.into(),
            "--listen" => options.listen = arguments.next()?.parse().ok()?,
            "--memory-cap" => options.memory_cap = Some(arguments.next()?.parse().ok()?),
            "--supervised" => options.supervised = true,
            _ => return None,
        }
    }
    Some(options)
}
