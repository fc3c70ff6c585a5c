//! NumPy's arrays: `.npy` files, and `.npz` archives of them, compressed or not. Feature `npy`.
//!
//! The first axis counts samples, the others are the dimensions of one. The header is read here, in a hundred lines: the
//! crates for it bring a parser generator, or C libraries for every kind of zip archive.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zip::{CompressionMethod, ZipArchive};

use super::file::{Bytes, IN_MEMORY};
use super::samples::Samples;
use super::source::{Draw, Kind, Source, wrong};
use crate::error::{Error, Result};

/// An array in a file. It is read when its samples are.
#[derive(Debug, Clone)]
pub struct Array(Arc<Content>);

#[derive(Debug)]
struct Content {
    bytes: Bytes,
    /// Where the numbers begin.
    start: u64,
    number: Number,
    samples: usize,
    dims: Vec<usize>,
}

/// The type of the numbers: kind and size as NumPy writes them, and the order of bytes.
#[derive(Debug, Clone, Copy)]
struct Number {
    kind: u8,
    size: usize,
    big_endian: bool,
}

/// Opens a `.npy` file, gzipped or not.
///
/// # Errors
/// If it cannot be read, or is no whole array of numbers in C order with at least one sample.
pub fn array(path: impl AsRef<Path>) -> Result<Array> {
    Array::new(Bytes::open(path.as_ref())?)
}

/// A `.npz` archive.
#[derive(Debug, Clone)]
pub struct Archive {
    path: PathBuf,
    names: Vec<String>,
}

/// Opens a `.npz` archive: what `numpy.savez` and `numpy.savez_compressed` write.
///
/// # Errors
/// If it cannot be read, or is no zip archive.
pub fn archive(path: impl AsRef<Path>) -> Result<Archive> {
    let path = path.as_ref().to_owned();
    let zip = open(&path)?;
    let names = zip.file_names().map(|name| name.map(|name| name.trim_end_matches(".npy").to_owned()));
    let names = names.collect::<Result<_, _>>().map_err(|e| wrong(path.display(), "names of arrays", e))?;
    Ok(Archive { path, names })
}

impl Archive {
    /// The arrays' names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// An array. What is compressed is unpacked now, into memory up to 256 MiB, else into a temporary file.
    ///
    /// # Errors
    /// If there is no such array, or as [`array()`].
    pub fn array(&self, name: &str) -> Result<Array> {
        let mut zip = open(&self.path)?;
        let place = format!("{}, `{name}`", self.path.display());
        let file = [format!("{name}.npy"), name.to_owned()].into_iter().find_map(|name| zip.index_for_name(&name));
        let Some(file) = file else {
            let expected = format!("an array of this name among `{}`", self.names.join("`, `"));
            return Err(wrong(place, expected, "none"));
        };
        let file = zip.by_index(file).map_err(|e| wrong(&place, "an array in the archive", e))?;
        let stored = (file.compression() == CompressionMethod::Stored).then(|| file.data_start()).flatten();
        Array::new(match stored {
            Some(start) => Bytes::part(&self.path, place, start, file.size())?,
            None => Bytes::unpack(place, file, IN_MEMORY)?,
        })
    }
}

fn open(path: &Path) -> Result<ZipArchive<BufReader<File>>> {
    let file = File::open(path).map_err(|source| Error::File { path: path.display().to_string(), source })?;
    ZipArchive::new(BufReader::new(file)).map_err(|e| wrong(path.display(), "a whole npz archive", e))
}

impl Array {
    fn new(bytes: Bytes) -> Result<Self> {
        let (header, start) = header(&bytes)?;
        let place = || format!("{}, in the header", bytes.name());
        let of = |key: &str| value(&header, key).ok_or_else(|| wrong(place(), format!("`{key}`"), &header));
        let (descr, order, shape) = (of("descr")?, of("fortran_order")?, of("shape")?);
        let number = Number::parse(descr).ok_or_else(|| wrong(place(), "a type of plain numbers", descr))?;
        let dims: Option<Vec<usize>> = shape
            .trim_matches(['(', ')'])
            .split(',')
            .map(|dim| dim.trim().trim_end_matches('L'))
            .filter(|dim| !dim.is_empty())
            .map(|dim| dim.parse().ok())
            .collect();
        let dims = dims.ok_or_else(|| wrong(place(), "a shape", shape))?;
        let Some((&samples, dims)) = dims.split_first() else {
            return Err(wrong(place(), "an array whose first axis counts samples", "a single number"));
        };
        if samples == 0 || dims.contains(&0) {
            return Err(wrong(place(), "at least one sample of at least one number", format!("the shape {shape}")));
        }
        if order != "False" && !dims.is_empty() {
            return Err(wrong(place(), "an array in C order (see numpy.ascontiguousarray)", "Fortran's order"));
        }
        let size = dims.iter().try_fold(number.size as u64, |size, &dim| size.checked_mul(dim as u64));
        let size = size.filter(|size| size.checked_mul(samples as u64).is_some());
        let size = size.ok_or_else(|| wrong(place(), "an array that fits a file", format!("the shape {shape}")))?;
        bytes.holds(start, samples as u64, size)?;
        Ok(Array(Arc::new(Content { start, number, samples, dims: dims.to_vec(), bytes })))
    }

