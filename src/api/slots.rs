//! Where the outputs of several branches are put, one place each.

use std::convert::Infallible;

use crate::engine::{Payload, contain_drop, drop_each, keep_first};

/// A slot for an output of each of several branches: a tuple, an array or a vector of `Option`s.
/// Not public: it is in no public module.
#[allow(unnameable_types, reason = "this is what seals")]
pub trait Slots {
    /// An output of any of the branches.
    type Output;

    /// Returns empty slots for so many branches. Only a vector does not know the number.
    fn empty(branches: usize) -> Self;

    /// Takes an output of the `index`th branch.
    fn place(&mut self, index: usize, output: Self::Output);

    /// Drops every output even if some drops panic, and returns the first payload.
    fn clear(&mut self) -> Option<Payload>;
}

/// An output of one of up to twelve branches; the variants are named like the types of the outputs.
#[allow(unnameable_types, reason = "only passes through the engine")]
#[derive(Debug)]
pub enum OneOf<
    A,
    B = Infallible,
    C = Infallible,
    D = Infallible,
    E = Infallible,
    F = Infallible,
    G = Infallible,
    H = Infallible,
    I = Infallible,
    J = Infallible,
    K = Infallible,
    L = Infallible,
> {
    A(A),
    B(B),
    C(C),
    D(D),
    E(E),
    F(F),
    G(G),
    H(H),
    I(I),
    J(J),
    K(K),
    L(L),
}

macro_rules! tuple {
    ($($_part:ident $output:ident $index:tt),+) => {
        impl<$($output),+> Slots for ($(Option<$output>,)+) {
            type Output = OneOf<$($output),+>;

            fn empty(_: usize) -> Self {
                ($(None::<$output>,)+)
            }

            #[inline]
            fn place(&mut self, _: usize, output: Self::Output) {
                match output {
                    $(OneOf::$output(output) => self.$index = Some(output),)+
                }
            }

            fn clear(&mut self) -> Option<Payload> {
                let mut first = None;
                $(if let Some(payload) = contain_drop(self.$index.take()) {
                    keep_first(&mut first, payload);
                })+
                first
            }
        }
    };
}

for_each_tuple!(tuple);

/// Implements what arrays and vectors have in common.
macro_rules! list {
    ($list:ty, [$($n:tt)*], |$branches:pat_param| $empty:expr) => {
        impl<O, $($n)*> Slots for $list {
            type Output = O;

            fn empty($branches: usize) -> Self {
                $empty
            }

            #[inline]
            fn place(&mut self, index: usize, output: O) {
                self[index] = Some(output);
            }

            fn clear(&mut self) -> Option<Payload> {
                drop_each(self.iter_mut().map(Option::take))
            }
        }
    };
}

list!(Vec<Option<O>>, [], |branches| (0..branches).map(|_| None).collect());
list!([Option<O>; N], [const N: usize], |_| [const { None }; N]);
