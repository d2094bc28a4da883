//! What was noted last, by its key: so much and no more, and the oldest gives way.

use std::collections::VecDeque;

use hashbrown::HashMap;

use super::packet::Key;

/// How many are kept under one key.
const MOST_A_KEY: usize = 8;

/// Notes by key, in the order in which they came.
#[derive(Debug)]
pub(super) struct Recent<T> {
    most: usize,
    all: HashMap<Key, Vec<T>, foldhash::fast::RandomState>,
    /// A key for each note, the oldest first.
    order: VecDeque<Key>,
}

impl<T> Recent<T> {
    /// None yet; `most` at a time.
    pub(super) fn new(most: usize) -> Self {
        Self { most, all: HashMap::default(), order: VecDeque::new() }
    }

    /// What was noted under `key`, the oldest first.
    pub(super) fn of(&self, key: &Key) -> &[T] {
        self.all.get(key).map_or(&[], Vec::as_slice)
    }

    /// What was noted last under `key`.
    pub(super) fn last(&mut self, key: &Key) -> Option<&mut T> {
        self.all.get_mut(key)?.last_mut()
    }

    /// Notes `note`; what gives way for it, if something under another key must.
    pub(super) fn add(&mut self, key: Key, note: T) -> Option<T> {
        let notes = self.all.entry(key).or_default();
        if notes.len() >= MOST_A_KEY {
            notes.remove(0);
            notes.push(note);
            return None;
        }
        notes.push(note);
        self.order.push_back(key);
        if self.order.len() <= self.most {
            return None;
        }
        let oldest = self.order.pop_front()?;
        let notes = self.all.get_mut(&oldest).filter(|notes| !notes.is_empty())?;
        let given = notes.remove(0);
        if notes.is_empty() {
            self.all.remove(&oldest);
        }
        Some(given)
    }

    /// How many are noted.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let held = self.all.values().map(Vec::len).sum();
        assert_eq!(self.order.len(), held);
        held
    }
}
