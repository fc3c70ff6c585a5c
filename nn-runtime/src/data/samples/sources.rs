//! Sources that are made of another one, and numbers in memory.

use std::fmt;
use std::ops::Range;

use super::{Samples, product, size};
use crate::data::source::{Draw, Kind, Source, wrong};
use crate::error::Result;

/// What a source made of another one shares with it.
macro_rules! as_in {
    ($field:ident) => {
        fn name(&self) -> String {
            self.$field.name()
        }
        fn samples(&self) -> usize {
            self.$field.len()
        }
        fn place(&self, sample: usize) -> String {
            self.$field.place(sample)
        }
    };
}
pub(in crate::data) use as_in;

/// Numbers in memory.
pub(super) struct Memory {
    name: String,
    dims: Vec<usize>,
    kind: Kind,
    values: Vec<f32>,
}

impl Memory {
    pub(super) fn samples(name: &str, dims: Vec<usize>, kind: Kind, values: Vec<f32>) -> Result<Samples> {
        match size(&dims) {
            Some(width) if width > 0 && values.len().is_multiple_of(width) => {
                Ok(Samples::new(Memory { name: name.to_owned(), dims, kind, values }))
            }
            _ => {
                let expected =
                    format!("a whole number of samples of shape {dims:?}, with {} numbers each", product(&dims));
                Err(wrong(name, expected, format!("{} numbers", values.len())))
            }
        }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} numbers in memory", self.values.len())
    }
}

impl Source for Memory {
    fn name(&self) -> String {
        self.name.clone()
    }
    fn samples(&self) -> usize {
        self.values.len() / self.dims.iter().product::<usize>()
    }
    fn dims(&self) -> &[usize] {
        &self.dims
    }
    fn kind(&self) -> Kind {
        self.kind
    }
    fn read(&self, sample: usize, _: Draw, values: &mut [f32]) -> Result<()> {
        values.copy_from_slice(&self.values[sample * values.len()..][..values.len()]);
        Ok(())
    }
}

/// Some of the samples, or all in another order.
#[derive(Debug)]
pub(super) struct Selection {
    pub(super) of: Samples,
    pub(super) numbers: Numbers,
}

#[derive(Debug)]
pub(super) enum Numbers {
    Range(Range<usize>),
    Listed(Vec<usize>),
}

impl Selection {
    fn number(&self, sample: usize) -> usize {
        match &self.numbers {
            Numbers::Range(range) => range.start + sample,
            Numbers::Listed(numbers) => numbers[sample],
        }
    }
}

impl Source for Selection {
    fn name(&self) -> String {
        self.of.name()
    }
    fn samples(&self) -> usize {
        match &self.numbers {
            Numbers::Range(range) => range.len(),
            Numbers::Listed(numbers) => numbers.len(),
        }
    }
    fn dims(&self) -> &[usize] {
        self.of.dims()
    }
    fn kind(&self) -> Kind {
        self.of.kind()
    }
    fn place(&self, sample: usize) -> String {
        self.of.place(self.number(sample))
    }
    fn read(&self, sample: usize, draw: Draw, values: &mut [f32]) -> Result<()> {
        self.of.0.read(self.number(sample), draw, values)
    }
}

/// Other dimensions.
#[derive(Debug)]
pub(super) struct Reshaped {
    pub(super) of: Samples,
    pub(super) dims: Vec<usize>,
}

impl Source for Reshaped {
    as_in!(of);
    fn dims(&self) -> &[usize] {
        &self.dims
    }
    fn kind(&self) -> Kind {
        self.of.kind()
    }
    fn read(&self, sample: usize, draw: Draw, values: &mut [f32]) -> Result<()> {
        self.of.0.read(sample, draw, values)
    }
}

/// A user's function.
pub(super) struct Mapped {
    pub(super) of: Samples,
    pub(super) change: Change,
}

pub(super) type Change = Box<dyn Fn(&mut [f32], Draw) + Send + Sync>;

impl fmt::Debug for Mapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a function of {:?}", self.of)
    }
}

impl Source for Mapped {
    as_in!(of);
    fn dims(&self) -> &[usize] {
        self.of.dims()
    }
    fn kind(&self) -> Kind {
        self.of.kind()
    }
    fn read(&self, sample: usize, draw: Draw, values: &mut [f32]) -> Result<()> {
        self.of.read_into(sample, draw, values)?;
        (self.change)(values, draw);
        Ok(())
    }
}

/// Classes as vectors.
#[derive(Debug)]
pub(super) struct OneHot {
    pub(super) of: Samples,
    pub(super) classes: usize,
    pub(super) dims: Vec<usize>,
}

impl Source for OneHot {
    as_in!(of);
    fn dims(&self) -> &[usize] {
        &self.dims
    }
    fn read(&self, sample: usize, draw: Draw, values: &mut [f32]) -> Result<()> {
        let mut classes = vec![0.0; self.of.width()];
        self.of.read_into(sample, draw, &mut classes)?;
        values.fill(0.0);
        for (vector, class) in values.chunks_exact_mut(self.classes).zip(classes) {
            if let Some(place) = vector.get_mut(class as usize) {
                *place = 1.0;
            }
        }
        Ok(())
    }
}

/// Numbers side by side.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) parts: [Samples; 2],
    pub(super) dims: Vec<usize>,
}

impl Source for Joined {
    fn name(&self) -> String {
        self.parts[0].name()
    }
    fn samples(&self) -> usize {
        self.parts[0].len()
    }
    fn dims(&self) -> &[usize] {
        &self.dims
    }
    fn place(&self, sample: usize) -> String {
        self.parts[0].place(sample)
    }
    fn read(&self, sample: usize, draw: Draw, values: &mut [f32]) -> Result<()> {
        let (first, second) = values.split_at_mut(self.parts[0].width());
        self.parts[0].read_into(sample, draw, first)?;
        self.parts[1].read_into(sample, draw, second)
    }
}

/// Classes whose number a field has declared.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) of: Samples,
    pub(super) classes: usize,
}

impl Source for Declared {
    as_in!(of);
    fn dims(&self) -> &[usize] {
        self.of.dims()
    }
    fn kind(&self) -> Kind {
        Kind::Classes(self.classes)
    }
    fn read(&self, sample: usize, draw: Draw, values: &mut [f32]) -> Result<()> {
        self.of.0.read(sample, draw, values)
    }
}
