//! Data that steps gather their batches from: on the device in whole where it fits, else in windows.
//!
//! On the device, samples are records: all fields of a sample side by side, so that one dispatch gathers a batch and a
//! window is a range of records. Fields whose size is a multiple of 4 come first, and records then begin at multiples of
//! 4, so that the gather kernel can copy them in fours. In whole, the order of an epoch is a table of record numbers. In windows, the host lays
//! the records of the next steps out in order, and the table counts 0, 1, 2, …

use super::budget::{Budget, bytes};
use super::context::Gpu;
use super::lane::{COLUMNS, Lane, SLOT_BYTES};
use crate::backend::Columns;
use crate::error::{Error, Result};
use crate::program::{Program, Schedule};

/// How much is uploaded at once: wgpu keeps a copy of it until the device has taken it.
const UPLOAD_BYTES: u64 = 16 << 20;

/// Data of a network, on a GPU or on its way there.
#[derive(Debug)]
pub struct DataSet<'a> {
    program: &'static Program,
    columns: Columns<'a>,
    /// Where each field begins in a record, and its floats.
    places: Vec<(usize, usize)>,
    /// Floats in a record.
    width: usize,
    /// All records, where they fit.
    whole: Option<wgpu::Buffer>,
}

/// Records on the device, as the gather kernel sees them.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) records: wgpu::Buffer,
    /// Floats in a record.
    pub(super) width: u64,
    /// Where each field begins in a record, as far as the table of steps has room.
    pub(super) columns: [u32; COLUMNS],
    /// Group 0 of the gather kernel.
    pub(super) group: wgpu::BindGroup,
}

/// Checks that data fits the network's fields; gives the floats in a sample of each.
pub(super) fn check(program: &Program, data: &Columns<'_>) -> Result<Vec<usize>> {
    let (network, given, known) = (program.name, data.fields.len(), program.fields.len());
    if given > known {
        return Err(Error::Data(format!("`{network}` has {known} inputs and targets, but the data has {given}")));
    }
    let sizes: Vec<usize> = program.fields.iter().take(given).map(|field| field.dims.iter().product()).collect();
    for ((field, size), column) in program.fields.iter().zip(&sizes).zip(&data.fields) {
        if size.checked_mul(data.samples) != Some(column.len()) {
            let (name, samples, found) = (field.name, data.samples, column.len());
            return Err(Error::Data(format!(
                "`{network}`: {samples} samples of `{name}` have {size} numbers each, but {found} were given"
            )));
        }
    }
    match u32::try_from(data.samples) {
        Ok(_) => Ok(sizes),
        Err(_) => Err(Error::Data(format!("`{network}`: more than {} samples", u32::MAX))),
    }
}

/// A schedule reads a field that the data does not have.
pub(super) fn missing(program: &Program, schedule: &str, field: usize) -> Error {
    let name = program.fields.get(field).map_or("?", |field| field.name);
    Error::Data(format!("`{}`: `{name}` is missing in the data, and `{schedule}` reads it", program.name))
}

/// Where fields of these sizes begin in a record, and how long it is.
fn places(sizes: &[usize]) -> (Vec<(usize, usize)>, usize) {
    let mut places: Vec<(usize, usize)> = sizes.iter().map(|&size| (0, size)).collect();
    let mut width = 0;
    for in_fours in [true, false] {
        for place in places.iter_mut().filter(|(_, size)| (size % 4 == 0) == in_fours) {
            place.0 = width;
            width += place.1;
        }
    }
    let aligned = sizes.iter().any(|size| size % 4 == 0);
    (places, if aligned { width.next_multiple_of(4) } else { width })
}

impl<'a> DataSet<'a> {
    /// Brings data to the device, in whole if a binding and the memory hold it.
    pub(super) async fn upload(budget: &Budget, program: &'static Program, columns: Columns<'a>) -> Result<Self> {
        let sizes = check(program, &columns)?;
        let (places, width) = places(&sizes);
        let mut set = Self { program, columns, places, width, whole: None };
        let size = bytes(width as u64).saturating_mul(set.columns.samples as u64);
        if size <= budget.largest() {
            let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
            match budget.buffer("the data set", size, usage).await {
                Ok(records) => {
                    set.fill(&budget.gpu, &records).await?;
                    set.whole = Some(records);
                }
                Err(Error::OutOfMemory { .. }) => log::info!("{}: no memory for {size} bytes of data", program.name),
                Err(error) => return Err(error),
            }
        }
        Ok(set)
    }

