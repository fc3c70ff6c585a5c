//! Initializers.

functions! {
    /// `zeros(dims = …)`
    ///
    /// All 0: an initializer, or with dimensions a tensor, `zeros(8)` or `zeros([2, 8])`.
    zeros;
    /// `ones(dims = …)`
    ///
    /// All 1: an initializer, or with dimensions a tensor, `ones(8)` or `ones([2, 8])`.
    ones;
    /// `constant(value)`
    ///
    /// All the same number.
    constant;
    /// `uniform(low = 0.0, high = 1.0)`
    ///
    /// Uniform between two numbers.
    uniform;
    /// `normal(mean = 0.0, std = 1.0)`
    ///
    /// Normal.
    normal;
    /// `truncated_normal(mean = 0.0, std = 1.0, low = -2.0, high = 2.0)`
    ///
    /// Normal, but within two numbers.
    truncated_normal;
    /// `xavier_uniform(gain = 1.0)`
    ///
    /// Uniform within ± gain · √(6 / (inputs + outputs)).
    xavier_uniform;
    /// `xavier_normal(gain = 1.0)`
    ///
    /// Normal with standard deviation gain · √(2 / (inputs + outputs)).
    xavier_normal;
    /// `kaiming_uniform(a = 0.0, mode = "fan_in", nonlinearity = "leaky_relu")`
    ///
    /// Uniform within ± gain · √(3 / fan), where the gain follows from the nonlinearity (and from `a`, its slope).
    kaiming_uniform;
    /// `kaiming_normal(a = 0.0, mode = "fan_in", nonlinearity = "leaky_relu")`
    ///
    /// Normal with standard deviation gain / √fan, where the gain follows from the nonlinearity (and from `a`, its
    /// slope).
    kaiming_normal;
    /// `lecun_normal()`
    ///
    /// Normal with standard deviation 1 / √inputs, truncated at two of them.
    lecun_normal;
    /// `orthogonal(gain = 1.0)`
    ///
    /// Orthonormal rows (or columns, where there are more rows), times a gain.
    orthogonal;
}
