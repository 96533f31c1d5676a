//! What runs side by side in one run: branches and scans, of any types.

use std::fmt;

use super::slots::{OneOf, Slots};
use crate::branch::{BoxBranch, Items};
use crate::scan::{Driven, DrivenTotal, Scan, Total};

/// A branch, given as a closure.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub struct Closure<F> {
    name: Option<String>,
    f: F,
}

impl<F> Closure<F> {
    pub(super) fn new(name: Option<String>, f: F) -> Self {
        Self { name, f }
    }
}

/// A scan beside branches.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub struct Stepped<S>(pub(super) S);

/// A result or an output of a branch, which leaves its thread: anything that is `Send`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot leave the thread of its branch",
    label = "what a branch returns to `join`, or yields to `merge`, must be `Send`",
    note = "a handle to an item stays on its thread: `items.cloned()` gives values, and \
            `handle.shared()` a handle that can leave"
)]
pub trait Returned: Send {}

#[diagnostic::do_not_recommend]
impl<R: Send> Returned for R {}

/// A part of a run that has a result.
#[allow(unnameable_types, reason = "this is what seals")]
pub trait Joined<'a, T>: Sized + 'a {
    /// What it emits once.
    type Output: 'a;
    type Result;

    fn joined<O: 'a>(self, wrap: fn(Self::Output) -> O) -> BoxBranch<'a, T, O>;

    fn result(output: Option<Self::Output>) -> Self::Result;
}

impl<'a, T, F, R> Joined<'a, T> for Closure<F>
where
    T: 'a,
    F: FnOnce(Items<'a, T>) -> R + Send + 'a,
    R: Returned + 'a,
{
    type Output = R;
    type Result = R;

    fn joined<O: 'a>(self, wrap: fn(R) -> O) -> BoxBranch<'a, T, O> {
        BoxBranch::joined(self.name, self.f, wrap)
    }

    fn result(output: Option<R>) -> R {
        output.expect("a branch of a run that did not panic has returned")
    }
}

impl<'a, T, S, O> Joined<'a, T> for Stepped<S>
where
    T: 'a,
    S: Total<T, Output = O> + Send + 'a,
    O: Send + 'a,
{
    type Output = O;
    type Result = S::Of<O>;

    fn joined<P: 'a>(self, wrap: fn(O) -> P) -> BoxBranch<'a, T, P> {
        BoxBranch::new(DrivenTotal(self.0.map(wrap)))
    }

    fn result(output: Option<O>) -> S::Of<O> {
        S::of(output)
    }
}

/// A part of a run that yields any number of outputs.
#[allow(unnameable_types, reason = "this is what seals")]
pub trait Merged<'a, T> {
    type Output;

    fn merged(self) -> BoxBranch<'a, T, Self::Output>;
}

impl<'a, T, F, R> Merged<'a, T> for Closure<F>
where
    T: 'a,
    F: FnOnce(Items<'a, T>) -> R + Send + 'a,
    R: IntoIterator<Item: 'a>,
{
    type Output = R::Item;

    fn merged(self) -> BoxBranch<'a, T, R::Item> {
        BoxBranch::merged(self.name, self.f)
    }
}

impl<'a, T, S> Merged<'a, T> for Stepped<S>
where
    T: 'a,
    S: Scan<T, Output: 'a> + Send + 'a,
{
    type Output = S::Output;

    fn merged(self) -> BoxBranch<'a, T, S::Output> {
        BoxBranch::new(Driven(self.0))
    }
}

/// A list to which one more part can be added.
#[diagnostic::on_unimplemented(
    message = "this run takes no further branch",
    label = "a run takes twelve branches, or a list of them",
    note = "`branches(list)` takes any number of branches of one type"
)]
pub trait And<P> {
    #[doc(hidden)]
    type With;

    #[doc(hidden)]
    fn and(self, part: P) -> Self::With;
}

