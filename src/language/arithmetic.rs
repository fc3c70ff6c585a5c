//! Arithmetic.

functions! {
    /// `exp(x)`
    ///
    /// e to the power of `x`, elementwise.
    exp;
    /// `log(x)`
    ///
    /// The natural logarithm, elementwise.
    log;
    /// `sqrt(x)`
    ///
    /// The square root, elementwise.
    sqrt;
    /// `abs(x)`
    ///
    /// The absolute value, elementwise.
    abs;
    /// `square(x)`
    ///
    /// `x * x`, elementwise.
    square;
    /// `pow(x, exponent)`
    ///
    /// `x` to the power of `exponent`, elementwise; both broadcast.
    pow;
    /// `minimum(x, y)`
    ///
    /// The smaller one, elementwise; both broadcast.
    minimum;
    /// `maximum(x, y)`
    ///
    /// The larger one, elementwise; both broadcast.
    maximum;
    /// `clamp(x, min, max)`
    ///
    /// At least `min` and at most `max`, elementwise; either may be left out.
    clamp;
    /// `sum(x, axis = …, axes = […], keep_dims = false)`
    ///
    /// The sum over axes, over all of them by default. `axis` takes one, `axes` takes several in brackets.
    sum;
    /// `mean(x, axis = …, axes = […], keep_dims = false)`
    ///
    /// The mean over axes, over all of them by default. `axis` takes one, `axes` takes several in brackets.
    mean;
    /// `max(x, axis = …, axes = […], keep_dims = false)`
    ///
    /// The maximum over axes, over all of them by default. `axis` takes one, `axes` takes several in brackets.
    max;
    /// `concat([a, b, …], axis = 0)`
    ///
    /// One after another along an axis; all other dimensions must agree.
    concat;
    /// `matmul(x, y)`
    ///
    /// The matrix product of the last two axes; the axes before them broadcast. As NumPy's `@`.
    matmul;
}
