//! The processor as a program of its own: the same as `footfall serve --roles processor`, found beside this file. The engines
//! of the seams are picked in one place, which is the server's.

use std::{env, os::unix::process::CommandExt, process::Command};

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let own = env::current_exe().context("the program's own path is unknown; start `footfall serve --roles processor` instead")?;
    let footfall = own.with_file_name("footfall");
    let error = Command::new(&footfall).args(["serve", "--roles", "processor"]).args(env::args_os().skip(1)).exec();
    Err(error).with_context(|| format!("{} cannot be started; it belongs beside the processor", footfall.display()))
}
