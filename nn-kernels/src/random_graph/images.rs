//! The steps that look at neighbourhoods: convolutions, pooling, batch normalization.

use super::{Dice, LARGE, Maker, Value};
use crate::layers::{self, BatchNorm, Convolution, TransposedConvolution};
use crate::shape::{Fact, Padding, PaddingMode, PerAxis, TransposedOptions, WindowOptions};

/// One number for each of so many axes.
fn each(dice: &mut Dice, axes: usize, of: &[usize]) -> PerAxis {
    PerAxis::Each((0..axes).map(|_| dice.pick(of)).collect())
}

impl Maker {
    /// The value as `[channels, positions]` or `[channels, rows, columns]`.
    fn image(&mut self, x: Value) -> Value {
        let dims = self.dims_of(x);
        if dims.len() == 3 || (dims.len() == 2 && dims[1] > 1) {
            return x;
        }
        let size: usize = dims.iter().product();
        let divisors: Vec<usize> = (1..=size).filter(|d| size.is_multiple_of(*d) && *d <= 8).collect();
        let channels = self.dice.pick(&divisors);
        Value { node: self.graph().reshape(x.node, &[channels, size / channels]), ..x }
    }

    pub(super) fn convolution(&mut self, number: usize, x: Value) -> Result<Value, Fact> {
        let x = self.image(x);
        let dims = self.dims_of(x);
        let (channels, axes) = (dims[0], dims.len() - 1);
        let dice = &mut self.dice;
        let common: Vec<usize> =
            [1, 1, 1, 2, 4, channels].into_iter().filter(|g| channels.is_multiple_of(*g)).collect();
        let groups = dice.pick(&common);
        let filters = groups * dice.pick(&[1, 1, 2, 3, 4, 8]);
        let kernel = each(dice, axes, &[1, 2, 3, 3, 5]);
        let stride = each(dice, axes, &[1, 1, 1, 2, 3]);
        let dilation = each(dice, axes, &[1, 1, 2]);
        let bias = !dice.one_in(4);
        let path = format!("step{number}.conv");
        let fan_in = (channels / groups * 9) as f64;
        let bound = x.bound * fan_in.sqrt() + 1.0;
        if dice.one_in(3) {
            let padding = each(dice, axes, &[0, 0, 1]);
            let windows = TransposedOptions { kernel, stride, padding, output_padding: PerAxis::All(0), dilation };
            let options = TransposedConvolution { filters, windows, groups, bias, init: None, bias_init: None };
            let node = layers::transposed_convolution(&mut self.network, &path, x.node, axes, &options)?;
            return Ok(Value { node, bound });
        }
        let padding = Padding::Numbers(each(dice, axes, &[0, 1, 2]));
        let padding_mode = if dice.one_in(5) { PaddingMode::Replicate } else { PaddingMode::Constant };
        let windows = Convolution {
            kernel,
            stride,
            padding,
            padding_mode,
            dilation,
            groups,
            bias,
            ..Convolution::new(filters, 1)
        };
        let node = layers::convolution(&mut self.network, &path, x.node, axes, &windows)?;
        Ok(Value { node, bound })
    }

    pub(super) fn pooling(&mut self, x: Value) -> Result<Value, Fact> {
        let x = self.image(x);
        let axes = self.dims_of(x).len() - 1;
        if self.dice.one_in(4) {
            return Ok(Value { node: layers::dropout2d(self.graph(), x.node, 0.3)?, bound: x.bound * 1.5 });
        }
        let dice = &mut self.dice;
        let options = WindowOptions {
            kernel: each(dice, axes, &[1, 2, 2, 3]),
            stride: each(dice, axes, &[1, 2, 2, 3]),
            padding: Padding::Numbers(each(dice, axes, &[0, 0, 1])),
            dilation: PerAxis::All(1),
            ceil: dice.one_in(3),
        };
        let (average, padded) = (dice.one_in(2), dice.one_in(2));
        let g = self.graph();
        let node = match average {
            true => layers::avg_pool(g, x.node, axes, &options, padded)?,
            false => layers::max_pool(g, x.node, axes, &options)?,
        };
        Ok(Value { node, bound: x.bound })
    }

    /// A small variance would magnify rounding, so `eps` is large.
    pub(super) fn batch_norm(&mut self, number: usize, x: Value) -> Result<Value, Fact> {
        let x = self.image(x);
        if self.dims_of(x)[1..].iter().product::<usize>() < 2 {
            return self.pooling(x); // one number for each channel has no variance where the batch is a single sample
        }
        let options = BatchNorm { eps: 0.2, affine: !self.dice.one_in(4), ..BatchNorm::default() };
        let node = layers::batch_norm(&mut self.network, &format!("step{number}.batch_norm"), x.node, &options)?;
        Ok(Value { node, bound: 3.0 })
    }

    /// The dimensions of an image.
    pub(super) fn image_dims(&mut self) -> Vec<usize> {
        let channels = self.dice.pick(&[1, 2, 3, 4, 8]);
        let (rows, columns) = (self.dice.pick(&[3, 5, 6, 7, 8, 10]), self.dice.pick(&[4, 5, 7, 8, 12, 16]));
        if channels * rows * columns <= LARGE { vec![channels, rows, columns] } else { vec![channels, columns] }
    }
}
