//! Gradients of tables: sums by number, however many rows and positions there are.

use nn_tests::{Noise, on_each_device};

nn::network! {
    /// Many words. The gradient of a row is the sum of `weight` over the positions that have its word.
    network Words {
        input  words: class(50_000)[16];
        input  weight: [16, 8];
        e = words >> embedding(8);
        output e = e;
        loss   sum(e * weight);
    }
    /// Many positions of few words.
    network Positions {
        input  words: class(300)[1024];
        input  weight: [1024, 3];
        e = words >> embedding(3);
        output first = e >> first;
        loss   sum(e * weight);
    }
    /// Rows that are wider than a workgroup.
    network Wide {
        input  words: class(30)[5];
        input  weight: [5, 1100];
        e = words >> embedding(1100);
        output first = e >> first;
        loss   sum(e * weight);
    }
    /// One number a word.
    network Narrow {
        input  words: class(7)[50];
        input  weight: [50, 1];
        e = words >> embedding(1);
        output first = e >> first;
        loss   sum(e * weight);
    }
}

/// Whole numbers, so that all sums are exact: those of the batch's mean, too, for a power of two.
fn whole(count: usize, noise: &mut Noise) -> Vec<f32> {
    (0..count).map(|_| (noise.next() * 4.0).floor()).collect()
}

/// What each row gets: the mean over the samples.
fn expected(rows: usize, columns: usize, words: &[usize], weight: &[f32], batch: usize) -> Vec<f32> {
    let mut sums = vec![0.0; rows * columns];
    for (word, weight) in words.iter().zip(weight.chunks(columns)) {
        sums[word * columns..][..columns].iter_mut().zip(weight).for_each(|(sum, w)| *sum += w / batch as f32);
    }
    sums
}

/// `$batch` samples of these words.
macro_rules! check {
    ($device:ident, $network:ident, $data:ident, [$rows:literal, $columns:literal], $length:literal, $batch:expr, $word:expr) => {{
        const LENGTH: usize = $length;
        let mut noise = Noise::new(5);
        let word: &mut dyn FnMut(usize) -> u32 = &mut $word;
        let words: Vec<[u32; LENGTH]> = (0..$batch).map(|b| std::array::from_fn(|i| word(b * LENGTH + i))).collect();
        let weight = whole($batch * LENGTH * $columns, &mut noise);
        let read: Vec<usize> = words.iter().flat_map(|w| w.iter().map(|w| *w as usize)).collect();
        let rows: Vec<[[f32; $columns]; LENGTH]> = weight.as_chunks::<$columns>().0.as_chunks::<LENGTH>().0.to_vec();
        let net = $network::new($device, 1).unwrap();
        let gradients = net.gradients(&$data::new(words, rows).unwrap()).unwrap();
        let expected = expected($rows, $columns, &read, &weight, $batch);
        let got = gradients.parameter("e.embedding.weight").unwrap();
        let wrong = got.iter().zip(&expected).filter(|(got, expected)| got != expected).count();
        assert_eq!(wrong, 0, "of {} sums", got.len());
    }};
}

on_each_device! {
    fn of_fifty_thousand_words(device) {
        let mut noise = Noise::new(1);
        check!(device, Words, WordsData, [50_000, 8], 16, 64, |_| noise.below(50_000));
    }

    fn of_more_than_65535_positions(device) {
        // Every other position has the same word.
        check!(device, Positions, PositionsData, [300, 3], 1024, 128, |i| if i % 2 == 0 { 7 } else { (i % 300) as u32 });
    }

    fn of_one_word_alone(device) {
        check!(device, Positions, PositionsData, [300, 3], 1024, 128, |_| 299);
    }

    fn of_wide_rows(device) {
        check!(device, Wide, WideData, [30, 1100], 5, 8, |i| (i * i % 30) as u32);
    }

    fn of_narrow_rows(device) {
        check!(device, Narrow, NarrowData, [7, 1], 50, 4, |i| (i * i % 7) as u32);
    }
}
