//! The `footfall` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    footfall_server::commands::main()
}
