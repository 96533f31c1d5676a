//! Items, outputs and payloads. All of them are counted, and some panic in their drop.

use std::sync::Arc;
use std::thread::{self, ThreadId};

use super::board::{Board, Who};
use super::program::Fault;

pub(crate) struct Item {
    pub(crate) value: u64,
    board: Arc<Board>,
}

impl Item {
    pub(crate) fn new(value: u64, board: Arc<Board>) -> Self {
        board.items.make();
        Self { value, board }
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.board.items.drop_one();
        if self.board.program.faults.contains(&Fault::ItemDrop(self.value)) {
            self.board.raise(Who::ItemDrop(self.value));
        }
    }
}

/// What an input ends with that fails.
pub(crate) struct Torn(Arc<Board>);

impl Torn {
    pub(crate) fn new(board: Arc<Board>) -> Self {
        board.errors.make();
        Self(board)
    }
}

impl Drop for Torn {
    fn drop(&mut self) {
        self.0.errors.drop_one();
    }
}

pub(crate) struct Output {
    pub(crate) value: u64,
    /// The number of its scan's log.
    scan: usize,
    panics: bool,
    board: Arc<Board>,
}

impl Output {
    pub(crate) fn new(value: u64, scan: usize, panics: bool, board: Arc<Board>) -> Self {
        board.outputs.make();
        Self { value, scan, panics, board }
    }
}

impl Clone for Output {
    fn clone(&self) -> Self {
        Self::new(self.value, self.scan, self.panics, Arc::clone(&self.board))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.board.outputs.drop_one();
        if self.panics {
            self.board.raise(Who::OutputDrop(self.scan));
        }
    }
}

/// What a panic of the program's carries.
pub(crate) struct Payload {
    pub(crate) who: Who,
    thread: ThreadId,
    board: Arc<Board>,
}

impl Payload {
    pub(crate) fn new(board: Arc<Board>, who: Who) -> Self {
        board.payloads.make();
        Self { who, thread: thread::current().id(), board }
    }

    /// Whether it was this thread that panicked.
    pub(crate) fn is_from_here(&self) -> bool {
        self.thread == thread::current().id()
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        self.board.payloads.drop_one();
        self.board.drop_payload();
    }
}
