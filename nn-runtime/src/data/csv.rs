//! Tables of comma-separated values with a header. Feature `csv`.
//!
//! A file is read once when it is opened: each record must have as many fields as the header, and each column is found to
//! hold numbers or categories. After that, only the places of the records are in memory (eight bytes each), and a record is
//! read when its sample is.

mod content;
mod fields;

use std::path::Path;
use std::sync::Arc;

use content::{CATEGORIES, Column, Content};
use fields::{Fields, Role};

use super::file::Bytes;
use super::samples::Samples;
use super::source::wrong;
use crate::error::Result;

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
            // A table that seems to have one column is most likely cut at something else.
            let other =
                [';', '\t', '|', ','].into_iter().find(|&other| self.columns().count() == 1 && names.contains(other));
            let hint =
                other.map_or(String::new(), |other| format!(" (is {other:?} the delimiter? See `Options::delimiter`)"));
            wrong(self.0.bytes.name(), format!("a column `{name}`"), format!("only `{names}`{hint}"))
        })
    }

    fn samples(&self, columns: Vec<usize>, role: Role, dims: Vec<usize>) -> Result<Samples> {
        if columns.is_empty() {
            return Err(wrong(self.0.bytes.name(), "at least one column, to make samples of", "none"));
        }
        Ok(Samples::new(Fields { table: Arc::clone(&self.0), columns, role, dims }))
    }
}

#[cfg(test)]
mod tests;
