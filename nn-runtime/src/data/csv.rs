//! Tables of comma-separated values with a header. Feature `csv`.
//!
//! A file is read once when it is opened: each record must have as many fields as the header, and each column is found to
//! hold numbers or categories. After that, only the places of the records are in memory (eight bytes each), and a record is
//! read when its sample is.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufReader};
use std::path::Path;
use std::sync::Arc;

use ::csv::{ByteRecord, ReaderBuilder, Trim};

use super::file::Bytes;
use super::samples::Samples;
use super::source::{Draw, Kind, Source, wrong};
use crate::error::{Error, Result};

/// Categories that a column can have: more are no categories.
const CATEGORIES: usize = 10_000;
/// What stands for a number that is not known, in any case of letters.
const MISSING: [&str; 6] = ["", "na", "n/a", "nan", "null", "?"];

/// A table in a file. Columns become the samples of fields: several of them one field, or one of them a class.
///
/// ```
/// # fn main() -> nn_runtime::Result<()> {
/// # let folder = std::env::temp_dir().join(format!("nn-doc-csv-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// # let write = |name: &str, text: &str| { let path = folder.join(name); std::fs::write(&path, text).unwrap(); path };
/// # let train = write("train.csv", "length,width,colour,kind\n5.1,3.5,red,setosa\n4.9,3.0,blue,virginica\n");
/// # let test = write("test.csv", "length,width,colour,kind\n6.0,2.0,red,virginica\n");
/// use nn_runtime::data::{Normalization, csv};
///
/// // length,width,colour,kind
/// // 5.1,3.5,red,setosa
/// let train = csv::open(train)?;
/// let sizes = train.numbers(&["length", "width"])?; // [2]
/// let seen = Normalization::learn(&sizes)?;
/// let colour = train.classes("colour")?.one_hot(2)?; // [2]
/// let features = sizes.normalized(&seen)?.joined(&colour)?; // [4]
/// let kind = train.classes("kind")?; // class(2)
/// // IrisData::new(features, kind)?
///
/// // The same columns, and the same numbers for the same categories.
/// let test = train.open_like(test)?;
/// assert_eq!(train.categories("kind")?, ["setosa", "virginica"]);
/// assert_eq!(test.classes("kind")?.read(0)?, [1.0]);
/// # assert_eq!((features.dims(), kind.len()), (&[4][..], 2));
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Table(Arc<Content>);

/// How a file is to be read: `Options::new().delimiter(b';').missing(0.0)`.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    delimiter: u8,
    missing: Option<f32>,
}

impl Options {
    /// Commas, and no missing numbers.
    pub fn new() -> Self {
        Options { delimiter: b',', missing: None }
    }

    /// What stands between fields. Default: a comma.
    #[must_use]
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// The number in the place of those that are missing: empty fields, `NA`, `NaN`, `null` and `?`. By default, they are
    /// errors.
    #[must_use]
    pub fn missing(mut self, value: f32) -> Self {
        self.missing = Some(value);
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug)]
struct Content {
    bytes: Bytes,
    options: Options,
    columns: Vec<Column>,
    /// Where each record begins, and where the last one ends.
    places: Vec<u64>,
    /// Whether categories are those of another file.
    like: bool,
}

/// What is known of a column: where each of these stands first.
#[derive(Debug, Default)]
struct Column {
    name: String,
    /// Text that is no number.
    text: Option<Found>,
    /// A number that is no class index.
    no_index: Option<Found>,
    /// A missing number.
    missing: Option<Found>,
    /// Nothing at all.
    empty: Option<Found>,
    /// Whether it holds numbers: as found, or as in another file.
    numeric: bool,
    /// All texts.
    texts: BTreeSet<String>,
    /// The texts in the order of their numbers; none if there are too many.
    categories: Option<Vec<String>>,
}

/// A field, and where it stands.
#[derive(Debug, Clone)]
struct Found {
    record: usize,
    line: u64,
    text: String,
}

impl Column {
    fn add(&mut self, field: &str, found: impl Fn() -> Found) {
        let number = field.parse::<f32>().ok().filter(|number| number.is_finite());
        match number {
            Some(number) if number < 0.0 || number.fract() != 0.0 => _ = self.no_index.get_or_insert_with(found),
            Some(_) => {}
            None if MISSING.iter().any(|missing| field.eq_ignore_ascii_case(missing)) => {
                if field.is_empty() {
                    self.empty.get_or_insert_with(&found);
                }
                self.missing.get_or_insert_with(found);
            }
            None => _ = self.text.get_or_insert_with(found),
        }
        // One more than there may be says that there are too many.
        if self.texts.len() <= CATEGORIES && !self.texts.contains(field) {
            self.texts.insert(field.to_owned());
        }
    }

