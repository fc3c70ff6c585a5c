//! The checkpoints of a run: a folder of files whose names sort by step, the newest few of them, and the best one apart.
//!
//! Nothing points to the newest file, since a pointer and a file cannot change at the same instant: the newest is what a listing
//! finds and what proves to be whole. A file takes its place only when it is synced, and an older one goes only after that, so
//! that whenever a process ends, the last file that was finished is there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::file::{self, TEMPORARY};
use super::training;
use crate::error::{Error, Result};

/// How names begin and end; between them stands the number of steps.
const NAME: &str = "step-";
const EXTENSION: &str = "safetensors";
/// The name of the best checkpoint.
const BEST: &str = "best.safetensors";
/// What is added to the name of a file that a crash or a disk has damaged.
const DAMAGED: &str = ".damaged";

/// A folder of checkpoints.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    folder: PathBuf,
}

impl Store {
    /// The folder need not exist yet.
    pub(crate) fn new(folder: impl Into<PathBuf>) -> Self {
        Store { folder: folder.into() }
    }

    /// Where a checkpoint after so many steps belongs.
    pub(crate) fn path(&self, steps: u64) -> PathBuf {
        self.folder.join(format!("{NAME}{steps:012}.{EXTENSION}"))
    }

    /// Where the best one belongs.
    pub(crate) fn best(&self) -> PathBuf {
        self.folder.join(BEST)
    }

    /// Makes the folder ready for a run that stands at this step: there is one, and nothing in it stands for later steps, since those
    /// would be taken for newer than what the run is going to write. Files that a killed process has left half-written go.
    ///
    /// # Errors
    /// If there are valid checkpoints of later steps, or if the file system fails.
    pub(crate) fn begin(&self, steps: u64) -> Result<()> {
        let failed = |source| self.failed(source);
        fs::create_dir_all(&self.folder).map_err(failed)?;
        for name in self.names().map_err(failed)? {
            if is_leftover(&name) {
                // Another process may have removed it first.
                let _ = fs::remove_file(self.folder.join(&name));
            }
        }
        let later = self.list()?.into_iter().filter(|(number, _)| *number > steps);
        for (number, path) in later {
            if let Err(problem) = validate(&path) {
                log::warn!("{}: {problem}; it is kept under another name", path.display());
                let mut aside = path.clone().into_os_string();
                aside.push(DAMAGED);
                fs::rename(&path, aside).map_err(failed)?;
                continue;
            }
            let folder = self.folder.display();
            return Err(Error::Option(format!(
                "{folder} has a checkpoint of step {number}, but this training stands at step {steps}: `resume` goes on from the \
                 newest one; a new run needs another folder, or this one without its checkpoints"
            )));
        }
        Ok(())
    }

    /// Removes all but the newest `keep` checkpoints up to this step, whose file is there and synced.
    pub(crate) fn rotate(&self, steps: u64, keep: usize) -> Result<()> {
        let mut earlier = self.list()?;
        earlier.retain(|(number, _)| *number <= steps);
        let surplus = earlier.len().saturating_sub(keep.max(1));
        for (_, path) in earlier.drain(..surplus) {
            match fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::File { path: path.display().to_string(), source: e });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The newest checkpoint that is whole; where none of the numbered ones is, the best one.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub(crate) fn newest(&self) -> Result<Newest> {
        let mut damaged = Vec::new();
        let numbered = if self.folder.exists() { self.list()? } else { Vec::new() };
        let best = Some(self.best()).filter(|path| path.exists());
        for path in numbered.into_iter().rev().map(|(_, path)| path).chain(best) {
            match validate(&path) {
                Ok(()) => return Ok(Newest { path: Some(path), damaged }),
                Err(problem) => {
                    log::warn!("{}: {problem}; the one before it is looked at", path.display());
                    damaged.push(format!("{}: {problem}", path.display()));
                }
            }
        }
        Ok(Newest { path: None, damaged })
    }

    /// All numbered files, by their steps.
    fn list(&self) -> Result<Vec<(u64, PathBuf)>> {
        let names = self.names().map_err(|source| self.failed(source))?;
        let mut found: Vec<(u64, PathBuf)> =
            names.iter().filter_map(|name| Some((number(name)?, self.folder.join(name)))).collect();
        found.sort();
        Ok(found)
    }

    /// The names of all files. Names that are no text are nobody's of ours.
    fn names(&self) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(&self.folder)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
        entries.filter_map(Result::transpose).collect()
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::File { path: self.folder.display().to_string(), source }
    }
}

