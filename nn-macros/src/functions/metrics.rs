//! Metrics: what is counted and gathered over all samples.

use nn_kernels::graph::Graph;
use nn_kernels::layers;
use nn_kernels::network::{Average, MetricDeclaration, Rate, Summary};
use nn_kernels::shape::Fact;

use super::Default::{Integer, Nothing, Word};
use super::values::{LAST_AXIS, PREDICTION, SOME_AXIS, TARGET, VALUES};
use super::{Apply, Arguments, Function, Kind, Parameter};

type Measure = fn(&mut Graph, &str, &Arguments) -> Result<MetricDeclaration, Fact>;

const fn metric(name: &'static str, parameters: &'static [Parameter], apply: Measure) -> Function {
    Function { name, parameters, apply: Apply::Metric(apply) }
}

const THRESHOLD: Parameter = Parameter::option("threshold", Kind::Number, Nothing);
/// Where two classes are something special, which has no word.
const AVERAGE: Parameter = Parameter::option("average", AVERAGES, Nothing);
const MACRO: Parameter = Parameter::option("average", AVERAGES, Word("macro"));
const AVERAGES: Kind = Kind::Word(&["macro", "micro", "weighted", "none"]);
const RATE: &[Parameter] = &[PREDICTION, TARGET, AVERAGE, THRESHOLD, LAST_AXIS];
const SCORES: &[Parameter] = &[PREDICTION, TARGET, LAST_AXIS];
const AREA: &[Parameter] = &[PREDICTION, TARGET, MACRO, LAST_AXIS];

pub static TABLE: &[Function] = &[
    Function {
        name: "accuracy",
        parameters: &[PREDICTION, TARGET, LAST_AXIS, THRESHOLD],
        apply: Apply::Decision(|g, a| {
            let (prediction, target) = (a.tensor("prediction"), a.target("target"));
            layers::accuracy(g, prediction, target, a.integer("axis"), a.number_or_none("threshold"))
        }),
    },
    Function {
        name: "top_k_accuracy",
        parameters: &[PREDICTION, TARGET, Parameter::option("k", Kind::Count, Integer(5)), LAST_AXIS],
        apply: Apply::Decision(|g, a| {
            let (prediction, target) = (a.tensor("prediction"), a.target("target"));
            layers::top_k_accuracy(g, prediction, target, a.count("k"), a.integer("axis"))
        }),
    },
    metric("precision", RATE, |g, name, a| rate(g, name, a, Rate::Precision)),
    metric("recall", RATE, |g, name, a| rate(g, name, a, Rate::Recall)),
    metric(
        "f_beta",
        &[PREDICTION, TARGET, Parameter::number("beta", 1.0), AVERAGE, THRESHOLD, LAST_AXIS],
        |g, name, a| rate(g, name, a, Rate::FBeta(a.number("beta"))),
    ),
    metric("specificity", RATE, |g, name, a| rate(g, name, a, Rate::Specificity)),
    metric("false_positive_rate", RATE, |g, name, a| rate(g, name, a, Rate::FalsePositiveRate)),
    metric("confusion_matrix", &[PREDICTION, TARGET, THRESHOLD, LAST_AXIS], |g, name, a| {
        let (prediction, target) = (a.tensor("prediction"), a.target("target"));
        layers::confusion_matrix(g, name, prediction, target, a.integer("axis"), a.number_or_none("threshold"))
    }),
    metric("roc_curve", SCORES, |g, name, a| scores(g, name, a, Summary::RocCurve)),
    metric("pr_curve", SCORES, |g, name, a| scores(g, name, a, Summary::PrCurve)),
    metric("auc", AREA, |g, name, a| scores(g, name, a, Summary::Auc(average(a.word("average"))))),
    metric("average_precision", AREA, |g, name, a| {
        scores(g, name, a, Summary::AveragePrecision(average(a.word("average"))))
    }),
    metric("iou", &[PREDICTION, TARGET, SOME_AXIS, THRESHOLD], |g, name, a| {
        let (prediction, target) = (a.tensor("prediction"), a.target("target"));
        layers::iou(g, name, prediction, target, a.integer_or_none("axis"), a.number_or_none("threshold"))
    }),
    metric("r2", &[PREDICTION, VALUES], |g, name, a| layers::r2(g, name, a.tensor("prediction"), a.tensor("target"))),
    metric("rmse", &[PREDICTION, VALUES], |g, name, a| {
        layers::rmse(g, name, a.tensor("prediction"), a.tensor("target"))
    }),
    metric("perplexity", &[Parameter::tensor("logits"), TARGET, LAST_AXIS], |g, name, a| {
        layers::perplexity(g, name, a.tensor("logits"), a.target("target"), a.integer("axis"))
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
    layers::rate(g, name, prediction, target, a.integer("axis"), threshold, (rate, average))
}

fn scores(g: &mut Graph, name: &str, a: &Arguments, summary: Summary) -> Result<MetricDeclaration, Fact> {
    layers::scores(g, name, a.tensor("prediction"), a.target("target"), a.integer("axis"), summary)
}