    /// When all fields are known.
    fn end(mut self) -> Self {
        self.numeric = self.text.is_none();
        let mut texts: Vec<String> = std::mem::take(&mut self.texts).into_iter().collect();
        if self.numeric {
            let size = |text: &String| text.parse::<f32>().unwrap_or(f32::INFINITY);
            texts.sort_by(|a, b| size(a).total_cmp(&size(b)));
        }
        self.categories = (texts.len() <= CATEGORIES).then_some(texts);
        self
    }
}

/// Opens a file of comma-separated values with a header, gzipped or not.
///
/// # Errors
/// If it cannot be read, if it has no records, if two columns have one name, or if a record has more or fewer fields than
/// the header.
pub fn open(path: impl AsRef<Path>) -> Result<Table> {
    open_with(path, Options::new())
}

/// As [`open`], with options.
///
/// # Errors
/// As [`open`].
pub fn open_with(path: impl AsRef<Path>, options: Options) -> Result<Table> {
    Ok(Table(Arc::new(Content::scan(Bytes::open(path.as_ref())?, options)?)))
}

impl Table {
    /// Another file with the same columns, such as the test set: its categories get the numbers that they have here.
    ///
    /// # Errors
    /// As [`open`], and if it has other columns. A category that is not known here is an error where the column is used.
    pub fn open_like(&self, path: impl AsRef<Path>) -> Result<Self> {
        let mut content = Content::scan(Bytes::open(path.as_ref())?, self.0.options)?;
        let names = |content: &Content| content.columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>().join("`, `");
        if names(&content) != names(&self.0) {
            let expected = format!("the columns `{}` of {}", names(&self.0), self.0.bytes.name());
            return Err(wrong(content.bytes.name(), expected, format!("`{}`", names(&content))));
        }
        for (ours, theirs) in content.columns.iter_mut().zip(&self.0.columns) {
            ours.categories.clone_from(&theirs.categories);
            ours.numeric = theirs.numeric;
        }
        content.like = true;
        Ok(Table(Arc::new(content)))
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.0.places.len() - 1
    }

    /// Whether there is no record; never so, since an empty file is an error.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The columns' names.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.columns.iter().map(|column| column.name.as_str())
    }

    /// Columns of numbers, side by side: `[n]`.
    ///
    /// # Errors
    /// If there is no such column, or if a field of it is no finite number.
    pub fn numbers(&self, columns: &[&str]) -> Result<Samples> {
        let columns = columns.iter().map(|name| self.find(name)).collect::<Result<Vec<usize>>>()?;
        for &number in &columns {
            let Column { text, missing, .. } = &self.0.columns[number];
            let missing = missing.as_ref().filter(|_| self.0.options.missing.is_none());
            if let Some(found) = text.as_ref().or(missing) {
                return Err(self.0.wrong(number, "a finite number", found));
            }
        }
        let dims = vec![columns.len()];
        self.samples(columns, Role::Numbers, dims)
    }

    /// A column of whole numbers that are class indices themselves, from 0; how many classes there are is what the network
    /// declares.
    ///
    /// # Errors
    /// If there is no such column, or if a field of it is no whole number of at least 0.
    pub fn indices(&self, column: &str) -> Result<Samples> {
        let number = self.find(column)?;
        let Column { text, no_index, missing, .. } = &self.0.columns[number];
        match text.as_ref().or(no_index.as_ref()).or(missing.as_ref()) {
            Some(found) => Err(self.0.wrong(number, "a whole number of at least 0", found)),
            None => self.samples(vec![number], Role::Indices, vec![]),
        }
    }

    /// A column of categories, as class indices: categories are numbered in the order of their names, or of their size
    /// where all are numbers.
    ///
    /// # Errors
    /// If there is no such column, if a field of it is empty, if it has more than 10,000 distinct texts, or, after
    /// [`Table::open_like`], if a record has a category that is not known.
    pub fn classes(&self, column: &str) -> Result<Samples> {
        let number = self.find(column)?;
        let categories = self.categories(column)?;
        if let Some(found) = &self.0.columns[number].empty {
            return Err(self.0.wrong(number, "a category", found));
        }
        let numbers = categories.iter().cloned().zip(0..).collect();
        let samples = self.samples(vec![number], Role::Categories(numbers), vec![])?;
        if self.0.like {
            samples.check()?;
        }
        Ok(samples)
    }

    /// The categories of a column, in the order of their numbers.
    ///
    /// # Errors
    /// If there is no such column, or if it has more than 10,000 distinct texts.
    pub fn categories(&self, column: &str) -> Result<&[String]> {
        self.0.columns[self.find(column)?].categories.as_deref().ok_or_else(|| {
            let place = format!("{}, column `{column}`", self.0.bytes.name());
            wrong(place, format!("at most {CATEGORIES} categories"), "more")
        })
    }

    /// Columns side by side: those of numbers as they are, each other one as a vector with a 1 in the place of its category.
    ///
    /// # Errors
    /// As [`Table::numbers`] and [`Table::classes`].
    pub fn features(&self, columns: &[&str]) -> Result<Samples> {
        let mut all: Option<Samples> = None;
        for name in columns {
            let part = match self.0.columns[self.find(name)?].numeric {
                true => self.numbers(&[name])?,
                false => self.classes(name)?.one_hot(self.categories(name)?.len())?,
            };
            all = Some(match all {
                Some(before) => before.joined(&part)?,
                None => part,
            });
        }
        all.map_or_else(|| self.samples(vec![], Role::Numbers, vec![0]), Ok)
    }

    fn find(&self, name: &str) -> Result<usize> {
        self.0.columns.iter().position(|column| column.name == name).ok_or_else(|| {
            let names = self.columns().collect::<Vec<_>>().join("`, `");
            wrong(self.0.bytes.name(), format!("a column `{name}`"), format!("only `{names}`"))
        })
    }

    fn samples(&self, columns: Vec<usize>, role: Role, dims: Vec<usize>) -> Result<Samples> {
        if columns.is_empty() {
            return Err(wrong(self.0.bytes.name(), "at least one column, to make samples of", "none"));
        }
        Ok(Samples::new(Fields { table: Arc::clone(&self.0), columns, role, dims }))
    }
}