/// What [`Store::newest`] has found.
#[derive(Debug)]
pub(crate) struct Newest {
    /// `None` if there is no checkpoint, or none that is whole.
    pub(crate) path: Option<PathBuf>,
    /// Newer ones, and what is wrong with each.
    pub(crate) damaged: Vec<String>,
}

/// The steps in a checkpoint's name.
fn number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(NAME)?.strip_suffix(EXTENSION)?.strip_suffix('.')?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Whether a name is that of a file of ours that another process began to write and did not finish.
fn is_leftover(name: &str) -> bool {
    let ours = format!(".{}-", std::process::id());
    let of_checkpoint = name.starts_with(NAME) || name.starts_with(BEST);
    of_checkpoint && name.ends_with(&format!(".{TEMPORARY}")) && !name.contains(&ours)
}

/// Reads a file in whole and says what is wrong with it, if anything is.
fn validate(path: &Path) -> Result<(), String> {
    let bytes = file::read(path).map_err(|e| e.to_string())?;
    training::valid(&bytes).map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::checkpoint::file::Contents;

    /// A folder that goes away with the test.
    struct Folder(Store);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("nn-store-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&folder);
            let store = Store::new(folder);
            store.begin(0).unwrap();
            Folder(store)
        }

        fn write(&self, path: &Path) {
            let metadata = BTreeMap::from([("nn.checkpoint".to_owned(), "1".to_owned())]);
            Contents::new(metadata, [("w".into(), vec![2].into(), &[1.0_f32, 2.0][..])]).write(path).unwrap();
        }

        fn files(&self) -> Vec<String> {
            let mut names = self.0.names().unwrap();
            names.sort();
            names
        }

        fn newest(&self) -> Option<String> {
            let path = self.0.newest().unwrap().path?;
            Some(path.file_name().unwrap().to_str().unwrap().to_owned())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0.folder);
        }
    }

    #[test]
    fn the_newest_few_stay_and_the_best_one() {
        let folder = Folder::new("rotate");
        folder.write(&folder.0.best());
        for steps in [5, 90, 100, 1_000_000_000_000_000] {
            folder.write(&folder.0.path(steps));
            folder.0.rotate(steps, 2).unwrap();
        }
        assert_eq!(
            folder.files(),
            ["best.safetensors", "step-000000000100.safetensors", "step-1000000000000000.safetensors"]
        );
        assert_eq!(folder.newest().unwrap(), "step-1000000000000000.safetensors", "by number, not by name");
    }

    #[test]
    fn damaged_files_are_passed_over() {
        let folder = Folder::new("damaged");
        assert_eq!(folder.newest(), None);
        for steps in [1, 2, 3, 4] {
            folder.write(&folder.0.path(steps));
        }
        let bytes = fs::read(folder.0.path(4)).unwrap();
        fs::write(folder.0.path(4), &bytes[..bytes.len() / 2]).unwrap();
        fs::write(folder.0.path(3), [&bytes[..bytes.len() - 1], &[bytes[bytes.len() - 1] ^ 1]].concat()).unwrap();
        fs::write(folder.0.path(5), "").unwrap();
        fs::write(folder.0.folder.join("step-x.safetensors"), "").unwrap();
        let newest = folder.0.newest().unwrap();
        assert_eq!(newest.path, Some(folder.0.path(2)));
        assert_eq!(newest.damaged.len(), 3);
        // Who goes on from step 2 finds nothing later in the way, and nothing is lost.
        folder.0.begin(2).unwrap();
        assert_eq!(folder.files().iter().filter(|name| name.ends_with(".damaged")).count(), 3);
        for steps in [1, 2] {
            fs::write(folder.0.path(steps), "").unwrap();
        }
        assert_eq!(folder.newest(), None);
        folder.write(&folder.0.best());
        assert_eq!(folder.newest().unwrap(), "best.safetensors");
    }

    #[test]
    fn a_folder_with_later_steps_belongs_to_another_run() {
        let folder = Folder::new("later");
        folder.write(&folder.0.path(7));
        folder.0.begin(7).unwrap();
        let error = folder.0.begin(6).unwrap_err().to_string();
        assert!(error.contains("a checkpoint of step 7, but this training stands at step 6"), "{error}");
    }

    #[test]
    fn what_a_killed_process_left_goes() {
        let folder = Folder::new("leftovers");
        let [theirs, ours] =
            [u32::MAX, std::process::id()].map(|id| format!("step-000000000001.safetensors.{id}-0.tmp"));
        for name in [&theirs, &ours, "notes.tmp"] {
            fs::write(folder.0.folder.join(name), "half").unwrap();
        }
        folder.0.begin(0).unwrap();
        let mut expected = ["notes.tmp".to_owned(), ours];
        expected.sort();
        assert_eq!(folder.files(), expected);
    }
}
