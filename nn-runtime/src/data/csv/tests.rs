use super::*;
use crate::data::testing::{Folder, gzip, says};
use crate::data::{Kind, Normalization};
use crate::program::Field;

const FLOWERS: &str =
    "length,width,colour,kind\n5.1, 3.5,red,setosa\n4.9,3,\"light, blue\",virginica\n\n-1e2,0.25,red,setosa\n";

#[test]
fn columns_of_numbers_and_of_categories_become_fields() {
    let folder = Folder::new("csv");
    let plain = folder.write("flowers.csv", FLOWERS.as_bytes());
    let packed = folder.write("flowers.csv.gz", &gzip(FLOWERS.as_bytes()));
    let dos = folder.write("dos.csv", format!("\u{feff}{}", FLOWERS.replace('\n', "\r\n")).as_bytes());
    for path in [plain, packed, dos] {
        let table = open(&path).unwrap();
        assert!(table.columns().eq(["length", "width", "colour", "kind"]), "{path:?}");
        let sizes = table.numbers(&["width", "length"]).unwrap();
        assert_eq!(sizes.read_all().unwrap(), [3.5, 5.1, 3.0, 4.9, 0.25, -100.0]);
        let kind = table.classes("kind").unwrap();
        assert_eq!((kind.read_all().unwrap(), kind.kind()), (vec![0.0, 1.0, 0.0], Kind::Classes(2)));
        assert_eq!(table.categories("colour").unwrap(), ["light, blue", "red"]);
        let features = table.features(&["length", "colour"]).unwrap();
        assert_eq!(features.read_all().unwrap(), [5.1, 0.0, 1.0, 4.9, 1.0, 0.0, -100.0, 0.0, 1.0]);
        let normalized = sizes.normalized(&Normalization::learn(&sizes.slice(..2)).unwrap()).unwrap();
        assert_eq!(normalized.read(0).unwrap()[0], 1.0);
    }
}

#[test]
fn other_delimiters_and_missing_numbers_are_options() {
    let folder = Folder::new("csv-options");
    let path = folder.write("wine.csv", b"acid;sugar;quality\n7.4;NA;5\n;1.9;6\n");
    let table = open_with(&path, Options::new().delimiter(b';').missing(-1.0)).unwrap();
    assert_eq!(table.numbers(&["acid", "sugar"]).unwrap().read_all().unwrap(), [7.4, -1.0, -1.0, 1.9]);
    assert_eq!(table.indices("quality").unwrap().kind(), Kind::AnyClasses);
    let words =
        "expected a column `acid`, found only `acid;sugar;quality` (is ';' the delimiter? See `Options::delimiter`)";
    says(open(&path).unwrap().numbers(&["acid"]), &[words]);
    let strict = open_with(&path, Options::new().delimiter(b';')).unwrap();
    says(
        strict.numbers(&["sugar"]),
        &["wine.csv, record 0 (line 2), column `sugar`: expected a finite number, found `NA`"],
    );
    says(strict.numbers(&["acid"]), &["record 1 (line 3), column `acid`: expected a finite number, found ``"]);
    says(strict.classes("acid"), &["record 1 (line 3), column `acid`: expected a category, found ``"]);
}

#[test]
fn categories_that_are_numbers_are_ordered_by_size() {
    let folder = Folder::new("csv-sizes");
    let table = open(folder.write("x.csv", b"grade,index\n10,0\n9,2\n-1,1\n10,0\n")).unwrap();
    assert_eq!(table.categories("grade").unwrap(), ["-1", "9", "10"]);
    assert_eq!(table.classes("grade").unwrap().read_all().unwrap(), [2.0, 1.0, 0.0, 2.0]);
    let field = Field { name: "label", dims: &[], classes: Some(2) };
    assert_eq!(table.indices("index").unwrap().read_all().unwrap(), [0.0, 2.0, 1.0, 0.0]);
    says(
        table.indices("index").unwrap().fitted(&field),
        &["record 1: expected a class from 0 to 1 for `label`, found 2"],
    );
    says(
        table.indices("grade"),
        &["record 2 (line 4), column `grade`: expected a whole number of at least 0, found `-1`"],
    );
    says(table.numbers(&["grades"]), &["expected a column `grades`, found only `grade`, `index`"]);
    says(table.numbers(&[]), &["at least one column"]);
    says(table.features(&[]), &["at least one column"]);
}

#[test]
fn the_test_set_gets_the_numbers_of_the_training_set() {
    let folder = Folder::new("csv-like");
    let train = open(folder.write("train.csv", b"x,kind\n1,b\n2,c\n3,a\n")).unwrap();
    let test = train.open_like(folder.write("test.csv", b"x,kind\n4,c\n")).unwrap();
    let kind = test.classes("kind").unwrap();
    assert_eq!((kind.read_all().unwrap(), kind.kind()), (vec![2.0], Kind::Classes(3)));
    assert_eq!(test.features(&["x", "kind"]).unwrap().dims(), [4]);
    let other = train.open_like(folder.write("other.csv", b"x,kind\n4,c\n5,d\n")).unwrap();
    let words = ["other.csv, record 1, column `kind`: expected one of the categories `a`, `b`, `c`, found `d`"];
    says(other.classes("kind"), &words);
    says(
        train.open_like(folder.write("columns.csv", b"kind,x\nc,4\n")),
        &["the columns `x`, `kind` of", "found `kind`, `x`"],
    );
}

#[test]
fn damage_is_refused_with_what_was_expected_and_found() {
    let folder = Folder::new("csv-damage");
    let cases: [(&str, &[u8], &str); 8] = [
        ("empty", b"", "a header and at least one record, found no record"),
        ("header", b"a,b\n", "a header and at least one record, found no record"),
        ("twice", b"a,b,a\n1,2,3\n", "a name of its own for each column, found `a` twice"),
        ("short", b"a,b\n1,2\n3\n", ", record 1 (line 3): expected 2 fields, as the header has, found 1"),
        ("long", b"a,b\n1,2\n\n3,4,5\n", ", record 1 (line 4): expected 2 fields, as the header has, found 3"),
        ("latin", b"a,b\n1,caf\xe9\n", ", record 0 (line 2), column `b`: expected UTF-8, found `caf\\xe9`"),
        ("quote", b"a,b\n1,x\n2,\"cut of", ", truncated in record 1: expected a closing quote"),
        ("doubled", b"a,b\n1,x\n2,\"\"\"cut\"\"", ", truncated in record 1: expected a closing quote"),
    ];
    for (name, bytes, words) in cases {
        let path = folder.write(name, bytes);
        says(open(&path), &[path.to_str().unwrap(), words]);
    }
    open(folder.write("inches", b"a,b\n1,5\"\n2,\"a \"\" b\"\n")).unwrap();
    let packed = gzip(FLOWERS.as_bytes());
    says(open(folder.write("packed", &packed[..packed.len() - 6])), &["a whole compressed file"]);
}

#[test]
fn texts_are_no_categories() {
    let folder = Folder::new("csv-texts");
    let lines: String = (0..=CATEGORIES).map(|i| format!("text {i},{}\n", i % 2)).collect();
    let table = open(folder.write("x.csv", format!("a,b\n{lines}").as_bytes())).unwrap();
    says(table.classes("a"), &["column `a`: expected at most 10000 categories, found more"]);
    assert_eq!(table.classes("b").unwrap().kind(), Kind::Classes(2));
}
