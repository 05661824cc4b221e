//! Boards of this process. Who writes them bounds them.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;

/// Fields by board.
#[derive(Default)]
pub(super) struct MemoryBoards(Mutex<HashMap<String, HashMap<String, Bytes>>>);

impl MemoryBoards {
    pub fn post(&self, board: &str, fields: Vec<(String, Bytes)>) {
        let mut boards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let board = boards.entry(board.to_owned()).or_default();
        for (name, value) in fields {
            if value.is_empty() {
                board.remove(&name);
            } else {
                board.insert(name, value);
            }
        }
    }

    pub fn read(&self, board: &str) -> HashMap<String, Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(board).cloned().unwrap_or_default()
    }
}
