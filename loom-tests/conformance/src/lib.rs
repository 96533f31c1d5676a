//! The conformance suite of anabranch's sync facade, run against the side that
//! is made from a model checker's primitives. The same cases run against the
//! shipping side in the crate's own tests.
//!
//! `cargo loom` and `cargo shuttle`, in the directory above, run it.

#[cfg(not(any(loom, shuttle)))]
compile_error!("run it with `cargo loom` or `cargo shuttle`, in the directory of the workspace");
