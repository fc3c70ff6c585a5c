//! Networks in files, all of them safetensors: `weights` alone, and `training` with everything that it takes to go on with the
//! same bits. `file` is the format, `load` says how tensors of other networks become ours.

mod file;
mod load;
mod store;
mod training;
mod weights;

pub use load::{Load, Loaded};

#[cfg(feature = "onnx")]
pub(crate) use file::bytes;
pub(crate) use file::{read, write};
pub(crate) use store::Store;
pub(crate) use weights::slice;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

use crate::error::{Error, Result};
use crate::network::{Net, State};
use crate::program::Program;

impl Net {
    /// Saves all parameters as safetensors, with PyTorch's names and layouts. The file is written whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written, or if the device fails.
    pub fn save(&self, path: &Path) -> Result<()> {
        weights::contents(self.program, &self.backend.parameters()?).write(path)
    }

    /// [`Net::save`] to any writer.
    ///
    /// # Errors
    /// If writing fails, or if the device does.
    pub fn save_to(&self, writer: &mut dyn Write) -> Result<()> {
        let failed = |source| Error::File { path: "the writer given".into(), source };
        let values = self.backend.parameters()?;
        weights::contents(self.program, &values).write_to(writer).and_then(|()| writer.flush()).map_err(failed)
    }

    /// Loads all parameters, from a file of `save`, from a checkpoint, or from a `state_dict` of PyTorch. Training then starts over:
    /// the optimizer's state is that of a new network. A `state_dict` may have `num_batches_tracked` beside the running statistics
    /// of a batch norm; it is left out.
    ///
    /// # Errors
    /// If the file cannot be read, or if it does not fit in every tensor; the network is then as it was.
    pub fn load(&mut self, path: &Path) -> Result<()> {
        self.load_named(&read(path)?, &path.display().to_string(), &Load::strict()).map(|_| ())
    }

    /// [`Net::load`] from any reader.
    ///
    /// # Errors
    /// As [`Net::load`].
    pub fn load_from(&mut self, reader: &mut dyn Read) -> Result<()> {
        let mut bytes = Vec::new();
        let failed = |source| Error::File { path: "the reader given".into(), source };
        reader.read_to_end(&mut bytes).map_err(failed)?;
        self.load_named(&bytes, "what the reader gave", &Load::strict()).map(|_| ())
    }

    /// [`Net::load`] from bytes, as `include_bytes!` gives them.
    ///
    /// # Errors
    /// As [`Net::load`].
    pub fn load_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.load_named(bytes, "the file in memory", &Load::strict()).map(|_| ())
    }

    /// Loads what a file of another network has, or of PyTorch, as [`Load`] says. Training then starts over.
    ///
    /// # Errors
    /// If the file cannot be read, or if it does not fit; the network is then as it was.
    pub fn load_with(&mut self, path: &Path, load: &Load) -> Result<Loaded> {
        self.load_named(&read(path)?, &path.display().to_string(), load)
    }

    fn load_named(&mut self, bytes: &[u8], source: &str, load: &Load) -> Result<Loaded> {
        let mut values = self.backend.parameters()?;
        let loaded = weights::load(self.program, bytes, source, load, &mut values)?;
        self.restart(&values)?;
        Ok(loaded)
    }

    /// Saves everything that training has changed: weights, the optimizer's state, seed, position in the epoch. The file is written
    /// whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written, or if the device fails.
    pub fn save_checkpoint(&self, path: &Path) -> Result<()> {
        write_state(self.program, &self.state()?, path)
    }

    /// Puts the network to where it was when the checkpoint was saved, its seed included.
    ///
    /// # Errors
    /// If the file cannot be read, or if it is no checkpoint of this network; the network is then as it was.
    pub fn load_checkpoint(&mut self, path: &Path) -> Result<()> {
        self.load_state(path, None)
    }

    /// [`Net::load_checkpoint`] for a run that goes on: with these options, by their names.
    pub(crate) fn load_state(&mut self, path: &Path, conditions: Option<&BTreeMap<String, String>>) -> Result<()> {
        let state = training::read(self.program, &read(path)?, &path.display().to_string(), conditions)?;
        self.restore(state)
    }
}

/// Writes a checkpoint, whole or not at all.
pub(crate) fn write_state(program: &Program, state: &State, path: &Path) -> Result<()> {
    training::contents(program, state).write(path)
}
