//! Decisions while compiling.

functions! {
    /// `repeat(x, n, block)`
    ///
    /// The block `n` times, each time on what the time before gave, and with parameters of its own: `x >> repeat(2, f(a))` is
    /// `x >> f(a) >> f(a)`. The block is a name (`relu`), a call without its first argument (`dense(8)`), or a closure:
    /// `|x| x >> dense(8) >> relu`, or `|x, i| …` with the index from 0.
    repeat;
    /// `dim(x, axis)`
    ///
    /// The size of an axis, as a constant.
    dim;
}
