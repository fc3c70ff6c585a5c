//! Typed samples in memory.

use super::*;
use crate::error::Result;
use crate::program::Field;

const IMAGE: Field = Field { name: "image", dims: &[2, 3], classes: None };
const LABEL: Field = Field { name: "label", dims: &[], classes: Some(10) };
const TOKENS: Field = Field { name: "tokens", dims: &[2], classes: Some(5) };

type Image = [[f32; 3]; 2];

fn digits(images: &[Image], labels: &[u32]) -> Result<DataSet> {
    DataSet::new(&[IMAGE, LABEL]).with::<f32, 6, Image>(images)?.with::<u32, 1, u32>(labels)
}

#[test]
fn nested_and_flat_samples_are_the_same() {
    let nested = vec![[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]; 2];
    let flat = vec![[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]; 2];
    let a: Column<f32, 6, Image> = nested.clone().into_column(&IMAGE).unwrap();
    let b: Column<f32, 6, Image> = flat.into_column(&IMAGE).unwrap();
    assert_eq!(a, b);
    assert_eq!(<Image as Row<f32, 6, Image>>::nested(&a.values), &nested[..]);
}

#[test]
fn a_vector_becomes_a_column_without_a_copy() {
    let rows = vec![[0.5f32; 6]; 3];
    let address = rows.as_ptr().cast::<f32>();
    let column: Column<f32, 6, Image> = rows.into_column(&IMAGE).unwrap();
    assert_eq!(column.values.as_ptr(), address);
}

#[test]
fn every_source_gives_the_same_column() {
    let rows = [[1.0f32, 2.0], [3.0, 4.0]];
    let expected: Column<f32, 2, [f32; 2]> = Column::from_flat([1.0, 2.0, 3.0, 4.0]).unwrap();
    let bytes: Vec<u8> = [1.0f32, 2.0, 3.0, 4.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let columns: [Column<f32, 2, [f32; 2]>; 8] = [
        rows.into_column(&IMAGE).unwrap(),
        rows.to_vec().into_column(&IMAGE).unwrap(),
        (&rows).into_column(&IMAGE).unwrap(),
        rows.as_slice().into_column(&IMAGE).unwrap(),
        (&rows.to_vec()).into_column(&IMAGE).unwrap(),
        Box::<[[f32; 2]]>::from(rows).into_column(&IMAGE).unwrap(),
        Column::from_reader(&bytes[..]).unwrap(),
        Column::from_u8(&[2, 4, 6, 8], 0.5).unwrap(),
    ];
    assert!(columns.iter().all(|c| *c == expected && c.len() == 2));
}

#[test]
fn six_dimensions_nest() {
    type Deep = [[[[[[f32; 1]; 2]; 1]; 3]; 1]; 2];
    let values: Vec<f32> = (0..24).map(|v| v as f32).collect();
    let rows = <Deep as Row<f32, 12, Deep>>::nested(&values);
    assert_eq!((rows.len(), rows[1][1][0][2][0][1][0]), (2, 23.0));
    assert_eq!(<Deep as Row<f32, 12, Deep>>::flat(rows), &values[..]);
}

#[test]
fn incomplete_samples_are_refused() {
    let error = Column::<f32, 6, Image>::from_flat(vec![0.0; 13]).unwrap_err().to_string();
    assert_eq!(error, "13 numbers are no whole number of samples: one sample has 6, and 1 are left over");
    let error = Column::<u32, 1, u32>::from_reader(&[0u8; 6][..]).unwrap_err().to_string();
    assert_eq!(error, "6 bytes are no whole number of f32 or u32: 2 are left over");
}

#[test]
fn unequal_lengths_are_refused() {
    let error = digits(&[[[0.0; 3]; 2]; 3], &[0, 1]).unwrap_err().to_string();
    assert_eq!(error, "`image` has 3 samples, but `label` has 2: each sample needs one of both");
}

#[test]
fn classes_are_checked_with_field_sample_and_bound() {
    let error = digits(&[[[0.0; 3]; 2]; 3], &[0, 9, 10]).unwrap_err().to_string();
    assert_eq!(error, "`label` of sample 2 is 10, but its 10 classes are numbered 0 to 9");
    let error = DataSet::new(&[TOKENS]).with::<u32, 2, [u32; 2]>(vec![[1, 2], [3, u32::MAX]]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`tokens` of sample 1, element 1 is 4294967295, but its 5 classes are numbered 0 to 4"
    );
}

#[test]
fn inputs_of_predict_are_checked_too() {
    let fields = [TOKENS, LABEL];
    let inputs = [rows::<u32, 2, [u32; 2], _>(&[[0u32, 7]]), rows::<u32, 1, u32, _>(&[3u32])];
    let error = Input::check(&inputs, &fields).unwrap_err().to_string();
    assert_eq!(error, "`tokens` of sample 0, element 1 is 7, but its 5 classes are numbered 0 to 4");
    let inputs = [rows::<u32, 2, [u32; 2], _>(&[[0u32, 4]; 2]), rows::<u32, 1, u32, _>(&[3u32])];
    let error = Input::check(&inputs, &fields).unwrap_err().to_string();
    assert_eq!(error, "`tokens` has 2 samples, but `label` has 1: each sample needs one of both");
}

#[test]
fn parts_hold_their_samples_and_never_panic() {
    let images: Vec<Image> = (0..5).map(|i| [[i as f32; 3]; 2]).collect();
    let data = digits(&images, &[0, 1, 2, 3, 4]).unwrap();
    let (front, back) = data.split_at(2);
    assert_eq!(front.classes::<1, u32>(1), [0, 1]);
    assert_eq!(back.floats::<6, Image>(0), &images[2..]);
    assert_eq!(data.slice(1..=2).classes::<1, u32>(1), [1, 2]);
    let (all, none) = data.split_at(9);
    assert_eq!((all.len(), none.len()), (5, 0));
    #[allow(clippy::reversed_empty_ranges)]
    let reversed = data.slice(4..2);
    assert!(reversed.is_empty());
}
