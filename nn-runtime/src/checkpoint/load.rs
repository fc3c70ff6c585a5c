//! How tensors of a file become a network's weights: what users choose, and what came of it.

use std::fmt;

/// How to take weights from a file that was saved by another network, or by PyTorch: `net.load_with(path,
/// nn::Load::partial().rename("encoder", "stem"))`.
///
/// Names are paths, cut at dots. Tensors of F32, F16, BF16 and F64 become f32 (rounded to nearest); layouts are PyTorch's already.
/// Whatever does not fit is listed at once, and then the network is as it was.
#[must_use]
#[derive(Debug, Clone, Default)]
pub struct Load {
    pub(super) partial: bool,
    steps: Vec<Step>,
}

/// What happens to names of a file, one after another.
#[derive(Debug, Clone)]
enum Step {
    Rename(String, String),
    Skip(String),
}

impl Load {
    /// Every tensor of the network must be in the file and every tensor of the file in the network. The default; what
    /// `load` does.
    pub fn strict() -> Self {
        Load::default()
    }

    /// Tensors of the network that are not in the file stay as they are, and tensors of the file that are not in the network are
    /// left out. At least one must be in both. A tensor of another shape is an error all the same: [`skip`](Self::skip) it.
    pub fn partial() -> Self {
        Load { partial: true, ..Load::default() }
    }

    /// Tensors of the file below the path `from` (or of this name) are looked for below `to`: `rename("encoder", "stem")` reads
    /// `encoder.conv2d.weight` as `stem.conv2d.weight`, and `rename("module", "")` takes a first part away. Renamings are done in
    /// order, each on what the one before it made. One that fits no tensor is an error.
    pub fn rename(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.steps.push(Step::Rename(from.into(), to.into()));
        self
    }

    /// Leaves out tensors of the file below this path (or of this name), as the head of a network for other classes:
    /// `nn::Load::partial().skip("fc")`. One that fits no tensor is an error.
    pub fn skip(mut self, path: impl Into<String>) -> Self {
        self.steps.push(Step::Skip(path.into()));
        self
    }

    /// Whether names must be the same on both sides.
    pub(super) fn is_plain(&self) -> bool {
        !self.partial && self.steps.is_empty()
    }

    /// What each of the file's tensors is called in the network; `None` for those that are skipped. Says which steps fit nothing.
    pub(super) fn names<'f>(
        &self,
        file: impl Iterator<Item = &'f str>,
    ) -> (Vec<(&'f str, Option<String>)>, Vec<String>) {
        let mut names: Vec<(&str, Option<String>)> = file.map(|name| (name, Some(name.to_owned()))).collect();
        let mut idle = Vec::new();
        for step in &self.steps {
            let path = match step {
                Step::Rename(from, _) => from,
                Step::Skip(path) => path,
            };
            let mut fits = false;
            for (_, name) in &mut names {
                let Some(rest) = name.as_deref().and_then(|name| below(name, path)) else { continue };
                fits = true;
                *name = match step {
                    Step::Rename(_, to) => Some(joined(to, rest)),
                    Step::Skip(_) => None,
                };
            }
            if !fits {
                let what = if let Step::Rename(..) = step { "rename" } else { "skip" };
                idle.push(format!("{what}(\"{path}\"): the file has no tensor of this name or below this path"));
            }
        }
        (names, idle)
    }
}

/// What remains of a name behind a path, if it lies below it; the empty path is above everything.
fn below<'n>(name: &'n str, path: &str) -> Option<&'n str> {
    let path = path.strip_suffix('.').unwrap_or(path);
    if path.is_empty() {
        return Some(name);
    }
    let rest = name.strip_prefix(path)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
}

/// A path and what lies below it.
fn joined(path: &str, rest: &str) -> String {
    let path = path.strip_suffix('.').unwrap_or(path);
    match (path, rest) {
        ("", name) | (name, "") => name.to_owned(),
        _ => format!("{path}.{rest}"),
    }
}

/// What `load_with` has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// Tensors of the network that now have the file's numbers, by the network's names.
    pub loaded: Vec<String>,
    /// Tensors of the network that the file does not have: they stayed as they were.
    pub missing: Vec<String>,
    /// Tensors of the file that the network does not have, or that were skipped, by the file's names.
    pub unexpected: Vec<String>,
}

/// `12 tensors loaded; not in the file: head.dense.weight, head.dense.bias; not in the network: fc.weight, fc.bias`.
impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tensor{} loaded", self.loaded.len(), if self.loaded.len() == 1 { "" } else { "s" })?;
        for (what, names) in [("not in the file", &self.missing), ("not in the network", &self.unexpected)] {
            if !names.is_empty() {
                write!(f, "; {what}: {}", names.join(", "))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(load: &Load, file: &[&str]) -> Vec<Option<String>> {
        load.names(file.iter().copied()).0.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn renamings_act_on_whole_parts_of_a_path_in_order() {
        let load = Load::strict().rename("module.", "").rename("fc", "head.dense").rename("stem.bias", "b").skip("fc2");
        let renamed = names(&load, &["module.fc.weight", "fc2.weight", "stem.bias", "stem.bias2", "a.fc.weight"]);
        let expected = ["head.dense.weight", "", "b", "stem.bias2", "a.fc.weight"];
        assert_eq!(renamed, expected.map(|n| (!n.is_empty()).then(|| n.to_owned())));
        assert_eq!(names(&Load::strict().rename("", "net"), &["fc.weight"]), [Some("net.fc.weight".to_owned())]);
    }

    #[test]
    fn a_step_that_fits_nothing_says_so() {
        let (_, idle) =
            Load::partial().rename("encodr", "stem").skip("stem.weight").names(["encoder.weight"].into_iter());
        assert_eq!(idle.len(), 2);
        assert!(idle[0].contains("rename(\"encodr\")") && idle[1].contains("skip(\"stem.weight\")"), "{idle:?}");
    }
}
