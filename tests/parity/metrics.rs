//! Metrics against scikit-learn, over several batches.

nn_tests::parity_of_metrics! { "metrics"
    regression [4] { target y: [4]; metric mse(p, y); metric mae(p, y); metric r2(p, y); }
    regression_constant_column [4] { target y: [4]; metric mse(p, y); metric mae(p, y); metric r2(p, y); }
    accuracy [4] { target y: class(4); metric accuracy(p, y); }
    accuracy_one_hot [4] { target y: [4]; metric accuracy(p, y); }
    accuracy_binary [1] { target y: [1]; metric accuracy(p, y); }
    iou_classes [4] { target y: class(4); metric iou(p, y); }
    iou_absent_class [3] { target y: class(3); metric iou(p, y); }
    iou_pixels [12, [3, 4]] { target y: class(3)[4]; metric iou(p, y, axis = 0); metric accuracy(p, y, axis = 0); }
    iou_mask [4] { target y: [4]; metric iou(p, y); }
    iou_mask_logits [4] { target y: class(2)[4]; metric iou(p, y, threshold = 0.0); }
    rates_macro [4] {
        target y: class(4);
        metric precision(p, y);
        metric recall(p, y, average = "macro");
        metric f1 = f_beta(p, y);
        metric f_half = f_beta(p, y, beta = 0.5);
        metric specificity(p, y);
        metric false_positive_rate(p, y);
    }
    rates_micro [4] {
        target y: class(4);
        metric precision(p, y, average = "micro");
        metric recall(p, y, average = "micro");
        metric f1 = f_beta(p, y, average = "micro");
        metric f_half = f_beta(p, y, beta = 0.5, average = "micro");
        metric specificity(p, y, average = "micro");
        metric false_positive_rate(p, y, average = "micro");
    }
    rates_weighted [4] {
        target y: class(4);
        metric precision(p, y, average = "weighted");
        metric recall(p, y, average = "weighted");
        metric f1 = f_beta(p, y, average = "weighted");
        metric f_half = f_beta(p, y, beta = 0.5, average = "weighted");
        metric specificity(p, y, average = "weighted");
        metric false_positive_rate(p, y, average = "weighted");
    }
    rates_per_class [4] {
        target y: class(4);
        metric precision(p, y, average = "none");
        metric recall(p, y, average = "none");
        metric f1 = f_beta(p, y, average = "none");
        metric f_half = f_beta(p, y, beta = 0.5, average = "none");
        metric specificity(p, y, average = "none");
        metric false_positive_rate(p, y, average = "none");
    }
    rates_absent_class [4] {
        target y: class(4);
        metric precision(p, y);
        metric recall(p, y);
        metric f1 = f_beta(p, y);
        metric f_half = f_beta(p, y, beta = 0.5);
        metric specificity(p, y);
        metric false_positive_rate(p, y);
    }
    rates_one_hot [4] {
        target y: [4];
        metric precision(p, y);
        metric recall(p, y);
        metric f1 = f_beta(p, y);
        metric f_half = f_beta(p, y, beta = 0.5);
        metric specificity(p, y);
        metric false_positive_rate(p, y);
    }
    binary [1] {
        target y: class(2);
        metric precision(p, y, threshold = 0.25);
        metric recall(p, y, threshold = 0.25);
        metric f1 = f_beta(p, y, threshold = 0.25);
        metric f_half = f_beta(p, y, beta = 0.5, threshold = 0.25);
        metric specificity(p, y, threshold = 0.25);
        metric false_positive_rate(p, y, threshold = 0.25);
        metric confusion_matrix(p, y, threshold = 0.25);
        metric roc_curve(p, y);
        metric pr_curve(p, y);
        metric auc(p, y);
        metric average_precision(p, y);
    }
    binary_macro [1] {
        target y: class(2);
        metric precision(p, y, average = "macro");
        metric recall(p, y, average = "macro");
        metric f1 = f_beta(p, y, average = "macro");
        metric f_half = f_beta(p, y, beta = 0.5, average = "macro");
        metric specificity(p, y, average = "macro");
        metric false_positive_rate(p, y, average = "macro");
        metric weighted = recall(p, y, average = "weighted");
    }
    two_logits [2] {
        target y: class(2);
        metric precision(p, y);
        metric recall(p, y);
        metric f1 = f_beta(p, y);
        metric f_half = f_beta(p, y, beta = 0.5);
        metric specificity(p, y);
        metric false_positive_rate(p, y);
        metric auc(softmax(p), y);
    }
    against_rest [4] {
        target y: class(4);
        metric roc_curve(softmax(p), y);
        metric pr_curve(softmax(p), y);
        metric auc_macro = auc(softmax(p), y);
        metric average_precision_macro = average_precision(softmax(p), y, average = "macro");
        metric auc_micro = auc(softmax(p), y, average = "micro");
        metric average_precision_micro = average_precision(softmax(p), y, average = "micro");
        metric auc_weighted = auc(softmax(p), y, average = "weighted");
        metric average_precision_weighted = average_precision(softmax(p), y, average = "weighted");
        metric auc_none = auc(softmax(p), y, average = "none");
        metric average_precision_none = average_precision(softmax(p), y, average = "none");
    }
    several_labels [4] {
        target y: [4];
        metric precision(p, y, threshold = 0.1);
        metric recall(p, y, threshold = 0.1);
        metric f1 = f_beta(p, y, threshold = 0.1);
        metric f_half = f_beta(p, y, beta = 0.5, threshold = 0.1);
        metric specificity(p, y, threshold = 0.1);
        metric false_positive_rate(p, y, threshold = 0.1);
        metric auc(p, y);
        metric average_precision(p, y);
        metric micro = f_beta(p, y, threshold = 0.1, average = "micro");
        metric none = f_beta(p, y, threshold = 0.1, average = "none");
    }
    confusion [4] { target y: class(4); metric confusion_matrix(p, y); }
    pixels [12, [3, 4]] {
        target y: class(3)[4];
        metric precision(p, y, axis = 0);
        metric recall(p, y, axis = 0);
        metric f1 = f_beta(p, y, axis = 0);
        metric f_half = f_beta(p, y, beta = 0.5, axis = 0);
        metric specificity(p, y, axis = 0);
        metric false_positive_rate(p, y, axis = 0);
        metric confusion_matrix(p, y, axis = 0);
    }
    top_k [7] {
        target y: class(7);
        metric top_k_accuracy(p, y);
        metric one = top_k_accuracy(p, y, k = 1);
        metric three = top_k_accuracy(p, y, k = 3);
    }
    more_regression [4] { target y: [4]; metric rmse(p, y); metric mape(p, y); metric cosine_similarity(p, y); }
    perplexity [4] { target y: class(4); metric perplexity(p, y); }
}
