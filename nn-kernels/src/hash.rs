//! Hash tables for the compiler's own keys: small, trusted, and hashed often, in a macro that nobody optimises.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// A map with [`Multiplying`] hashes.
pub(crate) type Map<K, V> = HashMap<K, V, BuildHasherDefault<Multiplying>>;
/// A set with [`Multiplying`] hashes.
pub(crate) type Set<T> = HashSet<T, BuildHasherDefault<Multiplying>>;

/// Rotate, add and multiply for each word, as rustc's own tables do (FxHash). The order of iteration is never relied upon.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Multiplying(u64);

impl Multiplying {
    fn word(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for Multiplying {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_ne_bytes(word));
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.word(n.into());
    }

    fn write_u32(&mut self, n: u32) {
        self.word(n.into());
    }

    fn write_u64(&mut self, n: u64) {
        self.word(n);
    }

    fn write_i64(&mut self, n: i64) {
        self.word(n as u64);
    }

    fn write_usize(&mut self, n: usize) {
        self.word(n as u64);
    }

    fn write_isize(&mut self, n: isize) {
        self.word(n as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
