//! The way of items out of an operator.

use timely::container::CapacityContainerBuilder;
use timely::dataflow::operators::generic::OutputBuilder;

pub(crate) type Outlet<T> = OutputBuilder<u64, CapacityContainerBuilder<Vec<T>>>;
