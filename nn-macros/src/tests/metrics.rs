//! Metrics and weights of classes: what they come to, and mistakes.

use nn_kernels::network::MetricValue;

use super::{checked, mistakes};

fn network(statements: &str) -> String {
    format!(
        "network N {{ input x: [4]; target label: class(3); target sick: class(2); target tags: [4]; logits = x >> dense(3);
         p = sigmoid(x >> dense(1)); output logits = logits;\nloss cross_entropy(logits, label) + binary_cross_entropy(p, sick) + mse(x, tags);
         {statements} }}"
    )
}

#[test]
fn metrics_have_the_types_of_what_they_measure() {
    let source = network(
        "metric precision(logits, label); metric recall(logits, label, average = \"none\"); metric f1 = f_beta(p, sick, average = \"macro\");
         metric confusion_matrix(p, sick, threshold = 0.2); metric roc_curve(p, sick); metric curves = pr_curve(logits, label);
         metric auc(x, tags); metric areas = auc(x, tags, average = \"none\"); metric rmse(x, tags);",
    );
    let values: Vec<MetricValue> = checked(&source).network.metrics.iter().map(|m| m.kind.value()).collect();
    use MetricValue::{ConfusionMatrix, Number, PerClass, PrCurves, RocCurve};
    let expected = [Number, PerClass, Number, ConfusionMatrix, RocCurve, PrCurves, Number, PerClass, Number];
    assert_eq!(values, expected);
}

#[test]
fn mistakes_say_what_was_expected() {
    let of = |statement: &str| mistakes(&network(statement)).join("\n");
    let found = of("metric top_k_accuracy(logits, label, k = 5);");
    assert!(found.contains("`k` must be from 1.0 to 3.0, but it is 5.0"), "{found}");
    let found = of("metric top_k_accuracy(logits, label);");
    assert!(found.contains("`k` must be from 1.0 to 3.0, but it is 5.0"), "{found}");
    let found = of("metric recall(logits, label, average = \"marco\");");
    assert!(found.contains("did you mean `macro`?"), "{found}");
    let found = of("metric roc_curve(x, label);");
    assert!(found.contains("4 numbers along axis 0, but `label` has 3 classes"), "{found}");
    let found = of("metric rmse(x, logits);");
    assert!(found.contains("[4]") && found.contains("[3]"), "{found}");
    let found = of("metric f_beta(p, sick, beta = -1.0);");
    assert!(found.contains("`beta` must be at least 0.0"), "{found}");
    let found = of("metric f1(p, sick);");
    assert!(found.contains("did you mean `f_beta`?"), "{found}");
    let found = of("metric twice = 2.0 * auc(p, sick);");
    assert!(found.contains("`auc` stands only after `metric`"), "{found}");
    let found = of("metric weighted = cross_entropy(logits, label, class_weights = [1.0, 4.0]);");
    assert!(found.contains("`class_weights` has 2 weights, but `logits` has 3 classes"), "{found}");
    let found = of("metric weighted = cross_entropy(logits, label, class_weights = 2.0);");
    assert!(found.contains("a list of numbers"), "{found}");
}