/// Branches, and totals, whose results are returned together.
#[diagnostic::on_unimplemented(
    message = "this run has a part without a result",
    label = "`join` takes branches that return something `Send`, and totals",
    note = "`.last()` makes a total of any scan; `merge` gives all outputs"
)]
pub trait Join<'a, T>: Sized + 'a {
    /// The results: a tuple, an array or a vector.
    type Results;
    #[doc(hidden)]
    type Slots: Slots<Output: Send + 'a>;

    #[doc(hidden)]
    fn joined(self) -> Vec<BoxBranch<'a, T, <Self::Slots as Slots>::Output>>;

    #[doc(hidden)]
    fn results(slots: Self::Slots) -> Self::Results;
}

/// Branches that return iterators, and scans, all with outputs of one type.
#[diagnostic::on_unimplemented(
    message = "this run has parts without outputs of one type",
    label = "`merge` takes branches that return iterators over the same type, and scans",
    note = "`join` gives what each branch returns"
)]
pub trait Merge<'a, T> {
    /// The type of output.
    type Output;

    #[doc(hidden)]
    fn merged(self) -> Vec<BoxBranch<'a, T, Self::Output>>;
}

macro_rules! tuple {
    ($($part:ident $output:ident $index:tt),+) => {
        impl<'a, T, $($part, $output),+> Join<'a, T> for ($($part,)+)
        where
            $($part: Joined<'a, T, Output = $output>, $output: Returned + 'a,)+
        {
            type Results = ($($part::Result,)+);
            type Slots = ($(Option<$output>,)+);

            fn joined(self) -> Vec<BoxBranch<'a, T, OneOf<$($output),+>>> {
                vec![$(self.$index.joined(OneOf::$output)),+]
            }

            fn results(slots: Self::Slots) -> Self::Results {
                ($($part::result(slots.$index),)+)
            }
        }

        impl<'a, T, X, $($part),+> Merge<'a, T> for ($($part,)+)
        where
            $($part: Merged<'a, T, Output = X>,)+
        {
            type Output = X;

            fn merged(self) -> Vec<BoxBranch<'a, T, X>> {
                vec![$(self.$index.merged()),+]
            }
        }
    };
}

for_each_tuple!(tuple);

/// Implements what arrays and vectors have in common.
macro_rules! list {
    ($list:ty, $result_list:ty, $slot_list:ty, [$($n:tt)*], |$slots:ident| $results:expr) => {
        impl<'a, T, P, O, $($n)*> Join<'a, T> for $list
        where
            P: Joined<'a, T, Output = O>,
            O: Returned + 'a,
        {
            type Results = $result_list;
            type Slots = $slot_list;

            fn joined(self) -> Vec<BoxBranch<'a, T, O>> {
                self.into_iter().map(|part| part.joined(|output| output)).collect()
            }

            fn results($slots: Self::Slots) -> Self::Results {
                $results
            }
        }
    };
}

list!(Vec<P>, Vec<P::Result>, Vec<Option<O>>, [], |slots| {
    slots.into_iter().map(P::result).collect()
});
list!([P; N], [P::Result; N], [Option<O>; N], [const N: usize], |slots| slots.map(P::result));

impl<'a, T, P: Merged<'a, T>> Merge<'a, T> for Vec<P> {
    type Output = P::Output;

    fn merged(self) -> Vec<BoxBranch<'a, T, P::Output>> {
        self.into_iter().map(P::merged).collect()
    }
}

macro_rules! and {
    ($($part:ident $_output:ident $index:tt),+) => {
        impl<P, $($part),+> And<P> for ($($part,)+) {
            type With = ($($part,)+ P,);

            fn and(self, part: P) -> Self::With {
                ($(self.$index,)+ part,)
            }
        }
    };
}

for_each_tuple_that_can_grow!(and);

impl<F> fmt::Debug for Closure<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closure").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for Stepped<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stepped").finish_non_exhaustive()
    }
}
