//! Numbers from a seed.

/// Numbers in -1..1 (Knuth's MMIX generator).
pub struct Noise(u64);

impl Noise {
    /// Numbers from a seed.
    pub fn new(seed: u64) -> Self {
        let mut noise = Noise(seed);
        noise.next();
        noise
    }

    /// The next number.
    #[allow(clippy::should_implement_trait)] // it never ends
    pub fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 40) as f32) / (1u64 << 23) as f32 - 1.0
    }

    /// An index below `n`.
    pub fn below(&mut self, n: u32) -> u32 {
        (((self.next() + 1.0) / 2.0 * n as f32) as u32).min(n - 1)
    }

    /// An array of numbers.
    pub fn array<const N: usize>(&mut self) -> [f32; N] {
        std::array::from_fn(|_| self.next())
    }
}
