//! Where neural networks began: logic gates. One perceptron learns AND and OR, but not XOR, which needs two layers.
//! Then one neuron decides whether five numbers add up to more than 2.5.
//!
//! ```text
//! cargo run --release --example logic_gates
//! ```

use clap::Parser;
use nn_examples::cli::DeviceChoice;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

nn::network! {
    /// Rosenblatt's perceptron: it fires or it does not.
    ///
    /// The perceptron rule adds (wanted - fires) * input to the weights. It is the gradient descent of the loss below:
    /// a step has gradient zero, so only the second factor's gradient is left, and that is the input. The loss itself is
    /// never negative, and zero when every answer is right.
    network Perceptron {
        input  inputs: [2];
        target wanted: [1];

        excitation = inputs >> dense(1);
        fires = excitation >> step;

        output    answer = fires;
        loss      sum((fires - wanted) * excitation);
        metric    accuracy(fires, wanted);
        optimizer sgd(learning_rate = 0.1);
    }

    /// Between the inputs and the answer stand eight neurons: each draws a line of its own. (Two can do it, but find it
    /// less often.)
    network TwoLayers {
        input  inputs: [2];
        target wanted: [1];

        hidden = inputs >> dense(8) >> tanh;
        excitation = hidden >> dense(1);

        output    answer = sigmoid(excitation);
        loss      binary_cross_entropy_with_logits(excitation, wanted);
        metric    accuracy(excitation, wanted, threshold = 0.0);
        optimizer adam(learning_rate = 0.05);
    }

    /// One neuron for the sum of five numbers. Its answer is a probability; "more than 2.5" is any above a half.
    network SumOfFive {
        input  numbers: [5];
        target above: [1];

        excitation = numbers >> dense(1);

        output    answer = sigmoid(excitation);
        loss      binary_cross_entropy_with_logits(excitation, above);
        metric    accuracy(excitation, above, threshold = 0.0);
        optimizer adam(learning_rate = 0.05);
    }
}

/// Trains logic gates and a classifier of sums.
#[derive(Debug, Parser)]
struct Options {
    /// Draws the first weights and the five numbers
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where to train
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
}

/// All that two bits can be.
const INPUTS: [[f32; 2]; 4] = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
const AND: [f32; 4] = [0.0, 0.0, 0.0, 1.0];
const OR: [f32; 4] = [0.0, 1.0, 1.0, 1.0];
const XOR: [f32; 4] = [0.0, 1.0, 1.0, 0.0];

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let device = options.device.open()?;

    let mut right = 0;
    for (name, wanted) in [("AND", AND), ("OR", OR)] {
        let mut gate = Perceptron::new(&device, options.seed)?;
        gate.fit(&PerceptronData::new(INPUTS, wanted)?, nn::Fit::default().epochs(100).batch_size(1).quiet())?;
        right += print_table(&format!("{name}, one perceptron"), wanted, &gate.predict(&INPUTS)?);
    }
    let mut gate = Perceptron::new(&device, options.seed)?;
    gate.fit(&PerceptronData::new(INPUTS, XOR)?, nn::Fit::default().epochs(100).batch_size(1).quiet())?;
    print_table("XOR, one perceptron: no straight line parts its answers", XOR, &gate.predict(&INPUTS)?);
    let mut gate = TwoLayers::new(&device, options.seed)?;
    gate.fit(&TwoLayersData::new(INPUTS, XOR)?, nn::Fit::default().epochs(500).batch_size(4).quiet())?;
    right += print_table("XOR, two layers", XOR, &gate.predict(&INPUTS)?);

    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let mut draw = |count: usize| (0..count).map(|_| std::array::from_fn(|_| rng.random())).collect::<Vec<[f32; 5]>>();
    let above = |numbers: &[[f32; 5]]| -> Vec<f32> {
        numbers.iter().map(|five| if five.iter().sum::<f32>() > 2.5 { 1.0 } else { 0.0 }).collect()
    };
    let (training, test) = (draw(1000), draw(1000));
    println!("Do five numbers add up to more than 2.5? One neuron learns it from 1000 examples.");
    let mut sum = SumOfFive::new(&device, options.seed)?;
    sum.fit(&SumOfFiveData::new(&training, above(&training))?, nn::Fit::default().epochs(200).batch_size(20).quiet())?;
    for (five, [answer]) in test.iter().zip(sum.predict(&test[..5])?) {
        let terms = five.map(|number| format!("{number:.2}")).join(" + ");
        println!("  {terms} = {:.2}: above with probability {answer:.3}", five.iter().sum::<f32>());
    }
    let accuracy = sum.evaluate(&SumOfFiveData::new(&test, above(&test))?)?.accuracy;
    println!("rows right: {right}/12, test accuracy: {accuracy:.4}");
    Ok(())
}

/// Prints what a gate answers and gives how many rows are right.
fn print_table(title: &str, wanted: [f32; 4], answers: &[[f32; 1]]) -> usize {
    println!("{title}\n  a b   wanted   answer");
    let mut right = 0;
    for (([a, b], wanted), [answer]) in INPUTS.iter().zip(wanted).zip(answers) {
        let is_right = (*answer > 0.5) == (wanted > 0.5);
        right += usize::from(is_right);
        println!("  {a} {b}   {wanted:6}   {answer:6.3}{}", if is_right { "" } else { "   wrong" });
    }
    println!();
    right
}
