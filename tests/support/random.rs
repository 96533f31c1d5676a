//! Random numbers that can be had again.

/// A small generator of its own, so that a failure can be replayed: say its seed.
pub struct Random(u64);

impl Random {
    /// Makes a generator of the numbers that belong to `seed`.
    pub fn new(seed: u64) -> Self {
        // Seeds that are close to each other are to give numbers that are not.
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}
