//! What examples that tell classes apart print before and after training.

use crate::confusion::Confusion;

/// How many samples there are for training and for the test, what the network costs, and where it runs.
pub fn opening([training, test]: [usize; 2], parameters: usize, operations: u64, device: &nn::Device) {
    println!("{training} samples for training, {test} for the test, on {}", device.name());
    println!("{parameters} parameters, {:.1} million operations for a sample", operations as f64 / 1e6);
}

/// Which classes of the test were taken for which, and the last lines.
pub fn closing(confusion: &Confusion, loss: f64, accuracy: f64) {
    println!("{confusion}\n");
    println!("test loss: {loss:.6}");
    println!("test accuracy: {accuracy:.4}");
}
