//! Columns of a table as samples.

use std::collections::HashMap;
use std::sync::Arc;

use super::content::Content;
use crate::data::source::{Draw, Kind, Source, wrong};
use crate::error::Result;

/// Columns of a table as samples.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) table: Arc<Content>,
    pub(super) columns: Vec<usize>,
    pub(super) role: Role,
    pub(super) dims: Vec<usize>,
}

/// What fields are read as.
#[derive(Debug)]
pub(super) enum Role {
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
