//! Functions that move and resample elements, and blocks made of them.

use nn_tests::parity;

use crate::spatial;

spatial! { "images";
    upsample_nearest [2, 3, 4] (h >> upsample(2))
    upsample_nearest_per_axis [2, 3, 4] (h >> upsample([3, 1], mode = nearest))
    upsample_nearest_sequence [3, 4] (h >> upsample(3))
    upsample_bilinear [2, 3, 4] (h >> upsample(2, mode = bilinear))
    upsample_bilinear_per_axis [2, 4, 3] (h >> upsample(scale = [3, 2], mode = bilinear))
    upsample_bilinear_one_row [3, 1, 4] (h >> upsample([4, 5], mode = bilinear))
    pad [2, 3, 4] (h >> pad(2))
    pad_value [2, 3, 4] (h >> pad([[2, 1], [1, 0]], value = 0.7))
    pad_channels [2, 3, 4] (h >> pad([[1, 2], 0, 0]))
    pad_reflect [2, 4, 3] (h >> pad([[3, 0], [2, 1]], mode = reflect))
    pad_replicate [2, 3, 4] (h >> pad([[2, 0], [1, 3]], mode = replicate))
    pad_circular [2, 3, 4] (h >> pad([[0, 3], [2, 4]], mode = circular))
    pad_sequence [2, 5] (h >> pad(3, mode = reflect))
    crop [2, 5, 6] (h >> crop(1))
    crop_sides [3, 5, 6] (h >> crop([[2, 0], [1, 3]]))
    pixel_shuffle [8, 2, 3] (h >> pixel_shuffle(2))
    pixel_unshuffle [2, 6, 3] (h >> pixel_unshuffle(3))
    channel_shuffle [6, 3, 2] (h >> channel_shuffle(3))
    channel_shuffle_sequence [6, 4] (h >> channel_shuffle(2))
    permute [2, 3, 4] (h >> permute([2, 0, 1]))
    slice [4, 5, 3] (h >> slice(1, 3))
    slice_step [3, 8] (h >> slice(1, 7, axis = 1, step = 2))
    slice_from_end [2, 5, 3] (h >> slice(-3, axis = 1))
    stack [3, 4] { input c: [3, 4]; } (stack(h, c, h * c))
    stack_last [3, 4] { input c: [3, 4]; } (stack(c, h, axis = -1))
    concat_images [3, 4, 2] { input c: [2, 4, 2]; } (concat(h, c, relu(h)))
    residual_broadcast [3, 4, 2] { input c: [3, 1, 1]; } (h + c + mean(h, axes = [1, 2], keep_dims = true))
    gaussian_noise_in_inference [3, 4] (h >> gaussian_noise(0.0))
}

/// `case [shape] { more inputs } { blocks } { statements that bind a to something of h }`.
macro_rules! statements {
    ($($case:ident $shape:tt { $($inputs:tt)* } { $($statements:tt)+ })+) => { $(
        parity! { "images" $case {
            input x: $shape;
            $($inputs)*
            target y: [2];
            h = tanh(x);
            $($statements)+
            p = a >> tanh >> flatten >> dense(2);
            output a = a;
            output p = p;
            loss mse(p, y);
            optimizer sgd(learning_rate = 0.02);
        } }
    )+ };
}

statements! {
    split [6, 4] {} {
        (first, second, third) = h >> split(2);
        a = first * third + second;
    }
    split_sizes [3, 6] {} {
        (first, second, _third) = h >> split([1, 3, 2], axis = 1);
        a = concat(second, first, axis = 1);
    }
    squeeze_excite [4, 3, 5] {} {
        block squeeze_excite(x, channels) {
            weight = x >> global_avg_pool >> dense(channels / 2) >> relu >> dense(channels) >> sigmoid;
            x * (weight >> reshape([channels, 1, 1]))
        }
        a = h >> squeeze_excite(4);
    }
    residual_block [3, 5, 4] {} {
        block body(x, channels) {
            x >> conv2d(4, 3, padding = 1, bias = false) >> batch_norm >> relu
                >> conv2d(channels, 3, padding = 1, bias = false) >> batch_norm
        }
        a = (h >> body(3)) + h >> relu;
    }
    siamese [2, 4, 5] { input c: [2, 4, 5]; } {
        shared block side(x) { x >> conv2d(3, 3, padding = 1) >> relu }
        a = square(side(h) - side(c));
    }
}
