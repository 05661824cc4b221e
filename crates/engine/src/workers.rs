//! Threads for calls into the library: a large stack each, kept for a while, because a thread's first call is dear.
//!
//! How many there are is bounded by the places that the callers hold, see [`crate::exec::CONCURRENT`].

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::exec::STACK;

/// An idle thread ends after this; a quiet engine keeps none.
const KEEP: Duration = Duration::from_secs(10);

type Work = Box<dyn FnOnce() + Send>;

/// A pool of threads that grows on demand.
#[derive(Clone, Default)]
pub(crate) struct Workers {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Signalled once per piece of work that is left to an idle thread.
    wake: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    /// Threads that wait for work.
    idle: usize,
}

impl Workers {
    /// Runs `work` on an idle thread, else on a new one.
    pub(crate) fn run(&self, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let mut state = self.shared.lock();
        if state.idle > state.waiting.len() {
            state.waiting.push_back(Box::new(work));
            self.shared.wake.notify_one();
            return Ok(());
        }
        drop(state);
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new().name("engine-query".to_owned()).stack_size(STACK);
        thread.spawn(move || {
            work();
            while let Some(next) = shared.next() {
                next();
            }
        })?;
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for work; `None` when the thread is not needed any longer.
    fn next(&self) -> Option<Work> {
        let mut state = self.lock();
        state.idle += 1;
        let waited = self.wake.wait_timeout_while(state, KEEP, |state| state.waiting.is_empty());
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.idle -= 1;
        state.waiting.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn everything_runs_also_when_all_threads_are_busy() {
        let workers = Workers::default();
        let (done, ids) = channel();
        let gate = Arc::new(std::sync::Barrier::new(20));
        for _ in 0..20 {
            let (done, gate) = (done.clone(), Arc::clone(&gate));
            // Each waits for all: fewer than twenty threads would never pass.
            workers
                .run(move || {
                    gate.wait();
                    done.send(std::thread::current().id()).unwrap();
                })
                .unwrap();
        }
        drop(done);
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 20);
    }

    #[test]
    fn an_idle_thread_is_used_again() {
        let workers = Workers::default();
        let (done, ids) = channel();
        let mut seen = HashSet::new();
        for _ in 0..50 {
            let done = done.clone();
            workers.run(move || done.send(std::thread::current().id()).unwrap()).unwrap();
            seen.insert(ids.recv().unwrap());
            while workers.shared.lock().idle == 0 {
                std::thread::yield_now();
            }
        }
        assert_eq!(seen.len(), 1);
    }
}
