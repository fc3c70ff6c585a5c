//! The order of samples.

use rand::Rng;

use crate::init::generator;

/// Fisher and Yates' shuffle, by the seed and a name.
pub(crate) fn shuffle<T>(order: &mut [T], seed: u64, name: &str) {
    let mut generator = generator(seed, &format!("shuffle {name}"));
    for last in (1..order.len()).rev() {
        // Lemire's method without its correction: an index among n < 2^32, biased by less than n / 2^64.
        let index = (u128::from(generator.next_u64()) * (last as u128 + 1)) >> 64;
        order.swap(last, index as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffled_epoch_takes_each_sample_once() {
        let order = |epoch: u64| {
            let mut order: Vec<u32> = (0..1000).collect();
            shuffle(&mut order, 42, &epoch.to_string());
            order
        };
        assert_ne!(order(0), order(1));
        let mut sorted = order(0);
        sorted.sort_unstable();
        assert!(sorted.iter().copied().eq(0..1000));
        // Evenly: the first place is taken by samples from everywhere.
        let mean = (0..200).map(|e| f64::from(order(e)[0])).sum::<f64>() / 200.0;
        assert!((mean - 499.5).abs() < 80.0, "{mean}");
    }
}
