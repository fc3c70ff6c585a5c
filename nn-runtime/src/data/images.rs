//! Folders of png and jpeg images. Feature `images`.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, ImageReader};

use super::labelled::Labelled;
use super::samples::Samples;
use super::source::{Draw, Source, wrong};
use crate::error::{Error, Result};

/// What becomes of an image: its size and its channels. `Images::rgb(64, 64)` has the shape `[3, 64, 64]`, `Images::grey(28, 28)`
/// has `[1, 28, 28]`; both are from 0 (black) to 1. Transparency is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Images {
    channels: usize,
    height: usize,
    width: usize,
    resize: Resize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resize {
    Stretch,
    Crop,
    Never,
}

impl Images {
    /// Red, green and blue; images of another size are stretched or shrunk.
    pub fn rgb(height: usize, width: usize) -> Self {
        Images { channels: 3, height, width, resize: Resize::Stretch }
    }

    /// Shades of grey; images of another size are stretched or shrunk.
    pub fn grey(height: usize, width: usize) -> Self {
        Images { channels: 1, ..Self::rgb(height, width) }
    }

    /// Keeps the proportions of images of another size: what is left over on two sides is cut off.
    #[must_use]
    pub fn cropped(mut self) -> Self {
        self.resize = Resize::Crop;
        self
    }

    /// Refuses images of another size.
    #[must_use]
    pub fn exact(mut self) -> Self {
        self.resize = Resize::Never;
        self
    }

    /// Decodes, and gives the numbers.
    fn read(self, path: &Path, values: &mut [f32]) -> Result<()> {
        let failed = |source| Error::File { path: path.display().to_string(), source };
        let bytes = fs::read(path).map_err(failed)?;
        let refuse = |found: String| wrong(path.display(), "a whole png or jpeg image", found);
        let format = match image::guess_format(&bytes) {
            Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) => format,
            _ => return Err(refuse(format!("{} bytes of something else", bytes.len()))),
        };
        // The decoders are content with some files that end too early.
        if !if format == ImageFormat::Png { png_ends(&bytes) } else { jpeg_ends(&bytes) } {
            return Err(refuse(format!("{} bytes, truncated", bytes.len())));
        }
        let image = ImageReader::with_format(Cursor::new(&bytes), format).decode();
        let image = self.resized(path, image.map_err(|e| refuse(e.to_string()))?)?;
        let (raw, channels) = match self.channels {
            1 => (image.into_luma8().into_raw(), 1),
            _ => (image.into_rgb8().into_raw(), 3),
        };
        for (channel, plane) in values.chunks_exact_mut(self.height * self.width).enumerate() {
            let bytes = raw.iter().skip(channel).step_by(channels);
            plane.iter_mut().zip(bytes).for_each(|(value, &byte)| *value = f32::from(byte) / 255.0);
        }
        Ok(())
    }

    fn resized(self, path: &Path, image: DynamicImage) -> Result<DynamicImage> {
        let (height, width) = (self.height as u32, self.width as u32);
        if (image.height(), image.width()) == (height, width) {
            return Ok(image);
        }
        match self.resize {
            Resize::Stretch => Ok(image.resize_exact(width, height, FilterType::Triangle)),
            Resize::Crop => Ok(image.resize_to_fill(width, height, FilterType::Triangle)),
            Resize::Never => {
                let found = format!("{} x {}", image.height(), image.width());
                Err(wrong(path.display(), format!("an image of {height} x {width} pixels"), found))
            }
        }
    }
}

/// A folder with a folder of images for each class, which are numbered in the order of their names. Folders within those are
/// searched, too; hidden files are left out. Each image is decoded when it is read.
///
/// ```no_run
/// # fn main() -> nn_runtime::Result<()> {
/// use nn_runtime::data::images::{Images, folder, folder_of};
///
/// // flowers/train/daisy/1.jpg, flowers/train/rose/1.png, …
/// let train = folder("flowers/train", Images::rgb(64, 64).cropped())?;
/// // The same classes under the same numbers, also where one of them has no folder.
/// let test = folder_of(&train.classes, "flowers/test", Images::rgb(64, 64).cropped())?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If a folder cannot be read, if there is no class, if a class has no images, or if there is something that is neither
/// png nor jpeg by its name.
pub fn folder(path: impl AsRef<Path>, images: Images) -> Result<Labelled> {
    let path = path.as_ref();
    let mut classes = Vec::new();
    for entry in entries(path)? {
        match entry.is_dir() {
            true => classes.push(file_name(&entry)),
            false => return Err(wrong(entry.display(), "a folder, for a class of images", "a file")),
        }
    }
    if classes.is_empty() {
        return Err(wrong(path.display(), "a folder for each class of images", "none"));
    }
    folder_of(&classes, path, images)
}

