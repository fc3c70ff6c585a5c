//! Metrics against scikit-learn, over several batches.

macro_rules! metrics {
    ($($case:ident [$width:literal $(, $shape:tt)?] { $($target:tt)+ } { $($metrics:tt)+ })+) => { $(
        mod $case {
            nn::network! {
                network Case {
                    input x: [5];
                    target y: $($target)+;
                    p = x >> dense($width) $(>> reshape($shape))?;
                    output p = p;
                    loss mean(square(p));
                    $($metrics)+
                }
            }

            fn check(device: &nn::Device) {
                let program = Case::new(device, 0).unwrap().net.program();
                nn_tests::parity::check_metrics(stringify!($case), program, device);
            }

            #[test]
            fn cpu() {
                check(&nn::Device::cpu());
            }

            #[test]
            fn gpu() {
                nn_tests::gpu().into_iter().for_each(check);
            }
        }
    )+ };
}

metrics! {
    regression [4] { [4] } { metric mse(p, y); metric mae(p, y); metric r2(p, y); }
    regression_constant_column [4] { [4] } { metric mse(p, y); metric mae(p, y); metric r2(p, y); }
    accuracy [4] { class(4) } { metric accuracy(p, y); }
    accuracy_one_hot [4] { [4] } { metric accuracy(p, y); }
    accuracy_binary [1] { [1] } { metric accuracy(p, y); }
    iou_classes [4] { class(4) } { metric iou(p, y); }
    iou_absent_class [3] { class(3) } { metric iou(p, y); }
    iou_pixels [12, [3, 4]] { class(3)[4] } { metric iou(p, y, axis = 0); metric accuracy(p, y, axis = 0); }
    iou_mask [4] { [4] } { metric iou(p, y); }
    iou_mask_logits [4] { class(2)[4] } { metric iou(p, y, threshold = 0.0); }
}
