//! Results that may be errors, and runs that end at the first.

use super::slots::Slots;

/// The results of several totals or branches, each of which may have failed: a tuple, an array or a
/// vector of `Result`s with one type of error. `Option`s of such are allowed too.
///
/// This trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` are not results that may be errors",
    label = "each part must have a `Result`, all with one type of error",
    note = "where nothing fails, `fold` and `join` give the results as they are"
)]
pub trait TryAll: Sized {
    /// The values inside the `Ok`s, in the same shape.
    type Ok;
    /// The type of error.
    type Err;

    #[doc(hidden)]
    fn try_all(self) -> Result<Self::Ok, Self::Err>;
}

/// One result that may be an error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a result that may be an error",
    label = "each part must have a `Result`, all with one type of error",
    note = "a branch that cannot fail returns `Ok(…)`; `fold` and `join` give the results as they are"
)]
#[allow(unnameable_types, reason = "this is what seals")]
pub trait Tried {
    type Ok;
    type Err;

    fn tried(self) -> Result<Self::Ok, Self::Err>;
}

impl<X, E> Tried for Result<X, E> {
    type Ok = X;
    type Err = E;

    fn tried(self) -> Self {
        self
    }
}

impl<X, E> Tried for Option<Result<X, E>> {
    type Ok = Option<X>;
    type Err = E;

    fn tried(self) -> Result<Option<X>, E> {
        self.transpose()
    }
}

/// Slots of results that may be errors.
#[allow(unnameable_types, reason = "this is what seals")]
pub trait Failing<E>: Slots {
    /// Takes an error, if there is one.
    fn take_error(&mut self) -> Option<E>;
}

fn take_error<X, E>(slot: &mut Option<Result<X, E>>) -> Option<E> {
    slot.take_if(|result| result.is_err())?.err()
}

impl<R: Tried> TryAll for Vec<R> {
    type Ok = Vec<R::Ok>;
    type Err = R::Err;

    fn try_all(self) -> Result<Self::Ok, R::Err> {
        self.into_iter().map(R::tried).collect()
    }
}

impl<X, E> Failing<E> for Vec<Option<Result<X, E>>> {
    fn take_error(&mut self) -> Option<E> {
        self.iter_mut().find_map(take_error)
    }
}

impl<R: Tried, const N: usize> TryAll for [R; N] {
    type Ok = [R::Ok; N];
    type Err = R::Err;

    fn try_all(self) -> Result<Self::Ok, R::Err> {
        let mut error = None;
        let tried = self.map(|result| match result.tried() {
            Ok(ok) => Some(ok),
            Err(further) => {
                error.get_or_insert(further);
                None
            }
        });
        match error {
            // Without an error all are there.
            None => Ok(tried.map(|ok| ok.expect("a result that is no error"))),
            Some(error) => Err(error),
        }
    }
}

impl<X, E, const N: usize> Failing<E> for [Option<Result<X, E>>; N] {
    fn take_error(&mut self) -> Option<E> {
        self.iter_mut().find_map(take_error)
    }
}

macro_rules! tuple {
    ($($part:ident $value:ident $index:tt),+) => {
        impl<Error, $($part: Tried<Err = Error>),+> TryAll for ($($part,)+) {
            type Ok = ($($part::Ok,)+);
            type Err = Error;

            fn try_all(self) -> Result<Self::Ok, Error> {
                Ok(($(self.$index.tried()?,)+))
            }
        }

        impl<Error, $($value),+> Failing<Error> for ($(Option<Result<$value, Error>>,)+) {
            fn take_error(&mut self) -> Option<Error> {
                None$(.or_else(|| take_error(&mut self.$index)))+
            }
        }
    };
}

for_each_tuple!(tuple);
