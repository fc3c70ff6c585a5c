//! What a network keeps from run to run, on its way to a lane's arena and back. In between, steps find in the arena what the steps
//! before have left there.

use std::ops::Range;

use super::budget::bytes;
use super::track::Run;
use crate::error::Result;

/// A part of a kept tensor: floats of the caller's vector, and where they begin in the arena.
pub(super) struct Piece {
    pub(super) outside: Range<usize>,
    pub(super) inside: u64,
}

impl Run<'_> {
    /// Where these samples, of a batch of so many, are kept and where the schedule finds them.
    pub(super) fn kept(&self, batch: usize, samples: Range<usize>) -> Vec<Piece> {
        let (program, schedule) = (self.loaded.program, self.track.schedule);
        let piece = |&(number, offset): &(usize, usize)| {
            let (tensor, size) = (&program.kept[number], program.kept[number].size());
            let start = batch * tensor.offset + samples.start * size;
            Piece { outside: start..start + samples.len() * size, inside: self.lane.place(schedule, offset) }
        };
        schedule.kept.iter().map(piece).collect()
    }

    /// Puts what was kept where the schedule reads it, before whatever is submitted next.
    pub(super) fn place_kept(&self, pieces: &[Piece], kept: &[f32]) {
        for Piece { outside, inside } in pieces {
            let values = &kept[outside.clone()];
            self.loaded.gpu().queue().write_buffer(&self.lane.arena, bytes(*inside), bytemuck::cast_slice(values));
        }
    }

    /// Takes out what is to be kept, behind whatever was submitted last.
    pub(super) async fn take_kept(&self, pieces: &[Piece], kept: &mut [f32]) -> Result<()> {
        if pieces.is_empty() {
            return Ok(());
        }
        let floats = |Piece { outside, inside }: &Piece| (&self.lane.arena, *inside, outside.len() as u64);
        let read = self.loaded.read_pieces(&self.lane.reader, pieces.iter().map(floats), |_| ()).await?;
        let mut rest = &read[..];
        for Piece { outside, .. } in pieces {
            let now;
            (now, rest) = rest.split_at(outside.len());
            kept[outside.clone()].copy_from_slice(now);
        }
        Ok(())
    }
}
