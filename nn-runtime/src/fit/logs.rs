//! A line in a file for each epoch: CSV for spreadsheets, JSON for programs.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::Report;
use super::callback::{Callback, Control, Event};
use crate::checkpoint;
use crate::error::{Error, Result};
use crate::history::History;

/// Writes a table while `fit` runs, a line for each epoch as soon as it has ended: `nn::Fit::default().callback(nn::CsvLog::to("run.csv"))`.
///
/// The columns are `epoch`, `loss` and the metrics, the same with `val_` in front, `learning_rate` and `seconds`; what an epoch has no
/// number for is empty. A new run writes a new file; one that goes on from a checkpoint keeps the lines of the epochs that it does not
/// repeat, also if the process was killed in the middle of a line.
#[derive(Debug)]
pub struct CsvLog(Log);

/// Writes a JSON object in a line of its own for each epoch, while `fit` runs, with the keys that [`CsvLog`] has as columns. What an epoch
/// has no number for is left out, and what is no number is `null`.
#[derive(Debug)]
pub struct JsonLines(Log);

impl CsvLog {
    /// Into this file. Its folder must be there.
    pub fn to(path: impl Into<PathBuf>) -> Self {
        CsvLog(Log { path: path.into(), file: None })
    }
}

impl JsonLines {
    /// Into this file. Its folder must be there.
    pub fn to(path: impl Into<PathBuf>) -> Self {
        JsonLines(Log { path: path.into(), file: None })
    }
}

impl<R: Report> History<R> {
    /// The epochs as [`CsvLog`] writes them.
    ///
    /// # Errors
    /// If the file cannot be written. It is written whole or not at all.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let rows: Vec<Row> = self.rows().collect();
        let head = rows.first().map(Row::csv_head).unwrap_or_default();
        let lines = rows.iter().map(Row::csv);
        write(path.as_ref(), &std::iter::once(head).chain(lines).collect::<String>())
    }

    /// The epochs as [`JsonLines`] writes them.
    ///
    /// # Errors
    /// If the file cannot be written. It is written whole or not at all.
    pub fn write_json_lines(&self, path: impl AsRef<Path>) -> Result<()> {
        let lines: String = self.rows().map(|row| row.json()).collect();
        write(path.as_ref(), &lines)
    }

    fn rows(&self) -> impl Iterator<Item = Row> {
        let validates = self.epochs.iter().any(|epoch| epoch.validation.is_some());
        self.epochs.iter().map(move |epoch| {
            let train = epoch.train.scalars();
            let validation: Option<Vec<f64>> =
                epoch.validation.as_ref().map(|report| report.scalars().into_iter().map(|(_, value)| value).collect());
            let (names, train): (Vec<&'static str>, Vec<f64>) = train.into_iter().unzip();
            let rate = epoch.learning_rate;
            Row::new(epoch.number, &names, Some(&train), validates, validation.as_deref(), rate, epoch.seconds)
        })
    }
}

/// Writes a file whole or not at all.
fn write(path: &Path, text: &str) -> Result<()> {
    checkpoint::write(path, |writer| writer.write_all(text.as_bytes()))
}

/// An epoch's names and numbers, in order; `None` where there is none.
struct Row(Vec<(String, Option<f64>)>);

impl Row {
    fn new(
        epoch: usize,
        names: &[&str],
        train: Option<&[f64]>,
        validates: bool,
        validation: Option<&[f64]>,
        learning_rate: f32,
        seconds: f64,
    ) -> Self {
        let mut cells = vec![("epoch".to_owned(), Some(epoch as f64))];
        let value = |values: Option<&[f64]>, i: usize| values.and_then(|values| values.get(i)).copied();
        cells.extend(names.iter().enumerate().map(|(i, name)| ((*name).to_owned(), value(train, i))));
        if validates {
            cells.extend(names.iter().enumerate().map(|(i, name)| (format!("val_{name}"), value(validation, i))));
        }
        // As it is written: 0.1, and not what f64 makes of the nearest f32.
        let rate = learning_rate.to_string().parse().unwrap_or(f64::from(learning_rate));
        cells.extend([("learning_rate".to_owned(), Some(rate)), ("seconds".to_owned(), Some(seconds))]);
        Row(cells)
    }