    /// The samples as numbers; integers are whole numbers.
    pub fn numbers(&self) -> Samples {
        Samples::new(ArraySamples { array: self.clone(), kind: Kind::Numbers })
    }

    /// The samples as class indices from 0; how many classes there are is what the network declares.
    ///
    /// # Errors
    /// If the array does not hold integers.
    pub fn classes(&self) -> Result<Samples> {
        match self.0.number.kind {
            b'i' | b'u' | b'b' => Ok(Samples::new(ArraySamples { array: self.clone(), kind: Kind::AnyClasses })),
            _ => Err(wrong(self.0.bytes.name(), "integers, to be classes", "numbers with fractions")),
        }
    }
}

/// The header's text, and where the numbers begin.
fn header(bytes: &Bytes) -> Result<(String, u64)> {
    let cut = |expected: u64| {
        let place = format!("{}, truncated in the header", bytes.name());
        Err(wrong(place, format!("{expected} bytes"), bytes.len()))
    };
    if bytes.len() < 12 {
        return cut(12);
    }
    let mut start = [0; 12];
    bytes.read_at(0, &mut start)?;
    if &start[..6] != b"\x93NUMPY" || !(1..=3).contains(&start[6]) {
        let expected = "`\\x93NUMPY` and a version from 1 to 3";
        return Err(wrong(bytes.name(), expected, format!("`{}`", start[..8].escape_ascii())));
    }
    let (at, length) = match start[6] {
        1 => (10, u64::from(u16::from_le_bytes([start[8], start[9]]))),
        _ => (12, u64::from(u32::from_le_bytes([start[8], start[9], start[10], start[11]]))),
    };
    if bytes.len() < at + length {
        return cut(at + length);
    }
    let mut text = vec![0; length as usize];
    bytes.read_at(at, &mut text)?;
    Ok((String::from_utf8_lossy(&text).trim_end().to_owned(), at + length))
}

/// The text of a value in Python's dictionary of three keys.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(&format!("'{key}'"))?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start();
    let end = match rest.as_bytes().first()? {
        quote @ (b'\'' | b'"') => rest[1..].find(char::from(*quote))? + 2,
        b'(' => rest.find(')')? + 1,
        b'[' => rest.find(']')? + 1,
        _ => rest.find([',', '}'])?,
    };
    Some(rest[..end].trim())
}

impl Number {
    /// `'<f4'`.
    fn parse(descr: &str) -> Option<Self> {
        let text = descr.strip_prefix(['\'', '"'])?.strip_suffix(['\'', '"'])?;
        let (&[order, kind], size) = text.as_bytes().split_first_chunk::<2>()?;
        let size: usize = std::str::from_utf8(size).ok()?.parse().ok()?;
        let known = matches!((kind, size), (b'f', 2 | 4 | 8) | (b'i' | b'u', 1 | 2 | 4 | 8) | (b'b', 1));
        let ordered = matches!(order, b'<' | b'>') || (matches!(order, b'|' | b'=') && size == 1);
        (known && ordered).then_some(Number { kind, size, big_endian: order == b'>' })
    }

    /// A number of at most eight bytes.
    fn read(self, bytes: &[u8]) -> f32 {
        let mut little = [0; 8];
        for (i, &byte) in bytes.iter().enumerate() {
            little[if self.big_endian { self.size - 1 - i } else { i }] = byte;
        }
        let bits = u64::from_le_bytes(little);
        // Bits above the number are 0; integers with a sign get it from their highest one.
        let unused = 64 - 8 * self.size as u32;
        match (self.kind, self.size) {
            (b'f', 2) => half(bits as u16),
            (b'f', 4) => f32::from_bits(bits as u32),
            (b'f', _) => f64::from_bits(bits) as f32,
            (b'i', _) => ((bits << unused) as i64 >> unused) as f32,
            (b'b', _) => f32::from(u8::from(bits != 0)),
            _ => bits as f32,
        }
    }
}

