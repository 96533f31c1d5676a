//! Settings as a value: what a test varies, for any run.

use anabranch::{Control, FanOut, Pool};

/// What the setters of [`FanOut`] take. What is not set is left as it is.
#[derive(Clone, Debug, Default)]
pub struct Config {
    input_capacity: Option<usize>,
    output_capacity: Option<usize>,
    batch: Option<usize>,
    item_bytes: Option<usize>,
    output_bytes: Option<usize>,
    discard_without_scans: bool,
    thread_name: Option<String>,
    stack_size: Option<usize>,
    control: Option<Control>,
    pool: Option<Pool>,
}

/// Writes a setter for each field.
macro_rules! setters {
    ($($field:ident: $kind:ty),+ $(,)?) => {$(
        pub fn $field(mut self, value: $kind) -> Self {
            self.$field = Some(value);
            self
        }
    )+};
}

impl Config {
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        input_capacity: usize,
        output_capacity: usize,
        batch: usize,
        item_bytes: usize,
        output_bytes: usize,
        stack_size: usize,
        pool: Pool,
    }

    pub fn control(mut self, control: &Control) -> Self {
        self.control = Some(control.clone());
        self
    }

    pub fn thread_name(mut self, name: &str) -> Self {
        self.thread_name = Some(name.to_owned());
        self
    }

    pub fn discard_without_scans(mut self, discard: bool) -> Self {
        self.discard_without_scans = discard;
        self
    }

    pub fn threads(&self) -> &Pool {
        self.pool.as_ref().unwrap_or_else(|| Pool::global())
    }

    /// Sets all but the threads.
    #[track_caller]
    pub fn set<I, Th>(&self, mut run: FanOut<I, Th>) -> FanOut<I, Th> {
        if let Some(batches) = self.input_capacity {
            run = run.input_capacity(batches);
        }
        if let Some(batches) = self.output_capacity {
            run = run.output_capacity(batches);
        }
        if let Some(items) = self.batch {
            run = run.batch(items);
        }
        if let Some(bytes) = self.item_bytes {
            run = run.item_bytes(bytes);
        }
        if let Some(bytes) = self.output_bytes {
            run = run.output_bytes(bytes);
        }
        if let Some(name) = &self.thread_name {
            run = run.thread_name(name);
        }
        if let Some(bytes) = self.stack_size {
            run = run.stack_size(bytes);
        }
        if let Some(control) = &self.control {
            run = run.control(control);
        }
        if self.discard_without_scans {
            run = run.discard_without_scans();
        }
        run
    }
}

/// Has a run go by a [`Config`], its pool included.
pub trait With<I> {
    fn with(self, config: &Config) -> FanOut<I, &Pool>;
}

impl<I> With<I> for FanOut<I> {
    #[track_caller]
    fn with(self, config: &Config) -> FanOut<I, &Pool> {
        config.set(self).on(config.threads())
    }
}