    async fn fill(&self, gpu: &Gpu, records: &wgpu::Buffer) -> Result<()> {
        let at_once = (UPLOAD_BYTES / bytes(self.width as u64).max(1)).max(1) as usize;
        let numbers: Vec<u32> = (0..self.columns.samples as u32).collect();
        for (i, part) in numbers.chunks(at_once).enumerate() {
            if i > 0 {
                let pending = gpu.submit(|_| ()).await?;
                gpu.finished(pending).await?;
            }
            // The last of them goes along with the first run.
            let at = bytes((i * at_once) as u64 * self.width as u64);
            let write = || gpu.queue().write_buffer(records, at, bytemuck::cast_slice(&self.pack(part)));
            gpu.scoped("an upload of data", write).await?;
        }
        Ok(())
    }

    /// Samples that there are.
    pub(super) fn samples(&self) -> usize {
        self.columns.samples
    }

    /// Whether all records lie on the device.
    pub(super) fn is_whole(&self) -> bool {
        self.whole.is_some()
    }

    /// How many samples can be gathered from without another upload; at least 1.
    pub(super) fn window(&self, budget: &Budget) -> usize {
        let sample = if self.is_whole() { size_of::<u32>() as u64 } else { bytes(self.width as u64) };
        let room = if self.is_whole() { budget.largest() } else { budget.largest().min(UPLOAD_BYTES) };
        (room / sample.max(1)).max(1) as usize
    }

    /// The records for runs of this schedule with this lane: all of them, or room for a window of at least a batch.
    pub(super) async fn source(
        &self,
        budget: &Budget,
        schedule: &Schedule,
        name: &str,
        lane: &Lane,
        batch: usize,
    ) -> Result<Source> {
        use wgpu::BufferUsages as Usage;
        let records = match &self.whole {
            Some(records) => records.clone(),
            None => {
                let samples = self.window(budget).max(batch) as u64;
                let size = bytes((self.width as u64).saturating_mul(samples));
                budget.buffer("a window of the data", size, Usage::STORAGE | Usage::COPY_DST).await?
            }
        };
        let mut fields = Vec::with_capacity(schedule.fields.len());
        for &(field, offset) in schedule.fields {
            let Some(&(column, size)) = self.places.get(field) else {
                return Err(missing(self.program, name, field));
            };
            // All of these are less than the floats that a kernel can bind.
            fields.push([column as u32, size as u32, lane.place(schedule, offset) as u32]);
        }
        let size = size_of_val(&fields[..]) as u64;
        let table = budget.buffer("the table of fields", size, Usage::STORAGE | Usage::COPY_DST).await?;
        let make = || {
            budget.gpu.queue().write_buffer(&table, 0, bytemuck::cast_slice(&fields));
            let slot = wgpu::BufferSize::new(SLOT_BYTES as u64);
            let slot = wgpu::BufferBinding { buffer: &lane.slots, offset: 0, size: slot };
            let resources = [
                wgpu::BindingResource::Buffer(slot),
                lane.arena.as_entire_binding(),
                records.as_entire_binding(),
                lane.order.as_entire_binding(),
                table.as_entire_binding(),
            ];
            let entry = |(binding, resource)| wgpu::BindGroupEntry { binding, resource };
            let entries: Vec<_> = (0..).zip(resources).map(entry).collect();
            budget.gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("gather"),
                layout: &budget.gpu.layouts().gather_group,
                entries: &entries,
            })
        };
        let group = budget.gpu.scoped("a bind group", make).await?;
        let mut columns = [0; COLUMNS];
        columns.iter_mut().zip(&self.places).for_each(|(column, (at, _))| *column = *at as u32);
        Ok(Source { records, width: self.width as u64, columns, group })
    }

    /// The records of these samples; their numbers have been checked.
    pub(super) fn pack(&self, samples: &[u32]) -> Vec<f32> {
        let mut packed = vec![0.0; samples.len() * self.width];
        for (record, &sample) in packed.chunks_exact_mut(self.width.max(1)).zip(samples) {
            for (column, &(at, size)) in self.columns.fields.iter().zip(&self.places) {
                record[at..][..size].copy_from_slice(&column[sample as usize * size..][..size]);
            }
        }
        packed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_in_fours_come_first_and_keep_records_aligned() {
        assert_eq!(places(&[784, 1]), (vec![(0, 784), (784, 1)], 788));
        assert_eq!(places(&[1, 8, 3, 4]), (vec![(12, 1), (0, 8), (13, 3), (8, 4)], 16));
        assert_eq!(places(&[2, 1]), (vec![(0, 2), (2, 1)], 3));
        assert_eq!(places(&[]), (vec![], 0));
    }
}