/// As [`folder`], of classes that are known: those of the training set. Each that has a folder has images in it.
///
/// # Errors
/// As [`folder`], and if there is a folder that is none of the classes, or no image at all.
pub fn folder_of(classes: &[String], path: impl AsRef<Path>, images: Images) -> Result<Labelled> {
    let path = path.as_ref();
    let (mut found, mut labels) = (Vec::new(), Vec::new());
    for entry in entries(path)? {
        let name = file_name(&entry);
        let Some(class) = classes.iter().position(|class| *class == name) else {
            return Err(wrong(entry.display(), format!("one of the classes `{}`", classes.join("`, `")), name));
        };
        let before = found.len();
        list(&entry, &mut found)?;
        if found.len() == before {
            return Err(wrong(entry.display(), "at least one png or jpeg image of this class", "none"));
        }
        labels.resize(found.len(), class as u32);
    }
    if found.is_empty() {
        return Err(wrong(path.display(), "a folder for each class of images", "none"));
    }
    Labelled::new(files(found, images)?, Samples::classes(classes.len(), &labels)?, classes.to_vec())
}

/// Image files, one for each sample; each is decoded when it is read.
///
/// # Errors
/// If a file is missing or empty, or if the size is 0.
pub fn files(paths: Vec<PathBuf>, images: Images) -> Result<Samples> {
    let size = [images.height, images.width];
    if size.iter().any(|&length| length == 0 || length > 1 << 16) {
        return Err(Error::Option(format!("images of {} x {} pixels: expected 1 to 65536", size[0], size[1])));
    }
    for path in &paths {
        let metadata = fs::metadata(path).map_err(|source| Error::File { path: path.display().to_string(), source })?;
        if metadata.len() == 0 {
            return Err(wrong(path.display(), "a png or jpeg image", "an empty file"));
        }
    }
    Ok(Samples::new(ImageFiles { paths, images, dims: [images.channels, images.height, images.width] }))
}

/// What lies in a folder and is not hidden, sorted by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |source| Error::File { path: folder.display().to_string(), source };
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if !file_name(&path).starts_with('.') {
            entries.push(path);
        }
    }
    entries.sort();
    Ok(entries)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Adds all images in a folder.
fn list(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for path in entries(folder)? {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if path.is_dir() {
            list(&path, found)?;
        } else if ["png", "jpg", "jpeg"].contains(&extension.as_str()) {
            found.push(path);
        } else {
            return Err(wrong(
                path.display(),
                "a file whose name ends with png, jpg or jpeg",
                format!("`{extension}`"),
            ));
        }
    }
    Ok(())
}

/// Whether a png file goes on to its last chunk.
fn png_ends(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(8..).unwrap_or_default();
    // Length, type, content, checksum.
    while let Some(([a, b, c, d, kind @ ..], after)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let Some(next) = after.get(length..).and_then(|next| next.get(4..)) else { return false };
        if kind == b"IEND" {
            return true;
        }
        rest = next;
    }
    false
}

/// Whether a jpeg file goes on to its last marker.
fn jpeg_ends(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        // The next marker: between segments it is here, in coded data somewhere behind. 0xff00 is coded data, too, and so are
        // restarts.
        let Some(found) = bytes
            .get(at..)
            .and_then(|rest| rest.windows(2).position(|w| w[0] == 0xff && !matches!(w[1], 0x00 | 0xd0..=0xd7 | 0xff)))
        else {
            return false;
        };
        at += found + 2;
        if bytes[at - 1] == 0xd9 {
            return true;
        }
        let Some(&[high, low]) = bytes.get(at..at + 2) else { return false };
        at += usize::from(u16::from_be_bytes([high, low]));
    }
}

/// Files, decoded when they are read.
#[derive(Debug)]
struct ImageFiles {
    paths: Vec<PathBuf>,
    images: Images,
    dims: [usize; 3],
}

