#![forbid(unsafe_code)]
#![deny(warnings, missing_docs)]
//! A crate.

use nn::network;

network! {
    block hidden(x, n, rate = 0.0) {
        h = x >> dense(n) >> relu;
        h >> dropout(rate)
    }
    /// Digits.
    pub network Digits {
        const CLASSES = 10;
        /// An image.
        input image: [1, 8, 8];
        /// What it shows.
        target label: class(CLASSES);
        _unused = image >> relu;
        logits = image >> flatten >> hidden(16) >> hidden(n = 8, rate = 0.5) >> dense(CLASSES);
        /// How likely each digit is.
        output probability = softmax(logits);
        loss cross_entropy(logits, label);
        metric accuracy(logits, label);
        optimizer adam(learning_rate = 1e-3);
    }
}

fn main() {}
