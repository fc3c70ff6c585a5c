use super::*;
use crate::history::{Epoch, History};
use crate::metrics::{ConfusionMatrix, PrCurve, RocCurve};

#[derive(Clone)]
struct Losses(f64, f64);

impl crate::fit::Report for Losses {
    fn from_measured(measured: &crate::metrics::Measured) -> Self {
        Losses(measured.numbers[0], measured.numbers[1])
    }
    fn scalars(&self) -> Vec<(&'static str, f64)> {
        vec![("loss", self.0), ("accuracy", self.1)]
    }
}

fn run(losses: &[f64]) -> History<Losses> {
    let epoch = |(i, loss): (usize, &f64)| Epoch {
        number: i + 1,
        train: Losses(*loss, 1.0 - loss / 3.0),
        validation: Some(Losses(loss * 1.1, 0.9 - loss / 3.0)),
        learning_rate: 1e-3,
        skipped: 0,
        seconds: 0.5,
    };
    History {
        epochs: losses.iter().enumerate().map(epoch).collect(),
        step_losses: vec![],
        stopped: None,
        left_out: vec![],
    }
}

/// Whether it is well-formed, and how many elements of a kind it has.
fn count(svg: &str, tag: &str) -> usize {
    resvg::usvg::roxmltree::Document::parse(svg).unwrap().descendants().filter(|n| n.has_tag_name(tag)).count()
}

#[test]
fn pictures_are_well_formed_whatever_the_data() {
    let nan = f64::NAN;
    for losses in [&[][..], &[0.5], &[nan], &[nan, nan], &[2.0, nan, 0.5], &[f64::INFINITY, 1.0], &[1e-30; 3]] {
        let svg = history(&run(losses)).to_svg();
        assert!(count(&svg, "text") > 5 && !svg.contains("\"NaN") && !svg.contains("inf"), "{losses:?}: {svg}");
    }
    for classes in [0, 1, 2, 100] {
        let counts = ConfusionMatrix::of_counts(classes, &vec![3.0; classes * classes]);
        assert_eq!(count(&confusion_matrix::<&str>(&counts, &[]).to_svg(), "rect"), 1 + classes * classes);
    }
    let names = ["a class with a very long name & <signs>"; 4];
    assert!(
        count(&confusion_matrix(&ConfusionMatrix::of_counts(4, &[0.0; 16]), &names).size(64, 64).to_svg(), "rect")
            == 17
    );
    for values in [&[][..], &[1.0], &[f32::NAN, 1.0], &[0.0; 9], &[f32::MAX, f32::MIN]] {
        let svg = histogram("weight", values).to_svg();
        assert!(count(&svg, "text") > 4 && !svg.contains("\"NaN"), "{values:?}");
    }
}

