//! The input: it notes what is pulled, asks, waits and panics.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;

use super::board::{Board, Who, lock};
use super::program::{Fault, Site};
use super::values::{Item, Torn};

pub(crate) struct Input {
    board: Arc<Board>,
    next: u64,
    /// How many outputs have to be here before each item, if it is a live source.
    due: Vec<u64>,
}

impl Input {
    pub(crate) fn new(board: Arc<Board>, due: Vec<u64>) -> Self {
        board.inputs.make();
        Self { board, next: 0, due }
    }
}

impl Iterator for Input {
    type Item = Result<Item, Torn>;

    fn next(&mut self) -> Option<Result<Item, Torn>> {
        let board = &self.board;
        board.begins("a call of the input's next");
        board.begun.fetch_add(1, SeqCst);
        let delivered = board.delivered.load(SeqCst);
        lock(&board.pulls).push(delivered);
        let item = self.next;
        self.next += 1;
        let due = self.due.get(item as usize).copied().unwrap_or(0);
        while board.delivered.load(SeqCst) < due && !board.is_over() {
            thread::yield_now();
        }
        board.dawdle(board.program.input_pace, item);
        board.ask_at(Site::Input(item));
        if board.program.faults.contains(&Fault::Input(item)) {
            board.raise(Who::Input);
        }
        if item >= board.program.items {
            board.exhausted.store(true, SeqCst);
            return board.program.fails.then(|| Err(Torn::new(Arc::clone(board))));
        }
        let item = Item::new(item, Arc::clone(board));
        board.returned.fetch_add(1, SeqCst);
        Some(Ok(item))
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.board.inputs.drop_one();
        if self.board.program.faults.contains(&Fault::InputDrop) {
            self.board.raise(Who::InputDrop);
        }
    }
}
