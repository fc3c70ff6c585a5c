//! Metrics of what counts are scikit-learn's, over several batches.

nn_tests::parity_of_metrics! { "counting"
    ignored [12, [3, 4]] {
        target y: class(4)[3];
        metric precision(p, y, ignore_index = 0);
        metric recall(p, y, ignore_index = 0);
        metric f1 = f_beta(p, y, ignore_index = 0);
        metric f_half = f_beta(p, y, beta = 0.5, ignore_index = 0);
        metric specificity(p, y, ignore_index = 0);
        metric false_positive_rate(p, y, ignore_index = 0);
        metric accuracy(p, y, ignore_index = 0);
        metric top2 = top_k_accuracy(p, y, k = 2, ignore_index = 0);
        metric cross_entropy(p, y, ignore_index = 0);
        metric perplexity(p, y, ignore_index = 0);
        metric confusion_matrix(p, y, ignore_index = 0);
        metric iou(p, y, ignore_index = 0);
        metric auc(softmax(p), y, ignore_index = 0);
    }
    ignored_samples [4] {
        target y: class(5);
        metric accuracy(p, y, ignore_index = 4);
        metric confusion_matrix(p, y, ignore_index = 4);
        metric f1 = f_beta(p, y, average = "micro", ignore_index = 4);
    }
    masked [12, [3, 4]] {
        target y: class(4)[3]; target m: [3];
        metric precision(p, y, average = "weighted", mask = m);
        metric recall(p, y, average = "weighted", mask = m);
        metric f1 = f_beta(p, y, average = "weighted", mask = m);
        metric f_half = f_beta(p, y, beta = 0.5, average = "weighted", mask = m);
        metric specificity(p, y, average = "weighted", mask = m);
        metric false_positive_rate(p, y, average = "weighted", mask = m);
        metric accuracy(p, y, mask = m);
        metric cross_entropy(p, y, mask = m);
        metric perplexity(p, y, mask = m);
        metric iou(p, y, mask = m);
    }
    masked_regression [4] {
        target y: [4]; target m: [];
        metric mse(p, y, mask = m);
        metric mae(p, y, mask = m);
        metric rmse(p, y, mask = m);
        metric mape(p, y, mask = m);
        metric r2(p, y, mask = m);
    }
    masked_binary [1] {
        target y: class(2)[1]; target m: class(2)[1];
        metric precision(p, y, threshold = 0.25, mask = m);
        metric recall(p, y, threshold = 0.25, mask = m);
        metric f1 = f_beta(p, y, threshold = 0.25, mask = m);
        metric f_half = f_beta(p, y, beta = 0.5, threshold = 0.25, mask = m);
        metric specificity(p, y, threshold = 0.25, mask = m);
        metric false_positive_rate(p, y, threshold = 0.25, mask = m);
        metric confusion_matrix(p, y, threshold = 0.25, mask = m);
        metric roc_curve(p, y, mask = m);
        metric pr_curve(p, y, mask = m);
        metric auc(p, y, mask = m);
        metric average_precision(p, y, mask = m);
    }
}
