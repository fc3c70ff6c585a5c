//! A crate that knows `nn` by another name, and through a module of its own. That it compiles is the test.

#![deny(warnings, missing_docs)]
#![forbid(unsafe_code)]

/// What this crate hands on.
pub mod prelude {
    pub use neural;
}

neural::network! {
    crate = neural;

    /// A network.
    pub network Renamed {
        input  x: [3];
        target y: [2];
        p = x >> dense(2) >> tanh;
        output    p = p;
        loss      mse(p, y);
        optimizer sgd(learning_rate = 0.1);
    }
}

/// A network that reaches the facade through a path.
pub mod inner {
    use crate::prelude::neural::network;

    network! {
        crate = crate::prelude::neural;

        /// Only prediction.
        pub network Inner {
            input x: [3];
            output p = x >> dense(2) >> relu;
        }
    }
}
