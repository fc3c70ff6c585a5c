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
    let found = of("metric root = sqrt(mse(x, tags, mask = tags));");
    assert!(
        found.contains(
            "`sqrt(mse(x, tags, mask = tags))` makes something of a mean over what counts that cannot be averaged"
        ),
        "{found}"
    );
    let found = of("metric half = (0.5 * mse(x, tags, mask = tags) - mae(x, tags)) / 2.0;");
    assert!(found.is_empty(), "{found}");
    let found = mistakes("network N { input x: [4]; target y: [4]; h = x >> dense(4); output h = h; loss mse(h, y, mask = y) * mae(h, y, mask = y); }").join("\n");
    assert!(found.contains("cannot be averaged over batches"), "{found}");
    let found = of("metric weighted = cross_entropy(logits, label, class_weights = 2.0);");
    assert!(found.contains("a list of numbers"), "{found}");
}

#[test]
fn weights_of_samples_are_a_field_behind_the_declared_ones() {
    let source = |loss: &str| {
        format!("network N {{ input x: [4]; target y: [4]; h = x >> dense(4); output h = h; loss {loss}; }}")
    };
    let network = checked(&source("sample_weight * mse(h, y)")).network;
    let names: Vec<&str> = network.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!((names, network.inputs, network.sample_weight), (vec!["x", "y", "sample_weight"], 1, Some(2)));
    let network = checked(&source("mse(h, y, mask = sample_weight())")).network;
    assert_eq!(network.sample_weight, Some(2));
    // Who does not ask for it has none.
    let network = checked(&source("mse(h, y)")).network;
    assert_eq!((network.fields.len(), network.sample_weight), (2, None));
    // A name of one's own is that.
    let own = "network N { input x: [4]; target sample_weight: []; target y: [4]; h = x >> dense(4); output h = h;
               loss sample_weight * mse(h, y); }";
    let network = checked(own).network;
    assert_eq!((network.fields.len(), network.sample_weight), (3, None));
    let found = mistakes("network N { input x: [4]; h = sample_weight * x; output h = h; }").join("\n");
    assert!(found.contains("output `h` depends on `sample_weight`"), "{found}");
}

#[test]
fn metrics_may_be_piped() {
    let source = network("metric logits >> precision(label); metric area = logits >> auc(label, average = \"none\");");
    let values: Vec<MetricValue> = checked(&source).network.metrics.iter().map(|m| m.kind.value()).collect();
    assert_eq!(values, [MetricValue::Number, MetricValue::PerClass]);
}
