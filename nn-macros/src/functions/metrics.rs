//! Metrics: what is counted and gathered over all samples.

use nn_kernels::graph::Graph;
use nn_kernels::layers;
use nn_kernels::network::{Average, MetricDeclaration, Rate, Summary};
use nn_kernels::shape::Fact;

use super::Default::{Integer, Nothing, Word};
use super::values::{IGNORE_INDEX, LAST_AXIS, MASK, PREDICTION, SOME_AXIS, TARGET, VALUES};
use super::{Apply, Arguments, Function, Kind, Parameter};

type Measure = fn(&mut Graph, &str, &Arguments) -> Result<MetricDeclaration, Fact>;

const fn metric(name: &'static str, parameters: &'static [Parameter], apply: Measure) -> Function {
    Function { name, parameters, apply: Apply::Metric(apply) }
}

const K: Parameter = Parameter::option("k", Kind::Count, Integer(5));
const THRESHOLD: Parameter = Parameter::option("threshold", Kind::Number, Nothing);
/// Where two classes are something special, which has no word.
const AVERAGE: Parameter = Parameter::option("average", AVERAGES, Nothing);
const MACRO: Parameter = Parameter::option("average", AVERAGES, Word("macro"));
const AVERAGES: Kind = Kind::Word(&["macro", "micro", "weighted", "none"]);
const RATE: &[Parameter] = &[PREDICTION, TARGET, AVERAGE, THRESHOLD, LAST_AXIS, IGNORE_INDEX, MASK];
const SCORES: &[Parameter] = &[PREDICTION, TARGET, LAST_AXIS, IGNORE_INDEX, MASK];
const AREA: &[Parameter] = &[PREDICTION, TARGET, MACRO, LAST_AXIS, IGNORE_INDEX, MASK];

pub static TABLE: &[Function] = &[
    Function {
        name: "accuracy",
        parameters: &[PREDICTION, TARGET, LAST_AXIS, THRESHOLD, IGNORE_INDEX, MASK],
        apply: Apply::Decision(|g, a| {
            let (prediction, target) = (a.tensor("prediction"), a.target("target"));
            let (axis, threshold) = (a.integer("axis"), a.number_or_none("threshold"));
            let right = layers::right(g, prediction, target, axis, threshold, a.counting())?;
            Ok(right.mean(g))
        }),
    },
    Function {
        name: "top_k_accuracy",
        parameters: &[PREDICTION, TARGET, K, LAST_AXIS, IGNORE_INDEX, MASK],
        apply: Apply::Decision(|g, a| {
            let (prediction, target) = (a.tensor("prediction"), a.target("target"));
            let right = layers::top_k_accuracy(g, prediction, target, a.count("k"), a.integer("axis"), a.counting())?;
            Ok(right.mean(g))
        }),
    },
    metric("precision", RATE, |g, name, a| rate(g, name, a, Rate::Precision)),
    metric("recall", RATE, |g, name, a| rate(g, name, a, Rate::Recall)),
    metric(
        "f_beta",
        &[PREDICTION, TARGET, Parameter::number("beta", 1.0), AVERAGE, THRESHOLD, LAST_AXIS, IGNORE_INDEX, MASK],
        |g, name, a| rate(g, name, a, Rate::FBeta(a.number("beta"))),
    ),
    metric("specificity", RATE, |g, name, a| rate(g, name, a, Rate::Specificity)),
    metric("false_positive_rate", RATE, |g, name, a| rate(g, name, a, Rate::FalsePositiveRate)),
    metric("confusion_matrix", &[PREDICTION, TARGET, THRESHOLD, LAST_AXIS, IGNORE_INDEX, MASK], |g, name, a| {
        let (prediction, target) = (a.tensor("prediction"), a.target("target"));
        let (axis, threshold) = (a.integer("axis"), a.number_or_none("threshold"));
        layers::confusion_matrix(g, name, prediction, target, axis, threshold, a.counting())
    }),
    metric("roc_curve", SCORES, |g, name, a| scores(g, name, a, Summary::RocCurve)),
    metric("pr_curve", SCORES, |g, name, a| scores(g, name, a, Summary::PrCurve)),
    metric("auc", AREA, |g, name, a| scores(g, name, a, Summary::Auc(average(a.word("average"))))),
    metric("average_precision", AREA, |g, name, a| {
        scores(g, name, a, Summary::AveragePrecision(average(a.word("average"))))
    }),
    metric("iou", &[PREDICTION, TARGET, SOME_AXIS, THRESHOLD, IGNORE_INDEX, MASK], |g, name, a| {
        let (prediction, target) = (a.tensor("prediction"), a.target("target"));
        let (axis, threshold) = (a.integer_or_none("axis"), a.number_or_none("threshold"));
        layers::iou(g, name, prediction, target, axis, threshold, a.counting())
    }),
    metric("r2", &[PREDICTION, VALUES, MASK], |g, name, a| {
        layers::r2(g, name, a.tensor("prediction"), a.tensor("target"), a.counting())
    }),
    metric("rmse", &[PREDICTION, VALUES, MASK], |g, name, a| {
        layers::rmse(g, name, a.tensor("prediction"), a.tensor("target"), a.counting())
    }),
    metric("perplexity", &[Parameter::tensor("logits"), TARGET, LAST_AXIS, IGNORE_INDEX, MASK], |g, name, a| {
        layers::perplexity(g, name, a.tensor("logits"), a.target("target"), a.integer("axis"), a.counting())
    }),
];

fn average(word: &str) -> Average {
    match word {
        "micro" => Average::Micro,
        "weighted" => Average::Weighted,
        "none" => Average::None,
        _ => Average::Macro,
    }
}

fn rate(g: &mut Graph, name: &str, a: &Arguments, rate: Rate) -> Result<MetricDeclaration, Fact> {
    let average = a.bound.contains_key("average").then(|| average(a.word("average")));
    let (prediction, target, threshold) = (a.tensor("prediction"), a.target("target"), a.number_or_none("threshold"));
    layers::rate(g, name, prediction, target, a.integer("axis"), threshold, (rate, average, a.counting()))
}

fn scores(g: &mut Graph, name: &str, a: &Arguments, summary: Summary) -> Result<MetricDeclaration, Fact> {
    layers::scores(g, name, a.tensor("prediction"), a.target("target"), a.integer("axis"), summary, a.counting())
}
