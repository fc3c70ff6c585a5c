//! What is known of a file after it has been read once.

use std::collections::BTreeSet;
use std::io::{self, BufReader};

use ::csv::{ByteRecord, ReaderBuilder, Trim};

use super::Options;
use crate::data::file::Bytes;
use crate::data::source::wrong;
use crate::error::{Error, Result};

/// Categories that a column can have: more are no categories.
pub(super) const CATEGORIES: usize = 10_000;
/// What stands for a number that is not known, in any case of letters.
const MISSING: [&str; 6] = ["", "na", "n/a", "nan", "null", "?"];

#[derive(Debug)]
/// A file, and what is known of it.
pub(super) struct Content {
    pub(super) bytes: Bytes,
    pub(super) options: Options,
    pub(super) columns: Vec<Column>,
    /// Where each record begins, and where the last one ends.
    pub(super) places: Vec<u64>,
    /// Whether categories are those of another file.
    pub(super) like: bool,
}

/// What is known of a column: where each of these stands first.
#[derive(Debug, Default)]
pub(super) struct Column {
    pub(super) name: String,
    /// Text that is no number.
    pub(super) text: Option<Found>,
    /// A number that is no class index.
    pub(super) no_index: Option<Found>,
    /// A missing number.
    pub(super) missing: Option<Found>,
    /// Nothing at all.
    pub(super) empty: Option<Found>,
    /// Whether it holds numbers: as found, or as in another file.
    pub(super) numeric: bool,
    /// All texts.
    texts: BTreeSet<String>,
    /// The texts in the order of their numbers; none if there are too many.
    pub(super) categories: Option<Vec<String>>,
}

/// A field, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Found {
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

impl Content {
    /// Reads the file once.
    pub(super) fn scan(bytes: Bytes, options: Options) -> Result<Self> {
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

    pub(super) fn wrong(&self, column: usize, expected: &str, found: &Found) -> Error {
        let Found { record, line, text } = found;
        let name = &self.columns[column].name;
        let place = format!("{}, record {record} (line {line}), column `{name}`", self.bytes.name());
        wrong(place, expected, format!("`{text}`"))
    }

    pub(super) fn place(&self, record: usize) -> String {
        format!("{}, record {record}", self.bytes.name())
    }

    /// The fields of a record.
    pub(super) fn read(&self, number: usize) -> Result<ByteRecord> {
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