/// A number of IEEE's half precision.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    let size = match exponent {
        0 => fraction * 2.0_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2.0_f32.powi(exponent - 15),
    };
    if bits >> 15 == 0 { size } else { -size }
}

/// An array's samples.
#[derive(Debug)]
struct ArraySamples {
    array: Array,
    kind: Kind,
}

impl Source for ArraySamples {
    fn name(&self) -> String {
        self.array.0.bytes.name()
    }
    fn samples(&self) -> usize {
        self.array.0.samples
    }
    fn dims(&self) -> &[usize] {
        &self.array.0.dims
    }
    fn kind(&self) -> Kind {
        self.kind
    }
    fn read(&self, sample: usize, _: Draw, values: &mut [f32]) -> Result<()> {
        let Content { bytes, start, number, .. } = &*self.array.0;
        let mut raw = vec![0; values.len() * number.size];
        bytes.read_at(start + sample as u64 * raw.len() as u64, &mut raw)?;
        for (value, raw) in values.iter_mut().zip(raw.chunks_exact(number.size)) {
            *value = number.read(raw);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::data::testing::{Folder, gzip, says};
    use crate::program::Field;

    /// As NumPy writes it: padded to a multiple of 64 bytes.
    fn npy(descr: &str, shape: &str, content: &[u8]) -> Vec<u8> {
        let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
        let padded = (10 + header.len() + 1).next_multiple_of(64) - 10;
        header = format!("{header:<width$}\n", width = padded - 1);
        [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), content].concat()
    }

    fn floats(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_le_bytes()).collect()
    }

    #[test]
    fn the_first_axis_counts_samples() {
        let folder = Folder::new("npy");
        let bytes = npy("<f4", "(2, 1, 3)", &floats(&[1.0, 2.0, 3.0, -4.0, 5.5, 6.0]));
        for bytes in [bytes.clone(), gzip(&bytes)] {
            let x = array(folder.write("x.npy", &bytes)).unwrap();
            let samples = x.numbers();
            assert_eq!((samples.len(), samples.dims()), (2, &[1, 3][..]));
            assert_eq!(samples.read(1).unwrap(), [-4.0, 5.5, 6.0]);
            says(x.classes(), &["expected integers"]);
        }
        let x =
            array(folder.write("y.npy", &npy("<i8", "(3,)", &[7_i64, 0, 2].map(i64::to_le_bytes).concat()))).unwrap();
        assert_eq!((x.numbers().dims(), x.classes().unwrap().read(0).unwrap()), (&[][..], vec![7.0]));
    }

    #[test]
    fn every_type_of_number_is_read() {
        let folder = Folder::new("npy-types");
        let cases: [(&str, Vec<u8>, [f32; 2]); 13] = [
            ("<f4", floats(&[1.5, -2.5]), [1.5, -2.5]),
            (">f4", [1.5_f32, -2.5].map(f32::to_be_bytes).concat(), [1.5, -2.5]),
            ("<f8", [1.5_f64, -2.5].map(f64::to_le_bytes).concat(), [1.5, -2.5]),
            (">f8", [1.5_f64, -2.5].map(f64::to_be_bytes).concat(), [1.5, -2.5]),
            ("<f2", vec![0x00, 0x3e, 0x00, 0xc1], [1.5, -2.5]),
            ("<f2", vec![0x01, 0x00, 0xff, 0x7b], [5.960_464_5e-8, 65504.0]),
            ("|u1", vec![200, 3], [200.0, 3.0]),
            ("|i1", vec![200, 3], [-56.0, 3.0]),
            ("<i2", vec![0xfe, 0xff, 1, 1], [-2.0, 257.0]),
            (">u4", vec![0, 0, 1, 0, 0xff, 0xff, 0xff, 0xff], [256.0, 4_294_967_295.0]),
            ("<i8", [-5_i64, 1 << 40].map(i64::to_le_bytes).concat(), [-5.0, 1_099_511_627_776.0]),
            ("<u8", [5_u64, u64::MAX].map(u64::to_le_bytes).concat(), [5.0, 18_446_744_073_709_551_615.0]),
            ("|b1", vec![0, 1], [0.0, 1.0]),
        ];
        for (descr, content, expected) in cases {
            let x = array(folder.write("x.npy", &npy(descr, "(2,)", &content))).unwrap().numbers();
            assert_eq!(x.read_all().unwrap(), expected, "{descr}");
        }
        assert!(half(0x7e00).is_nan() && half(0xfc00) == f32::NEG_INFINITY && half(0x8000) == 0.0);
    }

