//! A quick hasher for keys that are keyed hashes already (visitors, sessions): nobody outside can choose them, so what the
//! standard hasher pays against chosen keys is saved. One look-up per record adds up at 100,000 records a second.

use std::hash::{Hash, Hasher};

/// The hash of a key whose parts are keyed hashes.
pub fn hash_of(key: &impl Hash) -> u64 {
    let mut mixer = Mixer::default();
    key.hash(&mut mixer);
    mixer.finish()
}

/// Multiplies and rotates; the last step spreads what the multiplications left in the low bits.
#[derive(Clone, Copy, Debug, Default)]
struct Mixer(u64);

/// 2^64 divided by the golden ratio: odd, and its bits look random.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(FACTOR);
        mixed ^ (mixed >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(23) ^ value).wrapping_mul(FACTOR);
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(value.cast_unsigned() as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn small_numbers_spread_over_both_ends_of_the_hash() {
        // The table takes its bucket from the low bits and its tag from the high ones.
        let hashes: Vec<u64> = (0..4_096_u64).map(|number| hash_of(&(uuid::Uuid::from_u128(7), number, false))).collect();
        let low: HashSet<u64> = hashes.iter().map(|hash| hash & 0xfff).collect();
        let high: HashSet<u64> = hashes.iter().map(|hash| hash >> 57).collect();
        assert!(low.len() > 2_000 && high.len() == 128, "{} low, {} high", low.len(), high.len());
    }
}