impl Content {
    /// Reads the file once.
    fn scan(bytes: Bytes, options: Options) -> Result<Self> {
        bytes.whole()?;
        let mut reader =
            options.builder().from_reader(BufReader::with_capacity(1 << 16, Sequence { bytes: &bytes, at: 0 }));
        let unreadable = |e: ::csv::Error| wrong(bytes.name(), "comma-separated values", e);
        let mut columns: Vec<Column> = Vec::new();
        for name in reader.byte_headers().map_err(unreadable)? {
            let name = utf8(name).map_err(|found| wrong(format!("{}, the header", bytes.name()), "UTF-8", found))?;
            if columns.iter().any(|column| column.name == name) {
                let expected = "a name of its own for each column";
                return Err(wrong(bytes.name(), expected, format!("`{name}` twice")));
            }
            columns.push(Column { name: name.to_owned(), ..Column::default() });
        }
        let (mut places, mut record, mut at) = (Vec::new(), ByteRecord::new(), (0, 0));
        while reader.read_byte_record(&mut record).map_err(unreadable)? {
            let number = places.len();
            if let Some(position) = record.position() {
                places.push(position.byte());
                at = (position.byte(), position.line());
            }
            let line = || at.1 + blank_lines(&bytes, at.0);
            let place = || format!("{}, record {number} (line {})", bytes.name(), line());
            if record.len() != columns.len() {
                let expected = format!("{} fields, as the header has", columns.len());
                return Err(wrong(place(), expected, record.len()));
            }
            for (column, field) in columns.iter_mut().zip(&record) {
                let field = utf8(field)
                    .map_err(|found| wrong(format!("{}, column `{}`", place(), column.name), "UTF-8", found))?;
                column.add(field, || Found { record: number, line: line(), text: field.to_owned() });
            }
        }
        let Some(&last) = places.last() else {
            return Err(wrong(bytes.name(), "a header and at least one record", "no record"));
        };
        places.push(bytes.len());
        let mut text = vec![0; (bytes.len() - last) as usize];
        bytes.read_at(last, &mut text)?;
        if !is_closed(&text, options.delimiter) {
            let place = format!("{}, truncated in record {}", bytes.name(), places.len() - 2);
            return Err(wrong(place, "a closing quote", "the end of the file"));
        }
        let columns = columns.into_iter().map(Column::end).collect();
        Ok(Content { bytes, options, columns, places, like: false })
    }

    fn wrong(&self, column: usize, expected: &str, found: &Found) -> Error {
        let Found { record, line, text } = found;
        let name = &self.columns[column].name;
        let place = format!("{}, record {record} (line {line}), column `{name}`", self.bytes.name());
        wrong(place, expected, format!("`{text}`"))
    }

