//! Everything that `fit` does for a run, on handwritten digits: a learning rate that changes, early stopping with the best weights,
//! checkpoints, Ctrl-C and resuming, logs, a dashboard, and a page of pictures in the end.
//!
//! ```text
//! cargo run --release --example train_like_keras
//! cargo run --release --example train_like_keras -- --data DIR --dashboard     press q or Ctrl-C, then:
//! cargo run --release --example train_like_keras -- --data DIR --resume
//! ```

use std::path::PathBuf;

use clap::Parser;
use nn::{Checkpoints, CsvLog, Dashboard, EarlyStopping, HtmlReport, LearningRate, OnNonFinite, TensorBoard, pictures};
use nn_examples::{cli::Training, datasets::Digits};

nn::network! {
    /// Two convolutions and two dense layers.
    network Reader {
        input  image: [1, 28, 28];
        target digit: class(10);

        stem   = image >> conv2d(16, 5, padding = 2) >> batch_norm >> relu >> max_pool2d(2);
        body   = stem  >> conv2d(32, 5, padding = 2) >> batch_norm >> relu >> max_pool2d(2);
        logits = body  >> flatten >> dropout(0.25) >> dense(10);

        output    probability = softmax(logits);
        loss      cross_entropy(logits, digit);
        metric    accuracy(logits, digit);
        metric    top_3 = top_k_accuracy(logits, digit, k = 3);
        metric    f1 = f_beta(logits, digit, average = "macro");
        metric    confusion = confusion_matrix(logits, digit);
        metric    roc = roc_curve(logits, digit);
        optimizer adamw(learning_rate = 1e-3, weight_decay = 0.05);
    }
}

const CLASSES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// Trains a network to read handwritten digits, as Keras would.
#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    digits: Digits,
    #[command(flatten)]
    training: Training<20>,
    /// Shows the run on the whole terminal
    #[arg(long)]
    dashboard: bool,
    /// Goes on with the run whose checkpoints are there
    #[arg(long)]
    resume: bool,
    /// Where checkpoints, logs and the report go
    #[arg(long, value_name = "DIR", default_value = "runs/train_like_keras")]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let Options { digits, training, dashboard, resume, out } = Options::parse();
    let [train, test] = digits.load(training.seed)?;
    let [train, test] = [train, test].map(|digits| ReaderData::new(digits.images, digits.labels));
    let (train, test) = (train?, test?);
    let mut net = Reader::new(&training.device.open()?, training.seed)?;

    let epochs = training.epochs as usize;
    let checkpoints = out.join("checkpoints");
    let mut fit = training
        .fit(64)
        .validation_split(0.1)
        .stop_on_ctrl_c()
        .learning_rate(LearningRate::cosine(training.rate(1e-3).into(), epochs as u64).warm_up(1))
        .early_stopping(EarlyStopping::on(|r: &ReaderReport| r.accuracy).maximum().patience(3).restore_best())
        .checkpoints(Checkpoints::to(&checkpoints).best(|r: &ReaderReport| r.loss).keep(2))
        .on_non_finite(OnNonFinite::Stop)
        .callback(CsvLog::to(out.join("history.csv")))
        .callback(TensorBoard::to(out.join("tensorboard")).histograms());
    if dashboard {
        fit = fit.callback(Dashboard::new());
    }
    let history = if resume { net.resume(&train, &checkpoints, fit)? } else { net.fit(&train, fit)? };

    let report = net.evaluate(&test)?;
    println!("{}", report.confusion);
    println!("test accuracy: {:.4}, among the first three: {:.4}, F1: {:.4}", report.accuracy, report.top_3, report.f1);
    net.save(out.join("digits.safetensors"))?;
    HtmlReport::new("Handwritten digits")
        .history(&history)
        .metrics("the test images", &report)
        .picture(pictures::confusion_matrix(&report.confusion, &CLASSES))
        .picture(pictures::roc(CLASSES.iter().copied().zip(&report.roc)))
        .picture(pictures::filters(&net, "stem.conv2d.weight")?)
        .picture(pictures::weights(&net)?)
        .summary(Reader::summary())
        .plan(Reader::plan(), 64)?
        .save(out.join("report.html"))?;
    println!("wrote {}", out.join("report.html").display());
    Ok(())
}
