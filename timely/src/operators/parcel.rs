//! How items travel to the workers of their scans: a batch at a time.

use serde::{Deserialize, Serialize};

use super::Order;
use crate::contain::{drop_contained, drop_each};
use crate::site::Site;

/// Items of one worker for another one. They are dropped one by one, wherever the parcel is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Parcel<T> {
    pub(super) target: u64,
    pub(super) source: u64,
    pub(super) items: Vec<T>,
}

impl<T> Parcel<T> {
    pub(super) fn new(site: &Site, target: usize, items: Vec<T>) -> Self {
        Self { target: target as u64, source: site.index() as u64, items }
    }
}

impl<T> Drop for Parcel<T> {
    fn drop(&mut self) {
        drop_contained(drop_each(std::mem::take(&mut self.items)));
    }
}

/// Parcels that have arrived, in the order in which they are to be opened.
#[derive(Debug)]
pub(super) struct Inbox<T> {
    order: Order,
    arrived: Vec<(u64, Parcel<T>)>,
}

impl<T> Inbox<T> {
    pub(super) fn new(order: Order) -> Self {
        Self { order, arrived: Vec::new() }
    }

    pub(super) fn push(&mut self, epoch: u64, parcels: impl Iterator<Item = Parcel<T>>) {
        self.arrived.extend(parcels.map(|parcel| (epoch, parcel)));
    }

    /// Takes what is due, each with its epoch. The frontier has the first epoch that is not
    /// complete; nothing if all are.
    pub(super) fn take(&mut self, frontier: Option<u64>) -> Vec<(u64, Parcel<T>)> {
        if self.order == Order::Arrival {
            return std::mem::take(&mut self.arrived);
        }
        let is_complete = |epoch| frontier.is_none_or(|first| epoch < first);
        let (mut due, rest) = std::mem::take(&mut self.arrived)
            .into_iter()
            .partition::<Vec<_>, _>(|(epoch, _)| is_complete(*epoch));
        self.arrived = rest;
        // A stable sort: what one worker has sent stays in its order.
        due.sort_by_key(|(epoch, parcel)| (*epoch, parcel.source));
        due
    }
}

#[cfg(test)]
mod tests {
    use super::{Inbox, Order, Parcel};

    fn filled(order: Order) -> Inbox<u32> {
        let mut inbox = Inbox::new(order);
        for (item, (epoch, source)) in (0..).zip([(1, 0), (0, 1), (0, 0), (1, 0), (0, 0), (2, 1)]) {
            inbox.push(epoch, [Parcel { target: 0, source, items: vec![item] }].into_iter());
        }
        inbox
    }

    fn items(parcels: Vec<(u64, Parcel<u32>)>) -> Vec<u32> {
        parcels.into_iter().flat_map(|(_, mut parcel)| std::mem::take(&mut parcel.items)).collect()
    }

    #[test]
    fn arrival_is_the_order_of_arrival() {
        assert_eq!(items(filled(Order::Arrival).take(Some(0))), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn epochs_wait_until_they_are_complete_and_are_sorted_by_worker() {
        let mut inbox = filled(Order::Epoch);
        assert_eq!(items(inbox.take(Some(0))), []);
        assert_eq!(items(inbox.take(Some(2))), [2, 4, 1, 0, 3]);
        assert_eq!(items(inbox.take(None)), [5]);
    }
}
