//! Opening: the folder, the lock, the file, the two tasks.

use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
    sync::Arc,
};

use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    FileLogOptions, keeper,
    shared::Shared,
    storage,
    writer::{BUSY, Writer},
};
use crate::LogError;

/// Opens the file and starts both tasks.
pub(super) async fn start(options: FileLogOptions) -> Result<(Arc<Shared>, Vec<JoinHandle<()>>), LogError> {
    let path = options.dir.join(format!("{}.db", options.name.topic()));
    let about = |error: LogError| error.about(&path);
    let folder =
        |error: std::io::Error| LogError::fault(format!("{}: {error}; make the folder writable for this user", options.dir.display()));
    make_folder(&options.dir).map_err(folder)?;
    let held = Arc::new(take_lock(&options)?);
    let mut conn = storage::connect(&path, true, BUSY).await.map_err(|error| about(storage::plain(error)))?;
    let identity = storage::prepare(&mut conn, options.name, options.first_generation, &options.groups).await.map_err(about)?;
    let ends = storage::ends(&mut conn).await.map_err(|error| about(storage::plain(error)))?;
    // The names of new files are durable only when their folder is.
    File::open(&options.dir).and_then(|dir| dir.sync_all()).map_err(folder)?;

    let (queue, requests) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared::new(options, path.clone(), identity, ends, conn, queue));
    if let Some(conn) = shared.write.lock().await.as_mut() {
        storage::limit_pages(conn, shared.page_limit()).await.map_err(|error| about(storage::plain(error)))?;
    }
    tracing::info!(log = shared.topic(), path = %path.display(), start = ends.start, end = ends.end, "event log open");
    let writer = Writer::new(Arc::clone(&shared), requests, ends.last_ms).run(Arc::clone(&held));
    let keeper = keeper::run(Arc::clone(&shared), held);
    Ok((shared, vec![tokio::spawn(writer), tokio::spawn(keeper)]))
}

fn make_folder(dir: &Path) -> std::io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)?;
    match dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// Takes the lock of the log, or says who has it. The system releases it when the process ends, however it ends.
fn take_lock(options: &FileLogOptions) -> Result<File, LogError> {
    let path = options.dir.join(format!("{}.lock", options.name.topic()));
    let fault = |error: std::io::Error| LogError::fault(format!("{}: {error}; make the folder writable for this user", path.display()));
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(fault)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())).map_err(fault)?;
            Ok(file)
        }
        Err(std::fs::TryLockError::Error(error)) => Err(fault(error)),
        Err(std::fs::TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            let holder = if holder.is_empty() { "another process".to_owned() } else { format!("process {holder}") };
            Err(LogError::fault(format!("{} is in use by {holder}; stop it or choose another folder", options.dir.display())))
        }
    }
}