    fn of(event: &Event<'_>) -> Self {
        let names: Vec<&str> = event.names().collect();
        let Event { epoch, train, validates, validation, learning_rate, seconds, .. } = *event;
        Row::new(epoch, &names, train.as_deref(), validates, validation.as_deref(), learning_rate, seconds)
    }

    /// The names, as a line.
    fn csv_head(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.join(",") + "\n"
    }

    fn csv(&self) -> String {
        let cells: Vec<String> =
            self.0.iter().map(|(_, value)| value.map_or(String::new(), |v| v.to_string())).collect();
        cells.join(",") + "\n"
    }

    fn json(&self) -> String {
        let number = |value: f64| if value.is_finite() { value.to_string() } else { "null".to_owned() };
        let pair = |(name, value): &(String, Option<f64>)| value.map(|value| format!("\"{name}\":{}", number(value)));
        let pairs: Vec<String> = self.0.iter().filter_map(pair).collect();
        format!("{{{}}}\n", pairs.join(","))
    }
}

/// A file that grows by lines.
#[derive(Debug)]
struct Log {
    path: PathBuf,
    /// Open during a run.
    file: Option<File>,
}

impl Log {
    fn failed(&self, source: std::io::Error) -> Error {
        Error::File { path: self.path.display().to_string(), source }
    }

    /// A run begins: of the lines that are there, those of earlier epochs stay if the run goes on. Where nothing has to stay, no disk is
    /// waited for.
    fn begin(&mut self, event: &Event<'_>, head: &str, epoch_of: fn(&str) -> Option<usize>) -> Result<()> {
        if !event.resumed {
            // A file that is cut to nothing is written to the disk when it is closed, by some file systems; a new one is not.
            if std::fs::symlink_metadata(&self.path).is_ok_and(|file| file.is_file()) {
                std::fs::remove_file(&self.path).map_err(|error| self.failed(error))?;
            }
            let begun = File::create(&self.path).and_then(|mut file| file.write_all(head.as_bytes()).map(|()| file));
            self.file = Some(begun.map_err(|error| self.failed(error))?);
            return Ok(());
        }
        let there = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(self.failed(error)),
        };
        let whole = there.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let kept = whole.filter(|line| epoch_of(line).is_some_and(|epoch| epoch <= event.ended));
        let text: String = std::iter::once(head).chain(kept).collect();
        write(&self.path, &text)?;
        let file = OpenOptions::new().append(true).open(&self.path);
        self.file = Some(file.map_err(|error| self.failed(error))?);
        Ok(())
    }

    /// One write for each line, so that whoever reads meanwhile sees whole ones.
    fn line(&mut self, line: &str) -> Result<()> {
        let written = self.file.as_mut().map_or(Ok(()), |file| file.write_all(line.as_bytes()));
        written.map_err(|error| self.failed(error))
    }
}

impl Callback for CsvLog {
    fn name(&self) -> &'static str {
        "csv log"
    }

    fn on_train_begin(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
        let epoch = |line: &str| line.split_once(',')?.0.parse().ok();
        self.0.begin(event, &Row::of(event).csv_head(), epoch)
    }

    fn on_epoch_end(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
        self.0.line(&Row::of(event).csv())
    }

    fn on_train_end(&mut self, _: &Event<'_>, _: &mut Control) -> Result<()> {
        self.0.file = None;
        Ok(())
    }
}

impl Callback for JsonLines {
    fn name(&self) -> &'static str {
        "json lines"
    }

    fn on_train_begin(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
        let epoch = |line: &str| line.strip_prefix("{\"epoch\":")?.split([',', '}']).next()?.parse().ok();
        self.0.begin(event, "", epoch)
    }

    fn on_epoch_end(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
        self.0.line(&Row::of(event).json())
    }

    fn on_train_end(&mut self, _: &Event<'_>, _: &mut Control) -> Result<()> {
        self.0.file = None;
        Ok(())
    }
}