#[test]
fn a_picture_is_saved_as_its_name_says() {
    let folder = std::env::temp_dir().join(format!("nn-pictures-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let thresholds = vec![f64::INFINITY, 0.5, 0.1];
    let curve = RocCurve { fpr: vec![0.0, 0.2, 1.0], tpr: vec![0.0, 0.8, 1.0], thresholds };
    let picture = roc([("a", &curve)]).size(300, 200);
    picture.save(folder.join("roc.svg")).unwrap();
    picture.save(folder.join("roc.PNG")).unwrap();
    let svg = std::fs::read_to_string(folder.join("roc.svg")).unwrap();
    assert!(svg.contains("width=\"300\" height=\"200\"") && svg.contains("a (area 0.8)"));
    let png = std::fs::read(folder.join("roc.PNG")).unwrap();
    assert_eq!((&png[1..4], &png[16..24]), (&b"PNG"[..], &[0, 0, 2, 88, 0, 0, 1, 144][..]));
    for (name, end) in [("roc.jpg", "`.jpg`"), ("roc", "neither")] {
        let error = picture.save(folder.join(name)).unwrap_err().to_string();
        assert!(
            error.ends_with(&format!("a picture is saved as `.svg` or `.png`, but this name ends with {end}")),
            "{error}"
        );
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn png_has_text_without_fonts_of_the_system() {
    let dark = |title: &str| {
        let png = Picture::new(title, (200.0, 64.0), |_, _| ()).to_png().unwrap();
        let pixels = resvg::tiny_skia::Pixmap::decode_png(&png).unwrap();
        pixels.pixels().iter().filter(|p| p.red() < 128).count()
    };
    assert_eq!(dark(""), 0);
    assert!(dark("Title") > 100);
}

#[test]
fn a_history_shows_both_kinds_and_the_rate() {
    let svg = history(&run(&[1.0, 0.5, 0.25])).to_svg();
    for text in
        [">loss<", ">accuracy<", ">learning rate<", ">training<", ">validation<", ">epoch<", "3 epochs in 1.5 s"]
    {
        assert!(svg.contains(text), "{text}");
    }
}

#[test]
fn curves_of_nothing_and_of_very_many_points_are_drawn() {
    let empty = roc([("none", &RocCurve::default())]).to_svg();
    assert!(empty.contains("none (area NaN)") && !empty.contains("\"NaN"));
    let recall = (0..100_000).rev().map(|i| f64::from(i) / 1e5).collect();
    let curve = PrCurve { precision: vec![0.5; 100_000], recall, thresholds: vec![] };
    let svg = precision_recall([("many", &curve)]).to_svg();
    assert!(svg.contains("many (average 0.5)") && svg.len() < 100_000, "{}", svg.len());
}

#[test]
fn a_range_test_is_drawn_with_its_steepest_place() {
    let points = (0..100).map(|i| (1e-6 * 1.15_f64.powi(i), 1.0 - (i as f32 - 50.0).tanh() / 2.0)).collect();
    let svg = loss_over_learning_rate(&crate::RangeTest { points }).to_svg();
    assert!(svg.contains("falls most steeply at") && svg.contains(">learning rate<"), "{svg}");
    let empty = loss_over_learning_rate(&crate::RangeTest { points: vec![(1e-3, f32::NAN)] }).to_svg();
    assert!(!empty.contains("steeply"));
}

/// Two kernels, of which the second reads what the first writes.
const PLAN: &str = "\
Net
places: …

predict: 2 kernels in 2 dispatches, arena of 0 floats and 24 for each sample
  dispatch 1
    predict_00_hidden_dense_contract  over [batch, 16]
      does    hidden.dense: contract, add
      does    hidden.relu: select
      FLOPs   0 and 64 for each sample
      reads   x [batch, 2] at sample 0
      reads   hidden.dense.weight [16, 2] at parameters 0
      writes  hidden.relu #5 [batch, 16] at sample 4
  dispatch 2
    predict_01_y_dense_contract  over [batch, 3]
      does    y.dense: contract, add
      FLOPs   0 and 96 for each sample
      reads   hidden.relu #5 [batch, 16] at sample 4
      reads   y.dense.weight [3, 16] at parameters 32
      writes  y [batch, 3] at sample 20
";

#[test]
fn a_graph_has_kernels_as_boxes_and_shapes_on_edges() {
    let svg = graph(PLAN, "predict").unwrap().to_svg();
    for text in [">hidden.dense<", ">hidden.relu<", ">y.dense<", ">x<", ">y<", ">2<", ">16<", ">3<", ">32 parameters<"]
    {
        assert!(svg.contains(text), "{text}: {svg}");
    }
    assert!(svg.contains("2 fused kernels in 2 dispatches"));
    let error = graph(PLAN, "train").unwrap_err().to_string();
    assert_eq!(error, "`Net` has no program `train`; it has `predict`");
}

#[test]
fn the_memory_plan_shows_when_and_where_tensors_live() {
    let svg = memory(PLAN, "predict", 10).unwrap().to_svg();
    // 12 samples of capacity, 4 bytes each.
    assert!(svg.contains("hidden.relu #5 [batch, 16]: 768 B, kernels 0 to 1"), "{svg}");
    assert!(svg.contains("x [batch, 2]: 96 B, kernels 0 to 0") && svg.contains("y [batch, 3]: 144 B, kernels 1 to 1"));
    assert!(svg.contains("2 kernels, batches of 10: 1.12 KiB hold 1008 B of tensors"));
    assert!(memory("no plan", "predict", 10).is_err());
}

#[test]
fn regions_ask_the_network_once_for_the_whole_plane() {
    let mut asked = 0;
    let picture = regions(-1.0..1.0, 0.0..2.0, &[([0.0, 1.0], 1)], |points| {
        asked = points.len();
        assert!(points.iter().all(|[x, y]| (-1.0..1.0).contains(x) && (0.0..2.0).contains(y)));
        Ok(points.iter().map(|[x, _]| u32::from(*x > 0.0)).collect())
    });
    assert!(count(&picture.unwrap().to_svg(), "rect") > 300);
    assert_eq!(asked, 160 * 160);
    let failing = surface(0.0..1.0, 0.0..1.0, |_| Err(Error::Data("no".into())));
    assert!(failing.is_err());
}
