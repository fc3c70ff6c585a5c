//! Compiled pipelines on disk, where the API gives them out (Vulkan): the next process compiles them sooner. What was measured
//! ([`tune`](super::tune)) lies beside them.
//!
//! There is a file for each device and driver. `NN_PIPELINE_CACHE=off` in the environment switches it off, and any other value
//! is the folder to use in the place of the platform's folder for caches. Nothing that goes wrong with a file is more than a
//! line in the log: a file that is not as it was written is not read, and the next one takes its place.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{env, fs, io, process};

use super::loaded::lock;

const VARIABLE: &str = "NN_PIPELINE_CACHE";
/// What a file begins with; behind it are a hash of the rest, and the rest.
const MAGIC: &[u8; 8] = b"nn pipes";
const HEAD: usize = MAGIC.len() + size_of::<u64>();
/// Files above this size start over: drivers forget nothing.
const LARGEST: usize = 64 << 20;

/// What to ask a device for.
pub(super) fn wanted_features(adapter: wgpu::Features) -> wgpu::Features {
    let folder = folder(env::var_os(VARIABLE), &|name| env::var_os(name));
    if folder.is_some() { adapter & wgpu::Features::PIPELINE_CACHE } else { wgpu::Features::empty() }
}

/// A device's compiled pipelines.
#[derive(Debug)]
pub(super) struct Cache {
    pub(super) pipelines: wgpu::PipelineCache,
    file: PathBuf,
    /// What the file holds, by size: drivers only add.
    kept: Mutex<usize>,
}

impl Cache {
    /// The cache of a device that can have one, with what is on disk. To be called inside error scopes.
    pub(super) fn new(device: &wgpu::Device) -> Option<Self> {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let info = device.adapter_info();
        let file = file(device, &wgpu::util::pipeline_cache_key(&info)?)?;
        let data = read(&file);
        let descriptor =
            wgpu::PipelineCacheDescriptor { label: Some("pipelines"), data: data.as_deref(), fallback: true };
        // SAFETY: data is what `get_data` gave to an earlier process for this device and driver: `read` gives nothing that is
        // not, byte for byte, what `write` wrote, and `write` is called with nothing else.
        let pipelines = unsafe { device.create_pipeline_cache(&descriptor) };
        Some(Self { pipelines, file, kept: Mutex::new(data.map_or(0, |data| data.len())) })
    }

    /// Writes what has been compiled since the last call.
    pub(super) fn keep(&self) {
        let mut kept = lock(&self.kept);
        let Some(data) = self.pipelines.get_data().filter(|data| data.len() != *kept) else { return };
        match write(&self.file, &data) {
            Ok(()) => *kept = data.len(),
            Err(error) => log::warn!("{}: compiled pipelines are not kept: {error}", self.file.display()),
        }
    }
}

/// The file for what is kept of this kind for a device and its driver, if anything is to be kept.
pub(super) fn file(device: &wgpu::Device, kind: &str) -> Option<PathBuf> {
    let info = device.adapter_info();
    let driver = hash(format!("{} {} {}", info.name, info.driver, info.driver_info).as_bytes());
    Some(folder(env::var_os(VARIABLE), &|name| env::var_os(name))?.join(format!("{kind}_{driver:016x}")))
}

/// Where files are: in the folder that `chosen` names, or in the platform's for caches.
fn folder(chosen: Option<OsString>, variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if let Some(chosen) = chosen.filter(|chosen| !chosen.is_empty()) {
        return if chosen == "off" { None } else { Some(chosen.into()) };
    }
    let path = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = if cfg!(windows) {
        path("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        path("HOME").map(|home| home.join("Library/Caches"))
    } else {
        path("XDG_CACHE_HOME").or_else(|| path("HOME").map(|home| home.join(".cache")))
    };
    caches.map(|caches| caches.join("nn"))
}

/// What a file holds; nothing if there is none or if it is not as it was written.
pub(super) fn read(file: &Path) -> Option<Vec<u8>> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            log::warn!("{}: what was kept cannot be read: {error}", file.display());
            return None;
        }
    };
    let data = checked(&bytes).filter(|data| data.len() <= LARGEST);
    if data.is_none() {
        log::warn!("{}: what was kept is damaged or too much; it is made anew", file.display());
    }
    data.map(<[u8]>::to_vec)
}

fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let (head, data) = bytes.split_at_checked(HEAD)?;
    let (magic, sum) = head.split_at(MAGIC.len());
    (magic == MAGIC && sum == hash(data).to_le_bytes()).then_some(data)
}

/// Writes a file whole or not at all: other processes may read it meanwhile.
pub(super) fn write(file: &Path, data: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let bytes = [MAGIC.as_slice(), &hash(data).to_le_bytes(), data].concat();
    let mut temporary = file.as_os_str().to_owned();
    temporary.push(format!(".{}", process::id()));
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, file));
    if written.is_err() {
        // If it is there, it is of no use; if it is not, nothing is lost.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// FNV-1a.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_names_a_folder_or_switches_it_off() {
        let none = |_: &str| None;
        assert_eq!(folder(Some("off".into()), &none), None);
        assert_eq!(folder(Some("here".into()), &none), Some("here".into()));
        assert_eq!(folder(None, &none), None, "no home, no cache");
        let home = |_: &str| Some(OsString::from(if cfg!(windows) { "C:\\me" } else { "/me" }));
        assert!(folder(None, &home).unwrap().ends_with("nn"));
        assert_eq!(folder(None, &|_| Some("relative".into())), None);
    }

    #[test]
    fn a_file_comes_back_as_it_was_and_a_damaged_one_does_not() {
        let folder = env::temp_dir().join(format!("nn-cache-{}", process::id()));
        let file = folder.join("deeper/key");
        assert_eq!(read(&file), None);
        write(&file, b"compiled").unwrap();
        assert_eq!(read(&file).as_deref(), Some(b"compiled".as_slice()));
        write(&file, b"compiled more").unwrap();
        assert_eq!(read(&file).as_deref(), Some(b"compiled more".as_slice()));
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "nothing temporary stays");
        let whole = fs::read(&file).unwrap();
        for (what, bytes) in [
            ("cut", whole[..whole.len() - 1].to_vec()),
            ("empty", vec![]),
            ("another file", b"something that is longer than a head".to_vec()),
            ("changed", whole.iter().enumerate().map(|(i, b)| if i == 20 { b ^ 1 } else { *b }).collect()),
        ] {
            fs::write(&file, bytes).unwrap();
            assert_eq!(read(&file), None, "{what}");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
