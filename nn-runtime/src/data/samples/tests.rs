use super::*;
use crate::data::testing::says;

fn counted(samples: usize, dims: &[usize]) -> Samples {
    let width = dims.iter().product::<usize>();
    Samples::numbers(dims, (0..samples * width).map(|i| i as f32).collect::<Vec<_>>()).unwrap()
}

fn field(dims: &'static [usize], classes: Option<usize>) -> Field {
    Field { name: "image", dims, classes }
}

#[test]
fn parts_and_orders_say_where_their_samples_are_from() {
    let all = counted(10, &[2]);
    let (front, back) = all.split_at(7);
    assert_eq!((front.len(), back.len()), (7, 3));
    assert_eq!(back.read(1).unwrap(), [16.0, 17.0]);
    assert_eq!(back.slice(1..).place(1), "numbers in memory, record 9");
    assert!(all.slice(20..).is_empty() && all.split_at(99).1.is_empty());
    let (a, b) = (all.shuffled(3), counted(10, &[]).shuffled(3));
    for i in 0..10 {
        assert_eq!(a.read(i).unwrap()[0], 2.0 * b.read(i).unwrap()[0], "the same seed is the same order");
    }
    let mut order = b.read_all().unwrap();
    assert!(order != counted(10, &[]).read_all().unwrap() && order != all.shuffled(4).read_all().unwrap());
    order.sort_by(f32::total_cmp);
    assert_eq!(order, counted(10, &[]).read_all().unwrap());
    says(all.read(10), &["sample 10", "found 10 samples"]);
    assert_eq!(all.shuffled(3).place(10), "numbers in memory, which has no record 10");
}

#[test]
fn classes_become_vectors() {
    let labels = Samples::classes(3, &[2, 0]).unwrap();
    assert_eq!(labels.one_hot(3).unwrap().read_all().unwrap(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    says(labels.one_hot(4), &["expected 4 classes, found class(3)"]);
    says(counted(1, &[2]).one_hot(2), &["expected 2 classes, found numbers of shape [2]"]);
    says(Samples::classes(3, &[1, 3]), &["sample 1: expected a class from 0 to 2, found 3"]);
}

#[test]
fn numbers_are_reshaped_joined_and_changed() {
    let x = counted(2, &[2, 3]);
    assert_eq!(x.reshaped([3, 2]).unwrap().dims(), [3, 2]);
    says(x.reshaped([4]), &["expected 4 numbers, as [4] has, found numbers of shape [2, 3]"]);
    says(x.reshaped([usize::MAX, 2]), &["too many"]);
    let both = counted(2, &[]).joined(&counted(2, &[2])).unwrap();
    assert_eq!(both.read_all().unwrap(), [0.0, 0.0, 1.0, 1.0, 2.0, 3.0]);
    says(counted(2, &[]).joined(&counted(3, &[])), &["2 samples in what is joined", "found 3"]);
    says(x.joined(&x), &["at most one dimension", "[2, 3]"]);
    let doubled = x.map(|values, _| values.iter_mut().for_each(|v| *v *= 2.0));
    assert_eq!(doubled.read(1).unwrap(), [12.0, 14.0, 16.0, 18.0, 20.0, 22.0]);
    assert_eq!(doubled.in_memory().unwrap().read_all().unwrap(), doubled.read_all().unwrap());
    says(Samples::numbers([2], [1.0]), &["a whole number of samples of shape [2]", "found 1 numbers"]);
    says(Samples::numbers([0], []), &["a whole number of samples"]);
}

#[test]
fn axes_of_length_1_make_no_difference_and_others_do() {
    let fits = |dims: &[usize], declared: &'static [usize]| counted(1, dims).fitted(&field(declared, None)).is_ok();
    for (dims, declared) in
        [(&[2, 3][..], &[1, 2, 3][..]), (&[1, 2, 3], &[2, 3]), (&[6], &[2, 3]), (&[2, 3], &[6]), (&[], &[1])]
    {
        assert!(fits(dims, declared), "{dims:?} {declared:?}");
    }
    for (dims, declared) in [(&[3, 2][..], &[2, 3][..]), (&[5], &[6]), (&[2, 2, 3], &[4, 3])] {
        assert!(!fits(dims, declared), "{dims:?} {declared:?}");
    }
    let text = counted(1, &[32, 32]).fitted(&field(&[1, 28, 28], None)).unwrap_err().to_string();
    let expected =
        "numbers in memory: expected numbers of shape [1, 28, 28] for `image`, found numbers of shape [32, 32]";
    assert_eq!(text, expected);
}

#[test]
fn classes_and_numbers_are_not_mixed_up() {
    let labels = Samples::classes(10, &[1]).unwrap();
    assert!(labels.clone().fitted(&field(&[], Some(10))).is_ok());
    says(labels.clone().fitted(&field(&[], Some(100))), &["expected class(100) for `image`, found class(10)"]);
    says(labels.fitted(&field(&[], None)), &["found class(10) (`one_hot` makes numbers of classes)"]);
    says(counted(1, &[]).fitted(&field(&[], Some(3))), &["expected class(3) for `image`, found numbers of shape []"]);
}

/// The first error is the same one whatever the threads do, and so is what is read.
#[test]
fn errors_come_in_the_order_of_the_samples() {
    #[derive(Debug)]
    struct Broken;
    impl Source for Broken {
        fn name(&self) -> String {
            "broken".into()
        }
        fn samples(&self) -> usize {
            10_000
        }
        fn dims(&self) -> &[usize] {
            &[]
        }
        fn kind(&self) -> Kind {
            Kind::Classes(7)
        }
        fn read(&self, sample: usize, _: Draw, values: &mut [f32]) -> Result<()> {
            values[0] = if sample % 1000 == 777 { 7.5 } else { (sample % 7) as f32 };
            Ok(())
        }
    }
    let broken = Samples::new(Broken);
    for result in [broken.check(), broken.read_all().map(|_| ()), broken.in_memory().map(|_| ())] {
        says(result, &["broken, record 777: expected a class from 0 to 6, found 7.5"]);
    }
    assert!(broken.slice(..777).check().is_ok());
}
