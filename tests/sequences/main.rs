//! Sequences, from the declaration to numbers: state that is carried on, steps of many sizes, learning through time.

mod carried;
mod distributed;
mod learning;
mod lengths;
mod random;
mod scatter;
mod spelling;
mod stateful;
mod streamed;