    #[test]
    fn archives_hold_arrays_stored_or_compressed() {
        let folder = Folder::new("npz");
        let x = npy("<f4", "(3, 2)", &floats(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
        let y = npy("|u1", "(3,)", &[2, 0, 1]);
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
            for (name, bytes) in [("x.npy", &x), ("y.npy", &y)] {
                zip.start_file(name, SimpleFileOptions::default().compression_method(method)).unwrap();
                zip.write_all(bytes).unwrap();
            }
            let bytes = zip.finish().unwrap().into_inner();
            let path = folder.write("data.npz", &bytes);
            let archive_ = archive(&path).unwrap();
            assert_eq!(archive_.names(), ["x", "y"]);
            assert_eq!(archive_.array("x").unwrap().numbers().read(2).unwrap(), [4.0, 5.0]);
            assert_eq!(archive_.array("y").unwrap().classes().unwrap().read_all().unwrap(), [2.0, 0.0, 1.0]);
            says(archive_.array("z"), &["data.npz, `z`: expected an array of this name among `x`, `y`"]);
            for end in 0..bytes.len() {
                assert!(archive(folder.write("cut.npz", &bytes[..end])).is_err(), "{end}");
            }
            for at in 0..bytes.len() {
                let mut mangled = bytes.clone();
                mangled[at] ^= 0x11;
                let _ = archive(folder.write("mangled.npz", &mangled)).and_then(|a| a.array("x")?.numbers().read_all());
            }
        }
        says(archive(folder.write("text.npz", b"no archive")), &["text.npz: expected a whole npz archive"]);
    }

    #[test]
    fn damage_is_refused_with_what_was_expected_and_found() {
        let folder = Folder::new("npy-damage");
        let whole = npy("<f4", "(2, 3)", &floats(&[0.0; 6]));
        let fortran = String::from_utf8_lossy(&whole[10..]).replace("False", "True ");
        let fortran = [&whole[..10], fortran.as_bytes()].concat();
        let cases: [(&str, Vec<u8>, &[&str]); 11] = [
            ("empty", vec![], &["truncated in the header: expected 12 bytes, found 0"]),
            ("header", whole[..40].to_vec(), &["truncated in the header: expected 128 bytes, found 40"]),
            ("text", b"not an array at all".to_vec(), &["\\x93NUMPY", "`not an a`"]),
            ("cut", whole[..whole.len() - 5].to_vec(), &["truncated in record 1 of 2: expected 152 bytes, found 147"]),
            ("long", [&whole[..], &[0]].concat(), &["expected 152 bytes for 2 records, found 153"]),
            ("none", npy("<f4", "(0, 3)", &[]), &["at least one sample", "(0, 3)"]),
            ("scalar", npy("<f4", "()", &[0; 4]), &["first axis counts samples"]),
            ("objects", npy("|O", "(2,)", &[0; 16]), &["a type of plain numbers, found '|O'"]),
            ("complex", npy("<c8", "(2,)", &[0; 16]), &["a type of plain numbers, found '<c8'"]),
            ("huge", npy("<f8", "(9999999999, 9999999999, 9)", &[]), &["an array that fits a file"]),
            ("fortran", fortran, &["in C order"]),
        ];
        for (name, bytes, words) in cases {
            let path = folder.write(name, &bytes);
            says(array(&path), &[words, &[path.to_str().unwrap()]].concat());
        }
        for at in 0..whole.len() {
            for flip in [1, 0x20, 0xff] {
                let mut mangled = whole.clone();
                mangled[at] ^= flip;
                let _ = array(folder.write("mangled", &mangled)).map(|a| a.numbers().read_all());
            }
        }
    }

    #[test]
    fn classes_are_checked_against_the_field() {
        let folder = Folder::new("npy-classes");
        let field = Field { name: "label", dims: &[], classes: Some(3) };
        let labels = |values: &[i8]| {
            let bytes: Vec<u8> = values.iter().map(|&v| v as u8).collect();
            let x = array(folder.write("y.npy", &npy("|i1", &format!("({},)", values.len()), &bytes)));
            x.and_then(|x| x.classes()?.fitted(&field))
        };
        assert_eq!(labels(&[0, 2, 1]).unwrap().kind(), Kind::Classes(3));
        says(labels(&[0, 3]), &["y.npy, record 1: expected a class from 0 to 2 for `label`, found 3"]);
        says(labels(&[0, 1, -1]), &["y.npy, record 2: expected a class from 0 to 2 for `label`, found -1"]);
    }
}