impl Source for ImageFiles {
    fn name(&self) -> String {
        let folder = self.paths.first().and_then(|path| path.parent()?.parent());
        folder.map_or("no image files".into(), |folder| folder.display().to_string())
    }
    fn samples(&self) -> usize {
        self.paths.len()
    }
    fn dims(&self) -> &[usize] {
        &self.dims
    }
    fn place(&self, sample: usize) -> String {
        self.paths[sample].display().to_string()
    }
    fn read(&self, sample: usize, _: Draw, values: &mut [f32]) -> Result<()> {
        self.images.read(&self.paths[sample], values)
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;
    use crate::data::source::Kind;
    use crate::data::testing::{Folder, says};

    /// Two halves of these colours, 8 pixels high.
    fn encoded(format: ImageFormat, width: u32, colours: [[u8; 3]; 2]) -> Vec<u8> {
        let image = RgbImage::from_fn(width, 8, |x, _| Rgb(colours[usize::from(x >= width / 2)]));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    const RED_BLUE: [[u8; 3]; 2] = [[255, 0, 0], [0, 0, 255]];

    fn flowers(name: &str) -> Folder {
        let folder = Folder::new(name);
        folder.write("rose/b.png", &encoded(ImageFormat::Png, 8, RED_BLUE));
        folder.write("rose/more/a.JPG", &encoded(ImageFormat::Jpeg, 32, RED_BLUE));
        folder.write("daisy/1.jpeg", &encoded(ImageFormat::Jpeg, 8, [[255; 3]; 2]));
        folder.write("daisy/.hidden", b"whatever");
        folder
    }

    #[test]
    fn folders_are_classes_in_the_order_of_their_names() {
        let folder_ = flowers("classes");
        let set = folder(folder_.path(), Images::rgb(8, 8)).unwrap();
        assert_eq!((set.len(), &set.classes[..]), (3, &["daisy".to_owned(), "rose".to_owned()][..]));
        assert_eq!((set.images.dims(), set.labels.kind()), (&[3, 8, 8][..], Kind::Classes(2)));
        assert_eq!(set.labels.read_all().unwrap(), [0.0, 1.0, 1.0]);
        assert!(set.images.place(2).ends_with("a.JPG"), "{}", set.images.place(2));
        // Red left, blue right; a jpeg is nearly so.
        let png = set.images.read(1).unwrap();
        assert_eq!((png[0], png[7], png[64], png[128], png[128 + 7]), (1.0, 0.0, 0.0, 0.0, 1.0));
        let jpeg = set.images.read(2).unwrap();
        assert!(jpeg[0] > 0.9 && jpeg[7] < 0.1 && jpeg[128 + 7] > 0.9, "{jpeg:?}");
        let daisy = set.images.read(0).unwrap();
        assert!(daisy.iter().all(|&v| v > 0.98));
    }

    #[test]
    fn images_are_resized_cut_or_refused_and_turn_grey() {
        let folder_ = flowers("sizes");
        let wide = vec![folder_.path().join("rose/more/a.JPG")];
        let small = files(wide.clone(), Images::rgb(4, 4)).unwrap().read(0).unwrap();
        assert!(small[0] > 0.9 && small[3] < 0.1, "stretched: {small:?}");
        // The middle of the wide image: still red and blue.
        let middle = files(wide.clone(), Images::rgb(8, 8).cropped()).unwrap().read(0).unwrap();
        assert!(middle[0] > 0.9 && middle[7] < 0.1, "cut: {middle:?}");
        let grey = files(wide.clone(), Images::grey(8, 32)).unwrap();
        assert_eq!(grey.dims(), [1, 8, 32]);
        assert!((grey.read(0).unwrap()[0] - 0.2126).abs() < 0.02, "luminance of red: {}", grey.read(0).unwrap()[0]);
        let exact = files(wide, Images::rgb(8, 8).exact()).unwrap();
        says(exact.read(0), &["a.JPG: expected an image of 8 x 8 pixels, found 8 x 32"]);
        assert!(files(vec![], Images::rgb(0, 8)).is_err());
    }

    #[test]
    fn every_truncation_is_refused() {
        let folder = Folder::new("truncated");
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let bytes = encoded(format, 24, RED_BLUE);
            let read = |bytes: &[u8]| {
                let path = folder.write("image", bytes);
                files(vec![path], Images::rgb(8, 8)).and_then(|s| s.read(0))
            };
            for end in 0..bytes.len() {
                says(read(&bytes[..end]), &["image: expected a", "png or jpeg image, found"]);
            }
            read(&bytes).unwrap();
            // Some programs append to images.
            read(&[&bytes[..], b"more"].concat()).unwrap();
        }
    }

    #[test]
    fn mangled_images_are_never_a_panic() {
        let folder = Folder::new("mangled");
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let bytes = encoded(format, 8, RED_BLUE);
            for at in 0..bytes.len() {
                let mut mangled = bytes.clone();
                mangled[at] ^= 0x55;
                let _ = files(vec![folder.write("image", &mangled)], Images::rgb(4, 4)).unwrap().read(0);
            }
        }
    }

    #[test]
    fn what_is_no_folder_of_classes_is_refused() {
        let empty = Folder::new("no-classes");
        says(folder(empty.path(), Images::rgb(8, 8)), &["a folder for each class"]);
        says(folder(empty.path().join("none"), Images::rgb(8, 8)), &["none: "]);
        let loose = flowers("loose");
        loose.write("loose.png", b"");
        says(folder(loose.path(), Images::rgb(8, 8)), &["loose.png: expected a folder"]);
        let text = flowers("text");
        text.write("rose/notes.txt", b"red");
        says(folder(text.path(), Images::rgb(8, 8)), &["notes.txt: expected a file whose name ends with png"]);
        let hollow = flowers("hollow");
        hollow.write("tulip/.keep", b"");
        says(folder(hollow.path(), Images::rgb(8, 8)), &["tulip: expected at least one"]);
        let zero = flowers("zero");
        zero.write("rose/0.png", b"");
        says(folder(zero.path(), Images::rgb(8, 8)), &["0.png: expected a png or jpeg image, found an empty file"]);
    }

    #[test]
    fn known_classes_keep_their_numbers() {
        let folder_ = flowers("known");
        let classes = ["aster", "daisy", "rose"].map(str::to_owned);
        let set = folder_of(&classes, folder_.path(), Images::rgb(8, 8)).unwrap();
        assert_eq!((set.labels.read_all().unwrap(), set.labels.kind()), (vec![1.0, 2.0, 2.0], Kind::Classes(3)));
        says(
            folder_of(&classes[..2], folder_.path(), Images::rgb(8, 8)),
            &["rose: expected one of the classes `aster`, `daisy`"],
        );
    }
}
