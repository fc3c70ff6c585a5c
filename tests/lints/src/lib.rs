//! A crate with strict lints: generated code adds no noise to it. That it compiles, also under clippy, is the test.

#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications, unused_results, single_use_lifetimes)]
#![deny(missing_debug_implementations, missing_copy_implementations, elided_lifetimes_in_paths, let_underscore_drop)]
#![deny(trivial_casts, trivial_numeric_casts, variant_size_differences, unused_lifetimes, non_ascii_idents)]
#![deny(clippy::all, clippy::pedantic, clippy::cargo_common_metadata)]
#![allow(clippy::cargo_common_metadata)] // this crate is not published

/// A network that has everything.
pub mod everything {
    nn::network! {
        /// A network with several inputs, targets, outputs, losses and metrics.
        pub network Everything {
            /// An image.
            input  image: [1, 4, 4];
            input  codes: [3];
            target label: class(3);
            target value: [2];
            block head(x, n, rate = 0.1) { x >> dense(n) >> gelu >> dropout(rate) }
            both = concat(flatten(image), codes) >> head(8);
            logits = both >> prelu >> dense(3);
            estimate = both >> linear(2, bias = false);
            /// How likely each class is.
            output    probability = softmax(logits);
            output    estimate = estimate;
            loss      cross_entropy(logits, label, label_smoothing = 0.1) + 0.5 * huber(estimate, value);
            metric    accuracy(logits, label);
            metric    error = mae(estimate, value);
            metric    r2(estimate, value);
            optimizer adamw(learning_rate = 1e-3, clip_norm = 1.0, amsgrad = true);
        }

        network Private {
            input x: [3];
            output y = x >> dense(2) >> tanh;
        }
    }

    /// Uses what no other crate could.
    ///
    /// # Errors
    /// If the device fails.
    pub fn private(device: &nn::Device) -> nn::Result<Vec<[f32; 2]>> {
        Private::new(device, 1)?.predict(&[[0.5f32, 0.25, 0.125]])
    }
}

mod unseen {
    nn::network! {
        /// A network that remembers, whose samples have weights, and of which nobody uses the stream.
        pub(crate) network Unseen {
            input  words: class(7)[5];
            target label: class(3);
            letters = words >> embedding(4, padding_index = 0);
            scan memory(letter in letters, h = zeros(4)) {
                h = tanh(linear(concat([letter, h]), 4));
                h
            }
            read = memory >> self_attention(2, causal = true) >> lstm(4);
            logits = read >> last >> dense(3);
            output    logits = logits;
            loss      sample_weight * cross_entropy(logits, label);
            metric    accuracy(logits, label);
            optimizer adam;
        }
    }
}

/// Trains it once.
///
/// # Errors
/// If the device fails.
pub fn unseen(device: &nn::Device) -> nn::Result<f64> {
    let data = unseen::UnseenData::new([[1_u32, 2, 3, 0, 0]], [2_u32])?.with_sample_weights(&[0.5])?;
    Ok(unseen::Unseen::new(device, 1)?.train_batch(&data)?.loss)
}

/// A network with a loss and no optimizer.
pub mod loss_only {
    nn::network! {
        /// It has gradients and no update.
        pub network LossOnly {
            input  x: [3];
            target y: [2];
            p = x >> dense(2);
            output p = p;
            loss   mse(p, y);
        }
    }
}

/// A network with more inputs than functions usually have arguments.
pub mod many {
    nn::network! {
        /// It adds them up.
        pub network Many {
            input a: [2];
            input b: [2];
            input c: [2];
            input d: [2];
            input e: [2];
            input f: [2];
            input g: [2];
            input h: [2];
            output sum = a + b + c + d + e + f + g + h;
        }
    }
}
