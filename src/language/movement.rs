//! Elements elsewhere: padding, cutting, resampling, other orders.

functions! {
    /// `pad(x, padding, mode = constant, value = 0.0)`
    ///
    /// Elements around `x`. One number stands for both sides of all axes but the first one; a list belongs to the last axes,
    /// and has one number, or `[before, after]`, for each. The mode is `constant` (that is `value`), `reflect` (the mirror
    /// image without the edge), `replicate` (the edge again) or `circular` (the opposite side).
    ///
    /// `x >> pad(1)` of `[3, 8, 8]` is `[3, 10, 10]`.
    /// `x >> pad([[0, 1], 2], mode = reflect)` of `[3, 8, 8]` is `[3, 9, 12]`.
    pad;
    /// `crop(x, margins)`
    ///
    /// The opposite of `pad`: what is left without the margins, which are written in the same way.
    ///
    /// `x >> crop(2)` of `[3, 8, 8]` is `[3, 4, 4]`.
    /// `x >> crop([[0, 1], [3, 3]])` of `[3, 8, 8]` is `[3, 7, 2]`.
    crop;
    /// `upsample(x, scale, mode = nearest)`
    ///
    /// `scale` times as many positions; one whole number, or one for each axis. `nearest` repeats elements; `bilinear` mixes
    /// the nearest four of an image by their distance (PyTorch's `align_corners = False`).
    ///
    /// `x >> upsample(2)` of `[8, 7, 7]` is `[8, 14, 14]`.
    /// `x >> upsample([2, 3], mode = bilinear)` of `[8, 7, 7]` is `[8, 14, 21]`.
    upsample;
    /// `pixel_shuffle(x, factor)`
    ///
    /// Channels become positions: factor² channels are the pixels of a square of the result's channel.
    ///
    /// `x >> pixel_shuffle(2)` of `[12, 8, 8]` is `[3, 16, 16]`.
    pixel_shuffle;
    /// `pixel_unshuffle(x, factor)`
    ///
    /// The opposite of `pixel_shuffle`: squares of pixels become channels.
    ///
    /// `x >> pixel_unshuffle(2)` of `[3, 16, 16]` is `[12, 8, 8]`.
    pixel_unshuffle;
    /// `channel_shuffle(x, groups)`
    ///
    /// The first channel of each group, then the second one of each, and so on, so that the next grouped convolution sees all
    /// groups.
    ///
    /// `x >> channel_shuffle(4)` of `[16, 8, 8]` is `[16, 8, 8]`.
    channel_shuffle;
    /// `permute(x, [axes])`
    ///
    /// The axes in another order: axis i of the result is the i-th one given.
    ///
    /// `x >> permute([1, 2, 0])` of `[3, 8, 9]` is `[8, 9, 3]`.
    permute;
    /// `slice(x, start = 0, end = …, axis = 0, step = 1)`
    ///
    /// The elements from `start` to before `end` (to the last one by default), every `step`-th of them. Negative positions
    /// count from the end.
    ///
    /// `x >> slice(2, 6)` of `[10, 4]` is `[4, 4]`.
    /// `x >> slice(1, -1, axis = -1, step = 2)` of `[10, 8]` is `[10, 3]`.
    slice;
    /// `split(x, size, axis = 0)`
    ///
    /// Parts of an axis, as several results: `(a, b) = x >> split(8)`. All have the size given, which must divide that of the
    /// axis; or `[sizes]` has one for each part, and they add up to it.
    split;
    /// `chunk(x, parts, axis = 0)`
    ///
    /// As `split`, by the number of parts, which must divide the axis: `(i, f, g, o) = chunk(gates, 4)`.
    chunk;
    /// `first(x, axis = 0)`
    ///
    /// What stands at the first position of an axis: of a sequence, its first step.
    ///
    /// `x >> first` of `[10, 4]` is `[4]`.
    first;
    /// `last(x, axis = 0, length = …)`
    ///
    /// What stands at the last position of an axis: of a sequence, its last step. With a `length`, an input such as `class(33)`
    /// (0 to 32), it is the last of so many, and zeros if there are none. Of a sequence that is read in both directions, the
    /// final states are `y.h`: at the last step, the backward direction has read only that step.
    ///
    /// `x >> last` of `[10, 4]` is `[4]`.
    last;
    /// `flip(x, axis = 0)`
    ///
    /// The elements of an axis in the opposite order.
    ///
    /// `x >> flip` of `[10, 4]` is `[10, 4]`.
    flip;
    /// `stack([a, b, …], axis = 0)`
    ///
    /// Tensors of one shape one after another along a new axis.
    ///
    /// `stack([x, x])` of `[3, 8]` is `[2, 3, 8]`.
    stack;
}
