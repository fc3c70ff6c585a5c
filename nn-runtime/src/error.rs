//! Everything that can go wrong at run time, as values.

/// The result of every public function that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong: each message names the file, tensor or option, what was expected and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No usable device; says what was looked for and how to get one.
    #[error("no GPU: {0}")]
    NoDevice(String),
    /// The device was lost or failed at a run.
    #[error("the GPU failed: {0}")]
    Device(String),
    /// The device has no memory for it.
    #[error("out of memory on `{device}`: {what}")]
    OutOfMemory {
        /// The device.
        device: String,
        /// What did not fit.
        what: String,
    },
    /// The plan needs more than the device offers.
    #[error("`{network}` does not fit `{device}`: {what} needs {needed}, the limit `{limit}` is {available}")]
    Limit {
        /// The network.
        network: &'static str,
        /// The device.
        device: String,
        /// What does not fit.
        what: String,
        /// The limit's name.
        limit: &'static str,
        /// What is needed.
        needed: u64,
        /// What there is.
        available: u64,
    },
    /// Data that does not fit the network.
    #[error("{0}")]
    Data(String),
    /// A file, or a record of it, that is not what it should be.
    #[error("{place}: expected {expected}, found {found}")]
    Record {
        /// The file, and the record in it.
        place: String,
        /// What should stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// An option that makes no sense.
    #[error("{0}")]
    Option(String),
    /// A file of weights that does not fit the network, or is damaged.
    #[error("{0}")]
    Weights(String),
    /// A file that cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}
