//! The values that live, by stream and tick.

use std::collections::BTreeMap;

use crate::plan::net::PortRef;

/// Values that wait for their readers, and how many there ever were at once.
#[derive(Debug, Clone)]
pub struct Store<V> {
    values: BTreeMap<(PortRef, u64), (Option<V>, u64)>,
    bytes: u64,
    peak_bytes: u64,
    peak_values: usize,
}

impl<V> Default for Store<V> {
    fn default() -> Self {
        Self { values: BTreeMap::new(), bytes: 0, peak_bytes: 0, peak_values: 0 }
    }
}

impl<V> Store<V> {
    /// Keeps `value`, which holds `bytes` of storage. A stream has one value a tick, so there is none yet.
    pub fn insert(&mut self, port: PortRef, tick: u64, value: V, bytes: u64) {
        let old = self.values.insert((port, tick), (Some(value), bytes));
        debug_assert!(old.is_none(), "{port:?} made tick {tick} twice");
        self.bytes += bytes;
        self.peak_bytes = self.peak_bytes.max(self.bytes);
        self.peak_values = self.peak_values.max(self.values.len());
    }

    /// The value, if it lives and has not been taken.
    #[must_use]
    pub fn get(&self, port: PortRef, tick: u64) -> Option<&V> {
        self.values.get(&(port, tick))?.0.as_ref()
    }

    /// Gives the value to its last reader. It counts as living until it is removed.
    pub fn take(&mut self, port: PortRef, tick: u64) -> Option<V> {
        self.values.get_mut(&(port, tick))?.0.take()
    }

    /// Drops the value; says whether it lived.
    pub fn remove(&mut self, port: PortRef, tick: u64) -> bool {
        let removed = self.values.remove(&(port, tick));
        self.bytes -= removed.as_ref().map_or(0, |(_, bytes)| *bytes);
        removed.is_some()
    }

    /// All values that nobody has taken, by stream and tick.
    pub fn iter(&self) -> impl Iterator<Item = (PortRef, u64, &V)> {
        self.values.iter().filter_map(|(&(port, tick), (value, _))| Some((port, tick, value.as_ref()?)))
    }

    /// How many values live.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether none lives.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The most bytes that ever lived at once.
    #[must_use]
    pub fn peak_bytes(&self) -> u64 {
        self.peak_bytes
    }

    /// The most values that ever lived at once.
    #[must_use]
    pub fn peak_values(&self) -> usize {
        self.peak_values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_outlive_the_values() {
        let mut store = Store::default();
        let (a, b) = (PortRef::new(0, 0), PortRef::new(1, 2));
        store.insert(a, 0, 'x', 5);
        store.insert(b, 0, 'y', 7);
        assert_eq!((store.get(b, 0), store.get(b, 1)), (Some(&'y'), None));
        assert_eq!((store.take(a, 0), store.take(a, 0), store.len()), (Some('x'), None, 2));
        assert!(store.remove(a, 0) && !store.remove(a, 0));
        store.insert(a, 1, 'z', 1);
        assert_eq!((store.len(), store.peak_values(), store.peak_bytes()), (2, 2, 12));
        assert_eq!(store.iter().map(|(port, tick, _)| (port, tick)).collect::<Vec<_>>(), [(a, 1), (b, 0)]);
    }
}