    fn place(&self, record: usize) -> String {
        format!("{}, record {record}", self.bytes.name())
    }

    /// The fields of a record.
    fn read(&self, number: usize) -> Result<ByteRecord> {
        let (start, end) = (self.places[number], self.places[number + 1]);
        let mut text = vec![0; (end - start) as usize];
        self.bytes.read_at(start, &mut text)?;
        let mut reader = self.options.builder();
        let mut reader = reader.has_headers(false).buffer_capacity(text.len()).from_reader(&text[..]);
        let mut record = ByteRecord::new();
        match reader.read_byte_record(&mut record) {
            Ok(true) if record.len() == self.columns.len() => Ok(record),
            _ => {
                let expected = format!("{} fields", self.columns.len());
                Err(wrong(self.place(number), expected, format!("{} (has the file changed?)", record.len())))
            }
        }
    }
}

impl Options {
    fn builder(self) -> ReaderBuilder {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(self.delimiter).flexible(true).trim(Trim::All);
        builder
    }
}

fn utf8(field: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(field).map_err(|_| format!("`{}`", field.escape_ascii()))
}

/// How many blank lines stand before the record that begins there.
fn blank_lines(bytes: &Bytes, start: u64) -> u64 {
    let mut text = vec![0; (bytes.len() - start).min(1 << 12) as usize];
    match bytes.read_at(start, &mut text) {
        Ok(()) => text.iter().take_while(|byte| b"\r\n".contains(byte)).filter(|&&byte| byte == b'\n').count() as u64,
        Err(_) => 0,
    }
}

/// Whether each quote that opens a field of this record is closed; the reader does not mind.
fn is_closed(record: &[u8], delimiter: u8) -> bool {
    let (mut quoted, mut begins) = (false, true);
    for &byte in record {
        if byte == b'"' && (quoted || begins) {
            // A doubled quote closes, and opens again.
            quoted = !quoted;
        } else if !quoted {
            begins = byte == delimiter || byte == b'\n';
        }
    }
    !quoted
}

/// A file's bytes, one after another.
struct Sequence<'a> {
    bytes: &'a Bytes,
    at: u64,
}

impl io::Read for Sequence<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (self.bytes.len() - self.at).min(buffer.len() as u64) as usize;
        self.bytes.read_at(self.at, &mut buffer[..count]).map_err(io::Error::other)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Columns of a table as samples.
#[derive(Debug)]
struct Fields {
    table: Arc<Content>,
    columns: Vec<usize>,
    role: Role,
    dims: Vec<usize>,
}

/// What fields are read as.
#[derive(Debug)]
enum Role {
    Numbers,
    Indices,
    /// The number of each category.
    Categories(HashMap<String, u32>),
}

impl Fields {
    fn number(&self, field: &str) -> Result<f32, String> {
        match &self.role {
            Role::Categories(numbers) => numbers.get(field).map(|&number| number as f32).ok_or_else(|| {
                let mut known: Vec<&str> = numbers.keys().map(String::as_str).take(10).collect();
                known.sort_unstable();
                let more = if numbers.len() > known.len() { " and others" } else { "" };
                format!("one of the categories `{}`{more}", known.join("`, `"))
            }),
            Role::Numbers | Role::Indices => {
                let number = field.parse::<f32>().ok().filter(|number| number.is_finite());
                number.or(self.table.options.missing).ok_or_else(|| "a finite number".into())
            }
        }
    }
}

impl Source for Fields {
    fn name(&self) -> String {
        self.table.bytes.name()
    }
    fn samples(&self) -> usize {
        self.table.places.len() - 1
    }
    fn dims(&self) -> &[usize] {
        &self.dims
    }
    fn kind(&self) -> Kind {
        match &self.role {
            Role::Numbers => Kind::Numbers,
            Role::Indices => Kind::AnyClasses,
            Role::Categories(numbers) => Kind::Classes(numbers.len()),
        }
    }
    fn place(&self, sample: usize) -> String {
        self.table.place(sample)
    }
    fn read(&self, sample: usize, _: Draw, values: &mut [f32]) -> Result<()> {
        let record = self.table.read(sample)?;
        for (value, &column) in values.iter_mut().zip(&self.columns) {
            // All of it was UTF-8 when the file was opened.
            let field = String::from_utf8_lossy(record.get(column).unwrap_or_default());
            *value = self.number(&field).map_err(|expected| {
                let place = format!("{}, column `{}`", self.place(sample), self.table.columns[column].name);
                wrong(place, expected, format!("`{field}`"))
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Normalization;
    use crate::data::testing::{Folder, gzip, says};
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
}
