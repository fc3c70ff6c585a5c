//! The fixtures that `parity/make_fixtures.py` writes.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::{Dtype, SafeTensors};

/// A tensor: dimensions and numbers.
pub type Tensor = (Vec<usize>, Vec<f32>);

/// One file of fixtures.
#[derive(Debug)]
pub struct Fixture {
    cases: BTreeMap<String, Case>,
}

/// One case: its tensors by group (`data`, `before`, `gradient`, …) and name.
#[derive(Debug, Default)]
pub struct Case {
    groups: BTreeMap<String, BTreeMap<String, Tensor>>,
}

impl Fixture {
    /// Reads `parity/fixtures/<family>.safetensors`.
    pub fn read(family: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("parity/fixtures/{family}.safetensors"));
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let file = SafeTensors::deserialize(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut cases = BTreeMap::<String, Case>::new();
        for (key, tensor) in file.tensors() {
            assert_eq!(tensor.dtype(), Dtype::F32, "{key}");
            let values = tensor.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
            let (case, rest) = key.split_once('/').expect("keys begin with a case");
            let (group, name) = rest.split_once('/').unwrap_or((rest, ""));
            let group = cases.entry(case.into()).or_default().groups.entry(group.into()).or_default();
            group.insert(name.into(), (tensor.shape().to_vec(), values));
        }
        Fixture { cases }
    }

    /// The names of all cases.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.cases.keys().map(String::as_str)
    }

    /// The case of this name.
    pub fn case(&self, name: &str) -> &Case {
        self.cases.get(name).unwrap_or_else(|| panic!("no fixture for `{name}`"))
    }
}

impl Case {
    /// All tensors of a group, by name.
    pub fn group(&self, group: &str) -> &BTreeMap<String, Tensor> {
        self.groups.get(group).unwrap_or_else(|| panic!("the fixture has no `{group}`"))
    }

    /// The tensor of a group that has but one.
    pub fn only(&self, group: &str) -> &[f32] {
        &self.group(group)[""].1
    }
}
